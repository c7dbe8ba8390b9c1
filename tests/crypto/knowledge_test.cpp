#include "crypto/proof/knowledge.h"

#include <gtest/gtest.h>

#include "crypto/group/ristretto.h"
#include "crypto/group/tiny.h"
#include "tests/crypto/sigma_fixture.h"

namespace psephos {
namespace {

using namespace sigma_test;
using R = Ristretto;

// A02: there is no way to a verdict without a transcript.
template <class... Arguments>
concept VerifiesKnowledge =
    requires(Arguments&&... arguments) { verify_knowledge_vartime(std::forward<Arguments>(arguments)...); };
static_assert(VerifiesKnowledge<const KnowledgeStatement<R>&, const KnowledgeProof<R>&, Transcript&>);
static_assert(!VerifiesKnowledge<const KnowledgeStatement<R>&, const KnowledgeProof<R>&>);
static_assert(!VerifiesKnowledge<const KnowledgeStatement<R>&, const KnowledgeProof<R>&, std::nullptr_t>);
static_assert(!VerifiesKnowledge<const KnowledgeStatement<R>&, const KnowledgeProof<R>&, Transcript>);
static_assert(!std::is_default_constructible_v<Transcript>);
// A nonce is consumed, a witness cannot be given where a verifier computes with public values.
static_assert(!std::is_copy_constructible_v<R::SecretScalar>);
static_assert(!std::is_convertible_v<R::SecretScalar, R::Scalar>);

/// A valid ballot selection: statement, proof and the context both were made in.
struct Cast {
  BoundContext context;
  KnowledgeStatement<R> statement;
  KnowledgeProof<R> proof;
  R::SecretScalar r;
};

BoundContext knowledge_context() {
  BoundContext context;
  context.proof = kKnowledgeLabel;
  return context;
}

Cast cast(std::string_view seed) {
  SeededRng rng(seed);
  Cast out;
  out.context = knowledge_context();
  out.r = R::SecretScalar::random(rng);
  const auto Y = R::mul_base(R::SecretScalar::random(rng));
  const auto ciphertext = encrypt<R>(Y, R::mul_base(R::SecretScalar::random(rng)), out.r);
  out.statement = {Y, ciphertext.alpha, ciphertext.beta};
  auto transcript = out.context.begin<Transcript>();
  out.proof = prove_knowledge(out.statement, out.r, transcript, rng);
  return out;
}

Result<void, Fault> verify(const BoundContext& context, const KnowledgeStatement<R>& statement,
                           const KnowledgeProof<R>& proof) {
  auto transcript = context.begin<Transcript>();
  return verify_knowledge_vartime(statement, proof, transcript);
}

using Omitted = std::vector<std::string_view>;

R::Scalar weak_challenge(const Omitted& omitted, const BoundContext& context,
                         const KnowledgeStatement<R>& statement, const R::Point& T) {
  auto transcript = context.begin<OmittingTranscript>(omitted);
  transcript.append_value("Y", statement.Y);
  transcript.append_value("alpha", statement.alpha);
  transcript.append_value("beta", statement.beta);
  transcript.append_value("commitment", T);
  return transcript.challenge_scalar<R>("challenge");
}

/// The verifier that forgets to hash what is `omitted`.
bool weakly_accepts(const Omitted& omitted, const BoundContext& context,
                    const KnowledgeStatement<R>& statement, const KnowledgeProof<R>& proof) {
  return weak_challenge(omitted, context, statement, recompute_commitment_vartime(statement, proof)) ==
         proof.c;
}

/// The honest voter in a world that forgets to hash what is `omitted`.
KnowledgeProof<R> weakly_prove(const Omitted& omitted, const Cast& cast) {
  auto w = secret<R>(987654321);
  const R::Scalar c = weak_challenge(omitted, cast.context, cast.statement, R::mul_base(w));
  return {c, respond<R>(std::move(w), c, cast.r)};
}

TEST(Knowledge, IsAcceptedAndRoundTrips) {
  for (int i = 0; i < 20; ++i) {
    const Cast honest = cast("honest " + std::to_string(i));
    const auto decoded = KnowledgeProof<R>::decode(honest.proof.encode());
    ASSERT_TRUE(decoded.has_value());
    EXPECT_EQ(*decoded, honest.proof);
    EXPECT_TRUE(verify(honest.context, honest.statement, *decoded).has_value());
    EXPECT_TRUE(weakly_accepts({}, honest.context, honest.statement, honest.proof));
  }
}

TEST(Knowledge, DecodeIsStrict) {
  const auto honest = cast("strict").proof.encode();
  const Bytes bytes = copy_of(honest);
  for (const std::size_t length : {0U, 1U, 16U, 31U, 32U, 48U, 63U, 65U, 96U}) {
    Bytes other = bytes;
    other.resize(length);
    EXPECT_EQ(KnowledgeProof<R>::decode(other).error(), Fault::kProofEncoding) << length;
  }
  const Bytes order = from_hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010").value();
  for (const std::size_t at : {0U, 32U}) {
    Bytes other = bytes;  // the same scalar plus ℓ: another encoding of a valid proof
    unsigned carry = 0;
    for (std::size_t i = 0; i < 32; ++i) {
      carry += other[at + i] + unsigned{order[i]};
      other[at + i] = static_cast<std::uint8_t>(carry);
      carry >>= 8;
    }
    EXPECT_EQ(KnowledgeProof<R>::decode(other).error(), Fault::kScalarNoncanonical);
    std::copy(order.begin(), order.end(), other.begin() + static_cast<long>(at));
    EXPECT_EQ(KnowledgeProof<R>::decode(other).error(), Fault::kScalarNoncanonical);
  }
}

// A12, with an honest twin: only the identity is refused.
TEST(Knowledge, IdentityIsRefused) {
  const Cast honest = cast("identity");
  auto statement = honest.statement;
  statement.Y = R::Point::identity();
  EXPECT_EQ(verify(honest.context, statement, honest.proof).error(), Fault::kPointIdentity);
  // r = 0: the proof would be right, and the vote in clear
  statement = {honest.statement.Y, R::Point::identity(), honest.statement.beta};
  SystemRng rng;
  auto transcript = honest.context.begin<Transcript>();
  const auto proof = prove_knowledge(statement, secret<R>(0), transcript, rng);
  EXPECT_TRUE(weakly_accepts({}, honest.context, statement, proof));
  EXPECT_EQ(verify(honest.context, statement, proof).error(), Fault::kPointIdentity);
}

TEST(Knowledge, WrongWitnessIsRefused) {
  SystemRng rng;
  const Cast honest = cast("witness");
  auto transcript = honest.context.begin<Transcript>();
  const auto proof = prove_knowledge(honest.statement, secret<R>(5), transcript, rng);
  EXPECT_EQ(verify(honest.context, honest.statement, proof).error(), Fault::kProofChallengeMismatch);
}

// A01, by flipping: each bound field changed alone.
TEST(Knowledge, EveryBoundFieldIsChecked) {
  const Cast honest = cast("flip");
  for (const ContextField& field : context_fields(honest.context))
    EXPECT_EQ(verify(field.changed, honest.statement, honest.proof).error(), Fault::kProofChallengeMismatch)
        << field.label;
  const R::Point G = R::Point::generator();
  for (R::Point KnowledgeStatement<R>::* const field :
       {&KnowledgeStatement<R>::Y, &KnowledgeStatement<R>::alpha, &KnowledgeStatement<R>::beta}) {
    auto statement = honest.statement;
    statement.*field = statement.*field + G;
    EXPECT_EQ(verify(honest.context, statement, honest.proof).error(), Fault::kProofChallengeMismatch);
  }
  const auto encoded = honest.proof.encode();
  for (std::size_t bit = 0; bit < 8 * encoded.size(); ++bit) {
    auto changed = encoded;
    changed[bit / 8] = static_cast<std::uint8_t>(changed[bit / 8] ^ (1U << bit % 8));
    const auto proof = KnowledgeProof<R>::decode(changed);
    const Fault fault = proof ? verify(honest.context, honest.statement, *proof).error() : proof.error();
    EXPECT_EQ(fault, proof ? Fault::kProofChallengeMismatch : Fault::kScalarNoncanonical);
  }
  EXPECT_TRUE(verify(honest.context, honest.statement, honest.proof).has_value());
}

// A01 and A05, by forgery: a field of the context left out lets a proof move to where it was not made.
TEST(Knowledge, ProofMovesToAnotherContextOnlyIfTheFieldIsOmitted) {
  const Cast honest = cast("move");
  for (const ContextField& field : context_fields(honest.context)) {
    const auto proof = weakly_prove({field.label}, honest);
    EXPECT_TRUE(weakly_accepts({field.label}, honest.context, honest.statement, proof)) << field.label;
    EXPECT_TRUE(weakly_accepts({field.label}, field.changed, honest.statement, proof)) << field.label;
    EXPECT_EQ(verify(field.changed, honest.statement, proof).error(), Fault::kProofChallengeMismatch);
    EXPECT_EQ(verify(field.changed, honest.statement, honest.proof).error(), Fault::kProofChallengeMismatch);
  }
}

// A05: same key, same statement, other election.
TEST(Knowledge, OtherElectionIsRefused) {
  const Cast honest = cast("election");
  BoundContext other = honest.context;
  other.election = "election B";
  EXPECT_EQ(verify(other, honest.statement, honest.proof).error(), Fault::kProofChallengeMismatch);
  EXPECT_TRUE(verify(honest.context, honest.statement, honest.proof).has_value());
}

// A01, alpha left out: commitment first, then the alpha that fits, with a logarithm that nobody knows.
TEST(Knowledge, ForgeryWithoutAlpha) {
  const Cast honest = cast("no alpha");
  const R::Point T = unknown_point<R>("commitment");
  KnowledgeStatement<R> statement{honest.statement.Y, {}, honest.statement.beta};
  const R::Scalar c = weak_challenge({"alpha"}, honest.context, statement, T);
  const R::Scalar s = scalar<R>(1234);
  statement.alpha = R::mul_vartime(c.inverse_vartime(), T - R::mul_base_vartime(s));
  EXPECT_TRUE(weakly_accepts({"alpha"}, honest.context, statement, {c, s}));
  EXPECT_EQ(verify(honest.context, statement, {c, s}).error(), Fault::kProofChallengeMismatch);
}

// A01, commitment left out: any response to the challenge will do, for another voter's ciphertext.
TEST(Knowledge, ForgeryWithoutCommitment) {
  const Cast honest = cast("no commitment");
  const R::Scalar c = weak_challenge({"commitment"}, honest.context, honest.statement, {});
  const KnowledgeProof<R> forged{c, scalar<R>(77)};
  EXPECT_TRUE(weakly_accepts({"commitment"}, honest.context, honest.statement, forged));
  EXPECT_EQ(verify(honest.context, honest.statement, forged).error(), Fault::kProofChallengeMismatch);
}

// A01, beta or Y left out: the proof of another's ciphertext carries over to a related one.
TEST(Knowledge, ForgeryWithoutBetaOrKey) {
  const Cast honest = cast("related");
  const auto refuse = [&](std::string_view omitted, const KnowledgeStatement<R>& related) {
    const auto proof = weakly_prove({omitted}, honest);
    EXPECT_TRUE(weakly_accepts({omitted}, honest.context, related, proof));
    EXPECT_EQ(verify(honest.context, related, proof).error(), Fault::kProofChallengeMismatch);
    EXPECT_EQ(verify(honest.context, related, honest.proof).error(), Fault::kProofChallengeMismatch);
  };
  const auto& [Y, alpha, beta] = honest.statement;
  refuse("beta", {Y, alpha, beta + R::Point::generator()});  // a vote moved by a known difference
  refuse("Y", {unknown_point<R>("another key"), alpha, beta});
}

// A02: a simulator's conversation satisfies the equation and is no proof.
TEST(Knowledge, SimulatorIsRefused) {
  SystemRng rng;
  const Cast honest = cast("simulated");
  for (int i = 0; i < 20; ++i) {
    const KnowledgeProof<R> simulated{declassify(R::SecretScalar::random(rng)),
                                      declassify(R::SecretScalar::random(rng))};  // drawn, no secret
    EXPECT_EQ(verify(honest.context, honest.statement, simulated).error(), Fault::kProofChallengeMismatch);
  }
  for (const KnowledgeProof<R>& trivial :
       {KnowledgeProof<R>{}, {scalar<R>(1), {}}, {{}, scalar<R>(1)}, {scalar<R>(1), scalar<R>(1)}})
    EXPECT_EQ(verify(honest.context, honest.statement, trivial).error(), Fault::kProofChallengeMismatch);
}

// The nonce is new each time, and with a stuck generator new for each statement.
TEST(Knowledge, CommitmentsDoNotRepeat) {
  const Cast one = cast("nonce");
  SeededRng again("other randomness");
  const auto r = R::SecretScalar::random(again);
  KnowledgeStatement<R> statement{one.statement.Y, R::mul_base(r), one.statement.beta};
  const auto prove = [&] {
    SeededRng stuck("stuck");
    auto transcript = one.context.begin<Transcript>();
    return recompute_commitment_vartime(statement, prove_knowledge(statement, r, transcript, stuck));
  };
  const R::Point T = prove();
  EXPECT_EQ(prove(), T);
  statement.beta = statement.beta + R::Point::generator();
  EXPECT_NE(prove(), T);
}

}  // namespace
}  // namespace psephos
