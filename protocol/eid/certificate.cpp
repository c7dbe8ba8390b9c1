#include "protocol/eid/certificate.h"

#include <algorithm>
#include <array>
#include <bit>
#include <string>

#include "protocol/eid/der.h"
#include "protocol/eid/der_values.h"
#include "protocol/limits.h"
#include "protocol/national_id.h"

namespace psephos {
namespace {

using der::is_integer;
using der::next_oid;
using der::octets_of;
using std::nullopt;
using std::optional;

// Object identifiers, content octets.
constexpr ByteArray<8> kSha2 = {0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02};  // .1, .2, .3
constexpr ByteArray<8> kEcdsaSha256 = {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02};
constexpr ByteArray<8> kEcdsaSha384 = {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03};
constexpr ByteArray<8> kEcdsaSha512 = {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x04};
constexpr ByteArray<9> kRsaSha256 = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b};
constexpr ByteArray<9> kRsaSha384 = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0c};
constexpr ByteArray<9> kRsaSha512 = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0d};
constexpr ByteArray<9> kRsaEncryption = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01};
constexpr ByteArray<7> kEcPublicKey = {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01};
constexpr ByteArray<8> kP256 = {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
constexpr ByteArray<5> kP384 = {0x2b, 0x81, 0x04, 0x00, 0x22};
constexpr ByteArray<5> kP521 = {0x2b, 0x81, 0x04, 0x00, 0x23};
constexpr ByteArray<3> kSubjectKeyId = {0x55, 0x1d, 0x0e};
constexpr ByteArray<3> kKeyUsage = {0x55, 0x1d, 0x0f};
constexpr ByteArray<3> kBasicConstraints = {0x55, 0x1d, 0x13};
constexpr ByteArray<3> kCertificatePolicies = {0x55, 0x1d, 0x20};
constexpr ByteArray<3> kAuthorityKeyId = {0x55, 0x1d, 0x23};
constexpr ByteArray<3> kExtendedKeyUsage = {0x55, 0x1d, 0x25};
constexpr ByteArray<8> kQcStatements = {0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x01, 0x03};
constexpr ByteArray<8> kClientAuth = {0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x02};
constexpr ByteArray<6> kQcCompliance = {0x04, 0x00, 0x8e, 0x46, 0x01, 0x01};
constexpr ByteArray<6> kQcSscd = {0x04, 0x00, 0x8e, 0x46, 0x01, 0x04};
constexpr ByteArray<8> kCpsUri = {0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x02, 0x01};
constexpr ByteArray<8> kUserNotice = {0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x02, 0x02};
constexpr ByteArray<3> kSurname = {0x55, 0x04, 0x04};
constexpr ByteArray<3> kSerialNumber = {0x55, 0x04, 0x05};
constexpr ByteArray<3> kGivenName = {0x55, 0x04, 0x2a};

bool contains(const std::vector<ByteView>& list, ByteView oid) {
  return std::any_of(list.begin(), list.end(), [&](ByteView each) { return equal(each, oid); });
}

// RFC 5280 §4.1.2.5: UTCTime through 2049, GeneralizedTime from 2050, always with seconds and Z.
optional<std::int64_t> next_time(der::Reader& reader) {
  if (!reader.next_is(der::kUtcTime)) {
    const auto seconds = der::next_generalized_time(reader, der::Fraction::kForbidden);
    constexpr std::int64_t kYear2050 = 2'524'608'000;
    if (!seconds || *seconds < kYear2050) return nullopt;
    return seconds;
  }
  const ByteView text = reader.next().value_or(der::Element{}).content;
  if (text.size() != 13 || text.back() != 'Z') return nullopt;
  Bytes digits = copy_of(bytes_of(text[0] < '5' ? "20" : "19"));
  append(digits, text.first(12));
  return der::unix_seconds(digits);
}

/// A positive INTEGER's magnitude.
optional<ByteView> next_positive(der::Reader& reader) {
  const auto content = der::next_unsigned(reader);
  if (!content) return nullopt;
  if ((*content)[0] != 0) return content;
  if (content->size() == 1) return nullopt;
  return content->subspan(1);
}

// RFC 3279 §2.3.1: NULL for parameters, RSAPublicKey {modulus, publicExponent}.
bool read_rsa_key(der::Reader& parameters, ByteView key, Certificate& out) {
  const auto null = parameters.next(der::kNull);
  if (!null || !null->content.empty() || !parameters.at_end()) return false;
  const auto content = der::only(key, der::kSequence);
  if (!content) return false;
  der::Reader numbers(*content);
  const auto modulus = next_positive(numbers);
  const auto exponent = next_positive(numbers);
  if (!modulus || !exponent || !numbers.at_end()) return false;
  out.rsa_modulus = *modulus;
  out.rsa_exponent = *exponent;
  return true;
}

bool read_public_key(ByteView content, Certificate& out) {
  der::Reader reader(content);
  const auto algorithm = reader.next(der::kSequence);
  const auto key = octets_of(reader.next(der::kBitString));
  if (!algorithm || !key || !reader.at_end()) return false;
  out.public_key = *key;
  der::Reader parameters(algorithm->content);
  const auto kind = next_oid(parameters);
  if (!kind) return false;
  if (equal(*kind, kRsaEncryption)) return read_rsa_key(parameters, *key, out);
  if (!equal(*kind, kEcPublicKey)) return true;
  if (!parameters.next_is(der::kOid)) return true;  // explicit parameters: a kind of key not supported
  const auto curve = next_oid(parameters);
  if (!curve || !parameters.at_end()) return false;
  struct Row {
    ByteView oid;
    EcCurve curve;
    std::size_t width;
  };
  for (const Row& row :
       {Row{kP256, EcCurve::kP256, 32}, Row{kP384, EcCurve::kP384, 48}, Row{kP521, EcCurve::kP521, 66}}) {
    if (!equal(*curve, row.oid) || key->size() != 1 + 2 * row.width || (*key)[0] != 0x04) continue;
    out.curve = row.curve;
    out.public_point = *key;
  }
  return true;
}

// ---- extensions; each returns false if its value is not what DER writes ----

bool read_basic_constraints(ByteView value, bool critical, Certificate& out) {
  const auto content = der::only(value, der::kSequence);
  if (!content) return false;
  BasicConstraints constraints{critical, false, nullopt};
  der::Reader reader(*content);
  if (reader.next_is(der::kBoolean)) {  // FALSE is the default, so DER writes TRUE only
    const auto ca = reader.next();
    if (!ca || ca->content.size() != 1 || ca->content[0] != 0xff) return false;
    constraints.is_ca = true;
  }
  if (reader.next_is(der::kInteger)) {
    const auto length = reader.next();
    if (!length || length->content.size() != 1 || length->content[0] >= 0x80 || !constraints.is_ca)
      return false;
    constraints.path_length = length->content[0];
  }
  if (!reader.at_end()) return false;
  out.basic_constraints = constraints;
  return true;
}

// X.690 §11.2.2: a named bit list ends with its last bit that is one.
bool read_key_usage(ByteView value, bool critical, Certificate& out) {
  const auto bits = der::only(value, der::kBitString);
  if (!bits || bits->size() < 2 || bits->size() > 3) return false;
  const unsigned unused = (*bits)[0];
  const unsigned last = bits->back();
  if (unused > 7 || last == 0 || (last & ((1U << unused) - 1)) != 0 || (last & (1U << unused)) == 0)
    return false;
  unsigned usage = 0;
  for (std::size_t i = 0; i < (bits->size() - 1) * 8; ++i)
    if ((static_cast<unsigned>((*bits)[1 + i / 8]) >> (7 - i % 8) & 1U) != 0) usage |= 1U << i;
  if (usage >= 1U << 9) return false;
  out.key_usage = static_cast<std::uint16_t>(usage);
  out.key_usage_critical = critical;
  return true;
}

bool read_extended_key_usage(ByteView value, bool critical, Certificate& out) {
  const auto content = der::only(value, der::kSequence);
  if (!content || content->empty()) return false;
  std::vector<ByteView> purposes;
  for (der::Reader reader(*content); !reader.at_end();) {
    const auto oid = next_oid(reader);
    if (!oid) return false;
    purposes.push_back(*oid);
  }
  out.extended_key_usage = std::move(purposes);
  out.extended_key_usage_critical = critical;
  return true;
}

bool read_subject_key_id(ByteView value, Certificate& out) {
  const auto content = der::only(value, der::kOctetString);
  if (!content || content->empty()) return false;
  out.subject_key_id = *content;
  return true;
}

bool read_authority_key_id(ByteView value, Certificate& out) {
  const auto content = der::only(value, der::kSequence);
  if (!content) return false;
  der::Reader reader(*content);
  if (reader.next_is(0x80)) {
    const auto key_id = reader.next();
    if (!key_id || key_id->content.empty()) return false;
    out.authority_key_id = key_id->content;
  }
  if (reader.next_is(0xa1) && !reader.next()) return false;  // issuer and serial: not used
  if (reader.next_is(0x82) && !reader.next()) return false;
  return reader.at_end();
}

bool read_qc_statements(ByteView value, Certificate& out) {
  const auto content = der::only(value, der::kSequence);
  if (!content || content->empty()) return false;
  for (der::Reader reader(*content); !reader.at_end();) {
    const auto statement = reader.next(der::kSequence);
    if (!statement) return false;
    der::Reader fields(statement->content);
    const auto oid = next_oid(fields);
    if (!oid || (!fields.at_end() && (!fields.next() || !fields.at_end()))) return false;
    out.qc_statements.push_back(*oid);
  }
  return true;
}

/// PolicyQualifierInfo: the address of a practice statement, a notice, or a kind not known here. Only that it
/// is well written counts.
bool read_policy_qualifier(ByteView content) {
  der::Reader fields(content);
  const auto kind = next_oid(fields);
  const auto value = fields.next();
  if (!kind || !value || !fields.at_end()) return false;
  if (equal(*kind, kCpsUri))
    return value->tag == der::kIa5String && !value->content.empty() &&
           std::ranges::all_of(value->content, [](std::uint8_t c) { return c >= 0x20 && c < 0x7f; });
  if (!equal(*kind, kUserNotice)) return true;
  if (value->tag != der::kSequence) return false;
  der::Reader notice(value->content);  // noticeRef and explicitText, each optional
  if (notice.next_is(der::kSequence) && !notice.next()) return false;
  return notice.at_end() || (notice.next() && notice.at_end());
}

// RFC 5280 §4.2.1.4: at least one policy, none twice; qualifiers, if any, are at least one.
bool read_policies(ByteView value, Certificate& out) {
  const auto content = der::only(value, der::kSequence);
  if (!content || content->empty()) return false;
  for (der::Reader reader(*content); !reader.at_end();) {
    const auto information = reader.next(der::kSequence);
    if (!information) return false;
    der::Reader fields(information->content);
    const auto policy = next_oid(fields);
    if (!policy || contains(out.policies, *policy)) return false;
    out.policies.push_back(*policy);
    if (fields.at_end()) continue;
    const auto list = fields.next(der::kSequence);
    if (!list || list->content.empty() || !fields.at_end()) return false;
    for (der::Reader qualifiers(list->content); !qualifiers.at_end();) {
      const auto qualifier = qualifiers.next(der::kSequence);
      if (!qualifier || !read_policy_qualifier(qualifier->content)) return false;
    }
  }
  return true;
}

bool read_extensions(ByteView explicit_tagged, Certificate& out) {
  const auto list = der::only(explicit_tagged, der::kSequence);
  const auto extensions = list ? der::read_extensions(*list) : nullopt;
  if (!extensions) return false;
  for (const auto& [oid, critical, value] : *extensions) {
    bool good = true;
    if (equal(oid, kBasicConstraints))
      good = read_basic_constraints(value, critical, out);
    else if (equal(oid, kKeyUsage))
      good = read_key_usage(value, critical, out);
    else if (equal(oid, kExtendedKeyUsage))
      good = read_extended_key_usage(value, critical, out);
    else if (equal(oid, kSubjectKeyId))
      good = read_subject_key_id(value, out);
    else if (equal(oid, kAuthorityKeyId))
      good = read_authority_key_id(value, out);
    else if (equal(oid, kQcStatements))
      good = read_qc_statements(value, out);
    else if (equal(oid, kCertificatePolicies))
      good = read_policies(value, out);
    else if (critical)
      out.unknown_critical = true;
    if (!good) return false;
  }
  return true;
}

bool read_tbs(ByteView content, ByteView outer_algorithm, Certificate& out) {
  der::Reader reader(content);
  const auto version = reader.next(0xa0);
  const auto version_value = version ? der::only(version->content, der::kInteger) : nullopt;
  if (!version_value || version_value->size() != 1 || (*version_value)[0] != 2) return false;  // v3
  const auto serial = reader.next(der::kInteger);
  if (!serial || !is_integer(serial->content) || serial->content.size() > 20 || serial->content[0] >= 0x80 ||
      (serial->content.size() == 1 && serial->content[0] == 0))
    return false;
  const auto algorithm = reader.next(der::kSequence);
  const auto issuer = reader.next(der::kSequence);
  const auto validity = reader.next(der::kSequence);
  const auto subject = reader.next(der::kSequence);
  const auto key = reader.next(der::kSequence);
  const auto extensions = reader.next(0xa3);
  if (!algorithm || !issuer || !validity || !subject || !key || !extensions || !reader.at_end()) return false;
  if (!equal(algorithm->whole, outer_algorithm)) return false;
  der::Reader times(validity->content);
  const auto not_before = next_time(times);
  const auto not_after = next_time(times);
  if (!not_before || !not_after || !times.at_end()) return false;
  out.serial_number = serial->content;
  out.public_key_info = key->whole;
  out.issuer = issuer->whole;
  out.subject = subject->whole;
  out.not_before_unix_s = *not_before;
  out.not_after_unix_s = *not_after;
  return read_public_key(key->content, out) && read_extensions(extensions->content, out);
}

// Ecdsa-Sig-Value ::= SEQUENCE { r INTEGER, s INTEGER }, both positive.
bool is_ecdsa_signature(ByteView bytes) {
  const auto content = der::only(bytes, der::kSequence);
  if (!content) return false;
  der::Reader reader(*content);
  for (int i = 0; i < 2; ++i) {
    const auto number = reader.next(der::kInteger);
    if (!number || !is_integer(number->content) || number->content[0] >= 0x80) return false;
  }
  return reader.at_end();
}

bool read_certificate(ByteView bytes, Certificate& out) {
  const auto content = der::only(bytes, der::kSequence);
  if (!content) return false;
  der::Reader reader(*content);
  const auto tbs = reader.next(der::kSequence);
  const auto algorithm = reader.next(der::kSequence);
  const auto signature = octets_of(reader.next(der::kBitString));
  if (!tbs || !algorithm || !signature || !reader.at_end()) return false;
  if (!der::is_algorithm(algorithm->content)) return false;
  out.signature_scheme = signature_scheme_of(algorithm->content);
  if (out.signature_scheme && *out.signature_scheme <= SignatureScheme::kEcdsaSha512 &&
      !is_ecdsa_signature(*signature))
    return false;
  out.tbs = tbs->whole;
  out.signature = *signature;
  return read_tbs(tbs->content, algorithm->whole, out);
}

// Printable text: valid UTF-8 (RFC 3629) without control characters.
bool is_printable_utf8(ByteView text) {
  for (std::size_t i = 0; i < text.size();) {
    const std::uint8_t lead = text[i];
    if (lead < 0x20 || lead == 0x7f) return false;
    const std::size_t length = lead < 0x80   ? 1
                               : lead < 0xc2 ? 0
                               : lead < 0xe0 ? 2
                               : lead < 0xf0 ? 3
                               : lead < 0xf5 ? 4
                                             : 0;
    if (length == 0 || text.size() - i < length) return false;
    std::uint32_t code = length == 1 ? lead : lead & (0x7fU >> length);
    for (std::size_t k = 1; k < length; ++k) {
      if ((text[i + k] & 0xc0) != 0x80) return false;
      code = code << 6 | (text[i + k] & 0x3f);
    }
    constexpr std::array<std::uint32_t, 5> kSmallest = {0, 0, 0x80, 0x800, 0x10000};
    if (code < kSmallest[length] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000) ||
        (code >= 0x80 && code < 0xa0))
      return false;
    i += length;
  }
  return true;
}

}  // namespace

