#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <chrono>

#include "crypto/group/ristretto.h"
#include "crypto/shuffle/proof.h"

namespace psephos {
namespace {

using G = Ristretto;

double wall_s() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}
double cpu_s() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// A district of the size of Estonia's largest, in well under 30 s a step on two cores of 40 µs a
// multiplication. What is asserted is processor time, counted in multiplications timed in the same run, so
// that a busy machine does not matter: 30 s would be 50 a ciphertext.
TEST(ShuffleScale, ThirtyThousandRows) {
  constexpr std::size_t kRows = 30'000;
  constexpr double kLimit = 20;
  SystemRng rng;
  const Digest256 fingerprint = sha256(bytes_of("scale"));
  const G::Point Y = G::mul_base(G::SecretScalar::random(rng));
  CiphertextList<G> input{1, {}};
  const Ciphertext<G> one = encrypt<G>(Y, G::Point::generator(), G::SecretScalar::random(rng));
  for (std::size_t i = 0; i < kRows; ++i)
    input.items.push_back(i == 0 ? one : Ciphertext<G>{input.items[i - 1].alpha + one.alpha, one.beta});
  const Transcript context({"psephos-1", fingerprint, kShuffleLabel, "mixer", 1});

  const G::SecretScalar x = G::SecretScalar::random(rng);
  G::Point sink = Y;
  double cpu_before_s = cpu_s();
  for (int i = 0; i < 1000; ++i) sink = x * sink;
  const double one_s = (cpu_s() - cpu_before_s) / 1000;
  fmt::print("one multiplication: {:.1f} us\n", 1e6 * one_s);

  const auto timed = [&](std::string_view what, auto&& work) {
    const double wall_before_s = wall_s();
    cpu_before_s = cpu_s();
    auto out = work();
    const double a_ciphertext_s = (cpu_s() - cpu_before_s) / kRows;
    fmt::print("{:<20} {:6.2f} s, a ciphertext {:6.1f} us of processor time = {:5.2f} multiplications\n",
               what, wall_s() - wall_before_s, 1e6 * a_ciphertext_s, a_ciphertext_s / one_s);
    EXPECT_LT(a_ciphertext_s, kLimit * one_s) << what;
    return out;
  };
  const auto h = timed(
      "generators", [&] { return ShuffleGenerators<G>::derive("psephos-1/generator", fingerprint, kRows); });
  const auto mixed = timed("shuffle", [&] { return shuffle<G>(Y, input, rng); });
  const ShuffleStatement<G> statement{Y, input, mixed.output};
  const auto proof = timed("prove", [&] {
    Transcript t = context;
    return prove_shuffle(statement, mixed.witness, t, h, rng);
  });
  const Bytes bytes = timed("encode", [&] { return encode_proof(proof); });
  const auto decoded = timed("decode", [&] { return decode_proof<G>(bytes, kRows, 1); });
  ASSERT_TRUE(decoded);
  const auto verdict = timed("verify", [&] {
    Transcript t = context;
    return verify_shuffle_vartime(statement, *decoded, t, h);
  });
  EXPECT_TRUE(verdict);
  // The longest way to an answer: the last link is broken.
  ShuffleProof<G> broken = *decoded;
  broken.k_B[kRows - 1] = broken.k_B[0];
  const auto refusal = timed("refuse a broken link", [&] {
    Transcript t = context;
    return verify_shuffle_vartime(statement, broken, t, h);
  });
  ASSERT_FALSE(refusal);
  EXPECT_EQ(refusal.error(), (ShuffleRejection{Fault::kShuffleProofInvalid, ShuffleEquation::kB, kRows - 1}));
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  fmt::print("peak memory {} MiB\n", usage.ru_maxrss / 1024);
}

}  // namespace
}  // namespace psephos
