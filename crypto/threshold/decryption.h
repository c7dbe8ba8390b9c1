#pragma once
#include <algorithm>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "crypto/elgamal.h"
#include "crypto/fault.h"
#include "crypto/group/group.h"
#include "crypto/parallel.h"
#include "crypto/proof/dleq.h"
#include "crypto/random.h"
#include "crypto/result.h"
#include "crypto/threshold/lagrange.h"
#include "crypto/transcript.h"

namespace psephos {

inline constexpr std::string_view kDecryptionLabel = "decryption/v1";

/// shares[i] = x_j·alpha_i for the x_j of the verification key Y_j = x_j·G (6.4a). Refers to lists it does
/// not own.
template <Group G>
struct DecryptionStatement {
  typename G::Point Y_j;
  std::span<const Ciphertext<G>> ciphertexts;
  std::span<const typename G::Point> shares;
};

/// One proof for all shares of one trustee for one list. SPEC §6.4.
/// Transcript, in order: the caller's context (role and index name the trustee), ciphertexts, then the frames
/// of the batched proof of SPEC §6.2 for A = Y_j, inputs alpha_i, outputs shares.
template <Group G>
using DecryptionProof = BatchedDleqProof<G>;

/// Shares D_i = x_j·alpha_i, on all cores. A list may be taken in pieces and the results joined.
/// Constant time in x_j. Cost: one multiplication a ciphertext.
template <Group G>
std::vector<typename G::Point> decryption_shares(const typename G::SecretScalar& x_j,
                                                 std::span<const Ciphertext<G>> ciphertexts) {
  std::vector<typename G::Point> shares(ciphertexts.size());
  parallel_for(shares.size(), 64, [&](std::size_t i) { shares[i] = x_j * ciphertexts[i].alpha; });
  return shares;
}

namespace detail {

template <Group G>
std::vector<typename G::Point> alphas_of(std::span<const Ciphertext<G>> ciphertexts) {
  std::vector<typename G::Point> alphas;
  alphas.reserve(ciphertexts.size());
  for (const Ciphertext<G>& ciphertext : ciphertexts) alphas.push_back(ciphertext.alpha);
  return alphas;
}

}  // namespace detail

/// @pre the statement holds for x_j; otherwise the proof does not verify.
/// Constant time in x_j. Cost: as prove_batched_dleq.
template <Group G>
DecryptionProof<G> prove_decryption_shares(const DecryptionStatement<G>& statement,
                                           const typename G::SecretScalar& x_j, Transcript& transcript,
                                           Rng& rng) {
  transcript.append_points("ciphertexts", statement.ciphertexts);
  const auto alphas = detail::alphas_of(statement.ciphertexts);
  return prove_batched_dleq<G>({statement.Y_j, alphas, statement.shares}, x_j, transcript, rng);
}

/// Checks that every share is x_j·alpha_i.
/// @return kShareProofMissing if there are not as many shares as ciphertexts, kPointIdentity if Y_j or an
/// alpha is the identity, kShareProofInvalid if the proof fails; nothing else.
/// Variable time: all inputs are public. Cost: as verify_batched_dleq_vartime.
template <Group G>
[[nodiscard]] Result<void, Fault> verify_decryption_shares_vartime(const DecryptionStatement<G>& statement,
                                                                   const DecryptionProof<G>& proof,
                                                                   Transcript& transcript) {
  if (statement.shares.size() != statement.ciphertexts.size())
    return std::unexpected(Fault::kShareProofMissing);
  transcript.append_points("ciphertexts", statement.ciphertexts);
  const auto alphas = detail::alphas_of(statement.ciphertexts);
  const auto verdict =
      verify_batched_dleq_vartime<G>({statement.Y_j, alphas, statement.shares}, proof, transcript);
  if (verdict || verdict.error() == Fault::kPointIdentity) return verdict;
  return std::unexpected(Fault::kShareProofInvalid);
}

/// @return kShareProofMissing for no bytes at all; otherwise as CompactProof::decode.
template <Group G>
Result<DecryptionProof<G>, Fault> decode_decryption_proof(ByteView bytes) {
  if (bytes.empty()) return std::unexpected(Fault::kShareProofMissing);
  return DecryptionProof<G>::decode(bytes);
}

/// The shares of one trustee, in the order of the list.
template <Group G>
struct TrusteeShares {
  std::uint32_t trustee = 0;  ///< 1 … n
  std::span<const typename G::Point> shares;
};

/// How many of how many trustees suffice.
struct Quorum {
  std::uint32_t needed = 0;
  std::uint32_t of = 0;
};

/// M_i = beta_i − Σ λ_j·D_(j,i) over the first `quorum.needed` trustees given (6.4b), on all cores. Right if
/// each trustee's shares have passed verify_decryption_shares_vartime; nothing is verified here.
/// @return kShareTrustee for an index of 0, above `quorum.of` or given twice; kTallyInsufficientShares for
/// fewer trustees than needed; kShareProofMissing if a trustee has not as many shares as there are
/// ciphertexts.
/// Variable time: all inputs are public. Cost: quorum.needed multiplications a ciphertext.
template <Group G>
Result<std::vector<typename G::Point>, Fault> combine_vartime(std::span<const Ciphertext<G>> ciphertexts,
                                                              std::span<const TrusteeShares<G>> given,
                                                              const Quorum& quorum) {
  std::vector<std::uint32_t> trustees;
  for (const TrusteeShares<G>& one : given) {
    if (one.trustee == 0 || one.trustee > quorum.of ||
        std::ranges::find(trustees, one.trustee) != trustees.end())
      return std::unexpected(Fault::kShareTrustee);
    trustees.push_back(one.trustee);
  }
  if (quorum.needed == 0 || trustees.size() < quorum.needed)
    return std::unexpected(Fault::kTallyInsufficientShares);
  for (const TrusteeShares<G>& one : given)
    if (one.shares.size() != ciphertexts.size()) return std::unexpected(Fault::kShareProofMissing);

  const auto lambda = lagrange_at_zero<G>(std::span(trustees).first(quorum.needed));
  std::vector<typename G::Point> messages(ciphertexts.size());
  parallel_for(messages.size(), 64, [&](std::size_t i) {
    typename G::Point M = ciphertexts[i].beta;
    for (std::size_t j = 0; j < lambda.size(); ++j) M = M - G::mul_vartime(lambda[j], given[j].shares[i]);
    messages[i] = M;
  });
  return messages;
}

}  // namespace psephos
