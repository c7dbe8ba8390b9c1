#include "tests/trust-services/test_ca/ca.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iterator>

#include "crypto/hash.h"
#include "crypto/invariant.h"
#include "protocol/eid/certificate.h"
#include "protocol/eid/der.h"
#include "tests/trust-services/test_ca/der_writer.h"

namespace psephos::trust {
namespace {

constexpr std::int64_t kDay = 86400;
constexpr std::int64_t kYear = 365 * kDay;

Bytes attribute(std::string_view oid, Bytes value) {
  return der::set({der::sequence({der::oid(oid), std::move(value)})});
}

/// The text that tells the hierarchies apart.
std::string_view title_of(CaPurpose purpose) {
  switch (purpose) {
    case CaPurpose::kCards:
      return "";
    case CaPurpose::kTimeStamps:
      return "Time-Stamp ";
  }
  return {};
}
Bytes root_name(CaPurpose purpose) {
  return authority_name(fmt::format("TEST of Psephos {}Root CA", title_of(purpose)));
}
Bytes issuing_name(CaPurpose purpose) {
  return authority_name(fmt::format("TEST of Psephos {}Issuing CA", title_of(purpose)));
}

struct FileNames {
  std::string_view root, issuing, keys;
};
FileNames files_of(CaPurpose purpose) {
  switch (purpose) {
    case CaPurpose::kCards:
      return {"root.der", "issuing.der", "ca-keys"};
    case CaPurpose::kTimeStamps:
      return {"tsa-root.der", "tsa-issuing.der", "tsa-keys"};
  }
  return {};
}

Bytes time(std::int64_t unix_s) {
  const std::chrono::sys_seconds at{std::chrono::seconds{unix_s}};
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss clock{at - day};
  const std::string text =
      fmt::format("{:04}{:02}{:02}{:02}{:02}{:02}Z", static_cast<int>(date.year()),
                  static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                  clock.hours().count(), clock.minutes().count(), clock.seconds().count());
  return text >= "2050" ? der::element(0x18, bytes_of(text)) : der::element(0x17, bytes_of(text).subspan(2));
}

// RFC 5280 §4.2.1.2 (1) says SHA-1 of the key; RFC 7093 §2 (1) allows 160 bits of SHA-256, which is used
// here.
Bytes key_id(ByteView public_key) {
  const Digest256 digest = sha256(public_key);
  return copy_of(ByteView(digest).first(20));
}

/// Of the key in a SubjectPublicKeyInfo.
Bytes key_id_of(ByteView public_key_info) {
  psephos::der::Reader reader(*psephos::der::only(public_key_info, psephos::der::kSequence));
  reader.next();
  return key_id(reader.next(psephos::der::kBitString)->content.subspan(1));
}

/// With the key identifiers of subject and issuer; `sign` signs what is certified.
template <class Sign>
Bytes certify(const CertificateFields& fields, ByteView subject_key_id, ByteView issuer_name,
              ByteView issuer_key_id, Rng& rng, Sign sign) {
  ByteArray<16> serial{};
  rng.fill(serial);
  serial[0] = static_cast<std::uint8_t>((serial[0] & 0x7f) | 0x40);  // positive, always as long
  Bytes extensions;
  for (const Bytes& each : fields.extensions) append(extensions, each);
  append(extensions, extension("2.5.29.14", false, der::octet_string(subject_key_id)));
  append(extensions, extension("2.5.29.35", false, der::sequence({der::element(0x80, issuer_key_id)})));
  const Bytes algorithm = der::sequence({der::oid(fields.signature_oid), fields.algorithm_parameters});
  const Bytes tbs = der::sequence({
      der::element(0xa0, der::integer(ByteArray<1>{2})),
      der::integer(serial),
      algorithm,
      copy_of(issuer_name),
      der::sequence({time(fields.not_before_unix_s), time(fields.not_after_unix_s)}),
      fields.subject,
      fields.public_key_info,
      der::element(0xa3, der::element(0x30, extensions)),
  });
  return der::sequence({tbs, algorithm, der::bit_string(sign(tbs))});
}

Bytes certify(const CertificateFields& fields, ByteView subject_key_id, ByteView issuer_name,
              const EcKey& issuer, Rng& rng) {
  return certify(fields, subject_key_id, issuer_name, key_id(issuer.point), rng, [&](ByteView tbs) {
    ByteArray<EVP_MAX_MD_SIZE> digest{};
    std::size_t size = 0;
    invariant(
        EVP_Q_digest(nullptr, fields.digest, nullptr, tbs.data(), tbs.size(), digest.data(), &size) == 1,
        "OpenSSL hashes");
    return sign(issuer, ByteView(digest).first(size), rng);
  });
}

Bytes read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

bool write_file(const std::filesystem::path& path, ByteView bytes) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  return out.flush().good();
}

}  // namespace

