#pragma once
#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>

namespace psephos {

/// How far a long computation is, on standard error. On a terminal a bar with percentage, rate and time left,
/// redrawn in place; elsewhere a line at most every 10 s. Work shorter than 2 s stays silent; longer work
/// ends with one line that says how long it took. `advance` may be called from any thread at any rate.
class Progress {
 public:
  /// `total` in `unit` ("ballots"); 0 if nobody knows it beforehand.
  Progress(std::string label, std::uint64_t total, std::string unit);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  void advance(std::uint64_t n = 1);
  /// For those who count themselves: `done` units are done.
  void at(std::uint64_t done);

 private:
  using Clock = std::chrono::steady_clock;
  void draw_if_due();
  void draw(Clock::time_point now);
  std::string line(double seconds, std::uint64_t done) const;

  const std::string label_;
  const std::uint64_t total_;
  const std::string unit_;
  const bool terminal_;
  const Clock::time_point start_ = Clock::now();
  std::atomic<std::uint64_t> done_{0};
  std::atomic<Clock::rep> next_draw_;
  std::mutex drawing_;
  bool drawn_ = false;
};

}  // namespace psephos
