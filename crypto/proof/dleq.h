#pragma once
#include <algorithm>
#include <array>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "crypto/fault.h"
#include "crypto/group/group.h"
#include "crypto/proof/compact_proof.h"
#include "crypto/random.h"
#include "crypto/result.h"
#include "crypto/secret/declassify.h"
#include "crypto/transcript.h"

namespace psephos {

inline constexpr std::string_view kDleqLabel = "dleq/v1";
inline constexpr std::string_view kBatchedDleqLabel = "batched-dleq/v1";

/// A = x·G and B = x·H for the same x (6.2a).
template <Group G>
struct DleqStatement {
  typename G::Point A;
  typename G::Point H;
  typename G::Point B;
};

/// A = x·G and outputs[i] = x·inputs[i] for all i, for the same x (6.2c). Refers to lists it does not own.
template <Group G>
struct BatchedDleqStatement {
  typename G::Point A;
  std::span<const typename G::Point> inputs;
  std::span<const typename G::Point> outputs;
};

/// Proof of equality of discrete logarithms, and of knowledge of x. Soundness error 1/q.
/// Source: Chaum & Pedersen, CRYPTO '92; as an instance of Boneh & Shoup v0.4 §19.5.3. SPEC §6.2.
/// Transcript, in order: the caller's context, A, H, B, U = w·G, V = w·H → c.
template <Group G>
using DleqProof = CompactProof<G, DleqStatement<G>>;

/// The same for a whole list: one DleqProof for M = Σ d_i·inputs[i], Z = Σ d_i·outputs[i].
/// Source: RFC 9497 §2.2. SPEC §6.2. Soundness error 1/q + 2^−128.
/// Transcript, in order: the caller's context, A, inputs, outputs → weights d_i of 128 bits; U, V → c.
template <Group G>
using BatchedDleqProof = CompactProof<G, BatchedDleqStatement<G>>;

template <Group G>
struct DleqCommitment {
  typename G::Point U;  ///< w·G
  typename G::Point V;  ///< w·H
  friend bool operator==(const DleqCommitment&, const DleqCommitment&) = default;
};

// The algebra, without hashing: the proofs below and the vectors of RFC 9497 share it.

/// U = w·G, V = w·H, which are public. Constant time in w.
template <Group G>
DleqCommitment<G> dleq_commitment(const typename G::Point& H, const typename G::SecretScalar& w) {
  return published(DleqCommitment<G>{G::mul_base(w), w * H});
}

/// U = s·G + c·A, V = s·H + c·B (6.2b). Whoever wants a verdict calls verify_dleq_vartime.
template <Group G>
DleqCommitment<G> recompute_commitment_vartime(const DleqStatement<G>& statement, const DleqProof<G>& proof) {
  return {G::mul_base_vartime(proof.s) + G::mul_vartime(proof.c, statement.A),
          G::mul_vartime(proof.s, statement.H) + G::mul_vartime(proof.c, statement.B)};
}

/// The statement about the composites M and Z (6.2d). @pre inputs, outputs and weights have equal lengths.
template <Group G>
DleqStatement<G> composite_vartime(const BatchedDleqStatement<G>& statement,
                                   std::span<const typename G::Scalar> weights) {
  const auto inputs = G::points_of(statement.inputs), outputs = G::points_of(statement.outputs);
  const std::array lists{&inputs, &outputs};
  const auto sums = G::msm_vartime(weights, lists);
  return {statement.A, sums[0], sums[1]};
}

// The proofs.

template <Group G>
void append_statement(Transcript& transcript, const DleqStatement<G>& statement) {
  transcript.append_value("A", statement.A);
  transcript.append_value("H", statement.H);
  transcript.append_value("B", statement.B);
}

template <Group G>
void append_statement(Transcript& transcript, const BatchedDleqStatement<G>& statement) {
  transcript.append_value("A", statement.A);
  transcript.append_points("inputs", statement.inputs);
  transcript.append_points("outputs", statement.outputs);
}

namespace detail {

template <Group G>
typename G::Scalar dleq_challenge(Transcript& transcript, const DleqCommitment<G>& commitment) {
  transcript.append_value("U", commitment.U);
  transcript.append_value("V", commitment.V);
  return transcript.challenge_scalar<G>("challenge");
}

template <Group G>
DleqProof<G> answer_dleq(const typename G::Point& H, const typename G::SecretScalar& x,
                         typename G::SecretScalar&& w, Transcript& transcript) {
  const typename G::Scalar c = dleq_challenge<G>(transcript, dleq_commitment<G>(H, w));
  return {c, respond<G>(std::move(w), c, x)};
}

/// The end of a batched proof's verification, once the composites are there.
template <Group G>
Result<void, Fault> verify_composite(const DleqStatement<G>& composite, const BatchedDleqProof<G>& proof,
                                     Transcript& transcript) {
  const auto commitment = recompute_commitment_vartime(composite, DleqProof<G>{proof.c, proof.s});
  if (dleq_challenge<G>(transcript, commitment) != proof.c)
    return std::unexpected(Fault::kProofChallengeMismatch);
  return {};
}

/// The part of a batched proof after the statement. The prover needs Z nowhere.
template <Group G>
BatchedDleqProof<G> answer_batched_dleq(const BatchedDleqStatement<G>& statement,
                                        const typename G::SecretScalar& x, typename G::SecretScalar&& w,
                                        Transcript& transcript) {
  const auto d = transcript.challenge_vector<G>("weights", statement.inputs.size());
  const typename G::Point M = G::msm_vartime(d, statement.inputs);
  const DleqProof<G> proof = answer_dleq<G>(M, x, std::move(w), transcript);
  return {proof.c, proof.s};
}

}  // namespace detail

/// The proof with a given nonce. For tests: a nonce used twice reveals x.
template <Group G>
DleqProof<G> prove_dleq_with_nonce(const DleqStatement<G>& statement, const typename G::SecretScalar& x,
                                   typename G::SecretScalar&& w, Transcript& transcript) {
  append_statement(transcript, statement);
  return detail::answer_dleq<G>(statement.H, x, std::move(w), transcript);
}

/// @pre the statement holds for x; otherwise the proof does not verify.
/// Constant time in x. The nonce is hedged (A18). Cost: one fixed-base and one other multiplication.
template <Group G>
DleqProof<G> prove_dleq(const DleqStatement<G>& statement, const typename G::SecretScalar& x,
                        Transcript& transcript, Rng& rng) {
  append_statement(transcript, statement);
  return detail::answer_dleq<G>(statement.H, x, transcript.hedged_nonce<G>("dleq", x, rng), transcript);
}

/// Recomputes U and V and checks c (6.2b).
/// @return kPointIdentity if A or H is the identity, kProofChallengeMismatch if c differs; nothing else.
/// Variable time: all inputs are public. Cost: one fixed-base and three other multiplications.
template <Group G>
[[nodiscard]] Result<void, Fault> verify_dleq_vartime(const DleqStatement<G>& statement,
                                                      const DleqProof<G>& proof, Transcript& transcript) {
  if (statement.A.is_identity() || statement.H.is_identity()) return std::unexpected(Fault::kPointIdentity);
  append_statement(transcript, statement);
  if (detail::dleq_challenge<G>(transcript, recompute_commitment_vartime(statement, proof)) != proof.c)
    return std::unexpected(Fault::kProofChallengeMismatch);
  return {};
}

/// The batched proof with a given nonce. For tests: a nonce used twice reveals x.
template <Group G>
BatchedDleqProof<G> prove_batched_dleq_with_nonce(const BatchedDleqStatement<G>& statement,
                                                  const typename G::SecretScalar& x,
                                                  typename G::SecretScalar&& w, Transcript& transcript) {
  append_statement(transcript, statement);
  return detail::answer_batched_dleq<G>(statement, x, std::move(w), transcript);
}

/// @pre the statement holds for x; otherwise the proof does not verify.
/// Constant time in x; the lists are public. The nonce is hedged (A18).
/// Cost: hashing both lists, one multi-scalar multiplication with 128-bit scalars, two multiplications.
template <Group G>
BatchedDleqProof<G> prove_batched_dleq(const BatchedDleqStatement<G>& statement,
                                       const typename G::SecretScalar& x, Transcript& transcript, Rng& rng) {
  append_statement(transcript, statement);
  auto w = transcript.hedged_nonce<G>("batched-dleq", x, rng);
  return detail::answer_batched_dleq<G>(statement, x, std::move(w), transcript);
}

/// Recomputes the weights, the composites, U and V and checks c (6.2d, 6.2b).
/// @return kProofEncoding if the lists differ in length, kPointIdentity if A or an input is the identity,
/// kProofChallengeMismatch if c differs; nothing else.
/// Variable time: all inputs are public.
/// Cost: hashing and decoding both lists, two multi-scalar multiplications with 128-bit scalars, four
/// multiplications.
template <Group G>
[[nodiscard]] Result<void, Fault> verify_batched_dleq_vartime(const BatchedDleqStatement<G>& statement,
                                                              const BatchedDleqProof<G>& proof,
                                                              Transcript& transcript) {
  if (statement.inputs.size() != statement.outputs.size()) return std::unexpected(Fault::kProofEncoding);
  if (statement.A.is_identity() ||
      std::ranges::any_of(statement.inputs, [](const auto& C) { return C.is_identity(); }))
    return std::unexpected(Fault::kPointIdentity);
  append_statement(transcript, statement);
  const auto d = transcript.challenge_vector<G>("weights", statement.inputs.size());
  return detail::verify_composite<G>(composite_vartime(statement, std::span(d)), proof, transcript);
}

}  // namespace psephos