optional<DigestAlgorithm> digest_algorithm_of(ByteView algorithm) {
  der::Reader fields(algorithm);
  const auto oid = next_oid(fields);
  if (!oid) return nullopt;
  if (!fields.at_end()) {
    const auto null = fields.next(der::kNull);
    if (!null || !null->content.empty() || !fields.at_end()) return nullopt;
  }
  if (oid->size() != kSha2.size() + 1 || !equal(oid->first(kSha2.size()), kSha2)) return nullopt;
  if (oid->back() < 1 || oid->back() > 3) return nullopt;
  return static_cast<DigestAlgorithm>(oid->back() - 1);
}

optional<SignatureScheme> signature_scheme_of(ByteView algorithm) {
  der::Reader fields(algorithm);
  const auto oid = next_oid(fields);
  if (!oid) return nullopt;
  if (fields.at_end()) {
    if (equal(*oid, kEcdsaSha256)) return SignatureScheme::kEcdsaSha256;
    if (equal(*oid, kEcdsaSha384)) return SignatureScheme::kEcdsaSha384;
    if (equal(*oid, kEcdsaSha512)) return SignatureScheme::kEcdsaSha512;
    return nullopt;
  }
  const auto null = fields.next(der::kNull);
  if (!null || !null->content.empty() || !fields.at_end()) return nullopt;
  if (equal(*oid, kRsaSha256)) return SignatureScheme::kRsaSha256;
  if (equal(*oid, kRsaSha384)) return SignatureScheme::kRsaSha384;
  if (equal(*oid, kRsaSha512)) return SignatureScheme::kRsaSha512;
  return nullopt;
}

