#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>

#include "crypto/bytes.h"
#include "crypto/result.h"
#include "protocol/definition.h"
#include "protocol/eid.h"

namespace psephos {

/// EidVerifier with OpenSSL's ECDSA and RSA. Issuers' keys are decoded once; a card certificate that was
/// found to be issued under the anchors is remembered, so that a person's next signature costs one
/// verification instead of two, and an RSA key is looked at for weaknesses once. Thread-safe; calls run in
/// parallel.
class OpensslEidVerifier final : public EidVerifier {
 public:
  /// Takes the election's profile, whose anchors are issuing certificates and the self-signed roots above
  /// them, in any order. Issuers of voters' certificates are the anchors that are not self-signed.
  /// @return kManifestInvalid for a profile against rule 5 of SPEC §4.3; kCertParse, kSigAlgForbidden or
  /// kCertProfile for an anchor that is no issuer (check_issuer_profile), kCertWeakKey for one with a weak
  /// key; kCertChainUntrusted if one is not signed by a root among the anchors, or no anchor can issue
  /// voters' certificates. The time-stamp anchors are issuers as well, each trusted by itself.
  static Result<std::unique_ptr<OpensslEidVerifier>, Reason> create(const EidProfile& profile);

  OpensslEidVerifier(const OpensslEidVerifier&) = delete;
  OpensslEidVerifier& operator=(const OpensslEidVerifier&) = delete;
  ~OpensslEidVerifier() override;

  /// kCertChainUntrusted: no anchor has the issuer's name and key identifier, or none of their keys verifies
  /// the certificate's signature. kCertNotValidAtSigning: the certificate, its issuer or the root was not
  /// valid then. kCertWeakKey: a key that is no point of its curve, or weak (weak_key.h). Cost: two
  /// verifications, one for a certificate seen before.
  Result<VerifiedSigner, Reason> verify_signer(ByteView certificate_der, KeyUse use, ByteView message,
                                               ByteView signature, std::int64_t at_unix_s) const override;
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