Bytes authority_name(std::string_view common_name) {
  return der::sequence({attribute("2.5.4.6", der::printable("EE")),
                        attribute("2.5.4.10", der::utf8("TEST of Psephos")),
                        attribute("2.5.4.3", der::utf8(common_name))});
}

Bytes extension(std::string_view oid, bool critical, ByteView value) {
  return der::sequence({der::oid(oid), critical ? der::boolean_true() : Bytes{}, der::octet_string(value)});
}

Bytes basic_constraints(bool is_ca, int path_length) {
  Bytes content;
  if (is_ca) append(content, der::boolean_true());
  if (path_length >= 0) append(content, der::integer(ByteArray<1>{static_cast<std::uint8_t>(path_length)}));
  return extension("2.5.29.19", is_ca, der::element(0x30, content));
}

Bytes key_usage(std::uint16_t bits, bool critical) {
  Bytes octets(2);
  unsigned last = 0;
  for (unsigned i = 0; i < 16; ++i) {
    if ((bits >> i & 1) == 0) continue;
    octets[i / 8] = static_cast<std::uint8_t>(octets[i / 8] | 0x80U >> i % 8);
    last = i;
  }
  octets.resize(last / 8 + 1);
  return extension("2.5.29.15", critical, der::bit_string(octets, static_cast<std::uint8_t>(7 - last % 8)));
}

Bytes extended_key_usage(std::initializer_list<std::string_view> oids, bool critical) {
  Bytes content;
  for (const auto oid : oids) append(content, der::oid(oid));
  return extension("2.5.29.37", critical, der::element(0x30, content));
}

Bytes qc_statements(std::initializer_list<std::string_view> oids) {
  Bytes content;
  for (const auto oid : oids) append(content, der::sequence({der::oid(oid)}));
  return extension("1.3.6.1.5.5.7.1.3", false, der::element(0x30, content));
}

Bytes certificate_policies(std::initializer_list<std::string_view> oids) {
  Bytes content;
  for (const auto oid : oids) append(content, der::sequence({der::oid(oid)}));
  return extension("2.5.29.32", false, der::element(0x30, content));
}

Bytes rsa_public_key_info(ByteView modulus, ByteView exponent) {
  return der::sequence({der::sequence({der::oid("1.2.840.113549.1.1.1"), der::element(0x05, {})}),
                        der::bit_string(der::sequence({der::integer(modulus), der::integer(exponent)}))});
}

Bytes subject_public_key_info(ByteView point, std::string_view curve_oid) {
  if (curve_oid.empty()) curve_oid = point.size() == 65 ? "1.2.840.10045.3.1.7" : "1.3.132.0.34";
  return der::sequence(
      {der::sequence({der::oid("1.2.840.10045.2.1"), der::oid(curve_oid)}), der::bit_string(point)});
}

Bytes person_name(const Person& person) {
  const std::string code = person.national_id.substr(person.national_id.find('-') + 1);
  return der::sequence({
      attribute("2.5.4.6", der::printable("EE")),
      attribute("2.5.4.3", der::utf8(person.surname + "," + person.given_name + "," + code)),
      attribute("2.5.4.4", der::utf8(person.surname)),
      attribute("2.5.4.42", der::utf8(person.given_name)),
      attribute("2.5.4.5", der::printable(person.national_id)),
  });
}

CertificateFields card_fields(const Person& person, KeyUse use, ByteView point, std::int64_t now_unix_s) {
  CertificateFields fields;
  fields.subject = person_name(person);
  fields.public_key_info = subject_public_key_info(point);
  fields.not_before_unix_s = now_unix_s;
  fields.not_after_unix_s = now_unix_s + 5 * kYear;
  fields.extensions.push_back(basic_constraints(false));
  // Policies of ETSI EN 319 411: NCP+ for authentication, QCP-n-qscd for signatures.
  switch (use) {
    case KeyUse::kAuthentication:
      fields.extensions.push_back(key_usage(kUsageDigitalSignature | kUsageKeyAgreement));
      fields.extensions.push_back(certificate_policies({"0.4.0.2042.1.2"}));
      fields.extensions.push_back(extended_key_usage({"1.3.6.1.5.5.7.3.2"}));
      break;
    case KeyUse::kSigning:
      fields.extensions.push_back(key_usage(kUsageNonRepudiation));
      fields.extensions.push_back(certificate_policies({"0.4.0.194112.1.2"}));
      fields.extensions.push_back(qc_statements({"0.4.0.1862.1.1", "0.4.0.1862.1.4"}));
      break;
  }
  return fields;
}

Bytes certify(const CertificateFields& fields, ByteView issuer_name, const EcKey& issuer, Rng& rng) {
  return certify(fields, key_id_of(fields.public_key_info), issuer_name, issuer, rng);
}

