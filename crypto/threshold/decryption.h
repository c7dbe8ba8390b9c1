#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "crypto/elgamal.h"
#include "crypto/fault.h"
#include "crypto/group/group.h"
#include "crypto/parallel.h"
#include "crypto/proof/dleq.h"
#include "crypto/random.h"
#include "crypto/result.h"
#include "crypto/secret/declassify.h"
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

namespace detail {

template <Group G>
std::vector<typename G::Point> alphas_of(std::span<const Ciphertext<G>> ciphertexts) {
  std::vector<typename G::Point> alphas;
  alphas.reserve(ciphertexts.size());
  for (const Ciphertext<G>& ciphertext : ciphertexts) alphas.push_back(ciphertext.alpha);
  return alphas;
}

}  // namespace detail

/// Shares D_i = x_j·alpha_i, which are public, on all cores. A list may be taken in pieces and the results
/// joined. Constant time in x_j. Cost: a decode and a multiplication a ciphertext.
template <Group G>
std::vector<typename G::Point> decryption_shares(const typename G::SecretScalar& x_j,
                                                 std::span<const Ciphertext<G>> ciphertexts) {
  std::vector<typename G::Point> shares;
  shares.reserve(ciphertexts.size());
  for_pieces(ciphertexts.size(), [&](std::size_t first, std::size_t n) {
    const auto some = G::mul_each(x_j, G::points_of(detail::alphas_of<G>(ciphertexts.subspan(first, n))));
    shares.insert(shares.end(), some.begin(), some.end());
  });
  return published(std::move(shares));
}

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

/// Ciphertexts (alpha ‖ beta each) and shares as they lie in files or memory; nothing needs to have been
/// looked at before.
template <Group G>
struct EncodedDecryption {
  typename G::Point Y_j;
  ByteView ciphertexts, shares;
  const DecodedList<G>* decoded = nullptr;  ///< the ciphertexts, where the last mix's verifier has left them
};

/// Why shares are refused; where an element does not decode, which one of which list.
struct DecryptionRejection {
  Fault fault;
  enum class List : std::uint8_t { kNone, kCiphertexts, kShares } list = List::kNone;
  std::uint64_t element = 0;
  friend bool operator==(const DecryptionRejection&, const DecryptionRejection&) = default;
};

/// Checks that every share is x_j·alpha_i. @pre whole ciphertexts, whole shares.
/// @return in this order: kShareProofMissing if there are not as many shares as ciphertexts; kPointIdentity
/// if Y_j or an alpha is the identity; kPointNoncanonical or kPointInvalid, with list and element;
/// kShareProofInvalid if the proof fails; nothing else.
/// Variable time: all inputs are public. Every element is decoded once. Memory: that of kPieceRows rows, and
/// 32 bytes a row for challenges. Cost, a row: two decodes, two terms of 128 bits; once: four
/// multiplications.
template <Group G>
[[nodiscard]] Result<void, DecryptionRejection> verify_decryption_shares_vartime(
    const EncodedDecryption<G>& x, const DecryptionProof<G>& proof, Transcript& transcript) {
  using List = DecryptionRejection::List;
  constexpr std::size_t kWidth = G::Point::kWidth;
  const auto refuse = [](Fault fault, List list = List::kNone, std::size_t element = 0) {
    return std::unexpected(DecryptionRejection{fault, list, element});
  };
  const std::size_t n = x.shares.size() / kWidth;
  if (x.ciphertexts.size() != 2 * x.shares.size()) return refuse(Fault::kShareProofMissing);
  if (x.Y_j.is_identity()) return refuse(Fault::kPointIdentity);
  for (std::size_t i = 0; i < n; ++i)
    if (find_identity<G>(x.ciphertexts.subspan(2 * i * kWidth, kWidth)))
      return refuse(Fault::kPointIdentity, List::kCiphertexts, 2 * i);
  transcript.append("ciphertexts", x.ciphertexts);
  transcript.append_value("A", x.Y_j);
  transcript.append_every("inputs", x.ciphertexts, 0, kWidth, 2 * kWidth);
  transcript.append("outputs", x.shares);
  const auto d = transcript.template challenge_vector<G>("weights", n);
  DleqStatement<G> composite{x.Y_j, {}, {}};
  std::optional<DecryptionRejection> refused;
  for_pieces(n, [&](std::size_t first, std::size_t rows) {
    if (refused) return;
    const auto outputs = G::decode_points(x.shares.subspan(first * kWidth, rows * kWidth));
    if (!outputs) {
      refused = {outputs.error().first, List::kShares, first + outputs.error().second};
      return;
    }
    std::optional<typename G::Points> own;
    if (x.decoded == nullptr) {
      auto inputs = decode_column<G>(x.ciphertexts, 1, 0, Part::kAlpha, first, rows);
      if (!inputs) {
        refused = {inputs.error().first, List::kCiphertexts, inputs.error().second};
        return;
      }
      own.emplace(std::move(*inputs));
    }
    const std::array lists{own ? &*own : &x.decoded->at(first / kPieceRows, 0, Part::kAlpha), &*outputs};
    const auto sums = G::msm_vartime(std::span<const typename G::Scalar>(d).subspan(first, rows), lists);
    composite.H = composite.H + sums[0];
    composite.B = composite.B + sums[1];
  });
  if (refused) return std::unexpected(*refused);
  if (!detail::verify_composite<G>(composite, proof, transcript)) return refuse(Fault::kShareProofInvalid);
  return {};
}

