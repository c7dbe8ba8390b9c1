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

/// Judges signatures made with eID cards. Implemented with OpenSSL (protocol/eid/openssl_eid.h).
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
};

}  // namespace psephos