Bytes certify(const CertificateFields& fields, ByteView issuer_name, const RsaKey& issuer, Rng& rng) {
  return certify(fields, key_id_of(fields.public_key_info), issuer_name,
                 key_id_of(rsa_public_key_info(issuer.modulus, issuer.exponent)), rng,
                 [&](ByteView tbs) { return sign(issuer, tbs, fields.digest); });
}

EidProfile test_profile(std::vector<Bytes> anchors, std::vector<Bytes> time_stamp_anchors) {
  return {.anchors = std::move(anchors),
          .time_stamp_anchors = std::move(time_stamp_anchors),
          .policies = {"0.4.0.194112.1.2"},
          .identity_types = {"PNOEE"},
          .keys = {"P-384", "P-256", "RSA"},
          .rsa_bits_min = 2048,
          .rsa_bits_max = 6144};
}

TestCa TestCa::create(Rng& rng, std::int64_t now_unix_s, EcCurve curve, CaPurpose purpose) {
  TestCa ca;
  ca.purpose_ = purpose;
  ca.root_ = generate_key(curve, rng);
  CertificateFields fields;
  fields.not_before_unix_s = now_unix_s - kDay;
  fields.not_after_unix_s = now_unix_s + 10 * kYear;
  fields.subject = root_name(purpose);
  fields.public_key_info = subject_public_key_info(ca.root_.point);
  fields.extensions = {basic_constraints(true), key_usage(kUsageKeyCertSign | 1 << 6)};
  ca.root_der_ = certify(fields, key_id(ca.root_.point), root_name(purpose), ca.root_, rng);
  return ca.renewed(rng, now_unix_s);
}

TestCa TestCa::renewed(Rng& rng, std::int64_t now_unix_s) const {
  TestCa ca = *this;
  ca.issuing_ = generate_key(curve(), rng);
  CertificateFields fields;
  fields.not_before_unix_s = now_unix_s - kDay;
  fields.not_after_unix_s = now_unix_s + 10 * kYear;
  fields.subject = issuing_name(purpose_);
  fields.public_key_info = subject_public_key_info(ca.issuing_.point);
  fields.extensions = {basic_constraints(true, 0), key_usage(kUsageKeyCertSign | 1 << 6)};
  ca.issuing_der_ = certify(fields, key_id(ca.issuing_.point), root_name(purpose_), root_, rng);
  return ca;
}

Bytes TestCa::issue(const CertificateFields& fields, Rng& rng) const {
  return certify(fields, issuing_name(purpose_), issuing_, rng);
}

Result<void, std::string> TestCa::save(const std::filesystem::path& directory) const {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  const FileNames names = files_of(purpose_);
  const auto keys = directory / names.keys;
  if (std::filesystem::exists(keys, error))
    return std::unexpected(fmt::format("{} exists: this directory has a test CA already", keys.string()));
  Bytes secret;
  for (const EcKey* key : {&root_, &issuing_}) {
    append(secret, key->scalar);
    append(secret, key->point);
  }
  if (!write_file(directory / names.root, root_der_) ||
      !write_file(directory / names.issuing, issuing_der_) || !write_file(keys, {}))
    return std::unexpected(fmt::format("cannot write to {}", directory.string()));
  std::filesystem::permissions(keys, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write,
                               error);
  if (error || !write_file(keys, secret))
    return std::unexpected(fmt::format("cannot write {}", keys.string()));
  return {};
}

Result<TestCa, std::string> TestCa::load(const std::filesystem::path& directory, CaPurpose purpose) {
  const FileNames names = files_of(purpose);
  TestCa ca;
  ca.purpose_ = purpose;
  ca.root_der_ = read_file(directory / names.root);
  ca.issuing_der_ = read_file(directory / names.issuing);
  const Bytes secret = read_file(directory / names.keys);
  const auto key_size = [](EcCurve curve) { return 3 * scalar_bytes(curve) + 1; };
  const EcCurve curve = secret.size() == 2 * key_size(EcCurve::kP256) ? EcCurve::kP256 : EcCurve::kP384;
  if (secret.size() != 2 * key_size(curve) || ca.root_der_.empty() || ca.issuing_der_.empty())
    return std::unexpected(fmt::format("no test CA with {} in {} (make one with: test-ca init --dir {})",
                                       names.keys, directory.string(), directory.string()));
  ByteView rest = secret;
  for (EcKey* key : {&ca.root_, &ca.issuing_}) {
    key->curve = curve;
    key->scalar = copy_of(rest.first(scalar_bytes(curve)));
    key->point = copy_of(rest.subspan(scalar_bytes(curve), key_size(curve) - scalar_bytes(curve)));
    rest = rest.subspan(key_size(curve));
  }
  return ca;
}

}  // namespace psephos::trust
