#pragma once
#include <string_view>
#include <utility>

#include "crypto/fault.h"
#include "crypto/group/group.h"
#include "crypto/proof/compact_proof.h"
#include "crypto/random.h"
#include "crypto/result.h"
#include "crypto/transcript.h"

namespace psephos {

inline constexpr std::string_view kKnowledgeLabel = "knowledge/v1";

/// An ElGamal ciphertext under Y, whose randomness r the prover knows: alpha = r·G, hence M = beta − r·Y.
template <Group G>
struct KnowledgeStatement {
  typename G::Point Y;
  typename G::Point alpha;
  typename G::Point beta;
};

/// Schnorr's proof of knowledge of r, bound to Y, beta and all context that the transcript already holds.
/// Source: Schnorr, J. Cryptology 1991; Bernhard, Pereira & Warinschi 2012 for what must be hashed. SPEC
/// §6.1. Transcript, in order: the caller's context, Y, alpha, beta, commitment T = w·G → c. Soundness error
/// 1/q.
template <Group G>
using KnowledgeProof = CompactProof<G, KnowledgeStatement<G>>;

template <Group G>
void append_statement(Transcript& transcript, const KnowledgeStatement<G>& statement) {
  transcript.append_value("Y", statement.Y);
  transcript.append_value("alpha", statement.alpha);
  transcript.append_value("beta", statement.beta);
}

/// T = s·G + c·alpha (6.1b). Algebra only: whoever wants a verdict calls verify_knowledge_vartime.
template <Group G>
typename G::Point recompute_commitment_vartime(const KnowledgeStatement<G>& statement,
                                               const KnowledgeProof<G>& proof) {
  return G::mul_base_vartime(proof.s) + G::mul_vartime(proof.c, statement.alpha);
}

namespace detail {

template <Group G>
KnowledgeProof<G> answer_knowledge(const typename G::SecretScalar& r, typename G::SecretScalar&& w,
                                   Transcript& transcript) {
  transcript.append_value("commitment", G::mul_base(w));
  const typename G::Scalar c = transcript.challenge_scalar<G>("challenge");
  return {c, respond<G>(std::move(w), c, r)};
}

}  // namespace detail

/// The proof with a given nonce. For tests: a nonce used twice reveals r.
template <Group G>
KnowledgeProof<G> prove_knowledge_with_nonce(const KnowledgeStatement<G>& statement,
                                             const typename G::SecretScalar& r, typename G::SecretScalar&& w,
                                             Transcript& transcript) {
  append_statement(transcript, statement);
  return detail::answer_knowledge<G>(r, std::move(w), transcript);
}

/// @pre statement.alpha = r·G; otherwise the proof does not verify.
/// Constant time in r. The nonce is hedged (A18). Cost: one fixed-base multiplication.
template <Group G>
KnowledgeProof<G> prove_knowledge(const KnowledgeStatement<G>& statement, const typename G::SecretScalar& r,
                                  Transcript& transcript, Rng& rng) {
  append_statement(transcript, statement);
  return detail::answer_knowledge<G>(r, transcript.hedged_nonce<G>("knowledge", r, rng), transcript);
}

/// Recomputes T and checks c (6.1b).
/// @return kPointIdentity if Y or alpha is the identity, kProofChallengeMismatch if c differs; nothing else.
/// Variable time: all inputs are public. Cost: one fixed-base and one other multiplication.
template <Group G>
[[nodiscard]] Result<void, Fault> verify_knowledge_vartime(const KnowledgeStatement<G>& statement,
                                                           const KnowledgeProof<G>& proof,
                                                           Transcript& transcript) {
  if (statement.Y.is_identity() || statement.alpha.is_identity())
    return std::unexpected(Fault::kPointIdentity);
  append_statement(transcript, statement);
  transcript.append_value("commitment", recompute_commitment_vartime(statement, proof));
  if (transcript.challenge_scalar<G>("challenge") != proof.c)
    return std::unexpected(Fault::kProofChallengeMismatch);
  return {};
}

}  // namespace psephos
