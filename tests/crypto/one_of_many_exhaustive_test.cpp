// The proof that a ciphertext encrypts one of many points, over groups so small that every key, choice,
// randomness and challenge can be tried.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "crypto/group/tiny.h"
#include "crypto/proof/one_of_many.h"
#include "tests/crypto/free_group.h"
#include "tests/crypto/sigma_fixture.h"

namespace psephos {
namespace {

using namespace sigma_test;

constexpr std::string_view kTag = "digits";

/// A transcript that hashes nothing and answers one challenge: what a verifier drew.
template <Group G>
struct GivenChallenge {
  typename G::Scalar c;
  void append(std::string_view /*label*/, ByteView /*data*/) {}
  void append_u64(std::string_view /*label*/, std::uint64_t /*value*/) {}
  template <class Encodable>
  void append_value(std::string_view /*label*/, const Encodable& /*value*/) {}
  template <class Encodable>
  void append_points(std::string_view /*label*/, std::span<const Encodable> /*points*/) {}
  template <Group H>
  typename H::Scalar challenge_scalar(std::string_view /*label*/) {
    return c;
  }
};

template <Group G>
DigitGenerators<G> tiny_generators(std::size_t m) {
  std::vector<typename G::Point> h;
  for (std::size_t i = 0; i < 1 + 4 * m; ++i) h.push_back(multiple<G>(1 + (3 * i + 1) % (G::kOrder - 1)));
  return DigitGenerators<G>::chosen(kTag, std::move(h));
}

/// n points, in tables beyond the order with repeats, from `first`·G on.
template <Group G>
ChoiceTable<G> tiny_table(std::size_t n, std::size_t first) {
  std::vector<typename G::Point> points;
  for (std::size_t i = 0; i < n; ++i) points.push_back(multiple<G>(first + 2 * i));
  return ChoiceTable<G>(std::move(points));
}

template <Group G>
OneOfManyNonces<G> nonces(std::string_view seed, std::size_t m) {
  SeededRng rng(seed);
  return OneOfManyNonces<G>::expand(SecretBytes<64>::random(rng), m);
}

template <Group G>
OneOfManyNonces<G> clone(const OneOfManyNonces<G>& n) {
  OneOfManyNonces<G> out{n.r_A.clone(), n.r_B.clone(), n.r_C.clone(), n.r_D.clone(), {}, {}};
  for (const auto& x : n.a) out.a.push_back(x.clone());
  for (const auto& x : n.rho) out.rho.push_back(x.clone());
  return out;
}

/// Key, table, choice and randomness, and the honest answers to any challenge.
template <Group G>
struct Tiny {
  typename G::Point Y;
  const ChoiceTable<G>& T;
  std::size_t l;
  typename G::SecretScalar r;
  DigitGenerators<G> generators;

