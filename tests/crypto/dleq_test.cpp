#include "crypto/proof/dleq.h"

#include <gtest/gtest.h>

#include "crypto/group/ristretto.h"
#include "tests/crypto/sigma_fixture.h"

namespace psephos {
namespace {

using namespace sigma_test;
using R = Ristretto;
using Omitted = std::vector<std::string_view>;

// A02: there is no way to a verdict without a transcript.
template <class... Arguments>
concept Verifies =
    requires(Arguments&&... arguments) { verify_dleq_vartime(std::forward<Arguments>(arguments)...); };
template <class... Arguments>
concept VerifiesBatch = requires(Arguments&&... arguments) {
  verify_batched_dleq_vartime(std::forward<Arguments>(arguments)...);
};
static_assert(Verifies<const DleqStatement<R>&, const DleqProof<R>&, Transcript&>);
static_assert(!Verifies<const DleqStatement<R>&, const DleqProof<R>&>);
static_assert(!Verifies<const DleqStatement<R>&, const DleqProof<R>&, std::nullptr_t>);
static_assert(VerifiesBatch<const BatchedDleqStatement<R>&, const BatchedDleqProof<R>&, Transcript&>);
static_assert(!VerifiesBatch<const BatchedDleqStatement<R>&, const BatchedDleqProof<R>&>);
static_assert(!VerifiesBatch<const BatchedDleqStatement<R>&, const BatchedDleqProof<R>&, std::nullptr_t>);
// Proofs of one statement are not proofs of another.
static_assert(!Verifies<const DleqStatement<R>&, const BatchedDleqProof<R>&, Transcript&>);
static_assert(!VerifiesBatch<const BatchedDleqStatement<R>&, const DleqProof<R>&, Transcript&>);

BoundContext context_of(std::string_view label) {
  BoundContext context;
  context.proof = label;
  return context;
}
Result<void, Fault> verify(const BoundContext& context, const DleqStatement<R>& statement,
                           const DleqProof<R>& proof) {
  auto transcript = context.begin<Transcript>();
  return verify_dleq_vartime(statement, proof, transcript);
}
Result<void, Fault> verify(const BoundContext& context, const BatchedDleqStatement<R>& statement,
                           const BatchedDleqProof<R>& proof) {
  auto transcript = context.begin<Transcript>();
  return verify_batched_dleq_vartime(statement, proof, transcript);
}

R::Scalar weak_challenge(OmittingTranscript& transcript, const DleqCommitment<R>& commitment) {
  transcript.append_value("U", commitment.U);
  transcript.append_value("V", commitment.V);
  return transcript.challenge_scalar<R>("challenge");
}
R::Scalar weak_challenge(const Omitted& omitted, const BoundContext& context,
                         const DleqStatement<R>& statement, const DleqCommitment<R>& commitment) {
  auto transcript = context.begin<OmittingTranscript>(omitted);
  transcript.append_value("A", statement.A);
  transcript.append_value("H", statement.H);
  transcript.append_value("B", statement.B);
  return weak_challenge(transcript, commitment);
}
/// The verifier that forgets to hash what is `omitted`.
bool weakly_accepts(const Omitted& omitted, const BoundContext& context, const DleqStatement<R>& statement,
                    const DleqProof<R>& proof) {
  return weak_challenge(omitted, context, statement, recompute_commitment_vartime(statement, proof)) ==
         proof.c;
}

/// The honest prover in a world that forgets to hash what is `omitted`.
DleqProof<R> weakly_prove(const Omitted& omitted, const BoundContext& context,
                          const DleqStatement<R>& statement, const R::SecretScalar& x) {
  auto w = secret<R>(987654321);
  const auto c = weak_challenge(omitted, context, statement, dleq_commitment<R>(statement.H, w));
  return {c, respond<R>(std::move(w), c, x)};
}

/// The weak batched verifier up to its weights; more can be appended.
struct WeakBatch {
  OmittingTranscript transcript;
  std::vector<R::Scalar> weights;
};
WeakBatch weak_weights(const Omitted& omitted, const BoundContext& context,
                       const BatchedDleqStatement<R>& statement) {
  WeakBatch out{context.begin<OmittingTranscript>(omitted), {}};
  out.transcript.append_value("A", statement.A);
  out.transcript.append_points("inputs", statement.inputs);
  out.transcript.append_points("outputs", statement.outputs);
  out.weights = out.transcript.challenge_vector<R>("weights", statement.inputs.size());
  return out;
}
bool weakly_accepts(const Omitted& omitted, const BoundContext& context,
                    const BatchedDleqStatement<R>& statement, const BatchedDleqProof<R>& proof) {
  WeakBatch batch = weak_weights(omitted, context, statement);
  const auto composite = composite_vartime(statement, std::span<const R::Scalar>(batch.weights));
  const DleqProof<R> single{proof.c, proof.s};
  return weak_challenge(batch.transcript, recompute_commitment_vartime(composite, single)) == proof.c;
}

BatchedDleqProof<R> weakly_prove(const Omitted& omitted, const BoundContext& context,
                                 const BatchedDleqStatement<R>& statement, const R::SecretScalar& x) {
  WeakBatch batch = weak_weights(omitted, context, statement);
  auto w = secret<R>(987654321);
  const R::Point M = composite_vartime(statement, std::span<const R::Scalar>(batch.weights)).H;
  const auto c = weak_challenge(batch.transcript, dleq_commitment<R>(M, w));
  return {c, respond<R>(std::move(w), c, x)};
}

struct Single {
  BoundContext context = context_of(kDleqLabel);
  R::SecretScalar x;
  DleqStatement<R> statement;
  DleqProof<R> proof;
};
Single honest_single(std::string_view seed) {
  SeededRng rng(seed);
  Single out;
  out.x = R::SecretScalar::random(rng);
  const R::Point H = R::mul_base(R::SecretScalar::random(rng));
  out.statement = {R::mul_base(out.x), H, out.x * H};
  auto transcript = out.context.begin<Transcript>();
  out.proof = prove_dleq(out.statement, out.x, transcript, rng);
  return out;
}

TEST(Dleq, IsAcceptedAndRoundTrips) {
  for (int i = 0; i < 20; ++i) {
    const Single honest = honest_single("honest " + std::to_string(i));
    const auto decoded = DleqProof<R>::decode(honest.proof.encode());
    ASSERT_TRUE(decoded.has_value());
    EXPECT_TRUE(verify(honest.context, honest.statement, *decoded).has_value());
    EXPECT_TRUE(weakly_accepts({}, honest.context, honest.statement, honest.proof));
  }
}

// A03: a challenge of 16 or 20 bytes, as a shorter or older hash would give it, or of more than 32, has no
// place in a proof; nor has one that is not reduced, which would be a second encoding of another.
TEST(Dleq, A03_ChallengesHaveOneWidth) {
  const Single honest = honest_single("width");
  const auto c = honest.proof.c.encode(), s = honest.proof.s.encode();
  const auto with_width = [&](std::size_t width) {
    Bytes proof(width);
    std::copy_n(c.begin(), std::min<std::size_t>(width, 32), proof.begin());
    append(proof, s);
    return DleqProof<R>::decode(proof);
  };
  for (const std::size_t width : {0U, 1U, 16U, 20U, 31U, 33U, 48U, 64U}) {
    ASSERT_FALSE(with_width(width).has_value()) << width;
    EXPECT_EQ(with_width(width).error(), Fault::kProofEncoding) << width;
  }
  Bytes unreduced(32, 0xff);
  append(unreduced, s);
  EXPECT_EQ(DleqProof<R>::decode(unreduced).error(), Fault::kScalarNoncanonical);
  EXPECT_TRUE(verify(honest.context, honest.statement, with_width(32).value()).has_value());
}

// A12: with an identity base or key the statement says nothing.
TEST(Dleq, IdentityIsRefused) {
  const Single honest = honest_single("identity");
  SystemRng rng;
  const DleqStatement<R> identity_base{honest.statement.A, {}, {}};
  auto transcript = honest.context.begin<Transcript>();
  const auto proof = prove_dleq(identity_base, honest.x, transcript, rng);
  EXPECT_TRUE(weakly_accepts({}, honest.context, identity_base, proof));
  EXPECT_EQ(verify(honest.context, identity_base, proof).error(), Fault::kPointIdentity);
  const DleqStatement<R> identity_key{{}, honest.statement.H, {}};
  auto other = honest.context.begin<Transcript>();
  const auto zero = prove_dleq(identity_key, secret<R>(0), other, rng);
  EXPECT_TRUE(weakly_accepts({}, honest.context, identity_key, zero));
  EXPECT_EQ(verify(honest.context, identity_key, zero).error(), Fault::kPointIdentity);
}

// A01, by flipping, and A05; a context left out lets the proof move.
TEST(Dleq, EveryBoundFieldIsChecked) {
  const Single honest = honest_single("flip");
  for (const ContextField& field : context_fields(honest.context)) {
    EXPECT_EQ(verify(field.changed, honest.statement, honest.proof).error(), Fault::kProofChallengeMismatch)
        << field.label;
    const auto moved = weakly_prove({field.label}, honest.context, honest.statement, honest.x);
    EXPECT_TRUE(weakly_accepts({field.label}, field.changed, honest.statement, moved)) << field.label;
    EXPECT_EQ(verify(field.changed, honest.statement, moved).error(), Fault::kProofChallengeMismatch);
  }
  for (R::Point DleqStatement<R>::* const field :
       {&DleqStatement<R>::A, &DleqStatement<R>::H, &DleqStatement<R>::B}) {
    auto statement = honest.statement;
    statement.*field = statement.*field + R::Point::generator();
    EXPECT_EQ(verify(honest.context, statement, honest.proof).error(), Fault::kProofChallengeMismatch);
  }
  for (R::Scalar DleqProof<R>::* const field : {&DleqProof<R>::c, &DleqProof<R>::s}) {
    auto proof = honest.proof;
    proof.*field = proof.*field + scalar<R>(1);
    EXPECT_EQ(verify(honest.context, honest.statement, proof).error(), Fault::kProofChallengeMismatch);
  }
}

// A01, one forgery for each part of statement and commitment that is not hashed. Each statement is false.
TEST(Dleq, ForgeryForEveryOmittedField) {
  const BoundContext context = context_of(kDleqLabel);
  const R::Scalar x = scalar<R>(1111);
  const R::Scalar w = scalar<R>(2222);
  const R::Scalar s_free = scalar<R>(3333);
  const R::Point A = R::mul_base_vartime(x);
  const R::Point H = unknown_point<R>("H");
  const R::Point xH = R::mul_vartime(x, H);
  const R::Point wG = R::mul_base_vartime(w);
  const R::Point wH = R::mul_vartime(w, H);
  const R::Point false_B = unknown_point<R>("B");
  const R::Point any = unknown_point<R>("commitment");
  const auto refuse = [&](std::string_view omitted, const DleqStatement<R>& statement,
                          const DleqProof<R>& proof) {
    EXPECT_FALSE(statement.A == A && statement.B == R::mul_vartime(x, statement.H));
    EXPECT_TRUE(weakly_accepts({omitted}, context, statement, proof)) << omitted;
    EXPECT_EQ(verify(context, statement, proof).error(), Fault::kProofChallengeMismatch) << omitted;
  };
  {  // A chosen last: V honest for B = x·H, U of unknown logarithm
    const R::Scalar c = weak_challenge({"A"}, context, {{}, H, xH}, {any, wH});
    const R::Scalar s = w - c * x;
    refuse("A", {R::mul_vartime(c.inverse_vartime(), any - R::mul_base_vartime(s)), H, xH}, {c, s});
  }
  {  // B chosen last: U honest for A, V of unknown logarithm
    const R::Scalar c = weak_challenge({"B"}, context, {A, H, {}}, {wG, any});
    const R::Scalar s = w - c * x;
    refuse("B", {A, H, R::mul_vartime(c.inverse_vartime(), any - R::mul_vartime(s, H))}, {c, s});
  }
  {  // H chosen last
    const R::Scalar c = weak_challenge({"H"}, context, {A, {}, false_B}, {wG, any});
    const R::Scalar s = w - c * x;
    refuse("H", {A, R::mul_vartime(s.inverse_vartime(), any - R::mul_vartime(c, false_B)), false_B}, {c, s});
  }
  {  // U takes whatever value the equation gives
    const R::Scalar y = scalar<R>(4444);
    const DleqStatement<R> statement{A, H, R::mul_vartime(y, H)};
    const R::Scalar c = weak_challenge({"U"}, context, statement, {{}, wH});
    refuse("U", statement, {c, w - c * y});
  }
  {  // V likewise: any B at all
    const DleqStatement<R> statement{A, H, false_B};
    const R::Scalar c = weak_challenge({"V"}, context, statement, {wG, {}});
    refuse("V", statement, {c, w - c * x});
  }
  {  // neither commitment hashed: not even A's logarithm is needed
    const DleqStatement<R> statement{any, H, false_B};
    const R::Scalar c = weak_challenge({"U", "V"}, context, statement, {});
    EXPECT_TRUE(weakly_accepts({"U", "V"}, context, statement, {c, s_free}));
    EXPECT_EQ(verify(context, statement, {c, s_free}).error(), Fault::kProofChallengeMismatch);
  }
}

// A02: a simulator's conversation satisfies both equations and is no proof.
TEST(Dleq, SimulatorIsRefused) {
  SeededRng rng("simulator");
  const Single honest = honest_single("simulated");
  for (int i = 0; i < 20; ++i) {
    const auto c = declassify(R::SecretScalar::random(rng));  // drawn, no secret
    const auto s = declassify(R::SecretScalar::random(rng));
    EXPECT_EQ(verify(honest.context, honest.statement, DleqProof<R>{c, s}).error(),
              Fault::kProofChallengeMismatch);
  }
}

struct Batch {
  BoundContext context = context_of(kBatchedDleqLabel);
  R::SecretScalar x;
  R::Point A;
  std::vector<R::Point> inputs;
  std::vector<R::Point> outputs;
  BatchedDleqProof<R> proof;
  BatchedDleqStatement<R> statement() const { return {A, inputs, outputs}; }
};
Batch honest_batch(std::size_t n, std::string_view seed) {
  SeededRng rng(seed);
  Batch out;
  out.x = R::SecretScalar::random(rng);
  out.A = R::mul_base(out.x);
  for (std::size_t i = 0; i < n; ++i) {
    out.inputs.push_back(R::mul_base(R::SecretScalar::random(rng)));
    out.outputs.push_back(out.x * out.inputs.back());
  }
  auto transcript = out.context.begin<Transcript>();
  out.proof = prove_batched_dleq(out.statement(), out.x, transcript, rng);
  return out;
}

TEST(BatchedDleq, IsAcceptedForEveryLength) {
  for (const std::size_t n : {0U, 1U, 2U, 3U, 4U, 5U, 9U, 255U, 256U, 257U, 600U}) {
    const Batch honest = honest_batch(n, "honest");
    const auto decoded = BatchedDleqProof<R>::decode(honest.proof.encode());
    ASSERT_TRUE(decoded.has_value());
    EXPECT_TRUE(verify(honest.context, honest.statement(), *decoded).has_value()) << n;
    EXPECT_TRUE(weakly_accepts({}, honest.context, honest.statement(), *decoded)) << n;
  }
}

// A01, by flipping, at every position of both lists; order and length are bound too.
TEST(BatchedDleq, EveryBoundFieldIsChecked) {
  const Batch honest = honest_batch(5, "flip");
  const auto mismatch = [&](const BatchedDleqStatement<R>& statement, const BatchedDleqProof<R>& proof) {
    EXPECT_EQ(verify(honest.context, statement, proof).error(), Fault::kProofChallengeMismatch);
  };
  for (const ContextField& field : context_fields(honest.context)) {
    EXPECT_EQ(verify(field.changed, honest.statement(), honest.proof).error(),
              Fault::kProofChallengeMismatch);
    const auto moved = weakly_prove({field.label}, honest.context, honest.statement(), honest.x);
    EXPECT_TRUE(weakly_accepts({field.label}, field.changed, honest.statement(), moved)) << field.label;
    EXPECT_EQ(verify(field.changed, honest.statement(), moved).error(), Fault::kProofChallengeMismatch);
  }
  const R::Point G = R::Point::generator();
  mismatch({honest.A + G, honest.inputs, honest.outputs}, honest.proof);
  for (std::size_t i = 0; i < 5; ++i) {
    auto inputs = honest.inputs;
    auto outputs = honest.outputs;
    inputs[i] = inputs[i] + G;
    mismatch({honest.A, inputs, honest.outputs}, honest.proof);
    outputs[i] = outputs[i] + G;
    mismatch({honest.A, honest.inputs, outputs}, honest.proof);
    mismatch({honest.A, inputs, outputs}, honest.proof);
    outputs[i] = R::Point::identity();
    mismatch({honest.A, honest.inputs, outputs}, honest.proof);
  }
  auto inputs = honest.inputs;
  auto outputs = honest.outputs;
  std::swap(inputs[1], inputs[3]);
  std::swap(outputs[1], outputs[3]);  // still true, but another list
  mismatch({honest.A, inputs, outputs}, honest.proof);
  mismatch({honest.A, std::span(honest.inputs).first(4), std::span(honest.outputs).first(4)}, honest.proof);
  mismatch({honest.A, {}, {}}, honest.proof);
  mismatch(honest.statement(), {honest.proof.c, honest.proof.s + scalar<R>(1)});
  mismatch(honest.statement(), {honest.proof.c + scalar<R>(1), honest.proof.s});
}

TEST(BatchedDleq, ListsOfDifferentLengthAreRefused) {
  const Batch honest = honest_batch(5, "lengths");
  const BatchedDleqStatement<R> shorter{honest.A, honest.inputs, std::span(honest.outputs).first(4)};
  EXPECT_EQ(verify(honest.context, shorter, honest.proof).error(), Fault::kProofEncoding);
  const BatchedDleqStatement<R> longer{honest.A, std::span(honest.inputs).first(4), honest.outputs};
  EXPECT_EQ(verify(honest.context, longer, honest.proof).error(), Fault::kProofEncoding);
}

// A12, at every position.
TEST(BatchedDleq, IdentityIsRefused) {
  SystemRng rng;
  const Batch honest = honest_batch(4, "identity");
  for (std::size_t i = 0; i < 4; ++i) {
    auto inputs = honest.inputs;
    auto outputs = honest.outputs;
    inputs[i] = outputs[i] = R::Point::identity();
    auto transcript = honest.context.begin<Transcript>();
    const BatchedDleqStatement<R> statement{honest.A, inputs, outputs};
    const auto proof = prove_batched_dleq(statement, honest.x, transcript, rng);
    EXPECT_TRUE(weakly_accepts({}, honest.context, statement, proof));
    EXPECT_EQ(verify(honest.context, statement, proof).error(), Fault::kPointIdentity);
  }
  const BatchedDleqStatement<R> no_key{{}, honest.inputs, honest.outputs};
  EXPECT_EQ(verify(honest.context, no_key, honest.proof).error(), Fault::kPointIdentity);
}

// Two errors that cancel under equal weights do not cancel under the transcript's.
TEST(BatchedDleq, ErrorsDoNotCancel) {
  SystemRng rng;
  const Batch honest = honest_batch(2, "cancel");
  auto outputs = honest.outputs;
  outputs[0] = outputs[0] + R::Point::generator();
  outputs[1] = outputs[1] - R::Point::generator();
  const BatchedDleqStatement<R> statement{honest.A, honest.inputs, outputs};
  auto transcript = honest.context.begin<Transcript>();
  const auto proof = prove_batched_dleq(statement, honest.x, transcript, rng);
  EXPECT_EQ(verify(honest.context, statement, proof).error(), Fault::kProofChallengeMismatch);
  const std::array equal_weights{scalar<R>(1), scalar<R>(1)};
  const auto composite = composite_vartime(statement, std::span<const R::Scalar>(equal_weights));
  EXPECT_EQ(honest.x * composite.H, composite.B);  // what equal weights would have believed
}

// A01, one forgery for each part that is not hashed; the weights come from the same transcript.
TEST(BatchedDleq, ForgeryForEveryOmittedField) {
  SystemRng rng;
  const BoundContext context = context_of(kBatchedDleqLabel);
  const Batch honest = honest_batch(3, "forgeries");
  const R::Scalar w = scalar<R>(2222);
  const auto x = declassify(honest.x);  // a test's key
  const R::Point wG = R::mul_base_vartime(w);
  const R::Point any = unknown_point<R>("commitment");
  const auto refuse = [&](std::string_view omitted, const BatchedDleqStatement<R>& statement,
                          const BatchedDleqProof<R>& proof) {
    bool holds = statement.A == honest.A;
    for (std::size_t i = 0; i < statement.inputs.size(); ++i)
      holds = holds && R::mul_vartime(x, statement.inputs[i]) == statement.outputs[i];
    EXPECT_FALSE(holds) << omitted;
    EXPECT_TRUE(weakly_accepts({omitted}, context, statement, proof)) << omitted;
    EXPECT_EQ(verify(context, statement, proof).error(), Fault::kProofChallengeMismatch) << omitted;
  };
  {  // outputs: with weights known, errors are chosen so that they cancel; the honest prover does the rest
    WeakBatch batch = weak_weights({"outputs"}, context, honest.statement());
    auto outputs = honest.outputs;
    outputs[1] = unknown_point<R>("any wrong share");
    const R::Point error = outputs[1] - honest.outputs[1];
    outputs[0] = outputs[0] - R::mul_vartime(batch.weights[1] * batch.weights[0].inverse_vartime(), error);
    const R::Point M = composite_vartime(honest.statement(), std::span<const R::Scalar>(batch.weights)).H;
    const R::Scalar c = weak_challenge(batch.transcript, {wG, R::mul_vartime(w, M)});
    refuse("outputs", {honest.A, honest.inputs, outputs}, {c, w - c * x});
  }
  {  // inputs: the first is chosen last, to fit any outputs
    WeakBatch batch = weak_weights({"inputs"}, context, honest.statement());
    const auto Z = composite_vartime(honest.statement(), std::span<const R::Scalar>(batch.weights)).B;
    const R::Scalar c = weak_challenge(batch.transcript, {wG, any});
    const R::Scalar s = w - c * x;
    const R::Point M = R::mul_vartime(s.inverse_vartime(), any - R::mul_vartime(c, Z));
    auto inputs = honest.inputs;
    inputs[0] = M - R::mul_vartime(batch.weights[1], inputs[1]) - R::mul_vartime(batch.weights[2], inputs[2]);
    inputs[0] = R::mul_vartime(batch.weights[0].inverse_vartime(), inputs[0]);
    refuse("inputs", {honest.A, inputs, honest.outputs}, {c, s});
  }
  {  // A: outputs under x, key of unknown logarithm
    WeakBatch batch = weak_weights({"A"}, context, honest.statement());
    const R::Point M = composite_vartime(honest.statement(), std::span<const R::Scalar>(batch.weights)).H;
    const R::Scalar c = weak_challenge(batch.transcript, {any, R::mul_vartime(w, M)});
    const R::Scalar s = w - c * x;
    const R::Point A = R::mul_vartime(c.inverse_vartime(), any - R::mul_base_vartime(s));
    refuse("A", {A, honest.inputs, honest.outputs}, {c, s});
  }
  {  // V: any outputs at all
    auto outputs = honest.outputs;
    outputs[2] = any;
    const BatchedDleqStatement<R> statement{honest.A, honest.inputs, outputs};
    WeakBatch batch = weak_weights({"V"}, context, statement);
    const R::Scalar c = weak_challenge(batch.transcript, {wG, {}});
    refuse("V", statement, {c, w - c * x});
  }
  {  // U: outputs under another key than A's
    const R::Scalar y = scalar<R>(4444);
    std::vector<R::Point> outputs;
    for (const R::Point& input : honest.inputs) outputs.push_back(R::mul_vartime(y, input));
    const BatchedDleqStatement<R> statement{honest.A, honest.inputs, outputs};
    WeakBatch batch = weak_weights({"U"}, context, statement);
    const R::Point M = composite_vartime(statement, std::span<const R::Scalar>(batch.weights)).H;
    const R::Scalar c = weak_challenge(batch.transcript, {{}, R::mul_vartime(w, M)});
    refuse("U", statement, {c, w - c * y});
  }
}

// A02.
TEST(BatchedDleq, SimulatorIsRefused) {
  SeededRng rng("simulator");
  const Batch honest = honest_batch(3, "simulated");
  for (int i = 0; i < 20; ++i) {
    const auto c = declassify(R::SecretScalar::random(rng));  // drawn, no secret
    const auto s = declassify(R::SecretScalar::random(rng));
    EXPECT_EQ(verify(honest.context, honest.statement(), BatchedDleqProof<R>{c, s}).error(),
              Fault::kProofChallengeMismatch);
  }
}

}  // namespace
}  // namespace psephos
