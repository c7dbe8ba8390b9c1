#pragma once
#include <string>
#include <string_view>

#include "crypto/bytes.h"
#include "protocol/rejection.h"

namespace psephos {

struct HttpReply {
  unsigned status = 0;
  Bytes body;
};

/// The way to the collector: one request, one answer. For one thread.
class Transport {
 public:
  virtual ~Transport() = default;
  /// Sends the request once more only if the connection, kept from an earlier request, turns out to be
  /// closed. @return SERVICE_UNAVAILABLE if no answer came, with the system's words; TLS_PIN_MISMATCH, and
  /// then nothing was sent; WIRE_LIMIT for an answer of more than `max_bytes`.
  virtual Result<HttpReply, Rejection> exchange(std::string_view method, const std::string& target,
                                                ByteView body, std::size_t max_bytes) = 0;
};

}  // namespace psephos
