#include <gtest/gtest.h>
#include <sodium.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include "crypto/elgamal.h"
#include "crypto/group/hash_to_group.h"
#include "crypto/group/kernels.h"
#include "crypto/group/ristretto.h"
#include "crypto/parallel.h"
#include "crypto/proof/dleq.h"
#include "crypto/proof/one_of_many.h"
#include "crypto/threshold/decryption.h"
#include "tests/ct/emulated_kernels.h"

/// Whether the time that operations take tells a fixed secret from random ones (A24): on the processor
/// itself, which may do what valgrind cannot see.
///
/// Source: Reparaz, Balasch & Verbauwhede, "Dude, is my code constant time?", DATE 2017: two classes of
/// secrets in random order, Welch's t over all times and over those below a percentile. |t| ≥ 4.5 has a
/// probability below 10^-5 where there is no difference. A machine that does other things at the same time
/// makes the times noisier, which hides leaks, and now and then something happens to one class more often
/// than to the other: so what must not leak fails if it is at 4.5 or above in three runs one after the other,
/// each with times of its own, and what was planted must be seen in each of three.
namespace psephos::ct {
namespace {

using G = Ristretto;
using Point = G::Point;
using Secret = G::SecretScalar;

constexpr double kThreshold = 4.5;
constexpr int kRuns = 3;

/// What is secret to an operation; it takes what it needs of it.
struct Inputs {
  static constexpr std::size_t kScalars = 64;
  std::vector<Secret> x = std::vector<Secret>(kScalars);
  std::size_t choice = 0;
  /// The first `scalars` of x, one by one: both classes are then in the same memory and as recently used.
  void take(const Inputs& other, std::size_t scalars) {
    for (std::size_t i = 0; i < scalars; ++i) x[i] = other.x[i].clone();
    choice = other.choice;
  }
};
constexpr std::size_t kChoices = 16;

struct Operation {
  std::string name;
  std::size_t samples;  ///< times measured in a run
  std::size_t scalars;  ///< how many of the secrets it uses
  std::function<void(const Inputs&)> run;
};

/// Mean and variance of one class (Welford, Technometrics 1962).
struct Moments {
  double n = 0, mean = 0, squares = 0;
  void add(double x) {
    n += 1;
    const double off = x - mean;
    mean += off / n;
    squares += off * (x - mean);
  }
  double variance() const { return squares / (n - 1); }
};
double welch_t(const std::array<Moments, 2>& m) {
  if (m[0].n < 2 || m[1].n < 2) return 0;
  const double spread = std::sqrt(m[0].variance() / m[0].n + m[1].variance() / m[1].n);
  return spread == 0 ? 0 : std::abs(m[0].mean - m[1].mean) / spread;
}

/// The largest |t| over all times and over the smallest half, three quarters, …
double run_once(const Operation& operation) {
  SystemRng rng;
  Inputs fixed, random, current;
  // A special value, on which code that skips work has the least to do.
  for (Secret& x : fixed.x) x = Secret::of(G::Scalar::from_u64(3));
  struct Sample {
    double time;
    std::size_t random;
  };
  std::vector<Sample> samples;
  const std::size_t warm_up = operation.samples / 20;
  for (std::size_t i = 0; i < operation.samples + warm_up; ++i) {
    for (std::size_t k = 0; k < operation.scalars; ++k) random.x[k] = Secret::random(rng);
    random.choice = randombytes_uniform(kChoices);
    const std::size_t which = randombytes_uniform(2);
    const std::array classes{&fixed, &random};
    current.take(*classes[which], operation.scalars);
    const auto begin = std::chrono::steady_clock::now();
    operation.run(current);
    const auto end = std::chrono::steady_clock::now();
    if (i >= warm_up)
      samples.push_back({std::chrono::duration<double, std::nano>(end - begin).count(), which});
  }
  std::ranges::sort(samples, {}, &Sample::time);
  double largest = 0;
  for (const double part : {1.0, 0.99, 0.95, 0.9, 0.75, 0.5}) {
    std::array<Moments, 2> moments{};
    // Whole groups of equal times: their order says nothing.
    std::size_t end = static_cast<std::size_t>(part * static_cast<double>(samples.size()));
    while (end < samples.size() && samples[end].time == samples[end - 1].time) ++end;
    for (std::size_t i = 0; i < end; ++i) moments[samples[i].random].add(samples[i].time);
    largest = std::max(largest, welch_t(moments));
  }
  return largest;
}

/// The |t| of runs one after the other, until one is below the threshold; at most three.
std::vector<double> runs(const std::string& path, const Operation& operation) {
  std::vector<double> out;
  while (out.size() < kRuns && (out.empty() || out.back() >= kThreshold)) out.push_back(run_once(operation));
  std::printf("%-14s %-34s %6zu times, |t|", path.c_str(), operation.name.c_str(), operation.samples);
  for (const double t : out) std::printf(" %6.2f", t);
  std::printf("\n");
  return out;
}
bool leaks(const std::vector<double>& t) {
  return t.back() >= kThreshold;
}

std::vector<Point> points(std::size_t n) {
  std::vector<Point> out;
  for (std::uint64_t i = 0; i < n; ++i) out.push_back(hash_to_group<G>("test", u64be(i)));
  return out;
}
Transcript transcript(std::string_view label) {
  return Transcript({"psephos-1", sha256(bytes_of("election")), label, "prover", 0});
}
/// So that no result is computed in vain and left out.
template <class T>
void keep(const T& value) {
  __asm__ volatile("" : : "r"(&value) : "memory");
}

class Timing : public testing::TestWithParam<const kernels::Kernels*> {
 protected:
  void SetUp() override {
    set_parallelism(1);
    use_kernels(*GetParam());
  }
  void TearDown() override { use_best_kernels(); }
  static void expect_no_leak(const Operation& operation) {
    EXPECT_FALSE(leaks(runs(std::string(kernel_name()), operation))) << operation.name;
  }
};
std::vector<const kernels::Kernels*> all_kernels() {
  std::vector<const kernels::Kernels*> out = {&kernels::portable()};
  if (kernels::ifma() != nullptr) out.push_back(kernels::ifma());
  return out;
}
INSTANTIATE_TEST_SUITE_P(On, Timing, testing::ValuesIn(all_kernels()), [](const auto& param) {
  return param.param == &kernels::portable() ? "portable" : "vector";
});

TEST_P(Timing, A24_Multiplications) {
  const auto P = points(64);
  const auto rows = G::points_of(P);
  const auto sixteen = G::points_of(std::span(P).first(16));
  expect_no_leak({"a product of scalars, 1000 times", 10'000, 2, [](const Inputs& in) {
                    Secret product = in.x[0].clone();
                    for (int i = 0; i < 1000; ++i) product = product * in.x[1];
                    keep(product);
                  }});
  expect_no_leak({"mul_base", 20'000, 1, [](const Inputs& in) { keep(G::mul_base(in.x[0])); }});
  expect_no_leak({"a product of one point", 10'000, 1, [&](const Inputs& in) { keep(in.x[0] * P[0]); }});
  expect_no_leak(
      {"mul_batch, 64 scalars", 5'000, 64, [&](const Inputs& in) { keep(G::mul_batch(in.x, P[0])); }});
  expect_no_leak(
      {"mul_each, 16 points", 5'000, 1, [&](const Inputs& in) { keep(G::mul_each(in.x[0], sixteen)); }});
  expect_no_leak(
      {"secret_msm, 64 terms", 5'000, 64, [&](const Inputs& in) { keep(G::secret_msm(in.x, rows)); }});
}

TEST_P(Timing, A24_Encryption) {
  const Point Y = points(1)[0];
  const auto table = points(kChoices);
  expect_no_leak({"encrypt one of 16 choices", 10'000, 1,
                  [&](const Inputs& in) { keep(encrypt<G>(Y, G::select(table, in.choice), in.x[0])); }});
}

// Nonces are random in both classes, so that what is public of a proof differs in both.
TEST_P(Timing, A24_Proofs) {
  SystemRng rng;
  const auto P = points(3);
  const Point& Y = P[0];
  const ChoiceTable<G> T(points(kChoices));
  const auto generators = DigitGenerators<G>::derive("test", sha256(bytes_of("election")), kChoices, Y);
  ASSERT_TRUE(generators.has_value());
  expect_no_leak({"one of 16: proof", 1'000, 1, [&](const Inputs& in) {
                    auto t = transcript(kOneOfManyLabel);
                    const OneOfManyStatement<G> statement{Y, P[1], P[2], T};
                    keep(prove_one_of_many(statement, in.choice, in.x[0], t, *generators, rng));
                  }});
  expect_no_leak({"equality of logarithms: proof", 5'000, 1, [&](const Inputs& in) {
                    auto t = transcript(kDleqLabel);
                    keep(prove_dleq<G>({P[0], P[1], P[2]}, in.x[0], t, rng));
                  }});
}

TEST_P(Timing, A24_DecryptionShares) {
  const auto P = points(32);
  std::vector<Ciphertext<G>> list;
  for (std::size_t i = 0; i < 16; ++i) list.push_back({P[i], P[16 + i]});
  expect_no_leak({"decryption shares, 16 ciphertexts", 3'000, 1,
                  [&](const Inputs& in) { keep(decryption_shares<G>(in.x[0], list)); }});
}

// The test of the test: a multiplication that leaves out additions of zero, and the same without that.
TEST(TimingOfPlantedLeaks, A24_LeakIsSeenAndItsTwinIsNot) {
  set_parallelism(1);
  const kernels::PlantedLeaks planted = kernels::portable_leaks();
  const Point P = points(1)[0];
  std::vector<kernels::Row> row(1);
  ASSERT_EQ(kernels::portable().decode(P.encode().data(), 1, row.data()), 1U);
  const auto multiply = [&](kernels::PlantedLeaks::Multiply with) {
    return [&row, with](const Inputs& in) {
      ByteArray<32> out{};
      with(row.data(), in.x[0].seal_bytes().expose().data(), 1, out.data());
      keep(out);
    };
  };
  EXPECT_FALSE(leaks(runs("planted", {"honest multiplication", 5'000, 1, multiply(planted.honest)})));
  const auto t = runs("planted", {"multiplication that skips zeros", 5'000, 1, multiply(planted.skip)});
  EXPECT_EQ(t.size(), kRuns);
  EXPECT_TRUE(leaks(t));
}

// And of the statistics: times that differ by half their spread, and times that do not.
TEST(TimingStatistics, A24_WelchTIsThatOfTheDefinition) {
  std::array<Moments, 2> m{};
  for (const double x : {1.0, 2.0, 3.0, 4.0}) m[0].add(x);
  for (const double x : {2.0, 4.0, 6.0}) m[1].add(x);
  // means 2.5 and 4, variances 5/3 and 4
  EXPECT_NEAR(welch_t(m), 1.5 / std::sqrt(5.0 / 12 + 4.0 / 3), 1e-12);
}

}  // namespace
}  // namespace psephos::ct
