#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "crypto/bytes.h"
#include "crypto/hash.h"
#include "crypto/result.h"
#include "protocol/eid.h"
#include "protocol/eid/profile.h"
#include "protocol/rejection.h"

namespace psephos {

enum class EcCurve : std::uint8_t { kP256, kP384, kP521 };
/// How a signature is made: ECDSA, or RSA after PKCS #1 v1.5, over a digest of SHA-2.
enum class SignatureScheme : std::uint8_t {
  kEcdsaSha256,
  kEcdsaSha384,
  kEcdsaSha512,
  kRsaSha256,
  kRsaSha384,
  kRsaSha512,
};
enum class DigestAlgorithm : std::uint8_t { kSha256, kSha384, kSha512 };
/// The digest that an AlgorithmIdentifier's content names (RFC 5754 §2: without parameters, or NULL).
/// nullopt: another algorithm, or another form.
[[nodiscard]] std::optional<DigestAlgorithm> digest_algorithm_of(ByteView algorithm);
/// The digest inside a scheme, and the scheme around a digest.
constexpr DigestAlgorithm digest_of(SignatureScheme scheme) {
  return static_cast<DigestAlgorithm>(static_cast<unsigned>(scheme) % 3);
}
constexpr SignatureScheme rsa_with(DigestAlgorithm digest) {
  return static_cast<SignatureScheme>(static_cast<unsigned>(digest) + 3);
}

/// The scheme that an AlgorithmIdentifier's content names (RFC 5758 §3.2: no parameters for ECDSA; RFC 4055
/// §5: NULL for RSA). nullopt: another algorithm, or another form.
[[nodiscard]] std::optional<SignatureScheme> signature_scheme_of(ByteView algorithm);

struct BasicConstraints {
  bool critical = false;
  bool is_ca = false;
  std::optional<std::uint8_t> path_length;
};

/// Bits of keyUsage (RFC 5280 §4.2.1.3): bit i of the ASN.1 type is 1 << i.
inline constexpr std::uint16_t kUsageDigitalSignature = 1 << 0, kUsageNonRepudiation = 1 << 1,
                               kUsageKeyAgreement = 1 << 4, kUsageKeyCertSign = 1 << 5;

/// What this system reads of an X.509 v3 certificate (RFC 5280). The views point into the parsed bytes and
/// live as long as these.
struct Certificate {
  ByteView tbs;                                     ///< what the issuer signed, header included
  std::optional<SignatureScheme> signature_scheme;  ///< none: the issuer's algorithm is another
  ByteView signature;                               ///< Ecdsa-Sig-Value in DER when the scheme is ECDSA's
  ByteView serial_number;                           ///< content of the INTEGER
  ByteView issuer, subject;                         ///< names in DER, header included; compared as bytes
  std::int64_t not_before_unix_s = 0, not_after_unix_s = 0;  ///< both inclusive
  ByteView public_key_info;                                  ///< SubjectPublicKeyInfo, header included
  ByteView public_key;                                       ///< content of its BIT STRING
  std::optional<EcCurve> curve;                              ///< none: another kind of key
  ByteView public_point;                                     ///< 04 ‖ x ‖ y when curve is set
  ByteView rsa_modulus, rsa_exponent;                        ///< magnitudes; empty for another kind of key
  std::optional<BasicConstraints> basic_constraints;
  std::optional<std::uint16_t> key_usage;
  bool key_usage_critical = false;
  std::optional<std::vector<ByteView>> extended_key_usage;  ///< object identifiers, content octets
  bool extended_key_usage_critical = false;
  ByteView subject_key_id, authority_key_id;  ///< empty when absent
  std::vector<ByteView> qc_statements;        ///< statement identifiers, content octets
  std::vector<ByteView> policies;             ///< object identifiers, content octets
  bool unknown_critical = false;              ///< a critical extension not listed here
};

/// Reads one certificate and nothing after it. Every accepted input is the only DER encoding of what was
/// read.
/// @return kCertParse if the bytes are over 8 KiB, not a v3 certificate in strict DER, have an extension
/// twice, or name different signature algorithms inside and outside; nothing else.
[[nodiscard]] Result<Certificate, Reason> parse_certificate(ByteView der);

/// True if the certificate follows the profile of voters' certificates, modelled on Estonia's: ECDSA or RSA
/// signature with SHA-2; key on P-384 or P-256, or RSA with 2,048 to 6,144 bits; basicConstraints present and
/// not a CA; critical keyUsage, for signing nonRepudiation and nothing else, for authentication
/// digitalSignature with at most keyAgreement beside it; extendedKeyUsage with clientAuth for authentication,
/// absent for signing; for signing, qcStatements with QcCompliance and QcSSCD (ETSI EN 319 412-5); no unknown
/// critical extension.
/// @return kSigAlgForbidden, kCertProfile, kCertKeyUsage, in this order, and kCertProfile for qcStatements
/// last.
[[nodiscard]] Result<void, Reason> check_voter_profile(const Certificate& certificate, KeyUse use);

/// True if the certificate may issue certificates: critical basicConstraints with CA, critical keyUsage with
/// keyCertSign, a key on a curve or RSA with 2,048 bits at least, signature with SHA-2, no unknown critical
/// extension.
/// @return kSigAlgForbidden or kCertProfile.
[[nodiscard]] Result<void, Reason> check_issuer_profile(const Certificate& certificate);

/// Whom the subject names: serialNumber, givenName and surname, each exactly once.
/// @return kCertParse if the name is not DER; kCertProfile if an attribute is missing, repeated, empty, over
/// 128 bytes or not printable UTF-8; kVoterIdFormat if serialNumber is no national id of any type
/// (protocol/national_id.h).
[[nodiscard]] Result<Person, Reason> person_of(const Certificate& certificate);

/// True if an election takes this certificate of this person: identifier, key and, for signing, a policy are
/// of its profile. @return kVoterIdFormat, kCertProfile, kCertPolicy, in this order.
[[nodiscard]] Result<void, Reason> check_election_profile(const Certificate& certificate,
                                                          const Person& person, KeyUse use,
                                                          const VoterProfile& profile);

/// Bits of an RSA key's modulus; 0 for another kind of key.
[[nodiscard]] std::size_t rsa_bits(const Certificate& certificate);

/// How this key signs as a voter's: SHA-384 on P-384, SHA-256 on P-256 and with RSA. nullopt: not at all.
[[nodiscard]] std::optional<SignatureScheme> voter_scheme(const Certificate& certificate);

/// By which a key is told from others: SHA-256 of its point or its modulus.
[[nodiscard]] Digest256 key_hash(const Certificate& certificate);

}  // namespace psephos
