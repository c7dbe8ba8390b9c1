#pragma once
#include <span>
#include <string_view>
#include <vector>

#include "crypto/signature.h"
#include "protocol/codec.h"
#include "protocol/limits.h"

namespace psephos {

/// One signature of a roster member (1-based index) over label ‖ 0x00 ‖ body.
struct RosterSignature {
  static constexpr std::string_view kName = "RosterSignature";
  std::uint64_t signer = 0;
  ByteArray<64> signature{};
  template <class M, class V>
  static void fields(M& m, V&& v) {
    v(1, "signer", m.signer, Bound{1, limits::kRoster});
    v(2, "signature", m.signature);
  }
};

/// A document and who signed it. What is signed, hashed, stored and sent is `body`, byte for byte. Signers in
/// rising order.
struct SignedDocument {
  static constexpr std::string_view kName = "SignedDocument";
  Bytes body;
  std::vector<RosterSignature> signatures;
  template <class M, class V>
  static void fields(M& m, V&& v) {
    v(1, "body", m.body, Bound{1, limits::kDocumentBytes});
    v(2, "signatures", m.signatures, Bound{0, limits::kRoster});
  }
};

/// A body signed by the one key of a service.
struct ServiceSigned {
  static constexpr std::string_view kName = "ServiceSigned";
  Bytes body;
  ByteArray<64> signature{};
  template <class M, class V>
  static void fields(M& m, V&& v) {
    v(1, "body", m.body, Bound{1, limits::kBallotBytes});
    v(2, "signature", m.signature);
  }
};

/// At least `quorum` members signed, every signature present verifies, signers rise strictly and stand in the
/// roster.
/// @return `missing` with the object given if the quorum is not reached; kSigInvalid naming the signer for a
/// wrong signature.
Result<void, Rejection> check_quorum(const SignedDocument& document, std::string_view label,
                                     std::span<const VerifyKey> roster, std::uint64_t quorum, Reason missing,
                                     std::string object);
/// @return kSigInvalid (object).
Result<void, Rejection> check_service_signature(const ServiceSigned& message, std::string_view label,
                                                const VerifyKey& key, std::string object);

}  // namespace psephos
