#include "crypto/parallel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mutex>
#include <numeric>
#include <set>
#include <thread>

namespace psephos {
namespace {

/// Every test leaves the process without a limit.
class Parallel : public testing::Test {
 protected:
  ~Parallel() override { set_parallelism(kAllCores); }

  /// Who ran the n calls of a parallel_for whose calls wait for one another as long as `together` of them can
  /// run at once.
  static std::set<std::thread::id> threads_of(std::size_t n, std::size_t together) {
    std::mutex mutex;
    std::set<std::thread::id> seen;
    parallel_for(n, 1, [&](std::size_t) {
      {
        const std::lock_guard lock(mutex);
        seen.insert(std::this_thread::get_id());
      }
      for (;;) {
        const std::lock_guard lock(mutex);
        if (seen.size() >= together) return;
      }
    });
    return seen;
  }
};

TEST_F(Parallel, OneThreadIsTheCallersOwn) {
  set_parallelism(1);
  EXPECT_EQ(parallelism(), 1U);
  EXPECT_THAT(threads_of(1000, 1), testing::ElementsAre(std::this_thread::get_id()));
}

TEST_F(Parallel, AsManyThreadsAsAllowedAndNoMore) {
  for (const unsigned limit : {2U, 3U, 7U}) {
    set_parallelism(limit);
    EXPECT_EQ(parallelism(), limit);
    EXPECT_EQ(threads_of(1000, limit).size(), limit);  // would wait for ever with fewer
  }
}

TEST_F(Parallel, NoMoreThreadsThanPieces) {
  set_parallelism(8);
  EXPECT_EQ(threads_of(2, 2).size(), 2U);
}

TEST_F(Parallel, TheLimitIsTakenAway) {
  const unsigned cores = parallelism();
  EXPECT_GE(cores, 1U);
  set_parallelism(cores + 3);
  EXPECT_EQ(parallelism(), cores + 3);
  set_parallelism(kAllCores);
  EXPECT_EQ(parallelism(), cores);
}

TEST_F(Parallel, EveryIndexOnceWhateverTheLimit) {
  for (const unsigned limit : {1U, 2U, 5U})
    for (const std::size_t n : {0U, 1U, 7U, 64U, 1001U})
      for (const std::size_t piece : {1U, 3U, 64U}) {
        set_parallelism(limit);
        std::vector<std::size_t> calls(n);
        parallel_for(n, piece, [&](std::size_t i) { ++calls[i]; });
        EXPECT_THAT(calls, testing::Each(1U))
            << limit << " threads, " << n << " indices, pieces of " << piece;
      }
}

}  // namespace
}  // namespace psephos
