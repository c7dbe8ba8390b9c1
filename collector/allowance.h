#pragma once
#include <algorithm>
#include <cstdint>
#include <map>
#include <mutex>

#include "protocol/ballot.h"

namespace psephos::collector {

/// How often each voter may do something: `burst` times at once, and once more every `refill_s` seconds.
/// Memory: one row a voter of the roll who came. Thread-safe.
class Allowance {
 public:
  Allowance(std::uint64_t burst, std::uint64_t refill_s) : burst_(burst), refill_s_(refill_s) {}
  /// Uses one if there is one left.
  bool take(const Pseudonym& voter, std::uint64_t now_s) {
    const std::lock_guard lock(mutex_);
    auto& [left, since_s] = rows_.try_emplace(voter, burst_, now_s).first->second;
    if (now_s > since_s) {
      const std::uint64_t more = (now_s - since_s) / refill_s_;
      left = std::min(burst_, left + more);
      since_s += more * refill_s_;
    }
    if (left == 0) return false;
    --left;
    return true;
  }

 private:
  const std::uint64_t burst_, refill_s_;
  std::mutex mutex_;
  std::map<Pseudonym, std::pair<std::uint64_t, std::uint64_t>> rows_;  // what is left, and since when
};

}  // namespace psephos::collector
