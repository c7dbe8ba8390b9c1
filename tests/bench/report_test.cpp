#include "tests/bench/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "crypto/parallel.h"
#include "tests/bench/cost_curves.h"

namespace psephos::bench {
namespace {

Measurement measured(double us, double scalarmults, std::size_t n = 1000) {
  return {
      .n = n, .runs = 3, .us = {us, 0.01}, .ratio = {scalarmults, 0.01}, .scalarmult_us = us / scalarmults};
}

TEST(BenchReport, TheStricterOfTimeAndRatioIsTheGoal) {
  EXPECT_DOUBLE_EQ(Goal(2.3, 1.0 / 17).scalarmults, 1.0 / 17);    // 2.3 / 38 is more
  EXPECT_DOUBLE_EQ(Goal(0.40, 1.0 / 90).scalarmults, 0.40 / 38);  // 1 / 90 is more
  EXPECT_DOUBLE_EQ(Goal(19).scalarmults, 0.5);
}

TEST(BenchReport, TheRatioDecides) {
  const Goal goal(19);  // half a scalarmult
  const auto verdict = [&](double ratio) {
    return row_of("id", "name", "item", measured(1, ratio), 1, &goal).met();
  };
  EXPECT_EQ(verdict(0.5), true);
  EXPECT_EQ(verdict(0.501), false);
  EXPECT_EQ(verdict(50), false);
  EXPECT_EQ(row_of("id", "name", "item", measured(1, 0.001), 1, nullptr).met(), std::nullopt);
}

TEST(BenchReport, PathsHaveTheirGoals) {
  EXPECT_EQ(kVerifyShuffle.of(KernelPath::kVector).us, 6);
  EXPECT_EQ(kVerifyShuffle.of(KernelPath::kPortable).us, 42);
}

TEST(BenchReport, MedianAndSpread) {
  EXPECT_DOUBLE_EQ(statistic({3, 1, 2}).median, 2);
  EXPECT_DOUBLE_EQ(statistic({3, 1, 2}).spread, 0.5);
  EXPECT_DOUBLE_EQ(statistic({4, 1, 2, 8}).median, 3);
  EXPECT_DOUBLE_EQ(statistic({4, 1, 2, 8}).spread, 5.0 / 3);
  EXPECT_DOUBLE_EQ(statistic({7}).spread, 0);
}

TEST(BenchReport, NumbersForPeople) {
  EXPECT_EQ(thousands(999), "999");
  EXPECT_EQ(thousands(1000), "1,000");
  EXPECT_EQ(thousands(1'234'567), "1,234,567");
  EXPECT_EQ(three_digits(0.4023), "0.402");
  EXPECT_EQ(three_digits(0.04023), "0.0402");
  EXPECT_EQ(three_digits(38.14), "38.1");
  EXPECT_EQ(three_digits(1534), "1534");
  EXPECT_EQ(in_scalarmults(1.0 / 95), "÷ 95.0");
  EXPECT_EQ(in_scalarmults(1.1), "× 1.10");
  EXPECT_EQ(duration(0.4), "400 ns");
  EXPECT_EQ(duration(38), "38.0 µs");
  EXPECT_EQ(duration(1530), "1.53 ms");
  EXPECT_EQ(duration(12e6), "12.0 s");
}

TEST(BenchReport, CurveSizes) {
  using testing::ElementsAre;
  EXPECT_THAT(curve_sizes(100'000), ElementsAre(1000, 3000, 10'000, 30'000, 100'000));
  EXPECT_THAT(curve_sizes(20'000), ElementsAre(1000, 3000, 10'000, 20'000));
  EXPECT_THAT(curve_sizes(1000), ElementsAre(100, 300, 1000));
  EXPECT_THAT(curve_sizes(60), ElementsAre(10, 30, 60));
  EXPECT_THAT(curve_sizes(1), ElementsAre(1));
}

/// Cost of a ciphertext by length of the list.
Row linearity(const std::vector<std::pair<std::size_t, double>>& ratios) {
  CostCurve curve{"curve-x", "x", &kVerifyShuffle, {}};
  for (const auto& [n, ratio] : ratios) curve.points.push_back(measured(40 * ratio, ratio, n));
  return rows_of({curve}).back();
}

TEST(BenchReport, LinearFromTenThousandOn) {
  const Row linear = linearity({{1000, 9}, {10'000, 1.0}, {30'000, 1.19}, {100'000, 1.1}});
  EXPECT_EQ(linear.id, "linear-x");
  EXPECT_DOUBLE_EQ(*linear.value, 1.19);
  EXPECT_EQ(linear.met(), true);
  EXPECT_EQ(linearity({{10'000, 1.0}, {30'000, 1.21}}).met(), false);
  EXPECT_EQ(linearity({{10'000, 1.21}, {30'000, 1.0}}).met(), false);
  // One point says nothing.
  EXPECT_EQ(linearity({{1000, 1}, {3000, 5}, {10'000, 1}}).value, std::nullopt);
  EXPECT_EQ(linearity({{1000, 1}, {3000, 5}, {10'000, 1}}).met(), std::nullopt);
}

TEST(BenchMeasure, GrowsWhileARunIsShort) {
  std::vector<std::size_t> prepared;
  const auto prepare = [&](std::chrono::microseconds an_item) {
    return [&prepared, an_item](std::size_t n) {
      prepared.push_back(n);
      return [work_us = static_cast<double>(an_item.count()) * static_cast<double>(n)] {
        for (const double end = processor_us() + work_us; processor_us() < end;) continue;
      };
    };
  };
  using namespace std::chrono_literals;
  EXPECT_EQ(measure_growing(prepare(0us), 30'000, Clock::kWall, 1, 30).n, 30'000U);
  EXPECT_THAT(prepared, testing::ElementsAre(1000, 10'000, 30'000));
  prepared.clear();
  // 50 ms for the first list; ten times as much is more than a third of a second.
  const Measurement slow = measure_growing(prepare(50us), 30'000, Clock::kWall, 1, 1);
  EXPECT_THAT(prepared, testing::ElementsAre(1000));
  EXPECT_GE(slow.us.median, 50);
  EXPECT_GE(slow.runs, 1U);
  EXPECT_LE(slow.runs, kMostRuns);
}

TEST(BenchMeasure, RunsOnTheThreadsAllowedAndLeavesNoLimit) {
  const unsigned cores = parallelism();
  unsigned seen = 0;
  run_once([&] { seen = parallelism(); }, 1);
  EXPECT_EQ(seen, 1U);
  EXPECT_EQ(parallelism(), cores);
}

TEST(BenchMeasure, MemoryOfTheWork) {
  constexpr std::size_t kBytes = 64 << 20;
  const bench::Run run = run_once(
      [] {
        const std::vector<char> memory(kBytes, 1);
        keep(memory);
      },
      1);
  EXPECT_GT(run.memory_bytes, kBytes / 16 * 15);  // the system counts in batches of pages
  EXPECT_LT(run.memory_bytes, 2 * kBytes);
}

}  // namespace
}  // namespace psephos::bench
