#pragma once
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <string_view>

#include "tests/trust-services/services/http.h"

namespace psephos::trust {

/// What is wrong with an answer. `Kind` is the service's enum, whose kNone is an honest answer.
template <class Kind>
struct Fault {
  Kind kind = Kind::kNone;
  std::optional<std::int64_t> amount =
      {};  ///< seconds or milliseconds, if the kind has any; absent: its usual
  friend bool operator==(const Fault&, const Fault&) = default;
};

/// A fault as the control port and tests list it.
template <class Kind>
struct FaultName {
  Kind kind;
  std::string_view name;          ///< "wrong-nonce"
  std::int64_t usual_amount = 0;  ///< 0: the kind has none
  std::string_view unit = {};     ///< "s" or "ms"
};

template <class Kind>
std::optional<Kind> fault_named(std::span<const FaultName<Kind>> names, std::string_view name) {
  for (const auto& each : names)
    if (each.name == name) return each.kind;
  return std::nullopt;
}
template <class Kind>
const FaultName<Kind>& name_of(std::span<const FaultName<Kind>> names, Kind kind) {
  for (const auto& each : names)
    if (each.kind == kind) return each;
  return names.front();
}

/// The fault that a service is set to. Thread-safe.
template <class Kind>
class FaultSwitch {
 public:
  /// From the next request on, for so many requests, or until it is set again.
  void set(Fault<Kind> fault, std::optional<std::uint64_t> requests = {}) {
    const std::lock_guard lock(mutex_);
    fault_ = fault;
    left_ = requests;
  }
  /// What is wrong with the answer to the next request, which is hereby counted.
  Fault<Kind> next() {
    const std::lock_guard lock(mutex_);
    if (!left_) return fault_;
    if (*left_ == 0) return {};
    --*left_;
    return fault_;
  }
  /// What the next request would get; nothing is counted.
  Fault<Kind> now() const {
    const std::lock_guard lock(mutex_);
    return left_ && *left_ == 0 ? Fault<Kind>() : fault_;
  }

 private:
  mutable std::mutex mutex_;
  Fault<Kind> fault_;
  std::optional<std::uint64_t> left_;
};

/// An answer on its way: what the faults kSlow, kDown and kHttp500, which every service has, make of it.
template <class Kind>
HttpReply deliver(HttpReply reply, Kind kind, std::int64_t amount) {
  if (kind == Kind::kSlow) reply.delay = std::chrono::milliseconds(amount);
  if (kind == Kind::kDown) reply.dropped = true;
  if (kind == Kind::kHttp500) return text_reply(500, "a fault that was ordered\n");
  return reply;
}

}  // namespace psephos::trust
