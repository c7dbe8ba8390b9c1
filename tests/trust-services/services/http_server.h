#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "crypto/result.h"
#include "tests/trust-services/services/http.h"

namespace psephos::trust {

/// HTTP/1.1 with keep-alive, without TLS, in front of a handler.
class HttpServer {
 public:
  struct Settings {
    std::string address = "127.0.0.1";
    std::uint16_t port = 0;  ///< 0: any free one
    std::size_t threads = 2;
    std::chrono::seconds idle{60};  ///< for a request to arrive whole on an open connection
  };
  static constexpr std::size_t kMaxHeaderBytes = 16384;
  static constexpr std::size_t kMaxBodyBytes = 65536;

  /// Listens; threads call `handler`. The error holds the system's words if the address cannot be had.
  static Result<std::unique_ptr<HttpServer>, std::string> listen(HttpHandler handler,
                                                                 const Settings& settings);
  /// Closes everything, and waits for the calls of the handler.
  ~HttpServer();
  std::uint16_t port() const;

 private:
  struct State;
  explicit HttpServer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace psephos::trust
