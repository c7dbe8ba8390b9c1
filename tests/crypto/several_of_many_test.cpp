#include "crypto/proof/several_of_many.h"

#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <optional>

#include "crypto/group/ristretto.h"
#include "crypto/group/tiny.h"
#include "tests/crypto/corruptions.h"
#include "tests/crypto/sigma_fixture.h"

namespace psephos {
namespace {

using namespace sigma_test;
using R = Ristretto;
using Equation = OneOfManyEquation;

R::Point key() {
  SeededRng rng("key");
  return R::mul_base(R::SecretScalar::random(rng));
}
R::Point mark() {
  return unknown_point<R>("mark");
}
const DigitGenerators<R>& generators() {
  static const auto kGenerators = DigitGenerators<R>::derive("tag", fingerprint("election A"), 16, key());
  return *kGenerators;
}

/// A ballot over K choices: marks of any kind, and the proof of a client that claims 0 or 1 for each.
struct Marked {
  BoundContext context;
  std::vector<Ciphertext<R>> ciphertexts;
  std::vector<std::uint8_t> claimed;
  std::vector<R::SecretScalar> r;
  SeveralOfManyProof<R> proof;
  SeveralOfManyStatement<R> statement(const MarkRule<R>& rule) const { return {key(), rule, ciphertexts}; }
  Transcript transcript() const { return context.begin<Transcript>(); }
};

/// @param values what is encrypted, times P; @param claimed what the proofs are made for
Marked cast(const std::string& seed, const std::vector<std::int64_t>& values,
            std::vector<std::uint8_t> claimed, const MarkRule<R>& rule) {
  SeededRng rng(seed);
  Marked out;
  out.context.proof = kSeveralOfManyLabel;
  out.context.pseudonym = seed;
  out.claimed = std::move(claimed);
  for (const std::int64_t value : values) {
    out.r.push_back(R::SecretScalar::random(rng));
    const auto s = scalar<R>(static_cast<std::uint64_t>(value < 0 ? -value : value));
    const auto M = R::mul_vartime(value < 0 ? -s : s, mark());
    out.ciphertexts.push_back(encrypt<R>(key(), M, out.r.back()));
  }
  out.proof =
      prove_several_of_many<R>(out.statement(rule), out.claimed, out.r, out.transcript(), generators(), rng);
  return out;
}
Marked cast(const std::string& seed, const std::vector<std::int64_t>& values, const MarkRule<R>& rule) {
  std::vector<std::uint8_t> claimed;
  for (const std::int64_t value : values) claimed.push_back(value == 0 ? 0 : 1);
  return cast(seed, values, claimed, rule);
}

/// nullopt if it verifies.
std::optional<SeveralOfManyRejection> verify(const Marked& ballot, const MarkRule<R>& rule) {
  const auto ok =
      verify_several_of_many_vartime(ballot.statement(rule), ballot.proof, ballot.transcript(), generators());
  if (ok) return std::nullopt;
  return ok.error();
}
SeveralOfManyRejection invalid(Equation equation, std::size_t index) {
  return {Fault::kOneOfManyInvalid, equation, index};
}

// Every set of marks under every rule: accepted just where the rule allows their number, with one length.
TEST(SeveralOfMany, AcceptsEveryAllowedSetOfMarksAndNoOther) {
  constexpr std::size_t K = 3;
  for (std::size_t min = 0; min <= K; ++min)
    for (std::size_t max = min; max <= K; ++max) {
      const MarkRule<R> rule(mark(), min, max);
      for (std::uint32_t set = 0; set < 1U << K; ++set) {
        std::vector<std::int64_t> values;
        for (std::size_t k = 0; k < K; ++k) values.push_back(set >> k & 1U);
        const auto count = static_cast<std::size_t>(std::popcount(set));
        const Marked ballot = cast("marks", values, rule);
        const Bytes bytes = encode_several(ballot.proof);
        EXPECT_EQ(bytes.size(), 384 * K + 32 * one_of_many_elements(max - min + 1));
        const bool allowed = min <= count && count <= max;
        const auto verdict = verify(ballot, rule);
        if (allowed) {
          EXPECT_EQ(verdict, std::nullopt) << min << max << set;
          EXPECT_EQ(decode_several<R>(bytes, K, rule).value(), ballot.proof);
        } else {
          ASSERT_TRUE(verdict.has_value()) << min << max << set;
          EXPECT_EQ(verdict->fault, Fault::kOneOfManyInvalid);
          EXPECT_EQ(verdict->index, K);  // the marks are fine, their number is not
        }
      }
    }
}

// Something else than a mark or none, however the client argues; and a number that the rule does not allow.
TEST(SeveralOfMany, WhatIsNoMarkIsRefused) {
  const MarkRule<R> rule(mark(), 1, 2);
  EXPECT_EQ(verify(cast("twin", {1, 0, 1, 0}, rule), rule), std::nullopt);
  EXPECT_EQ(verify(cast("two in one", {0, 2, 0, 0}, {0, 1, 0, 0}, rule), rule), invalid(Equation::kBeta, 1));
  EXPECT_EQ(verify(cast("two in one", {0, 2, 0, 0}, {0, 0, 0, 0}, rule), rule), invalid(Equation::kBeta, 1));
  EXPECT_EQ(verify(cast("one less", {1, 1, 1, -1}, {1, 1, 1, 1}, rule), rule), invalid(Equation::kBeta, 3));
  EXPECT_EQ(verify(cast("three", {1, 1, 1, 0}, {1, 1, 1, 0}, rule), rule), invalid(Equation::kBeta, 4));
  EXPECT_EQ(verify(cast("none", {0, 0, 0, 0}, rule), rule), invalid(Equation::kBeta, 4));
}

// The count holds for these ciphertexts and no others: marks may not be exchanged after it was proved.
TEST(SeveralOfMany, PartsOfOtherBallotsAreRefused) {
  const MarkRule<R> rule(mark(), 1, 1);
  const Marked one = cast("one", {1, 0, 0}, rule);
  const Marked two = cast("two", {0, 1, 0}, rule);
  EXPECT_EQ(verify(one, rule), std::nullopt);
  const auto changed = [&](auto change) {
    Marked out = cast("one", {1, 0, 0}, rule);
    change(out);
    return verify(out, rule);
  };
  EXPECT_EQ(changed([](Marked&) {}), std::nullopt);
  // A second mark with its own valid proof, out of another ballot.
  EXPECT_EQ(changed([&](Marked& b) {
              b.ciphertexts[1] = two.ciphertexts[1];
              b.proof[1] = two.proof[1];
            }),
            invalid(Equation::kDigits, 0));
  EXPECT_EQ(changed([&](Marked& b) { b.proof[1] = two.proof[1]; }), invalid(Equation::kDigits, 1));
  EXPECT_EQ(changed([&](Marked& b) { b.proof[3] = two.proof[3]; }), invalid(Equation::kDigits, 3));
  EXPECT_EQ(changed([](Marked& b) { std::swap(b.proof[1], b.proof[2]); }), invalid(Equation::kDigits, 1));
  EXPECT_EQ(changed([](Marked& b) { std::swap(b.ciphertexts[1], b.ciphertexts[2]); }),
            invalid(Equation::kDigits, 0));
  // The count's proof where a mark's should stand, and the other way round.
  EXPECT_EQ(changed([](Marked& b) { std::swap(b.proof[0], b.proof[3]); }), invalid(Equation::kDigits, 0));
}

TEST(SeveralOfMany, EveryBoundFieldIsChecked) {
  const MarkRule<R> rule(mark(), 0, 2);
  const Marked ballot = cast("bound", {1, 0}, rule);
  for (const ContextField& field : context_fields(ballot.context)) {
    Marked moved = cast("bound", {1, 0}, rule);
    moved.context = field.changed;
    EXPECT_EQ(verify(moved, rule), invalid(Equation::kDigits, 0)) << field.label;
  }
  EXPECT_EQ(verify(ballot, MarkRule<R>(mark(), 1, 2)), invalid(Equation::kDigits, 0));
  EXPECT_EQ(verify(ballot, MarkRule<R>(mark(), 0, 1)), invalid(Equation::kDigits, 0));
  EXPECT_EQ(verify(ballot, MarkRule<R>(mark() + mark(), 0, 2)), invalid(Equation::kDigits, 0));
  const SeveralOfManyStatement<R> other_key{key() + mark(), rule, ballot.ciphertexts};
  EXPECT_EQ(
      verify_several_of_many_vartime(other_key, ballot.proof, ballot.transcript(), generators()).error(),
      invalid(Equation::kDigits, 0));
  EXPECT_EQ(verify(ballot, rule), std::nullopt);
}

TEST(SeveralOfMany, OtherShapesAreRefused) {
  const MarkRule<R> rule(mark(), 1, 2);
  const SeveralOfManyRejection shape{Fault::kProofEncoding};
  Marked ballot = cast("shape", {1, 0}, rule);
  EXPECT_EQ(verify(ballot, MarkRule<R>(mark(), 1, 3)), shape);
  const Bytes bytes = encode_several(ballot.proof);
  EXPECT_EQ(decode_several<R>(bytes, 3, rule).error(), shape);
  EXPECT_EQ(decode_several<R>(bytes, SIZE_MAX / 2, rule).error(), shape);
  EXPECT_EQ(decode_several<R>(ByteView(bytes).first(bytes.size() - 1), 2, rule).error(), shape);
  for (std::size_t k = 0; k < 3; ++k) {
    Bytes bad = bytes;
    std::fill_n(bad.begin() + static_cast<long>(384 * k), 32, std::uint8_t{0xff});
    EXPECT_EQ(decode_several<R>(bad, 2, rule).error(),
              (SeveralOfManyRejection{Fault::kPointNoncanonical, Equation::kNone, k}));
  }
  ballot.proof.pop_back();
  EXPECT_EQ(verify(ballot, rule), shape);
  ballot.proof.clear();
  ballot.ciphertexts.clear();
  EXPECT_EQ(verify(ballot, rule), shape);
}

// Randomness that cancels, so that the number of marks would be in clear.
TEST(SeveralOfMany, SumWithoutRandomnessIsRefused) {
  const MarkRule<R> rule(mark(), 1, 2);
  SeededRng rng("cancels");
  Marked ballot = cast("cancels", {1, 0}, rule);
  ballot.r[1] = secret<R>(0) - ballot.r[0];
  ballot.ciphertexts[1] = encrypt<R>(key(), R::Point::identity(), ballot.r[1]);
  ballot.proof = prove_several_of_many<R>(ballot.statement(rule), ballot.claimed, ballot.r,
                                          ballot.transcript(), generators(), rng);
  EXPECT_EQ(verify(ballot, rule), (SeveralOfManyRejection{Fault::kPointIdentity, Equation::kNone, 2}));
}

// Ballots of one contest as one batch: the same answers.
TEST(SeveralOfMany, BatchAgreesWithSingle) {
  const MarkRule<R> rule(mark(), 1, 2);
  std::vector<Marked> ballots;
  ballots.push_back(cast("0", {1, 0, 1}, rule));
  ballots.push_back(cast("1", {1, 1, 1}, rule));
  ballots.push_back(cast("2", {0, 1, 0}, rule));
  ballots.push_back(cast("3", {0, 3, 0}, rule));
  std::vector<OneOfManyClaim<R>> claims;
  for (const Marked& one : ballots)
    for (auto& claim : several_of_many_claims(one.statement(rule), one.proof, one.transcript()).value())
      claims.push_back(std::move(claim));
  Transcript batch = transcript_for(kOneOfManyBatchLabel, "election A", "verifier");
  const auto outcomes = verify_one_of_many_batch_vartime<R>(claims, batch, generators());
  ASSERT_EQ(outcomes.size(), 16U);
  for (std::size_t b = 0; b < 4; ++b) {
    std::optional<SeveralOfManyRejection> first;
    for (std::size_t k = 0; k < 4 && !first; ++k)
      if (const auto& outcome = outcomes[4 * b + k])
        first = SeveralOfManyRejection{outcome->fault, outcome->equation, k};
    EXPECT_EQ(first, verify(ballots[b], rule)) << b;
    EXPECT_EQ(first.has_value(), b % 2 == 1);
  }
}

template <class G>
class SeveralOfManyExhaustive : public testing::Test {};
using TinyGroups = testing::Types<Tiny7, Tiny13>;
TYPED_TEST_SUITE(SeveralOfManyExhaustive, TinyGroups);

template <Group G>
DigitGenerators<G> tiny_generators() {
  std::vector<typename G::Point> h;
  for (std::uint64_t i = 0; i < 5; ++i) h.push_back(multiple<G>(1 + (3 * i + 1) % (G::kOrder - 1)));
  return DigitGenerators<G>::chosen("tag", std::move(h));
}

// Completeness for every mark, set of marks and randomness of two choices.
TYPED_TEST(SeveralOfManyExhaustive, EveryMarkSetAndRandomness) {
  using G = TypeParam;
  constexpr std::uint32_t q = G::kOrder;
  SeededRng rng("complete");
  const auto h = tiny_generators<G>();
  const auto Y = multiple<G>(3);
  for (std::uint32_t p = 1; p < q; p += 2) {
    const MarkRule<G> rule(multiple<G>(p), 0, 2);
    for (std::uint32_t r0 = 1; r0 < q; ++r0)
      for (std::uint32_t r1 = 1; r1 < q; ++r1) {
        if ((r0 + r1) % q == 0) continue;
        for (std::uint32_t set = 0; set < 4; ++set) {
          const std::array<std::uint8_t, 2> marks{static_cast<std::uint8_t>(set & 1U),
                                                  static_cast<std::uint8_t>(set >> 1U)};
          std::vector<typename G::SecretScalar> r;
          r.push_back(secret<G>(r0));
          r.push_back(secret<G>(r1));
          const std::array<Ciphertext<G>, 2> c{encrypt<G>(Y, multiple<G>(p * marks[0]), r[0]),
                                               encrypt<G>(Y, multiple<G>(p * marks[1]), r[1])};
          const SeveralOfManyStatement<G> st{Y, rule, c};
          const auto transcript = transcript_for(kSeveralOfManyLabel);
          const auto proof = prove_several_of_many<G>(st, marks, r, transcript, h, rng);
          ASSERT_TRUE(verify_several_of_many_vartime(st, proof, transcript, h).has_value());
        }
      }
  }
}

// Soundness of the composition, for every content of three ciphertexts and every rule: all of the K + 1
// statements are true just where (6.5.1) is.
TYPED_TEST(SeveralOfManyExhaustive, TheStatementsTogetherAreTheClaim) {
  using G = TypeParam;
  constexpr std::uint32_t q = G::kOrder;
  const std::uint32_t y = 3;
  const auto Y = multiple<G>(y);
  for (std::size_t min = 0; min <= 3; ++min)
    for (std::size_t max = min; max <= 3; ++max) {
      const MarkRule<G> rule(multiple<G>(2), min, max);
      for (std::uint32_t contents = 0; contents < q * q * q; ++contents) {
        std::array<std::uint32_t, 3> b{contents % q, contents / q % q, contents / q / q};
        std::array<Ciphertext<G>, 3> c;
        for (std::uint32_t k = 0; k < 3; ++k) c[k] = encrypt<G>(Y, multiple<G>(2 * b[k]), secret<G>(k + 1));
        const SeveralOfManyStatement<G> st{Y, rule, c};
        const auto holds = [&](std::size_t index, std::uint32_t r) {
          const auto part = several_of_many_detail::part(st, index);
          return std::ranges::find(part.T, part.beta - multiple<G>(r * y)) != part.T.end();
        };
        const bool all = holds(0, 1) && holds(1, 2) && holds(2, 3) && holds(3, 6);
        const bool bits = b[0] < 2 && b[1] < 2 && b[2] < 2;
        const std::uint32_t count = b[0] + b[1] + b[2];
        ASSERT_EQ(all, bits && min <= count && count <= max);
      }
    }
}

// All parts as one batch, against one after the other, on random changes. PSEPHOS_CORRUPTIONS says how many.
TEST(SeveralOfMany, BatchAgreesWithSingleOnRandomCorruptions) {
  const Corruptions corruptions("several of many");
  const std::vector<MarkRule<R>> rules{{mark(), 1, 2}, {mark(), 0, 3}};
  std::vector<Marked> originals;
  originals.push_back(cast("original 0", {1, 0, 1}, rules[0]));
  originals.push_back(cast("original 1", {0, 0, 0}, rules[1]));
  std::array<std::size_t, 2> counts{};  // refused, accepted
  for (std::size_t trial = 0; trial < corruptions.count; ++trial) {
    SeededRng rng = corruptions.rng(trial);
    const Marked& original = originals[trial % 2];
    std::size_t rule = trial % 2;
    std::vector<Ciphertext<R>> ciphertexts = original.ciphertexts;
    SeveralOfManyProof<R> proof = original.proof;
    BoundContext context = original.context;
    for (std::size_t left = below(rng, 16) == 0 ? 0 : 1 + below(rng, 3); left > 0; --left) {
      OneOfManyProof<R>& one = proof[below(rng, proof.size())];
      const std::size_t i = below(rng, ciphertexts.size()), j = below(rng, ciphertexts.size());
      Elements<R> elements;
      switch (below(rng, 8)) {
        case 0:  // a mark moved from one choice to another: the count stays
          ciphertexts[i].beta = ciphertexts[i].beta + mark();
          ciphertexts[j].beta = ciphertexts[j].beta - mark();
          break;
        case 1:
          std::swap(ciphertexts[i], ciphertexts[j]);
          break;
        case 2:
          std::swap(proof[i], proof[j]);
          break;
        case 3: {
          const auto fields = context_fields(context);
          context = fields[below(rng, fields.size())].changed;
          break;
        }
        case 4:
          rule = 1 - rule;
          break;
        case 5:
          one.z = one.z + scalar<R>(1 + below(rng, 1000));
          break;
        default:
          for (R::Point* x : std::array{&one.A, &one.B, &one.C, &one.D}) elements.add(*x);
          elements.add(one.E);
          elements.add(ciphertexts);
          elements.add(one.f);
          for (R::Scalar* x : std::array{&one.z_A, &one.z_C, &one.z}) elements.add(*x);
          change_one(elements, rng);
      }
    }
    const SeveralOfManyStatement<R> statement{key(), rules[rule], ciphertexts};
    const auto singly =
        verify_several_of_many_vartime(statement, proof, context.begin<Transcript>(), generators());
    const auto claims = several_of_many_claims(statement, proof, context.begin<Transcript>());
    ASSERT_TRUE(claims.has_value());
    Transcript batch = transcript_for(kOneOfManyBatchLabel);
    const auto outcomes = verify_one_of_many_batch_vartime<R>(*claims, batch, generators());
    std::optional<SeveralOfManyRejection> first;
    for (std::size_t k = 0; k < outcomes.size() && !first; ++k)
      if (outcomes[k]) first = SeveralOfManyRejection{outcomes[k]->fault, outcomes[k]->equation, k};
    using Verdict = Result<void, SeveralOfManyRejection>;
    const Verdict in_batch = first ? Verdict(std::unexpected(*first)) : Verdict();
    ASSERT_EQ(singly, in_batch) << "trial " << trial;
    const bool untouched = ciphertexts == original.ciphertexts && proof == original.proof &&
                           context == original.context && rule == trial % 2;
    ASSERT_EQ(singly.has_value(), untouched) << "trial " << trial;
    ++counts[untouched ? 1U : 0U];
  }
  EXPECT_TRUE(corruptions.count < 1000 || (counts[0] > 0 && counts[1] > 0));
}

}  // namespace
}  // namespace psephos
