#pragma once
#include <chrono>
#include <string>

#include "crypto/bytes.h"
#include "protocol/rejection.h"

namespace psephos::collector {

struct WitnessReply {
  int status = 0;
  std::string body;
};

/// The way to one witness: POST of a tlog-witness request. Used by one thread at a time.
class WitnessTransport {
 public:
  virtual ~WitnessTransport() = default;
  /// @return kServiceUnavailable if there was no answer in time.
  virtual Result<WitnessReply, Rejection> add_checkpoint(const std::string& body,
                                                         std::chrono::milliseconds timeout) = 0;
};

}  // namespace psephos::collector