/// The same of lists that are values already.
template <Group G>
[[nodiscard]] Result<void, Fault> verify_decryption_shares_vartime(const DecryptionStatement<G>& statement,
                                                                   const DecryptionProof<G>& proof,
                                                                   Transcript& transcript) {
  const Bytes ciphertexts = encode_all(statement.ciphertexts), shares = encode_all(statement.shares);
  const auto ok = verify_decryption_shares_vartime(EncodedDecryption<G>{statement.Y_j, ciphertexts, shares},
                                                   proof, transcript);
  if (!ok) return std::unexpected(ok.error().fault);
  return {};
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

/// Which of the shares given are combined.
/// @return their trustees, the first `quorum.needed` given; kShareTrustee for an index of 0, above
/// `quorum.of` or given twice; kTallyInsufficientShares for fewer trustees than needed; kShareProofMissing if
/// a trustee has not `n` shares.
template <Group G>
Result<std::vector<std::uint32_t>, Fault> combined_trustees(std::span<const TrusteeShares<G>> given,
                                                            const Quorum& quorum, std::size_t n) {
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
    if (one.shares.size() != n) return std::unexpected(Fault::kShareProofMissing);

  trustees.resize(quorum.needed);
  return trustees;
}

/// M_i = beta_i − Σ λ_j·D_(j,i) over the first `quorum.needed` trustees given (6.4b), on all cores. Right if
/// each trustee's shares have passed verify_decryption_shares_vartime; nothing is verified here.
/// @return as combined_trustees.
/// Cost, a ciphertext: quorum.needed decodes and multiplications.
template <Group G>
Result<std::vector<typename G::Point>, Fault> combine_vartime(std::span<const Ciphertext<G>> ciphertexts,
                                                              std::span<const TrusteeShares<G>> given,
                                                              const Quorum& quorum) {
  using Point = typename G::Point;
  const auto trustees = combined_trustees<G>(given, quorum, ciphertexts.size());
  if (!trustees) return std::unexpected(trustees.error());
  const auto lambda = lagrange_at_zero<G>(std::span(*trustees));
  std::vector<Point> messages;
  messages.reserve(ciphertexts.size());
  for_pieces(ciphertexts.size(), [&](std::size_t first, std::size_t n) {
    std::vector<std::vector<Point>> terms;
    for (std::size_t j = 0; j < lambda.size(); ++j)
      terms.push_back(
          G::mul_each(G::SecretScalar::of(-lambda[j]), G::points_of(given[j].shares.subspan(first, n))));
    for (std::size_t i = 0; i < n; ++i) messages.push_back(ciphertexts[first + i].beta);
    parallel_for(n, 64, [&](std::size_t i) {
      for (const auto& term : terms) messages[first + i] = messages[first + i] + term[i];
    });
  });
  return messages;
}

/// Label of the ProofContext of the weights below.
inline constexpr std::string_view kCombinationLabel = "combination/v1";

/// Checks that published plaintexts are what the shares combine to, all at once: with weights w_i of 128 bits
/// from a transcript over ciphertexts, shares and plaintexts,
///   Σ w_i·beta_i − Σ_j λ_j·Σ_i w_i·D_(j,i) = Σ w_i·M_i,
/// where equal plaintexts are taken together. Accepts something else with probability 2^-128; combine_vartime
/// then tells the row. SPEC §11.5.
/// @return as combined_trustees, and kShareProofInvalid if the sums differ.
/// Variable time. Cost, a ciphertext: 1 + quorum.needed decodes and terms of 128 bits.
template <Group G>
Result<void, Fault> check_combination_vartime(std::span<const Ciphertext<G>> ciphertexts,
                                              std::span<const TrusteeShares<G>> given, const Quorum& quorum,
                                              std::span<const typename G::Point> plaintexts,
                                              Transcript& transcript) {
  using Point = typename G::Point;
  using Scalar = typename G::Scalar;
  const auto trustees = combined_trustees<G>(given, quorum, ciphertexts.size());
  if (!trustees) return std::unexpected(trustees.error());
  if (plaintexts.size() != ciphertexts.size()) return std::unexpected(Fault::kShareProofMissing);
  transcript.append_points("ciphertexts", ciphertexts);
  for (std::size_t j = 0; j < trustees->size(); ++j) {
    transcript.append_u64("trustee", (*trustees)[j]);
    transcript.append_points("shares", given[j].shares);
  }
  transcript.append_points("plaintexts", plaintexts);
  const auto w = transcript.template challenge_vector<G>("weights", ciphertexts.size());
  const auto lambda = lagrange_at_zero<G>(std::span(*trustees));

  Point left;
  for_pieces(ciphertexts.size(), [&](std::size_t first, std::size_t n) {
    std::vector<typename G::Points> lists;
    std::vector<Point> betas;
    betas.reserve(n);
    for (const Ciphertext<G>& c : ciphertexts.subspan(first, n)) betas.push_back(c.beta);
    lists.push_back(G::points_of(betas));
    for (std::size_t j = 0; j < lambda.size(); ++j)
      lists.push_back(G::points_of(given[j].shares.subspan(first, n)));
    std::vector<const typename G::Points*> pointers;
    for (const auto& list : lists) pointers.push_back(&list);
    const auto sums = G::msm_vartime(std::span<const Scalar>(w).subspan(first, n), pointers);
    left = left + sums[0];
    for (std::size_t j = 0; j < lambda.size(); ++j) left = left - G::mul_vartime(lambda[j], sums[1 + j]);
  });
  std::map<ByteArray<Point::kWidth>, std::pair<Point, Scalar>> distinct;
  for (std::size_t i = 0; i < plaintexts.size(); ++i) {
    auto& [point, weight] = distinct[plaintexts[i].encode()];
    point = plaintexts[i];
    weight = weight + w[i];
  }
  std::vector<Point> points;
  std::vector<Scalar> weights;
  for (const auto& [encoding, entry] : distinct) {
    points.push_back(entry.first);
    weights.push_back(entry.second);
  }
  if (left != G::msm_vartime(weights, std::span<const Point>(points)))
    return std::unexpected(Fault::kShareProofInvalid);
  return {};
}

}  // namespace psephos
