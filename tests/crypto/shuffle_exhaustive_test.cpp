#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>
#include <string>

#include "crypto/group/tiny.h"
#include "crypto/shuffle/proof.h"
#include "tests/adversary/lying_transcript.h"
#include "tests/adversary/shuffle_forger.h"
#include "tests/crypto/shuffle_fixture.h"

// The proof of shuffle over groups so small that every permutation, challenge and nonce can be tried. There
// challenges collide and commitments are the identity now and then, which is refused as degenerate: such
// outcomes are counted apart.

namespace psephos {
namespace {

using adversary::finish_forged_proof;
using adversary::ForcedTranscript;
using adversary::ForgedShuffle;
using adversary::ShuffleOpening;
using shuffle_test::group_transcript;
using shuffle_test::kTag;
using sigma_test::multiple;
using sigma_test::scalar;
using sigma_test::secret;
using sigma_test::SeededRng;

constexpr std::uint64_t kKey = 3;  // Y = 3·G

/// N generators that are neither the identity nor G nor Y.
template <Group T>
std::vector<typename T::Point> tiny_generators(std::size_t N) {
  std::vector<typename T::Point> h;
  for (std::uint64_t log = 2; h.size() < N; ++log)
    if (log != kKey) h.push_back(multiple<T>(log));
  return h;
}

std::vector<std::vector<std::uint32_t>> all_permutations(std::uint32_t n) {
  std::vector<std::uint32_t> p(n);
  std::iota(p.begin(), p.end(), 0U);
  std::vector<std::vector<std::uint32_t>> out;
  do out.push_back(p);
  while (std::next_permutation(p.begin(), p.end()));
  return out;
}

/// Every list of n scalars.
template <Group T>
std::vector<std::vector<typename T::Scalar>> all_vectors(std::size_t n) {
  std::vector<std::vector<typename T::Scalar>> out(1);
  for (std::size_t i = 0; i < n; ++i) {
    std::vector<std::vector<typename T::Scalar>> longer;
    for (const auto& prefix : out)
      for (std::uint64_t x = 0; x < T::kOrder; ++x) {
        longer.push_back(prefix);
        longer.back().push_back(scalar<T>(x));
      }
    out = std::move(longer);
  }
  return out;
}

template <Group T>
struct TinyMix {
  SeededRng rng;
  typename T::Point Y = multiple<T>(kKey);
  CiphertextList<T> input, output;
  ShuffleWitness<T> witness;
  ShuffleGenerators<T> generators;
  TinyMix(std::vector<std::uint32_t> permutation, std::size_t W, const std::string& seed)
      : rng(seed), generators(ShuffleGenerators<T>::chosen(kTag, tiny_generators<T>(permutation.size()))) {
    input.width = W;
    for (std::size_t j = 0; j < permutation.size() * W; ++j)
      input.items.push_back(encrypt<T>(Y, multiple<T>(j), T::SecretScalar::random(rng)));
    auto mixed = shuffle_with_permutation<T>(Y, input, SecretPermutation::of(permutation), rng);
    output = std::move(mixed.output);
    witness = std::move(mixed.witness);
  }
  ShuffleStatement<T> statement() const { return {Y, input, output}; }
  /// Honest prover and verifier, in two copies of one transcript.
  template <class Tr>
  Result<void, ShuffleRejection> run(Tr transcript) {
    Tr copy = transcript;
    const auto proof = prove_shuffle(statement(), witness, transcript, generators, rng);
    return verify_shuffle_vartime(statement(), proof, copy, generators);
  }
};

struct Outcomes {
  int accepted = 0, degenerate = 0, reused = 0, invalid = 0;
  void count(const Result<void, ShuffleRejection>& answer) {
    if (answer)
      ++accepted;
    else if (answer.error().fault == Fault::kShuffleDegenerate)
      ++degenerate;
    else if (answer.error().fault == Fault::kMixOffsetReused)
      ++reused;  // in a group this small two offsets are often one
    else if (answer.error().fault == Fault::kShuffleProofInvalid)
      ++invalid;
    else
      ADD_FAILURE() << describe(answer.error());
  }
};

template <class T>
class ShuffleExhaustive : public testing::Test {};
using TinyGroups = testing::Types<Tiny7, Tiny13>;
TYPED_TEST_SUITE(ShuffleExhaustive, TinyGroups);

// Completeness, challenges hashed: every permutation of four rows is accepted, or degenerate; never invalid.
TYPED_TEST(ShuffleExhaustive, EveryPermutationOfFourRows) {
  Outcomes all;
  for (const auto& permutation : all_permutations(4)) {
    Outcomes these;
    for (int seed = 0; these.accepted < 3 && seed < 4000; ++seed)
      these.count(TinyMix<TypeParam>(permutation, 1, std::to_string(seed)).run(group_transcript()));
    EXPECT_EQ(these.accepted, 3);
    all.invalid += these.invalid;
  }
  EXPECT_EQ(all.invalid, 0);
}

// Completeness, challenges forced: for every permutation of three rows of two columns and every v.
TYPED_TEST(ShuffleExhaustive, EveryChallenge) {
  Outcomes outcomes;
  for (const auto& permutation : all_permutations(3))
    for (std::uint64_t v = 0; v < TypeParam::kOrder; ++v) {
      Outcomes these;
      for (int seed = 0; these.accepted == 0 && seed < 200; ++seed) {
        ForcedTranscript<TypeParam> t{group_transcript(), {}, {}, scalar<TypeParam>(v)};
        t.e = {scalar<TypeParam>(2), scalar<TypeParam>(5), scalar<TypeParam>(1)};
        these.count(TinyMix<TypeParam>(permutation, 2, std::to_string(seed)).run(t));
      }
      EXPECT_EQ(these.accepted, 1) << v;
      outcomes.invalid += these.invalid;
    }
  EXPECT_EQ(outcomes.invalid, 0);
}

// Soundness: one plaintext is another, any other, in any row. For given e and commitments no challenge but
// v = 0 can be answered, whatever the permutation.
TYPED_TEST(ShuffleExhaustive, FalseOutputIsCaughtForEveryChallengeButOne) {
  for (const auto& permutation : all_permutations(3))
    for (std::uint64_t change = 1; change < TypeParam::kOrder; ++change)
      for (std::uint64_t v = 0; v < TypeParam::kOrder; ++v) {
        Outcomes outcomes;
        for (int seed = 0; outcomes.accepted + outcomes.invalid == 0 && seed < 300; ++seed) {
          TinyMix<TypeParam> mix(permutation, 1, std::to_string(seed));
          auto& item = mix.output.items[change % 3];
          item.beta = item.beta + multiple<TypeParam>(change);
          ForcedTranscript<TypeParam> t{group_transcript(), {}, {}, scalar<TypeParam>(v)};
          t.e = {scalar<TypeParam>(2), scalar<TypeParam>(5), scalar<TypeParam>(1)};
          outcomes.count(mix.run(t));
        }
        EXPECT_EQ(outcomes.accepted, v == 0 ? 1 : 0);
        EXPECT_EQ(outcomes.invalid, v == 0 ? 0 : 1);
      }
}

// The same with hashed challenges: of the proofs that do not degenerate, one in q passes.
TYPED_TEST(ShuffleExhaustive, FalseOutputPassesOnceInTheOrder) {
  Outcomes outcomes;
  for (int seed = 0; seed < 12'000; ++seed) {
    TinyMix<TypeParam> mix({1, 0}, 1, std::to_string(seed));
    mix.output.items[0].beta = mix.output.items[0].beta + multiple<TypeParam>(1);
    outcomes.count(mix.run(group_transcript()));
  }
  const double n = outcomes.accepted + outcomes.invalid, p = 1.0 / TypeParam::kOrder;
  EXPECT_GT(n, 1000);
  EXPECT_NEAR(outcomes.accepted, n * p, 5 * std::sqrt(n * p * (1 - p)));
}

// Soundness of the permutation argument (Terelius & Wikström, theorem 1): commit to any 2×2 matrix M whose
// columns sum to 1, answer with e' = Mᵀ·e. It passes for all e if M is a permutation; otherwise only for the
// roots of a polynomial, Π e'_j = Π e_i, and for v = 0. All M, all e, all v.
TEST(ShuffleExhaustive, OnlyPermutationMatricesPass) {
  using T = Tiny7;
  using Scalar = T::Scalar;
  const auto generators = ShuffleGenerators<T>::chosen(kTag, tiny_generators<T>(2));
  const auto h = generators.all();
  SeededRng rng("matrices");
  const Scalar one = scalar<T>(1);
  for (const auto& top : all_vectors<T>(2)) {
    const Scalar M[2][2] = {{top[0], top[1]}, {one - top[0], one - top[1]}};
    int roots = 0, vectors = 0;
    for (const auto& e : all_vectors<T>(2)) {
      if (e[0].is_zero() || e[1].is_zero() || e[0] == e[1]) continue;
      const std::vector<Scalar> e1 = {M[0][0] * e[0] + M[1][0] * e[1], M[0][1] * e[0] + M[1][1] * e[1]};
      const bool is_root = e1[0] * e1[1] == e[0] * e[1];
      ++vectors;
      roots += is_root ? 1 : 0;
      for (std::uint64_t v = 0; v < T::kOrder; ++v) {
        Outcomes outcomes;
        for (int attempt = 0; outcomes.accepted + outcomes.invalid == 0 && attempt < 1000; ++attempt) {
          // All votes are 0, so that the lists never give the cheat away.
          ForgedShuffle<T> f{multiple<T>(kKey), {}, {}, {}};
          ShuffleOpening<T> o{e1, {}, {}, {Scalar{}}};
          for (std::size_t i = 0; i < 2; ++i) {
            const auto any = [&] { return declassify(T::SecretScalar::random(rng)); };
            const Scalar rho = any(), rho1 = any(), r = any();
            f.input.items.push_back(encrypt<T>(f.Y, {}, T::SecretScalar::of(rho)));
            f.output.items.push_back(encrypt<T>(f.Y, {}, T::SecretScalar::of(rho1)));
            f.proof.u.push_back(T::mul_base_vartime(r) + T::msm_vartime(M[i], h));
            o.a = o.a + e[i] * r;
            o.c = o.c + r;
            o.f[0] = o.f[0] + e1[i] * rho1 - e[i] * rho;
          }
          ForcedTranscript<T> p{group_transcript(), e, {}, scalar<T>(v)}, q = p;
          finish_forged_proof<T>(f, o, e, h, "", p, rng);
          outcomes.count(verify_shuffle_vartime(f.statement(), f.proof, q, generators));
        }
        const bool passes = is_root || v == 0;
        EXPECT_EQ(outcomes.accepted, passes ? 1 : 0);
        EXPECT_EQ(outcomes.invalid, passes ? 0 : 1);
      }
    }
    const bool is_permutation = top[0] * top[0] == top[0] && top[1] == one - top[0];
    EXPECT_EQ(vectors, 30);
    // A quadratic form in two variables other than e_0·e_1 has at most 2·q roots (Schwartz & Zippel).
    if (is_permutation)
      EXPECT_EQ(roots, 30);
    else
      EXPECT_LE(roots, 14);
  }
}

// Two answers to one commitment give the witness away: e' in its order, so π; then f.
TYPED_TEST(ShuffleExhaustive, TwoAnswersRevealThePermutation) {
  using T = TypeParam;
  using Scalar = typename T::Scalar;
  const std::vector<Scalar> e = {scalar<T>(1), scalar<T>(2), scalar<T>(3), scalar<T>(4)};
  for (const auto& permutation : all_permutations(4)) {
    TinyMix<T> mix(permutation, 1, "extract");
    const SecretBytes<64> seed = SecretBytes<64>::random(mix.rng);
    const auto answer = [&](std::uint64_t v) {
      ForcedTranscript<T> t{group_transcript(), e, {}, scalar<T>(v)};
      append_statement(t, mix.statement(), mix.generators);
      return prove_shuffle_with_nonces(mix.statement(), mix.witness, ShuffleNonces<T>::expand(seed, 4, 1), t,
                                       mix.generators);
    };
    for (std::uint64_t v = 0; v < T::kOrder; ++v)
      for (std::uint64_t w = 0; w < v; ++w) {
        const auto p = answer(v), p1 = answer(w);
        ASSERT_EQ(p.B1, p1.B1);
        const Scalar inverse = (scalar<T>(v) - scalar<T>(w)).inverse_vartime();
        Scalar f;
        for (std::size_t i = 0; i < 4; ++i) {
          EXPECT_EQ((p.k_E[permutation[i]] - p1.k_E[permutation[i]]) * inverse, e[i]);
          f = f + declassify(mix.witness.s[i]) * e[i];  // public: a test's own
        }
        EXPECT_EQ((p.k_F[0] - p1.k_F[0]) * inverse, f);
      }
  }
}

// The folded chain: true links pass for all weights, false ones for exactly one in q.
TEST(ShuffleExhaustive, FoldedChainPassesFalseLinksOnceInTheOrder) {
  using T = Tiny7;
  TinyMix<T> mix({2, 0, 1}, 1, "fold");
  ForcedTranscript<T> t{group_transcript(), {}, {}, scalar<T>(3)};
  t.e = {scalar<T>(1), scalar<T>(2), scalar<T>(4)};
  const auto good = prove_shuffle(mix.statement(), mix.witness, t, mix.generators, mix.rng);
  const auto h = mix.generators.all();
  const auto weights = all_vectors<T>(3);
  for (const auto& change : all_vectors<T>(3)) {
    ShuffleProof<T> proof = good;
    std::optional<std::size_t> first;
    for (std::size_t i = 3; i-- > 0;) {
      proof.k_B[i] = proof.k_B[i] + change[i];
      if (!change[i].is_zero()) first = i;
    }
    EXPECT_EQ(first_broken_link_vartime(ShuffleLinks<T>::all_of(proof, h[0]), scalar<T>(3)), first);
    const auto passes = std::ranges::count_if(weights, [&](const auto& w) {
      return folded_chain_holds_vartime(ShuffleLinks<T>::all_of(proof, h[0]), scalar<T>(3),
                                        std::span<const T::Scalar>(w));
    });
    EXPECT_EQ(passes, first ? 49 : 343);
  }
}

// Zero knowledge, by counting: for given e and v the nonces and (u, B, k_A … k_F) determine each other, and
// the equations give the rest. So a proof is uniform among all that are accepted, whatever the permutation:
// a simulator draws (u, B, k_A … k_F) and solves. Order 3, two rows, both permutations of the same lists.
TEST(ShuffleExhaustive, ProofIsUniformWhateverThePermutation) {
  using T = PlainBulk<TinyArithmetic<7, 3, 2>>;
  using Scalar = T::Scalar;
  const typename T::Point Y = multiple<T>(2);
  const auto generators = ShuffleGenerators<T>::chosen(kTag, {multiple<T>(2), multiple<T>(1)});
  // Both rows hold the same vote, so the output is a shuffle of the input in two ways.
  const std::vector<Scalar> rho = {scalar<T>(1), scalar<T>(0)}, rho1 = {scalar<T>(2), scalar<T>(2)};
  CiphertextList<T> input, output;
  for (std::size_t i = 0; i < 2; ++i) {
    input.items.push_back(encrypt<T>(Y, multiple<T>(1), T::SecretScalar::of(rho[i])));
    output.items.push_back(encrypt<T>(Y, multiple<T>(1), T::SecretScalar::of(rho1[i])));
  }
  const ShuffleStatement<T> statement{Y, input, output};
  ForcedTranscript<T> base{group_transcript(), {}, {}, scalar<T>(2)};
  base.e = {scalar<T>(1), scalar<T>(2)};
  append_statement(base, statement, generators);
  const auto first_halves = all_vectors<T>(4);   // r, b
  const auto second_halves = all_vectors<T>(8);  // α, β, γ, δ, ε, φ
  const std::vector<Scalar> t = {scalar<T>(1), scalar<T>(2)};

  for (const auto& permutation : all_permutations(2)) {
    ShuffleWitness<T> witness{SecretPermutation::of(permutation), {}, {}};
    for (std::size_t i = 0; i < 2; ++i)
      witness.s.push_back(T::SecretScalar::of(rho1[permutation[i]] - rho[i]));
    const auto prove = [&](const auto& x, const auto& y) {
      ShuffleNonces<T> n;
      const auto put = [](auto& where, std::initializer_list<Scalar> values) {
        for (const Scalar& value : values) where.push_back(T::SecretScalar::of(value));
      };
      put(n.r, {x[0], x[1]});
      put(n.b, {x[2], x[3]});
      put(n.beta, {y[1], y[2]});
      put(n.epsilon, {y[5], y[6]});
      put(n.phi, {y[7]});
      n.alpha = T::SecretScalar::of(y[0]);
      n.gamma = T::SecretScalar::of(y[3]);
      n.delta = T::SecretScalar::of(y[4]);
      ForcedTranscript<T> transcript = base;
      const auto p = prove_shuffle_with_nonces(statement, witness, n, transcript, generators);
      EXPECT_EQ(first_failing_equation_vartime<T>(statement, p, generators, *base.e, *base.v, t),
                std::nullopt);
      return p;
    };
    std::set<std::vector<T::Point>> commitments;
    for (std::size_t j = 0; j < first_halves.size(); ++j) {
      const auto p = prove(first_halves[j], second_halves[j]);
      EXPECT_TRUE(commitments.insert({p.u[0], p.u[1], p.B[0], p.B[1]}).second);
    }
    EXPECT_EQ(commitments.size(), 81U);
    for (std::size_t j = 0; j < first_halves.size(); j += 20) {
      std::set<Bytes> responses;
      for (const auto& y : second_halves) {
        const auto p = prove(first_halves[j], y);
        Bytes k;
        for (const Scalar& x : {p.k_A, p.k_B[0], p.k_B[1], p.k_C, p.k_D, p.k_E[0], p.k_E[1], p.k_F[0]})
          append(k, x.encode());
        responses.insert(k);
      }
      EXPECT_EQ(responses.size(), 6561U);
    }
  }
}

}  // namespace
}  // namespace psephos
