#pragma once
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "crypto/bytes.h"
#include "crypto/hash.h"
#include "crypto/result.h"
#include "protocol/rejection.h"

namespace psephos::collector {

struct HttpAnswer {
  int status = 0;
  std::string content_type;  ///< empty if the server names none
  Bytes body;
};

/// Whom an https:// address is believed to be. With a pin, exactly that certificate, whoever issued it and
/// for whatever name; otherwise a chain to `ca_file` for the host's name; with neither, a chain to the
/// system's authorities.
struct HttpTrust {
  std::string ca_file;                          ///< PEM
  std::optional<Digest256> certificate_sha256;  ///< of the server's certificate in DER
};

/// One server, asked over HTTP/1.1 on one connection that is kept open. Blocking; for one thread. Never
/// follows a redirect: what the server says is the answer.
class HttpClient {
 public:
  static constexpr std::size_t kMaxBodyBytes = std::size_t{1} << 20;

  /// `url`: http://HOST[:PORT][/PATH] or https://…, without query, fragment or user. Nothing is sent yet.
  /// @return kUsage for another address; kFileUnreadable if the CA file cannot be used.
  static Result<std::unique_ptr<HttpClient>, Rejection> of(const std::string& url, const HttpTrust& trust);
  ~HttpClient();

  /// Sends one request to the address followed by `path`, which is empty or visible ASCII. A connection that
  /// the server closed meanwhile is replaced before anything is sent, so no request is sent twice. `timeout`
  /// bounds connecting, sending and receiving together, but not the system's look-up of the host's name.
  /// @return kServiceUnavailable, with the cause as object, if no whole answer of at most kMaxBodyBytes came
  /// in time from whom it should; any status is an answer.
  Result<HttpAnswer, Rejection> exchange(std::string_view method, std::string_view path,
                                         std::string_view content_type, ByteView body,
                                         std::chrono::milliseconds timeout);

 private:
  struct State;
  explicit HttpClient(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace psephos::collector
