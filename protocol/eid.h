#pragma once
#include <cstdint>
#include <string>
#include <utility>

#include "crypto/bytes.h"
#include "crypto/hash.h"
#include "crypto/result.h"
#include "protocol/rejection.h"

namespace psephos {

/// Which of the two keys of an eID card: they have certificates and PINs of their own.
enum class KeyUse : std::uint8_t {
  kAuthentication,  ///< PIN1; proves presence, signs server challenges
  kSigning,         ///< PIN2; a signature with legal effect, one PIN entry each
};

/// Whom a certificate names.
struct Person {
  std::string national_id;  ///< semantics identifier, e.g. "PNOEE-38001085718" (protocol/national_id.h)
  std::string given_name;
  std::string surname;
  friend bool operator==(const Person&, const Person&) = default;
};

/// Who signed, and by what the key is told from others (certificate.h, key_hash): one key is one person's.
struct VerifiedSigner {
  Person person;
  Digest256 key_sha256{};
};

/// Judges signatures made with eID cards, and the evidence of when they were made. Implemented with OpenSSL
/// (protocol/eid/openssl_eid.h).
class EidVerifier {
 public:
  virtual ~EidVerifier() = default;
  /// Success means: `certificate_der` is one certificate of the profile for `use`, issued under the trust
  /// anchors and valid at `at_unix_s`; it names the returned person; and `signature` is her key's over
  /// `message`: ECDSA as r‖s, 96 bytes with SHA-384 on P-384, 64 bytes with SHA-256 on P-256, or RSA after
  /// PKCS #1 v1.5 with SHA-256.
  /// Refusals, in the order of checks of SPEC §9.8: kCertParse, kSigAlgForbidden, kCertProfile,
  /// kCertKeyUsage, kVoterIdFormat, kCertPolicy, kCertWeakKey, kCertChainUntrusted, kCertNotValidAtSigning,
  /// kSigInvalid; nothing else. Whether the key is another person's too, the caller finds out.
  /// Thread-safe. Variable time: all inputs are public.
  virtual Result<VerifiedSigner, Reason> verify_signer(ByteView certificate_der, KeyUse use, ByteView message,
                                                       ByteView signature, std::int64_t at_unix_s) const = 0;
  /// The same, where the key does not matter.
  Result<Person, Reason> verify(ByteView certificate_der, KeyUse use, ByteView message, ByteView signature,
                                std::int64_t at_unix_s) const {
    auto signer = verify_signer(certificate_der, use, message, signature, at_unix_s);
    if (!signer) return std::unexpected(signer.error());
    return std::move(signer->person);
  }

  /// T of SPEC §9.9: success means that a time-stamping authority under the time-stamp anchors saw `stamped`
  /// at that second, and that `token` is its token about it, with the nonce of `stamped`.
  /// Refusals, in the order of checks of SPEC §9.9: kTstFormat, kSigAlgForbidden, kTstImprint, kTstNonce,
  /// kTstSignerProfile, kTstSignerUntrusted, kTstSignature, kCertNotValidAtSigning; nothing else.
  /// Thread-safe. Variable time. Cost: one signature verification, a second one for a new authority.
  virtual Result<std::int64_t, Reason> stamped_at(ByteView token, ByteView stamped) const = 0;

  /// Success means: the authority that issued the certificate, or a responder that it appointed, said from
  /// `stamped_unix_s` to 900 s later that the certificate is good, and had seen `token`, which is the
  /// time-stamp token of that time; and that certificate and anchors were valid then.
  /// Refusals, in the order of checks of SPEC §9.9: kCertParse, kSigAlgForbidden, kCertChainUntrusted,
  /// kCertNotValidAtSigning for the certificate; kOcspFormat or kEvidenceUnavailable, kSigAlgForbidden,
  /// kOcspCertidMismatch, kOcspNonce, kOcspResponderUntrusted, kOcspSignature, kCertNotValidAtSigning,
  /// kTimeEvidenceOrder, kOcspStale, kCertSuspended, kCertRevoked, kCertUnknown; nothing else. Thread-safe.
  /// Variable time. Cost: one signature verification, one more for a new responder, one more for a new
  /// certificate.
  virtual Result<void, Reason> good_at(ByteView certificate_der, ByteView ocsp_response, ByteView token,
                                       std::int64_t stamped_unix_s) const = 0;

  /// The issuing anchor of a certificate, in DER: a view that lives as long as this object.
  /// @return kCertParse, kSigAlgForbidden, kCertChainUntrusted; nothing else.
  virtual Result<ByteView, Reason> issuer_of(ByteView certificate_der) const = 0;
};

}  // namespace psephos
