#pragma once
#include <algorithm>
#include <atomic>
#include <cstddef>
#include <thread>
#include <vector>

namespace psephos {

inline constexpr unsigned kAllCores = 0;

namespace detail {
inline std::atomic<unsigned> parallelism_limit{kAllCores};
}

/// How many threads parallel_for uses at most, the calling one included: as many as the machine has cores,
/// unless set_parallelism said otherwise.
inline unsigned parallelism() {
  const unsigned limit = detail::parallelism_limit.load(std::memory_order_relaxed);
  return limit != kAllCores ? limit : std::max(1U, std::thread::hardware_concurrency());
}

/// Lets parallel_for use at most `threads` threads from its next call on, in the whole process; kAllCores
/// takes the limit away. With 1, everything runs on the calling thread. Results never depend on it.
inline void set_parallelism(unsigned threads) {
  detail::parallelism_limit.store(threads, std::memory_order_relaxed);
}

/// Calls body(i) for all i below n, on parallelism() threads, in pieces of `piece` indices. Calls must not
/// depend on one another. What body writes must be per index, so that results do not depend on scheduling.
template <class Body>
void parallel_for(std::size_t n, std::size_t piece, Body&& body) {
  const std::size_t pieces = (n + piece - 1) / piece;
  const std::size_t workers = std::min<std::size_t>(pieces, parallelism());
  if (workers <= 1) {
    for (std::size_t i = 0; i < n; ++i) body(i);
    return;
  }
  std::atomic<std::size_t> next{0};
  const auto work = [&] {
    for (std::size_t p = next.fetch_add(1); p < pieces; p = next.fetch_add(1))
      for (std::size_t i = p * piece; i < std::min(n, (p + 1) * piece); ++i) body(i);
  };
  std::vector<std::jthread> threads;
  for (std::size_t t = 1; t < workers; ++t) threads.emplace_back(work);
  work();
}

}  // namespace psephos