Result<Certificate, Reason> parse_certificate(ByteView der) {
  Certificate out;
  if (der.size() > limits::kCertificateBytes || !read_certificate(der, out))
    return std::unexpected(Reason::kCertParse);
  return out;
}

Result<void, Reason> check_voter_profile(const Certificate& certificate, KeyUse use) {
  if (!certificate.signature_scheme) return std::unexpected(Reason::kSigAlgForbidden);
  const bool card_key = certificate.curve == EcCurve::kP384 || certificate.curve == EcCurve::kP256 ||
                        (rsa_bits(certificate) >= 2048 && rsa_bits(certificate) <= 6144);
  const auto& constraints = certificate.basic_constraints;
  if (!card_key || !constraints || constraints->is_ca || certificate.unknown_critical)
    return std::unexpected(Reason::kCertProfile);
  if (!certificate.key_usage || !certificate.key_usage_critical)
    return std::unexpected(Reason::kCertKeyUsage);
  const unsigned usage = *certificate.key_usage;
  const auto& extended = certificate.extended_key_usage;
  switch (use) {
    case KeyUse::kAuthentication:
      if ((usage & ~unsigned{kUsageKeyAgreement}) != kUsageDigitalSignature || !extended ||
          !contains(*extended, kClientAuth))
        return std::unexpected(Reason::kCertKeyUsage);
      break;
    case KeyUse::kSigning:
      if (usage != kUsageNonRepudiation || extended) return std::unexpected(Reason::kCertKeyUsage);
      if (!contains(certificate.qc_statements, kQcCompliance) ||
          !contains(certificate.qc_statements, kQcSscd))
        return std::unexpected(Reason::kCertProfile);
      break;
  }
  return {};
}

