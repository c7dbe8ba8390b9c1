#pragma once
#include <algorithm>
#include <utility>

#include "crypto/bytes.h"
#include "crypto/fault.h"
#include "crypto/group/group.h"
#include "crypto/result.h"

namespace psephos {

/// A Sigma proof in compact form: challenge and response, from which a verifier recomputes the commitments.
/// The statement's type keeps proofs of different statements apart. SPEC §6.
template <Group G, class Statement>
struct CompactProof {
  static constexpr std::size_t kWidth = 2 * G::Scalar::kWidth;
  typename G::Scalar c;  ///< challenge
  typename G::Scalar s;  ///< response s = w − c·x, for nonce w and witness x
  friend bool operator==(const CompactProof&, const CompactProof&) = default;

  /// c ‖ s.
  ByteArray<kWidth> encode() const {
    ByteArray<kWidth> out{};
    std::ranges::copy(c.encode(), out.begin());
    std::ranges::copy(s.encode(), out.begin() + G::Scalar::kWidth);
    return out;
  }
  /// Accepts exactly what encode gives.
  /// @return kProofEncoding for another length, kScalarNoncanonical if c or s is not reduced.
  static Result<CompactProof, Fault> decode(ByteView bytes) {
    if (bytes.size() != kWidth) return std::unexpected(Fault::kProofEncoding);
    const auto c = G::Scalar::decode(bytes.first(G::Scalar::kWidth));
    if (!c) return std::unexpected(c.error());
    const auto s = G::Scalar::decode(bytes.last(G::Scalar::kWidth));
    if (!s) return std::unexpected(s.error());
    return CompactProof{*c, *s};
  }
};

/// The response s = w − c·x. Consumes the nonce: a second answer with the same w would reveal x. Constant
/// time.
template <Group G>
typename G::Scalar respond(typename G::SecretScalar&& nonce, const typename G::Scalar& c,
                           const typename G::SecretScalar& x) {
  const typename G::SecretScalar w = std::move(nonce);
  return declassify(w - x * c);  // public: uniform, because w is uniform and used once
}

}  // namespace psephos
