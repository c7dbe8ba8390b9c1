#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "crypto/bytes.h"
#include "crypto/random.h"
#include "crypto/result.h"
#include "protocol/definition.h"
#include "protocol/eid.h"
#include "tests/trust-services/test_ca/ec_key.h"
#include "tests/trust-services/test_ca/rsa_key.h"

namespace psephos::trust {

/// An extension as it stands in a certificate. `oid` is dotted.
Bytes extension(std::string_view oid, bool critical, ByteView value);
Bytes basic_constraints(bool is_ca, int path_length = -1);
/// `bits`: bit i of the ASN.1 type is 1 << i (protocol/eid/certificate.h).
Bytes key_usage(std::uint16_t bits, bool critical = true);
Bytes extended_key_usage(std::initializer_list<std::string_view> oids, bool critical = false);
Bytes qc_statements(std::initializer_list<std::string_view> oids);
/// Policies without qualifiers.
Bytes certificate_policies(std::initializer_list<std::string_view> oids);

/// SubjectPublicKeyInfo of a point on a named curve (dotted identifier); without one, on P-256 or P-384 by
/// its length.
Bytes subject_public_key_info(ByteView point, std::string_view curve_oid = {});

/// SubjectPublicKeyInfo of an RSA key, from big-endian magnitudes.
Bytes rsa_public_key_info(ByteView modulus, ByteView exponent);

/// A person's subject in the Estonian order: country, common name, surname, given name, serial number.
Bytes person_name(const Person& person);

/// The name of an authority or a service of the test: country, organisation, common name.
Bytes authority_name(std::string_view common_name);

/// What is to be certified; a test changes what it wants wrong.
struct CertificateFields {
  Bytes subject;
  Bytes public_key_info;
  std::int64_t not_before_unix_s = 0;
  std::int64_t not_after_unix_s = 0;
  std::vector<Bytes> extensions;                           ///< without the key identifiers
  std::string_view signature_oid = "1.2.840.10045.4.3.3";  ///< names it; ecdsa-with-SHA384
  const char* digest = "SHA2-384";                         ///< makes it
  Bytes algorithm_parameters;                              ///< stand behind the identifier
};

/// The voter's certificate of the profile for `use` (protocol/eid/certificate.h), valid for five years from
/// `now_unix_s`.
CertificateFields card_fields(const Person& person, KeyUse use, ByteView point, std::int64_t now_unix_s);

/// A certificate signed by any key under any name: for authorities that are none, or have RSA keys.
Bytes certify(const CertificateFields& fields, ByteView issuer_name, const EcKey& issuer, Rng& rng);
Bytes certify(const CertificateFields& fields, ByteView issuer_name, const RsaKey& issuer, Rng& rng);

/// What an election says of voters' certificates if it takes all that a test can make: policy QCP-n-qscd,
/// Estonian personal codes, every kind of key.
EidProfile test_profile(std::vector<Bytes> anchors, std::vector<Bytes> time_stamp_anchors);
/// Whom an authority certifies. Each purpose has a hierarchy of its own, with names of its own.
enum class CaPurpose : std::uint8_t {
  kCards,       ///< voters, and the responder that knows the status of their certificates
  kTimeStamps,  ///< time-stamping authorities
};

/// A test certificate authority: a root and an issuing authority on P-384, or on P-256 where speed matters
/// more than likeness, whose names say TEST. Thread-safe.
class TestCa {
 public:
  /// New keys and certificates, valid for ten years from the day before `now_unix_s`.
  static TestCa create(Rng& rng, std::int64_t now_unix_s, EcCurve curve = EcCurve::kP384,
                       CaPurpose purpose = CaPurpose::kCards);
  /// The same root with a new issuing authority of the same name: what is issued under the old one stays
  /// valid.
  TestCa renewed(Rng& rng, std::int64_t now_unix_s) const;
  /// From the directory that `save` wrote; the error says what is wrong.
  static Result<TestCa, std::string> load(const std::filesystem::path& directory,
                                          CaPurpose purpose = CaPurpose::kCards);
  /// Writes root.der, issuing.der (the trust anchors) and ca-keys (secret, mode 0600); for time-stamps
  /// tsa-root.der, tsa-issuing.der and tsa-keys.
  Result<void, std::string> save(const std::filesystem::path& directory) const;

  EcCurve curve() const { return root_.curve; }
  CaPurpose purpose() const { return purpose_; }
  const Bytes& root_der() const { return root_der_; }
  const Bytes& issuing_der() const { return issuing_der_; }
  std::vector<Bytes> anchors() const { return {root_der_, issuing_der_}; }
  /// The issuing authority's own key, for a service that it runs itself.
  const EcKey& issuing_key() const { return issuing_; }
  /// An election's profile with this authority, for time-stamps as well.
  EidProfile profile() const { return test_profile(anchors(), anchors()); }
  /// A certificate signed by the issuing authority.
  Bytes issue(const CertificateFields& fields, Rng& rng) const;

 private:
  CaPurpose purpose_ = CaPurpose::kCards;
  EcKey root_, issuing_;
  Bytes root_der_, issuing_der_;
};

}  // namespace psephos::trust
