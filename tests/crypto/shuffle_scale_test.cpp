#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <array>
#include <chrono>

#include "crypto/group/ristretto.h"
#include "crypto/shuffle/proof.h"
#include "crypto/threshold/decryption.h"

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

// Verifiers read lists in pieces. Two rows more than a piece: whatever is wrong in the last row of the first
// piece, in the first row of the second, or behind it, counts; also where a list was decoded by another
// verifier.
TEST(ShuffleScale, EveryRowOfEveryPieceCounts) {
  constexpr std::size_t kRows = kPieceRows + 2;
  SystemRng rng;
  const Digest256 fingerprint = sha256(bytes_of("pieces"));
  const G::SecretScalar x = G::SecretScalar::random(rng);
  const G::Point Y = G::mul_base(x);
  CiphertextList<G> list{1, {}};
  const Ciphertext<G> one = encrypt<G>(Y, G::Point::generator(), G::SecretScalar::random(rng));
  for (std::size_t i = 0; i < kRows; ++i) list.items.push_back(i == 0 ? one : list.items[i - 1] + one);
  const auto h = ShuffleGenerators<G>::derive("psephos-1/generator", fingerprint, kRows);
  const Transcript context({"psephos-1", fingerprint, kShuffleLabel, "mixer", 1});
  using E = ShuffleEquation;
  const G::Scalar unit = G::Scalar::from_u64(1);
  constexpr std::array kBorders{kPieceRows - 1, kPieceRows, kRows - 1};

  const auto mixed = shuffle<G>(Y, list, rng);
  const ShuffleStatement<G> statement{Y, list, mixed.output};
  Transcript prover = context;
  const auto proof = prove_shuffle(statement, mixed.witness, prover, h, rng);
  const Bytes input = encode_list(list), output = encode_list(mixed.output), bytes = encode_proof(proof);
  DecodedList<G> decoded;
  {
    Transcript t = context;
    ASSERT_TRUE(
        verify_shuffle_vartime(EncodedShuffle<G>{Y, 1, input, output, bytes, nullptr, &decoded}, t, h));
  }
  ASSERT_EQ(decoded.parts.size(), 4U);

  // Each equation alone, for challenges that stay as they are while one element changes.
  Transcript t = context;
  append_statement(t, statement, h);
  t.append_points("u", std::span<const G::Point>(proof.u));
  const auto e = t.challenge_vector<G>("e", kRows);
  shuffle_detail::append_commitments(t, proof);
  const auto v = t.challenge_scalar<G>("v");
  const auto weights = t.challenge_vector<G>("weights of this test", kRows);
  const auto failing = [&](ByteView w, ByteView w1, const ShuffleProof<G>& p) {
    const Bytes of_proof = encode_proof(p);
    const EncodedShuffle<G> encoded{Y, 1, w, w1, of_proof};
    const auto found = first_failing_equation_vartime<G>(encoded, h, e, v, weights);
    return found ? std::pair(found->equation, found->index) : std::pair(E::kNone, std::uint64_t{0});
  };
  using Found = std::pair<E, std::uint64_t>;
  EXPECT_EQ(failing(input, output, proof), Found(E::kNone, 0));
  const Bytes other = copy_of(G::Point::generator().encode());
  for (const std::size_t row : kBorders) {
    ShuffleProof<G> broken = proof;
    broken.k_B[row] = broken.k_B[row] + unit;
    EXPECT_EQ(failing(input, output, broken), Found(E::kB, row));
    broken = proof;
    broken.k_E[row] = broken.k_E[row] + unit;
    EXPECT_EQ(failing(input, output, broken), Found(E::kA, 0)) << row;
    broken = proof;
    broken.u[row] = broken.u[row] + G::Point::generator();
    EXPECT_EQ(failing(input, output, broken), Found(E::kA, 0)) << row;
    for (const std::size_t part : {0U, 1U}) {
      const auto equation = part == 0 ? E::kFAlpha : E::kFBeta;
      const auto at = static_cast<std::ptrdiff_t>(64 * row + 32 * part);
      Bytes changed = input;
      std::ranges::copy(other, changed.begin() + at);
      EXPECT_EQ(failing(changed, output, proof), Found(equation, 0)) << row;
      changed = output;
      std::ranges::copy(other, changed.begin() + at);
      EXPECT_EQ(failing(input, changed, proof), Found(equation, 0)) << row;
    }
  }
  ShuffleProof<G> exchanged = proof;  // e·u stays as it was, the sum of u does not
  const G::Point D = G::Point::generator();
  exchanged.u[0] = exchanged.u[0] + G::mul_vartime(e[kRows - 1], D);
  exchanged.u[kRows - 1] = exchanged.u[kRows - 1] - G::mul_vartime(e[0], D);
  EXPECT_EQ(failing(input, output, exchanged), Found(E::kC, 0));

  // Shares of the list that the mix's verifier has decoded, and their combination.
  auto shares = decryption_shares<G>(x, mixed.output.items);
  const Transcript trustee({"psephos-1", fingerprint, kDecryptionLabel, "trustee", 1});
  Transcript share_prover = trustee;
  const auto share_proof = prove_decryption_shares<G>({Y, mixed.output.items, shares}, x, share_prover, rng);
  const auto shares_hold = [&](const DecodedList<G>* from) {
    Transcript verifier = trustee;
    const Bytes encoded = encode_all(std::span<const G::Point>(shares));
    return verify_decryption_shares_vartime(EncodedDecryption<G>{Y, output, encoded, from}, share_proof,
                                            verifier)
        .has_value();
  };
  EXPECT_TRUE(shares_hold(nullptr));
  EXPECT_TRUE(shares_hold(&decoded));
  const std::vector<TrusteeShares<G>> given{{1, shares}};
  auto plaintexts = combine_vartime<G>(mixed.output.items, given, {1, 1}).value();
  const auto combined = [&] {
    Transcript auditor({"psephos-1", fingerprint, kCombinationLabel, "auditor", 0});
    return check_combination_vartime<G>(mixed.output.items, given, {1, 1}, plaintexts, auditor).has_value();
  };
  EXPECT_TRUE(combined());
  for (const std::size_t row : kBorders) {
    for (auto* const points : {&plaintexts, &shares}) {
      const G::Point right = (*points)[row];
      (*points)[row] = right + D;
      EXPECT_FALSE(combined()) << row;
      if (points == &shares) {
        EXPECT_FALSE(shares_hold(nullptr) || shares_hold(&decoded)) << row;
      }
      (*points)[row] = right;
    }
  }
}

}  // namespace
}  // namespace psephos
