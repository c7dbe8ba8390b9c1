#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "crypto/bytes.h"
#include "crypto/result.h"
#include "protocol/eid.h"

namespace psephos {

/// EidVerifier with OpenSSL's ECDSA. Issuers' keys are decoded once; a card certificate that was found to be
/// issued under the anchors is remembered, so that a person's next signature costs one ECDSA verification
/// instead of two. Thread-safe; calls run in parallel.
class OpensslEidVerifier final : public EidVerifier {
 public:
  /// Takes the election's trust anchors: issuing certificates and the self-signed roots above them, in DER,
  /// in any order. Issuers of voters' certificates are the anchors that are not self-signed.
  /// @return kCertParse, kSigAlgForbidden or kCertProfile for an anchor that is no issuer
  /// (check_issuer_profile); kCertChainUntrusted if one is not signed by a root among the anchors, or no
  /// anchor can issue voters' certificates.
  /// The time-stamp anchors are issuers as well, each trusted by itself; without any, no time-stamp is
  /// accepted.
  static Result<std::unique_ptr<OpensslEidVerifier>, Reason> create(
      std::span<const Bytes> anchors_der, std::span<const Bytes> time_stamp_anchors_der = {});

  OpensslEidVerifier(const OpensslEidVerifier&) = delete;
  OpensslEidVerifier& operator=(const OpensslEidVerifier&) = delete;
  ~OpensslEidVerifier() override;

  /// kCertChainUntrusted: no anchor has the issuer's name and key identifier, or none of their keys verifies
  /// the certificate's signature. kCertNotValidAtSigning: the certificate, its issuer or the root was not
  /// valid then. kCertProfile also covers a public key that is no point of its curve. Cost: two ECDSA
  /// verifications, one for a certificate seen before.
  Result<Person, Reason> verify(ByteView certificate_der, KeyUse use, ByteView message, ByteView signature,
                                std::int64_t at_unix_s) const override;
  Result<std::int64_t, Reason> stamped_at(ByteView token, ByteView stamped) const override;
  Result<void, Reason> good_at(ByteView certificate_der, ByteView ocsp_response, ByteView token,
                               std::int64_t stamped_unix_s) const override;
  Result<ByteView, Reason> issuer_of(ByteView certificate_der) const override;

 private:
  struct State;
  explicit OpensslEidVerifier(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace psephos