Result<void, Reason> check_issuer_profile(const Certificate& certificate) {
  if (!certificate.signature_scheme) return std::unexpected(Reason::kSigAlgForbidden);
  const auto& constraints = certificate.basic_constraints;
  if ((!certificate.curve && rsa_bits(certificate) < 2048) || !constraints || !constraints->is_ca ||
      !constraints->critical || !certificate.key_usage || !certificate.key_usage_critical ||
      (*certificate.key_usage & kUsageKeyCertSign) == 0 || certificate.unknown_critical)
    return std::unexpected(Reason::kCertProfile);
  return {};
}

optional<SignatureScheme> voter_scheme(const Certificate& certificate) {
  if (certificate.curve == EcCurve::kP384) return SignatureScheme::kEcdsaSha384;
  if (certificate.curve == EcCurve::kP256) return SignatureScheme::kEcdsaSha256;
  if (!certificate.rsa_modulus.empty()) return SignatureScheme::kRsaSha256;
  return nullopt;
}

Result<Person, Reason> person_of(const Certificate& certificate) {
  const auto content = der::only(certificate.subject, der::kSequence);
  if (!content) return std::unexpected(Reason::kCertParse);
  optional<std::string> serial_number;
  optional<std::string> given_name;
  optional<std::string> surname;
  for (der::Reader names(*content); !names.at_end();) {
    const auto set = names.next(der::kSet);
    if (!set || set->content.empty()) return std::unexpected(Reason::kCertParse);
    for (der::Reader attributes(set->content); !attributes.at_end();) {
      const auto attribute = attributes.next(der::kSequence);
      if (!attribute) return std::unexpected(Reason::kCertParse);
      der::Reader fields(attribute->content);
      const auto type = next_oid(fields);
      const auto value = fields.next();
      if (!type || !value || !fields.at_end()) return std::unexpected(Reason::kCertParse);
      optional<std::string>* slot = equal(*type, kSerialNumber) ? &serial_number
                                    : equal(*type, kGivenName)  ? &given_name
                                    : equal(*type, kSurname)    ? &surname
                                                                : nullptr;
      if (slot == nullptr) continue;
      const bool text = value->tag == der::kUtf8String || value->tag == der::kPrintableString;
      if (*slot || !text || value->content.empty() || value->content.size() > 128 ||
          !is_printable_utf8(value->content))
        return std::unexpected(Reason::kCertProfile);
      *slot = std::string(text_of(value->content));
    }
  }
  if (!serial_number || !given_name || !surname) return std::unexpected(Reason::kCertProfile);
  if (!is_national_id(*serial_number)) return std::unexpected(Reason::kVoterIdFormat);
  return Person{*serial_number, *given_name, *surname};
}

