#pragma once
#include <algorithm>
#include <cstdint>
#include <limits>
#include <map>
#include <mutex>

#include "protocol/ballot.h"

namespace psephos::collector {

/// How often each voter may do something: `burst` times at once, and once more every `refill_s` seconds.
/// Memory: one row a voter who came, at most `max_rows`. Thread-safe.
class Allowance {
 public:
  /// For voters of the roll: as many rows as these are.
  Allowance(std::uint64_t burst, std::uint64_t refill_s)
      : Allowance(burst, refill_s, std::numeric_limits<std::size_t>::max()) {}
  /// For anybody. When there is no room, those who have their whole allowance again are forgotten; if that
  /// makes none, newcomers have none.
  Allowance(std::uint64_t burst, std::uint64_t refill_s, std::size_t max_rows)
      : burst_(burst), refill_s_(refill_s), max_rows_(max_rows) {}
  /// Uses one if there is one left.
  bool take(const Pseudonym& voter, std::uint64_t now_s) {
    const std::lock_guard lock(mutex_);
    if (rows_.size() >= max_rows_ && !rows_.contains(voter)) {
      if (now_s != swept_s_)  // once a second, since it looks at all
        std::erase_if(rows_, [&](const auto& row) {
          const auto& [left, since_s] = row.second;
          return now_s > since_s && left + (now_s - since_s) / refill_s_ >= burst_;
        });
      swept_s_ = now_s;
      if (rows_.size() >= max_rows_) return false;
    }
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
  const std::size_t max_rows_;
  std::mutex mutex_;
  std::uint64_t swept_s_ = 0;
  std::map<Pseudonym, std::pair<std::uint64_t, std::uint64_t>> rows_;  // what is left, and since when
};

}  // namespace psephos::collector
