// Every key, message, nonce, challenge and response of the Sigma proofs over groups of order 7 and 13.
#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <map>
#include <utility>
#include <vector>

#include "crypto/group/tiny.h"
#include "crypto/proof/dleq.h"
#include "crypto/threshold/decryption.h"
#include "tests/crypto/sigma_fixture.h"

namespace psephos {
namespace {

using namespace sigma_test;

template <class G>
class SigmaExhaustive : public testing::Test {};
using TinyGroups = testing::Types<Tiny7, Tiny13>;
TYPED_TEST_SUITE(SigmaExhaustive, TinyGroups);

/// multiples[i] = i·G, so that an index is a logarithm.
template <Group G>
std::vector<typename G::Point> multiples() {
  std::vector<typename G::Point> out;
  for (std::uint32_t i = 0; i < G::kOrder; ++i) out.push_back(multiple<G>(i));
  return out;
}

// Completeness for every challenge, whatever the hash: the algebra alone.
TYPED_TEST(SigmaExhaustive, AnswersSatisfyTheEquationsForEveryChallenge) {
  using G = TypeParam;
  constexpr std::uint32_t q = G::kOrder;
  const auto mG = multiples<G>();
  for (std::uint32_t x = 0; x < q; ++x)
    for (std::uint32_t w = 0; w < q; ++w)
      for (std::uint32_t c = 0; c < q; ++c) {
        const auto s = respond<G>(secret<G>(w), scalar<G>(c), secret<G>(x));
        for (std::uint32_t h = 0; h < q; ++h) {
          const DleqStatement<G> statement{mG[x], mG[h], mG[h * x % q]};
          const DleqProof<G> dleq{scalar<G>(c), s};
          ASSERT_EQ(recompute_commitment_vartime(statement, dleq), dleq_commitment<G>(mG[h], secret<G>(w)));
        }
      }
}

// Special soundness: any two accepted answers to one commitment give the witness, s − s' = (c' − c)·x.
TYPED_TEST(SigmaExhaustive, TwoAnswersGiveTheWitness) {
  using G = TypeParam;
  using P = typename G::Point;
  constexpr std::uint32_t q = G::kOrder;
  const auto mG = multiples<G>();
  for (std::uint32_t x = 0; x < q; ++x)
    for (std::uint32_t h = 1; h < q; ++h) {
      const DleqStatement<G> statement{mG[x], mG[h], mG[h * x % q]};
      std::map<std::pair<P, P>, std::vector<DleqProof<G>>> accepted;
      for (std::uint32_t c = 0; c < q; ++c)
        for (std::uint32_t s = 0; s < q; ++s) {
          const DleqProof<G> proof{scalar<G>(c), scalar<G>(s)};
          const auto commitment = recompute_commitment_vartime(statement, proof);
          accepted[{commitment.U, commitment.V}].push_back(proof);
        }
      for (const auto& [commitment, answers] : accepted) {
        ASSERT_EQ(answers.size(), q);  // one for each challenge
        for (const auto& one : answers)
          for (const auto& two : answers) {
            if (one.c == two.c) {
              ASSERT_EQ(one.s, two.s);
              continue;
            }
            ASSERT_EQ((one.s - two.s) * (two.c - one.c).inverse_vartime(), scalar<G>(x));
          }
      }
    }
}

// A false statement has at most one answerable challenge for every commitment; a true one has all.
TYPED_TEST(SigmaExhaustive, FalseStatementHasAtMostOneChallenge) {
  using G = TypeParam;
  constexpr std::uint32_t q = G::kOrder;
  const auto mG = multiples<G>();
  for (std::uint32_t a = 0; a < q; ++a)
    for (std::uint32_t h = 0; h < q; ++h)
      for (std::uint32_t b = 0; b < q; ++b) {
        const DleqStatement<G> statement{mG[a], mG[h], mG[b]};
        std::map<std::pair<typename G::Point, typename G::Point>, std::uint32_t> challenges;  // bit set
        for (std::uint32_t c = 0; c < q; ++c)
          for (std::uint32_t s = 0; s < q; ++s) {
            const auto commitment =
                recompute_commitment_vartime(statement, DleqProof<G>{scalar<G>(c), scalar<G>(s)});
            challenges[{commitment.U, commitment.V}] |= 1U << c;
          }
        const bool is_true = h * a % q == b;
        for (const auto& [commitment, set] : challenges)
          ASSERT_EQ(std::popcount(set), is_true ? static_cast<int>(q) : 1) << a << ' ' << h << ' ' << b;
      }
}

// Zero knowledge: real and simulated conversations are equally often the same, to the last one.
TYPED_TEST(SigmaExhaustive, SimulationHasTheSameCounts) {
  using G = TypeParam;
  using P = typename G::Point;
  constexpr std::uint32_t q = G::kOrder;
  const auto mG = multiples<G>();
  for (std::uint32_t x = 0; x < q; ++x)
    for (std::uint32_t h = 0; h < q; ++h) {
      const DleqStatement<G> statement{mG[x], mG[h], mG[h * x % q]};
      std::map<std::array<std::uint32_t, 2>, std::map<std::pair<P, P>, std::uint32_t>> real;
      auto simulated = real;
      for (std::uint32_t c = 0; c < q; ++c) {
        for (std::uint32_t w = 0; w < q; ++w) {
          const auto commitment = dleq_commitment<G>(mG[h], secret<G>(w));
          const auto s = respond<G>(secret<G>(w), scalar<G>(c), secret<G>(x));
          ++real[{c, s.value()}][{commitment.U, commitment.V}];
        }
        for (std::uint32_t s = 0; s < q; ++s) {
          const auto commitment =
              recompute_commitment_vartime(statement, DleqProof<G>{scalar<G>(c), scalar<G>(s)});
          ++simulated[{c, s}][{commitment.U, commitment.V}];
        }
      }
      ASSERT_EQ(real, simulated);
    }
}

TYPED_TEST(SigmaExhaustive, DleqIsComplete) {
  using G = TypeParam;
  constexpr std::uint32_t q = G::kOrder;
  const auto mG = multiples<G>();
  for (std::uint32_t x = 1; x < q; ++x)
    for (std::uint32_t h = 1; h < q; ++h)
      for (std::uint32_t w = 0; w < q; ++w) {
        const DleqStatement<G> statement{mG[x], mG[h], mG[h * x % q]};
        Transcript prover = transcript_for(kDleqLabel);
        const auto proof = prove_dleq_with_nonce(statement, secret<G>(x), secret<G>(w), prover);
        Transcript verifier = transcript_for(kDleqLabel);
        ASSERT_TRUE(verify_dleq_vartime(statement, proof, verifier).has_value());
      }
}

TYPED_TEST(SigmaExhaustive, BatchedDleqIsComplete) {
  using G = TypeParam;
  constexpr std::uint32_t q = G::kOrder;
  const auto mG = multiples<G>();
  for (std::uint32_t x = 1; x < q; ++x)
    for (std::uint32_t i = 1; i < q; ++i)
      for (std::uint32_t k = 1; k < q; ++k)
        for (std::uint32_t w = 0; w < q; ++w) {
          const std::array inputs{mG[i], mG[k]};
          const std::array outputs{mG[i * x % q], mG[k * x % q]};
          const BatchedDleqStatement<G> statement{mG[x], inputs, outputs};
          Transcript prover = transcript_for(kBatchedDleqLabel);
          const auto proof = prove_batched_dleq_with_nonce(statement, secret<G>(x), secret<G>(w), prover);
          Transcript verifier = transcript_for(kBatchedDleqLabel);
          ASSERT_TRUE(verify_batched_dleq_vartime(statement, proof, verifier).has_value());
        }
}

// Batching: of all q^2 weight vectors for two outputs, one false at least, exactly q make the composites
// true.
TYPED_TEST(SigmaExhaustive, FalseOutputsSurviveOneInQWeights) {
  using G = TypeParam;
  constexpr std::uint32_t q = G::kOrder;
  const auto mG = multiples<G>();
  const std::uint32_t x = 3;
  for (std::uint32_t i = 1; i < q; i += 2)
    for (std::uint32_t b = 0; b < q; ++b)
      for (std::uint32_t d = 0; d < q; ++d) {
        const std::array inputs{mG[i], mG[2]};
        const std::array outputs{mG[b], mG[d]};
        const bool is_true = b == i * x % q && d == 2 * x % q;
        std::uint32_t survivors = 0;
        for (std::uint32_t w0 = 0; w0 < q; ++w0)
          for (std::uint32_t w1 = 0; w1 < q; ++w1) {
            const std::array weights{scalar<G>(w0), scalar<G>(w1)};
            const auto composite =
                composite_vartime<G>({mG[x], inputs, outputs}, std::span<const typename G::Scalar>(weights));
            survivors += G::mul_vartime(scalar<G>(x), composite.H) == composite.B ? 1U : 0U;
          }
        ASSERT_EQ(survivors, is_true ? q * q : q);
      }
}

// Every polynomial of degree 1, message and randomness: all three quorums of 2 of 3 decrypt.
TYPED_TEST(SigmaExhaustive, EveryKeyMessageAndQuorumDecrypts) {
  using G = TypeParam;
  constexpr std::uint32_t q = G::kOrder;
  const auto mG = multiples<G>();
  for (std::uint32_t f0 = 0; f0 < q; ++f0)
    for (std::uint32_t f1 = 0; f1 < q; ++f1) {
      std::vector<Ciphertext<G>> list;
      std::vector<typename G::Point> messages;
      for (std::uint32_t m = 0; m < q; ++m)
        for (std::uint32_t r = 0; r < q; ++r) {
          messages.push_back(mG[m]);
          list.push_back(encrypt<G>(mG[f0], mG[m], secret<G>(r)));
        }
      const std::span<const Ciphertext<G>> ciphertexts = list;
      std::vector<std::vector<typename G::Point>> shares;
      for (std::uint32_t j = 1; j <= 3; ++j)
        shares.push_back(decryption_shares<G>(secret<G>(f0 + f1 * j), ciphertexts));
      for (std::uint32_t a = 1; a <= 3; ++a)
        for (std::uint32_t b = 1; b <= 3; ++b) {
          if (a == b) continue;
          const std::array<TrusteeShares<G>, 2> given{{{a, shares[a - 1]}, {b, shares[b - 1]}}};
          ASSERT_EQ(combine_vartime<G>(ciphertexts, given, Quorum{2, 3}).value(), messages);
        }
    }
}

// All subsets of five indices of every size give f(0) for every polynomial of degree below the size.
TEST(LagrangeExhaustive, EveryQuorumOfFive) {
  using G = Tiny7;
  constexpr std::uint32_t q = G::kOrder;
  for (std::uint32_t subset = 1; subset < 32; ++subset) {
    std::vector<std::uint32_t> indices;
    for (std::uint32_t j = 1; j <= 5; ++j)
      if ((subset >> (j - 1) & 1) != 0) indices.push_back(j);
    const auto lambda = lagrange_at_zero<G>(indices);
    std::uint32_t polynomials = 1;
    for (std::size_t k = 0; k < indices.size(); ++k) polynomials *= q;
    for (std::uint32_t f = 0; f < polynomials; ++f) {
      G::Scalar sum;
      for (std::size_t j = 0; j < indices.size(); ++j) {
        G::Scalar value;
        G::Scalar power = scalar<G>(1);
        for (std::uint32_t rest = f, k = 0; k < indices.size(); ++k, rest /= q) {
          value = value + scalar<G>(rest % q) * power;
          power = power * scalar<G>(indices[j]);
        }
        sum = sum + lambda[j] * value;
      }
      ASSERT_EQ(sum, scalar<G>(f % q));
    }
  }
}

}  // namespace
}  // namespace psephos