Result<void, Reason> check_election_profile(const Certificate& certificate, const Person& person, KeyUse use,
                                            const VoterProfile& profile) {
  if (!is_national_id(person.national_id, profile.identity_types))
    return std::unexpected(Reason::kVoterIdFormat);
  const std::size_t bits = rsa_bits(certificate);
  const bool key = certificate.curve == EcCurve::kP384 ? profile.p384
                   : certificate.curve == EcCurve::kP256
                       ? profile.p256
                       : bits != 0 && bits >= profile.rsa_bits_min && bits <= profile.rsa_bits_max;
  if (!key) return std::unexpected(Reason::kCertProfile);
  if (use == KeyUse::kSigning && std::ranges::none_of(profile.policies, [&](const Bytes& policy) {
        return contains(certificate.policies, policy);
      }))
    return std::unexpected(Reason::kCertPolicy);
  return {};
}

std::size_t rsa_bits(const Certificate& certificate) {
  const ByteView modulus = certificate.rsa_modulus;
  return modulus.empty() ? 0 : 8 * modulus.size() - static_cast<std::size_t>(std::countl_zero(modulus[0]));
}

Digest256 key_hash(const Certificate& certificate) {
  return sha256(certificate.curve ? certificate.public_point : certificate.rsa_modulus);
}

}  // namespace psephos
