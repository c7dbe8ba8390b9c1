#pragma once
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "crypto/bytes.h"
#include "crypto/elgamal.h"
#include "crypto/fault.h"
#include "crypto/group/group.h"
#include "crypto/invariant.h"
#include "crypto/proof/one_of_many.h"
#include "crypto/random.h"
#include "crypto/result.h"
#include "crypto/transcript.h"

namespace psephos {

/// Label of the ProofContext of a proof that from min to max of K choices are marked (SPEC §6.5).
inline constexpr std::string_view kSeveralOfManyLabel = "several-of-many/v1";

/// How many of the choices may be marked, with which point, and the tables that follow. Immutable.
template <Group G>
class MarkRule {
 public:
  using Point = typename G::Point;
  /// @pre P is not the identity, min ≤ max.
  MarkRule(const Point& P, std::size_t min, std::size_t max)
      : P_(P), min_(min), max_(max), marks_({Point::identity(), P}), counts_(multiples(P, min, max)) {
    invariant(!P.is_identity() && min <= max, "a rule that somebody checked");
  }
  const Point& P() const { return P_; }
  std::size_t min() const { return min_; }
  std::size_t max() const { return max_; }
  const ChoiceTable<G>& marks() const { return marks_; }    ///< the identity, P
  const ChoiceTable<G>& counts() const { return counts_; }  ///< min·P … max·P