  Tiny(std::uint64_t y, const ChoiceTable<G>& table, std::size_t choice, std::uint64_t randomness,
       DigitGenerators<G> h)
      : Y(multiple<G>(y)), T(table), l(choice), r(secret<G>(randomness)), generators(std::move(h)) {}
  OneOfManyStatement<G> statement() const {
    const auto c = encrypt<G>(Y, T[l], r);
    return {Y, c.alpha, c.beta, T};
  }
  OneOfManyProof<G> answer(const OneOfManyNonces<G>& n, typename G::Scalar c) const {
    GivenChallenge<G> transcript{c};
    return prove_one_of_many_with_nonces(statement(), l, r, n, transcript, generators);
  }
};

template <class G>
class OneOfManyExhaustive : public testing::Test {};
using TinyGroups = testing::Types<Tiny7, Tiny13>;
TYPED_TEST_SUITE(OneOfManyExhaustive, TinyGroups);

// Completeness: for every key, table size, choice and randomness.
TYPED_TEST(OneOfManyExhaustive, EveryKeyChoiceAndRandomness) {
  using G = TypeParam;
  SeededRng rng("complete");
  for (const std::size_t n : {1U, 2U, 3U, 4U, 5U, 16U, 17U}) {
    const auto table = tiny_table<G>(n, 1);
    for (std::uint32_t y = 1; y < G::kOrder; ++y)
      for (std::size_t l = 0; l < n; ++l)
        for (std::uint32_t r = 1; r < G::kOrder; ++r) {
          const Tiny<G> one(y, table, l, r, tiny_generators<G>(3));
          const auto st = one.statement();
          Transcript prover = transcript_for(kOneOfManyLabel);
          const auto proof = prove_one_of_many(st, l, one.r, prover, one.generators, rng);
          Transcript verifier = transcript_for(kOneOfManyLabel);
          ASSERT_TRUE(verify_one_of_many_vartime(st, proof, verifier, one.generators).has_value())
              << n << ' ' << y << ' ' << l << ' ' << r;
        }
  }
}

// … and for every challenge, whatever the hash.
TYPED_TEST(OneOfManyExhaustive, EveryChallenge) {
  using G = TypeParam;
  for (const std::size_t n : {1U, 2U, 4U, 5U, 15U, 17U}) {
    const auto table = tiny_table<G>(n, 0);  // the identity is an entry
    const std::size_t m = table.digits();
    for (std::size_t l = 0; l < n; ++l)
      for (std::uint32_t r = 1; r < G::kOrder; r += 2) {
        const Tiny<G> one(3, table, l, r, tiny_generators<G>(m));
        const auto some = nonces<G>("nonces " + std::to_string(r), m);
        for (std::uint32_t c = 0; c < G::kOrder; ++c)
          ASSERT_EQ(first_failing_equation_vartime(one.statement(), one.answer(some, scalar<G>(c)),
                                                   scalar<G>(c), one.generators),
                    OneOfManyEquation::kNone);
      }
  }
}

/// The extractor of SPEC §6.1, from max(m + 1, 3) answers to one set of commitments, without looking at
/// anything else.
template <Group G>
struct Extracted {
  std::size_t l = 0;
  typename G::Scalar r;
};
template <Group G>
Extracted<G> extract(const std::vector<OneOfManyProof<G>>& answers,
                     const std::vector<typename G::Scalar>& challenges, std::size_t n) {
  const std::size_t m = answers[0].E.size();
  Extracted<G> out;
  const auto distance = (challenges[0] - challenges[1]).inverse_vartime();
  const auto one = one_of_many_detail::all_digits<G>(answers[0].f, challenges[0]);
  const auto two = one_of_many_detail::all_digits<G>(answers[1].f, challenges[1]);
  for (std::size_t j = m; j-- > 0;) {
    std::size_t ones = 0;
    for (std::size_t i = 0; i < kDigitBase; ++i) {
      const auto delta = (one[4 * j + i] - two[4 * j + i]) * distance;
      EXPECT_TRUE(delta == scalar<G>(0) || delta == scalar<G>(1));
      if (delta == scalar<G>(1)) ++ones, out.l = 4 * out.l + i;
    }
    EXPECT_EQ(ones, 1U);
  }
  out.l = std::min(out.l, n - 1);
  for (std::size_t e = 0; e <= m; ++e) {  // the row of the inverse of Vandermonde's matrix for c^m
    auto weight = scalar<G>(1);
    for (std::size_t k = 0; k <= m; ++k)
      if (k != e) weight = weight * (challenges[e] - challenges[k]).inverse_vartime();
    out.r = out.r + weight * answers[e].z;
  }
  return out;
}

// Special soundness: enough answers give the index and the randomness.
TYPED_TEST(OneOfManyExhaustive, AnswersGiveTheWitness) {
  using G = TypeParam;
  for (const std::size_t n : {1U, 3U, 4U, 6U, 16U, 17U}) {
    const auto table = tiny_table<G>(n, 1);
    const std::size_t m = table.digits();
    const auto some = nonces<G>("extract", m);
    for (std::size_t l = 0; l < n; ++l)
      for (std::uint32_t r = 1; r < G::kOrder; ++r)
        for (std::uint32_t first = 0; first < G::kOrder; ++first) {
          const Tiny<G> one(5, table, l, r, tiny_generators<G>(m));
          std::vector<typename G::Scalar> challenges;
          std::vector<OneOfManyProof<G>> answers;
          for (std::uint32_t k = 0; k < std::max<std::size_t>(m + 1, 3); ++k) {
            challenges.push_back(scalar<G>(first + 2 * k));
            answers.push_back(one.answer(some, challenges.back()));
          }
          const auto witness = extract(answers, challenges, n);
          ASSERT_EQ(witness.l, l);
          ASSERT_EQ(witness.r, scalar<G>(r));
        }
  }
}

// An index among the repeated entries is one of the last entry, no more.
TYPED_TEST(OneOfManyExhaustive, PaddedIndicesAreTheLastEntry) {
  using G = TypeParam;
  for (const std::size_t n : {1U, 2U, 3U, 5U, 11U, 15U}) {
    const auto table = tiny_table<G>(n, 1);
    const std::size_t m = table.digits();
    std::vector<typename G::Point> points(table.points().begin(), table.points().end());
    points.resize(m == 1 ? 4 : 16, points.back());
    const ChoiceTable<G> padded(points);
    for (std::size_t l = 0; l < padded.size(); ++l) {
      const Tiny<G> one(2, padded, l, 3, tiny_generators<G>(m));
      const auto st = one.statement();
      std::vector<typename G::Scalar> challenges{scalar<G>(1), scalar<G>(4), scalar<G>(6)};
      std::vector<OneOfManyProof<G>> answers;
      for (const auto& c : challenges) {
        answers.push_back(one.answer(nonces<G>("padded", m), c));
        const OneOfManyStatement<G> short_one{st.Y, st.alpha, st.beta, table};
        ASSERT_EQ(first_failing_equation_vartime(short_one, answers.back(), c, one.generators),
                  OneOfManyEquation::kNone);
      }
      const auto witness = extract(answers, challenges, n);
      ASSERT_EQ(witness.l, std::min(l, n - 1));
      ASSERT_EQ(st.beta - G::mul_vartime(witness.r, st.Y), table[witness.l]);
    }
  }
}

// ---- False statements. Commitments have to bind here, so the group is a free one.

template <std::size_t m>
using Free = FreeGroup<Tiny7, 2 + 4 * m>;

/// G is the unit vector 0; H, H_(0,0), … are those from 1 on.
template <std::size_t m>
DigitGenerators<Free<m>> free_generators() {
  std::vector<typename Free<m>::Point> h;
  for (std::size_t i = 0; i < 1 + 4 * m; ++i) h.push_back(Free<m>::Point::unit(1 + i));
  return DigitGenerators<Free<m>>::chosen(kTag, std::move(h));
}

// m = 1: every way to commit to two digits, whether bits or not, that answers some two challenges. A false
// statement never has a third; a true one has them all.
TEST(OneOfManyFalse, NoStrategyAnswersThreeChallenges) {
  using G = Free<1>;
  constexpr std::uint32_t q = G::kOrder;
  const auto generators = free_generators<1>();
  const auto H = generators.digits(1);
  const std::uint32_t y = 3;
  const std::uint32_t r = 2;
  const ChoiceTable<G> table({multiple<G>(1), multiple<G>(4)});
  for (std::uint32_t M = 0; M < 5; ++M) {
    const OneOfManyStatement<G> st{multiple<G>(y), multiple<G>(r), multiple<G>(M + r * y), table};
    const bool is_true = M == 1 || M == 4;
    std::size_t most = 0;
    for (std::uint32_t strategy = 0; strategy < q * q * q * q; ++strategy) {
      const std::array d{scalar<G>(strategy % q), scalar<G>(strategy / q % q)};
      const std::array a{scalar<G>(strategy / q / q % q), scalar<G>(strategy / q / q / q)};
      const auto f = [&](std::size_t i, G::Scalar c) { return d[i] * c + a[i]; };
      const auto answer = [&](OneOfManyProof<G> p, G::Scalar c) {
        p.f = {f(1, c), {}, {}};
        p.z = scalar<G>(r) * c;  // with E_0.alpha the identity
        return p;
      };
      for (std::uint32_t first = 0; first < q; ++first)
        for (std::uint32_t second = first + 1; second < q; ++second) {
          const auto c1 = scalar<G>(first);
          const auto c2 = scalar<G>(second);
          if (f(0, c1) + f(1, c1) != c1 || f(0, c2) + f(1, c2) != c2) continue;
          OneOfManyProof<G> p{{}, {}, {}, {}, {{}}, {}, {}, {}, {}};
          for (std::size_t i = 0; i < 2; ++i) {
            const auto v1 = f(i, c1) * (c1 - f(i, c1));
            const auto slope = (f(i, c2) * (c2 - f(i, c2)) - v1) * (c2 - c1).inverse_vartime();
            p.A = p.A + G::mul_vartime(a[i], H[i]);
            p.B = p.B + G::mul_vartime(d[i], H[i]);
            p.C = p.C + G::mul_vartime(slope, H[i]);
            p.D = p.D + G::mul_vartime(v1 - slope * c1, H[i]);
          }
          // E_0.beta so that equation beta holds for the first.
          p.E[0].beta = G::mul_vartime(c1, st.beta) - G::mul_vartime(f(0, c1), table[0]) -
                        G::mul_vartime(f(1, c1), table[1]) - G::mul_vartime(scalar<G>(r) * c1, st.Y);
          std::size_t answered = 0;
          for (std::uint32_t c = 0; c < q; ++c)
            if (first_failing_equation_vartime(st, answer(p, scalar<G>(c)), scalar<G>(c), generators) ==
                OneOfManyEquation::kNone)
              ++answered;
          most = std::max(most, answered);
        }
    }
    EXPECT_EQ(most, is_true ? q : 2U) << M;
  }
}

/// Honest digits, and E that makes the last equation a polynomial with the given roots: the cheat of m
/// challenges that the bound max(m, 2) allows.
template <std::size_t m>
void expect_just_the_roots(std::size_t n) {
  using G = Free<m>;
  constexpr std::uint32_t q = G::kOrder;
  const ChoiceTable<G> table = tiny_table<G>(n, 1);
  const Tiny<G> one(3, table, n / 2, 2, free_generators<m>());
  // A message outside the table, which has no part in the direction of H.
  const auto difference = G::Point::unit(1);
  auto st = one.statement();
  st.beta = st.beta + difference;
  const auto some = nonces<G>("roots", m);
  std::size_t sets = 0;
  for (std::uint32_t set = 0; set < 1U << q; ++set) {
    std::vector<typename G::Scalar> polynomial{scalar<G>(1)};  // Π (X − root), from the lowest power on
    for (std::uint32_t root = 0; root < q; ++root) {
      if ((set >> root & 1U) == 0) continue;
      polynomial.insert(polynomial.begin(), scalar<G>(0));
      for (std::size_t k = 0; k + 1 < polynomial.size(); ++k)
        polynomial[k] = polynomial[k] - scalar<G>(root) * polynomial[k + 1];
    }
    if (polynomial.size() != m + 1) continue;
    ++sets;
    for (std::uint32_t c = 0; c < q; ++c) {
      auto p = one.answer(some, scalar<G>(c));
      for (std::size_t k = 0; k < m; ++k)
        p.E[k].beta = p.E[k].beta - G::mul_vartime(polynomial[k], difference);
      ASSERT_EQ(first_failing_equation_vartime(st, p, scalar<G>(c), one.generators),
                (set >> c & 1U) != 0 ? OneOfManyEquation::kNone : OneOfManyEquation::kBeta);
    }
  }
  EXPECT_EQ(sets, m == 1 ? 7U : m == 2 ? 21U : 35U);
}

TEST(OneOfManyFalse, CheatWithAsManyChallengesAsDigits) {
  expect_just_the_roots<1>(3);
  expect_just_the_roots<2>(7);
  expect_just_the_roots<3>(17);
}

// ---- Zero knowledge, by counting.

// For a challenge known beforehand the simulator draws B, C, f, z_A, z_C, z and takes A, D, E_0 from the
// equations. The honest prover's nonces give every such draw once, and A, D, E_0 satisfy the equations, which
// leave one value for each. (Of f only one element moves here; the others are shifted in the same way.)
TEST(OneOfManySimulation, HasTheSameCounts) {
  using G = Tiny7;
  constexpr std::uint32_t q = G::kOrder;
  const ChoiceTable<G> table = tiny_table<G>(3, 1);
  for (std::size_t l = 0; l < 3; ++l)
    for (const std::uint32_t c : {0U, 3U}) {
      const Tiny<G> one(3, table, l, 2, tiny_generators<G>(1));
      const auto st = one.statement();
      auto n = nonces<G>("simulated", 1);
      std::vector<bool> seen(q * q * q * q * q * q);
      for (std::uint32_t draw = 0; draw < seen.size(); ++draw) {
        std::uint32_t rest = draw;
        for (auto* nonce : {&n.r_A, &n.r_B, &n.r_C, &n.r_D, &n.a[l == 2 ? 1 : 0], &n.rho[0]}) {
          *nonce = secret<G>(rest % q);
          rest /= q;
        }
        const auto p = one.answer(n, scalar<G>(c));
        ASSERT_EQ(first_failing_equation_vartime(st, p, scalar<G>(c), one.generators),
                  OneOfManyEquation::kNone);
        const auto log = [](const G::Point& point) {
          std::uint32_t out = 0;
          while (multiple<G>(out) != point) ++out;
          return out;
        };
        std::uint32_t view = 0;
        for (const std::uint32_t part :
             {log(p.B), log(p.C), p.f[l == 2 ? 1 : 0].value(), p.z_A.value(), p.z_C.value(), p.z.value()})
          view = view * q + part;
        ASSERT_FALSE(seen[view]);
        seen[view] = true;
      }
    }
}

// With two digits there is E_1 besides: its alpha and all the rest take every value once; its beta is what
// encryption under Y hides.
TEST(OneOfManySimulation, OnlyTheSecondPartOfEDependsOnTheChoice) {
  using G = Tiny7;
  constexpr std::uint32_t q = G::kOrder;
  const ChoiceTable<G> table = tiny_table<G>(6, 1);
  for (const std::size_t l : {0U, 3U, 5U}) {
    const Tiny<G> one(3, table, l, 2, tiny_generators<G>(2));
    const auto st = one.statement();
    const auto c = scalar<G>(3);
    auto n = nonces<G>("two digits", 2);
    std::vector<bool> seen(q * q * q * q * q);
    for (std::uint32_t draw = 0; draw < seen.size(); ++draw) {
      std::uint32_t rest = draw;
      for (auto* nonce : {&n.r_A, &n.r_B, &n.a[0], &n.rho[0], &n.rho[1]}) {
        *nonce = secret<G>(rest % q);
        rest /= q;
      }
      const auto p = one.answer(n, c);
      ASSERT_EQ(first_failing_equation_vartime(st, p, c, one.generators), OneOfManyEquation::kNone);
      std::uint32_t view = 0;
      std::uint32_t log_B = 0;
      while (multiple<G>(log_B) != p.B) ++log_B;
      std::uint32_t log_E = 0;
      while (multiple<G>(log_E) != p.E[1].alpha) ++log_E;
      for (const std::uint32_t part : {log_B, log_E, p.f[0].value(), p.z_A.value(), p.z.value()})
        view = view * q + part;
      ASSERT_FALSE(seen[view]);
      seen[view] = true;
    }
  }
}

}  // namespace
}  // namespace psephos
