#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "collector/request_handler.h"

namespace psephos::collector {

/// HTTPS, TLS 1.3 only, in front of a RequestHandler: bounded connections, header and body sizes and times.
class HttpServer {
 public:
  struct Settings {
    std::string address = "127.0.0.1";
    std::uint16_t port = 0;  ///< 0: any free one
    std::size_t threads = 2;
    std::size_t max_connections = 2048;
    std::size_t max_connections_per_address = 1024;
    std::chrono::seconds idle{30};     ///< waiting for a request on an open connection
    std::chrono::seconds receive{10};  ///< for the whole of a request, from its first byte
    std::chrono::seconds send{10};
  };
  /// Listens. The server outlives the handler's last answer: stop() it, then stop the handler, then let it
  /// go.
  /// @return kFileUnreadable with the system's words if the address cannot be had or the key does not fit the
  /// certificate.
  static Result<std::unique_ptr<HttpServer>, Rejection> listen(RequestHandler& handler,
                                                               ByteView certificate_der,
                                                               std::span<const std::uint8_t> key_der,
                                                               const Settings& settings);
  ~HttpServer();
  std::uint16_t port() const;
  /// Accepts no more, lets requests at hand be answered for at most `grace`, then closes everything.
  void stop(std::chrono::seconds grace);

 private:
  struct State;
  explicit HttpServer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace psephos::collector
