#pragma once
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "crypto/bytes.h"
#include "protocol/rejection.h"

namespace psephos::collector {

struct Request {
  std::string method;
  std::string target;
  Bytes body;
};
struct Reply {
  int status = 200;
  std::string content_type = "application/octet-stream";
  Bytes body;
};

/// A function from requests to replies, which HttpServer carries: no sockets in here.
class RequestHandler {
 public:
  using Respond = std::move_only_function<void(Reply)>;
  virtual ~RequestHandler() = default;
  /// The most bytes of body that such a request may have; nullopt if there is no such request.
  virtual std::optional<std::size_t> body_limit(std::string_view method, std::string_view target) const = 0;
  /// Calls `respond` exactly once, from any thread.
  virtual void handle(Request request, Respond respond) = 0;
  /// The refusal of a request, e.g. one that the transport could not read.
  virtual Reply refuse(ByteView body, Reason reason) const = 0;
};

}  // namespace psephos::collector