 private:
  static std::vector<Point> multiples(const Point& P, std::size_t min, std::size_t max) {
    std::vector<Point> out{G::mul_vartime(G::Scalar::from_u64(min), P)};
    while (out.size() < max - min + 1) out.push_back(out.back() + P);
    return out;
  }
  Point P_;
  std::size_t min_, max_;
  ChoiceTable<G> marks_, counts_;
};

/// "Each ciphertext encrypts the identity or P under Y, and from min to max of them P": alpha_k = r_k·G,
/// beta_k = b_k·P + r_k·Y, b_k ∈ {0, 1}, min ≤ Σ b_k ≤ max, and the prover knows b and r. Which choice a
/// ciphertext marks is said by its place. Refers to rule and ciphertexts, which must outlive it.
template <Group G>
struct SeveralOfManyStatement {
  typename G::Point Y;
  const MarkRule<G>& rule;
  std::span<const Ciphertext<G>> ciphertexts;
};

/// K + 1 proofs of SPEC §6.1: that ciphertext k holds a mark or none, and, last, that the sum of all holds an
/// allowed number of marks. Sound because a ciphertext's alpha fixes its r: SPEC §6.5.
template <Group G>
using SeveralOfManyProof = std::vector<OneOfManyProof<G>>;

/// Which of the K + 1 is refused, and why; index K is the count.
struct SeveralOfManyRejection {
  Fault fault;
  OneOfManyEquation equation = OneOfManyEquation::kNone;
  std::size_t index = 0;
  friend bool operator==(const SeveralOfManyRejection&, const SeveralOfManyRejection&) = default;
};

/// The sum of all ciphertexts, which encrypts (Σ b_k)·P with randomness Σ r_k.
template <Group G>
Ciphertext<G> sum_of(std::span<const Ciphertext<G>> ciphertexts) {
  return std::accumulate(ciphertexts.begin(), ciphertexts.end(), Ciphertext<G>{});
}

namespace several_of_many_detail {

/// What all K + 1 proofs bind besides the caller's context and their own statement.
template <Group G, class T>
void append_common(T& transcript, const SeveralOfManyStatement<G>& st) {
  transcript.append_value("P", st.rule.P());
  transcript.append_u64("min", st.rule.min());
  transcript.append_u64("max", st.rule.max());
  transcript.append_points("ciphertexts", st.ciphertexts);
}

/// The transcript of proof `index`, on from what all share.
template <class T>
T fork(const T& common, std::size_t index, std::size_t K) {
  T out = common;
  out.append_u64(index < K ? "mark" : "count", index);
  return out;
}

/// Statement number `index` of the K + 1.
template <Group G>
OneOfManyStatement<G> part(const SeveralOfManyStatement<G>& st, std::size_t index) {
  if (index == st.ciphertexts.size()) {
    const Ciphertext<G> sum = sum_of(st.ciphertexts);
    return {st.Y, sum.alpha, sum.beta, st.rule.counts()};
  }
  return {st.Y, st.ciphertexts[index].alpha, st.ciphertexts[index].beta, st.rule.marks()};
}

}  // namespace several_of_many_detail

/// Proves `st` (SPEC §6.5). `transcript` was made for label kSeveralOfManyLabel and holds the caller's
/// context; it is not changed. `marks` are 0 or 1, one for each ciphertext, as are `r`.
/// @pre the ciphertexts are made of marks and r, and the rule allows the number of marks; otherwise the proof
/// does not verify. Constant time in marks and r. Cost: K proofs over two entries, one over max − min + 1.
template <Group G, class T>
[[nodiscard]] SeveralOfManyProof<G> prove_several_of_many(const SeveralOfManyStatement<G>& st,
                                                          std::span<const std::uint8_t> marks,
                                                          std::span<const typename G::SecretScalar> r,
                                                          T transcript, const DigitGenerators<G>& generators,
                                                          Rng& rng) {
  const std::size_t K = st.ciphertexts.size();
  invariant(marks.size() == K && r.size() == K, "one mark and one r a ciphertext");
  several_of_many_detail::append_common(transcript, st);
  SeveralOfManyProof<G> out;
  std::size_t count = 0;
  typename G::SecretScalar sum;
  for (std::size_t k = 0; k < K; ++k) {
    T own = several_of_many_detail::fork(transcript, k, K);
    out.push_back(
        prove_one_of_many(several_of_many_detail::part(st, k), marks[k], r[k], own, generators, rng));
    count += marks[k];
    sum = sum + r[k];
  }
  T own = several_of_many_detail::fork(transcript, K, K);
  out.push_back(prove_one_of_many(several_of_many_detail::part(st, K), count - st.rule.min(), sum, own,
                                  generators, rng));
  return out;
}

/// The K + 1 claims that together are the statement, for verify_one_of_many_batch_vartime, also with those of
/// other ballots. `transcript` as for the prover.
/// @return kProofEncoding if there is no ciphertext, the rule allows more marks than there are, or the number
/// of proofs is not K + 1; nothing else.
template <Group G>
[[nodiscard]] Result<std::vector<OneOfManyClaim<G>>, Fault> several_of_many_claims(
    const SeveralOfManyStatement<G>& st, const SeveralOfManyProof<G>& proof, Transcript transcript) {
  const std::size_t K = st.ciphertexts.size();
  if (K == 0 || st.rule.max() > K || proof.size() != K + 1) return std::unexpected(Fault::kProofEncoding);
  several_of_many_detail::append_common(transcript, st);
  std::vector<OneOfManyClaim<G>> out;
  for (std::size_t k = 0; k <= K; ++k)
    out.push_back(
        {several_of_many_detail::part(st, k), proof[k], several_of_many_detail::fork(transcript, k, K)});
  return out;
}

/// True statement: somebody who knows b and r made `proof` for exactly this statement in this context.
/// @return kProofEncoding as several_of_many_claims, with index 0; else the refusal of
/// verify_one_of_many_vartime for the first of the K + 1 that is refused, with its index; nothing else.
/// Variable time: all inputs are public.
template <Group G>
[[nodiscard]] Result<void, SeveralOfManyRejection> verify_several_of_many_vartime(
    const SeveralOfManyStatement<G>& st, const SeveralOfManyProof<G>& proof, const Transcript& transcript,
    const DigitGenerators<G>& generators) {
  auto claims = several_of_many_claims(st, proof, transcript);
  if (!claims) return std::unexpected(SeveralOfManyRejection{claims.error()});
  for (std::size_t k = 0; k < claims->size(); ++k) {
    OneOfManyClaim<G>& claim = (*claims)[k];
    const auto ok = verify_one_of_many_vartime(claim.statement, claim.proof, claim.transcript, generators);
    if (!ok) return std::unexpected(SeveralOfManyRejection{ok.error().fault, ok.error().equation, k});
  }
  return {};
}

/// The encodings of the K + 1 proofs one after the other.
template <Group G>
Bytes encode_several(const SeveralOfManyProof<G>& proof) {
  Bytes out;
  for (const OneOfManyProof<G>& one : proof) append(out, one.encode());
  return out;
}

/// Reads exactly the proof for K ciphertexts under `rule`; encode_several gives the same bytes again.
/// @return kProofEncoding for another length, else the fault of the first proof that OneOfManyProof::decode
/// refuses, with its index.
template <Group G>
[[nodiscard]] Result<SeveralOfManyProof<G>, SeveralOfManyRejection> decode_several(ByteView bytes,
                                                                                   std::size_t K,
                                                                                   const MarkRule<G>& rule) {
  const auto refuse = [](Fault fault, std::size_t index) {
    return std::unexpected(SeveralOfManyRejection{fault, OneOfManyEquation::kNone, index});
  };
  const std::size_t mark = one_of_many_elements(rule.marks().size()) * G::Point::kWidth;
  const std::size_t count = one_of_many_elements(rule.counts().size()) * G::Point::kWidth;
  if (K > bytes.size() || bytes.size() != K * mark + count) return refuse(Fault::kProofEncoding, 0);
  SeveralOfManyProof<G> out;
  for (std::size_t k = 0; k <= K; ++k) {
    const ChoiceTable<G>& table = k < K ? rule.marks() : rule.counts();
    auto one = OneOfManyProof<G>::decode(bytes.subspan(k * mark, k < K ? mark : count), table.size());
    if (!one) return refuse(one.error(), k);
    out.push_back(std::move(*one));
  }
  return out;
}

}  // namespace psephos
