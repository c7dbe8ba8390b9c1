#include "tests/bench/measure.h"

#include <malloc.h>
#include <sodium.h>
#include <sys/resource.h>
#include <time.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <fstream>
#include <string>
#include <thread>

#include "crypto/bytes.h"
#include "crypto/invariant.h"
#include "crypto/parallel.h"

namespace psephos::bench {

namespace {

double read_clock_us(clockid_t clock) {
  timespec t{};
  invariant(::clock_gettime(clock, &t) == 0, "the clock exists on Linux");
  return 1e6 * static_cast<double>(t.tv_sec) + 1e-3 * static_cast<double>(t.tv_nsec);
}

/// A line "VmHWM:  1234 kB" of /proc/self/status; 0 if there is none.
std::uint64_t status_bytes(const std::string& key) {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;)
    if (word == key) {
      std::uint64_t kilobytes = 0;
      status >> kilobytes;
      return 1024 * kilobytes;
    }
  return 0;
}

/// Every product is the next multiplicand, so that no call overlaps the next.
double scalarmult_on_this_thread_us() {
  constexpr int kCalls = 200;
  ByteArray<32> scalar{}, point{};
  crypto_core_ristretto255_random(point.data());
  crypto_core_ristretto255_scalar_random(scalar.data());
  const double before = read_clock_us(CLOCK_THREAD_CPUTIME_ID);
  for (int i = 0; i < kCalls; ++i)
    invariant(crypto_scalarmult_ristretto255(point.data(), scalar.data(), point.data()) == 0,
              "a random product is not the identity");
  return (read_clock_us(CLOCK_THREAD_CPUTIME_ID) - before) / kCalls;
}

}  // namespace

double wall_us() {
  return read_clock_us(CLOCK_MONOTONIC);
}
double processor_us() {
  return read_clock_us(CLOCK_PROCESS_CPUTIME_ID);
}

double scalarmult_us(unsigned threads) {
  std::vector<double> each(threads);
  {
    std::vector<std::jthread> others;
    for (unsigned t = 1; t < threads; ++t)
      others.emplace_back([&each, t] { each[t] = scalarmult_on_this_thread_us(); });
    each[0] = scalarmult_on_this_thread_us();
  }
  double sum = 0;
  for (const double us : each) sum += us;
  return sum / threads;
}

std::uint64_t peak_memory_bytes() {
  if (const std::uint64_t peak = status_bytes("VmHWM:"); peak != 0) return peak;
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return 1024 * static_cast<std::uint64_t>(usage.ru_maxrss);
}
std::uint64_t resident_memory_bytes() {
  return status_bytes("VmRSS:");
}
bool reset_peak_memory() {
  ::malloc_trim(0);  // what was freed is not in use
  std::ofstream file("/proc/self/clear_refs");
  file << "5" << std::flush;  // proc(5): resets VmHWM
  return file.good();
}

Run run_once(const std::function<void()>& work, unsigned threads) {
  set_parallelism(threads);
  reset_peak_memory();
  const std::uint64_t memory_before = resident_memory_bytes();
  Run run{.scalarmult_us = scalarmult_us(1) / 2};
  const double wall_before = wall_us(), processor_before = processor_us();
  work();
  run.wall_us = wall_us() - wall_before;
  run.processor_us = processor_us() - processor_before;
  const std::uint64_t peak = peak_memory_bytes();
  run.memory_bytes = peak - std::min(peak, memory_before);
  run.scalarmult_us += scalarmult_us(1) / 2;
  set_parallelism(kAllCores);
  return run;
}

Statistic statistic(std::vector<double> values) {
  invariant(!values.empty(), "there was a run");
  std::ranges::sort(values);
  const std::size_t n = values.size();
  const double median = (values[(n - 1) / 2] + values[n / 2]) / 2;
  return {median, std::max(values.back() - median, median - values.front()) / median};
}

namespace {

Measurement summary(const std::vector<Run>& runs, std::size_t n, Clock clock) {
  const auto items = static_cast<double>(n);
  std::vector<double> us, ratio, processor, wall, reference;
  Measurement m{.n = n, .runs = runs.size()};
  for (const Run& run : runs) {
    us.push_back((clock == Clock::kWall ? run.wall_us : run.processor_us) / items);
    ratio.push_back(us.back() / run.scalarmult_us);
    processor.push_back(run.processor_us / items);
    wall.push_back(run.wall_us / items);
    reference.push_back(run.scalarmult_us);
    m.memory_bytes = std::max(m.memory_bytes, run.memory_bytes);
  }
  m.us = statistic(us);
  m.ratio = statistic(ratio);
  m.processor_us = statistic(processor).median;
  m.wall_us = statistic(wall).median;
  m.scalarmult_us = statistic(reference).median;
  return m;
}

/// Further runs besides those given.
Measurement repeat(std::vector<Run> runs, const std::function<void()>& work, std::size_t n, Clock clock,
                   unsigned threads, double seconds) {
  double spent_us = 0;
  for (const Run& run : runs) spent_us += run.wall_us;
  while (runs.empty() || (runs.size() < kMostRuns && spent_us < 1e6 * seconds)) {
    runs.push_back(run_once(work, threads));
    spent_us += runs.back().wall_us;
  }
  return summary(runs, n, clock);
}

}  // namespace

Measurement measure(const std::function<void()>& work, std::size_t n, Clock clock, unsigned threads,
                    double seconds) {
  return repeat({}, work, n, clock, threads, seconds);
}

Measurement measure_growing(const Prepare& prepare, std::size_t max_items, Clock clock, unsigned threads,
                            double seconds) {
  std::size_t n = std::min<std::size_t>(1000, max_items);
  for (;;) {
    const std::function<void()> work = prepare(n);
    const Run first = run_once(work, threads);
    const std::size_t next = std::min(10 * n, max_items);
    // Processor time, so that the length does not depend on what else the machine does.
    const double expected_us =
        first.processor_us / threads * static_cast<double>(next) / static_cast<double>(n);
    if (next == n || expected_us > 1e6 * seconds / 3)
      return repeat({first}, work, n, clock, threads, seconds);
    n = next;
  }
}

}  // namespace psephos::bench
