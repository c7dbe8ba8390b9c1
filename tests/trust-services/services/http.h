#pragma once
#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "crypto/bytes.h"

namespace psephos::trust {

/// A request as a service of the simulator sees it, without a socket.
struct HttpRequest {
  std::string method;        ///< "GET", "POST", …
  std::string target;        ///< path and query, e.g. "/mobile-id/authentication"
  std::string content_type;  ///< as sent; empty if the request has none
  Bytes body;
};

/// What a service answers.
struct HttpReply {
  unsigned status = 200;
  std::string content_type;
  Bytes body;
  std::chrono::milliseconds delay{0};  ///< the answer leaves so much later; no thread waits for it
  bool dropped = false;                ///< instead of an answer the connection is closed
};

inline HttpReply text_reply(unsigned status, std::string_view text) {
  return {.status = status, .content_type = "text/plain; charset=utf-8", .body = copy_of(bytes_of(text))};
}
/// `json`: serialized already.
inline HttpReply json_reply(unsigned status, std::string_view json) {
  return {.status = status, .content_type = "application/json", .body = copy_of(bytes_of(json))};
}

/// Thread-safe.
using HttpHandler = std::function<HttpReply(const HttpRequest&)>;

/// Services by the first part of their paths. Filled before the first request, then thread-safe.
class HttpRouter {
 public:
  /// Requests for `path` ("/ocsp") and for all below it go to `handler`.
  void add(std::string path, HttpHandler handler) { handlers_[std::move(path)] = std::move(handler); }
  /// 404 if no service has that path.
  HttpReply handle(const HttpRequest& request) const {
    const std::size_t end = request.target.find_first_of("/?", 1);
    const auto found = handlers_.find(request.target.substr(0, end));
    return found == handlers_.end() ? text_reply(404, "no such service\n") : found->second(request);
  }

 private:
  std::map<std::string, HttpHandler, std::less<>> handlers_;
};

}  // namespace psephos::trust
