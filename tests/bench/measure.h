#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

/// Timing on a machine that does other things as well: processor time where one thread works, many short
/// timings of libsodium's multiplication in between, medians.
namespace psephos::bench {

double wall_us();
/// Of all threads of this process.
double processor_us();

/// Processor time of one crypto_scalarmult_ristretto255 while `threads` threads do the same: what everything
/// is stated as a ratio to.
double scalarmult_us(unsigned threads);

/// Most and present resident memory of this process. `reset_peak_memory` makes the present the most so far;
/// false where the system cannot, and then the peak is that of the whole process.
std::uint64_t peak_memory_bytes();
std::uint64_t resident_memory_bytes();
bool reset_peak_memory();

enum class Clock : std::uint8_t { kProcessor, kWall };

/// One run of some work.
struct Run {
  double wall_us = 0, processor_us = 0;
  double scalarmult_us = 0;        ///< mean of a timing before and one after
  std::uint64_t memory_bytes = 0;  ///< what it needed at most, besides what was there before
};
/// Runs `work` with parallel_for limited to `threads` threads, and without limit afterwards.
Run run_once(const std::function<void()>& work, unsigned threads);

/// Of at least one value.
struct Statistic {
  double median = 0;
  double spread = 0;  ///< largest distance from the median, as a part of it
};
Statistic statistic(std::vector<double> values);

/// Several runs over a list of n items. Times are those of one item.
struct Measurement {
  std::size_t n = 0;
  std::size_t runs = 0;
  Statistic us{};                        ///< by the clock asked for
  Statistic ratio{};                     ///< run by run, to the scalarmults timed around it
  double processor_us = 0, wall_us = 0;  ///< medians
  double scalarmult_us = 0;
  std::uint64_t memory_bytes = 0;  ///< of the whole list
};

inline constexpr std::size_t kMostRuns = 9;

/// Repeats `work` over n items until `seconds` are over or kMostRuns are done; runs it once at least.
Measurement measure(const std::function<void()>& work, std::size_t n, Clock clock, unsigned threads,
                    double seconds);

/// Makes the work for a list of n items. Not timed, on all cores.
using Prepare = std::function<std::function<void()>(std::size_t n)>;
/// The same at the largest of 1,000, 10,000 … up to `max_items` items of which a third of `seconds` is
/// expected to suffice for one run, so that what is slow is measured on a shorter list, and not for longer.
Measurement measure_growing(const Prepare& prepare, std::size_t max_items, Clock clock, unsigned threads,
                            double seconds);

/// Keeps the optimiser from leaving out what computed `value`.
template <class T>
void keep(const T& value) {
  asm volatile("" : : "r"(&value) : "memory");
}

}  // namespace psephos::bench
