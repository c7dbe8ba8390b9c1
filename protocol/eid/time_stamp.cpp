#include "protocol/eid/time_stamp.h"

#include <algorithm>

#include "protocol/eid/der.h"
#include "protocol/eid/der_values.h"
#include "protocol/labels.h"
#include "protocol/limits.h"

namespace psephos {
namespace {

using std::nullopt;
using std::optional;

// Object identifiers, content octets.
constexpr ByteArray<9> kSignedData = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02};
constexpr ByteArray<9> kRsaEncryption = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01};
constexpr ByteArray<9> kContentType = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x03};
constexpr ByteArray<9> kMessageDigest = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x04};
constexpr ByteArray<11> kTstInfo = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x01, 0x04};
constexpr ByteArray<11> kSigningCertificate = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d,
                                               0x01, 0x09, 0x10, 0x02, 0x0c};
constexpr ByteArray<11> kSigningCertificateV2 = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d,
                                                 0x01, 0x09, 0x10, 0x02, 0x2f};
/// AlgorithmIdentifier of SHA-256 as requests have it.
constexpr ByteArray<15> kSha256Null = {0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                                       0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00};
constexpr std::size_t kMostCertificates = 8;

/// Accuracy: seconds, [0] millis and [1] micros, each optional; of the latter 1 to 999.
bool is_accuracy(ByteView content) {
  der::Reader reader(content);
  if (reader.next_is(der::kInteger) && !der::next_unsigned(reader)) return false;
  for (const std::uint8_t tag : ByteArray<2>{0x80, 0x81}) {
    const auto part = reader.next(tag);
    if (!part) {
      if (reader.next_is(tag)) return false;
      continue;
    }
    const ByteView number = part->content;
    if (!der::is_integer(number) || number[0] >= 0x80 || number.size() > 2) return false;
    const unsigned value = number.size() == 1 ? number[0] : static_cast<unsigned>(number[0] << 8 | number[1]);
    if (value < 1 || value > 999) return false;
  }
  return reader.at_end();
}

bool read_info(ByteView bytes, TimeStampToken& out) {
  const auto content = der::only(bytes, der::kSequence);
  if (!content) return false;
  der::Reader reader(*content);
  if (!der::next_is_number(reader, 1) || !der::next_oid(reader)) return false;
  const auto imprint = reader.next(der::kSequence);
  const auto serial_number = der::next_unsigned(reader);
  const auto time = der::next_generalized_time(reader, der::Fraction::kCut);
  if (!imprint || !serial_number || !time) return false;
  out.gen_time_unix_s = *time;
  if (reader.next_is(der::kSequence)) {
    const auto accuracy = reader.next();
    if (!accuracy || !is_accuracy(accuracy->content)) return false;
  }
  if (!der::next_default_false(reader)) return false;  // ordering
  if (reader.next_is(der::kInteger)) {
    const auto nonce = der::next_unsigned(reader);
    if (!nonce) return false;
    out.nonce = *nonce;
  }
  if (reader.next_is(0xa0)) {  // tsa, a GeneralName: directoryName
    const auto tsa = reader.next();
    const auto name = tsa ? der::only(tsa->content, 0xa4) : nullopt;
    if (!name || !equal(*name, out.signer_certificate.subject)) return false;
  }
  if (reader.next_is(0xa1)) {
    const auto list = reader.next();
    const auto extensions = list ? der::read_extensions(list->content) : nullopt;
    if (!extensions || std::any_of(extensions->begin(), extensions->end(),
                                   [](const der::Extension& each) { return each.critical; }))
      return false;
  }
  if (!reader.at_end()) return false;

  der::Reader fields(imprint->content);
  const auto algorithm = fields.next(der::kSequence);
  const auto hash = fields.next(der::kOctetString);
  if (!algorithm || !der::is_algorithm(algorithm->content) || !hash || !fields.at_end()) return false;
  out.imprint_digest = digest_algorithm_of(algorithm->content);
  out.imprint = hash->content;
  return true;
}

/// IssuerSerial (RFC 5035 §5.4.1) of this certificate.
bool is_issuer_serial(ByteView content, const Certificate& certificate) {
  der::Reader reader(content);
  const auto names = reader.next(der::kSequence);
  const auto serial_number = der::next_unsigned(reader);
  if (!names || !serial_number || !reader.at_end()) return false;
  const auto issuer = der::only(names->content, 0xa4);
  return issuer && equal(*issuer, certificate.issuer) && equal(*serial_number, certificate.serial_number);
}

/// SigningCertificateV2 (RFC 5035 §3) with one ESSCertIDv2 and no policies.
bool read_signing_certificate(ByteView value, TimeStampToken& out) {
  const auto content = der::only(value, der::kSequence);
  const auto list = content ? der::only(*content, der::kSequence) : nullopt;
  const auto id = list ? der::only(*list, der::kSequence) : nullopt;
  if (!id) return false;
  der::Reader reader(*id);
  out.ess_digest = DigestAlgorithm::kSha256;
  if (reader.next_is(der::kSequence)) {  // the default is SHA-256 without parameters, which DER leaves out
    const auto algorithm = reader.next();
    if (!algorithm || !der::is_algorithm(algorithm->content)) return false;
    out.ess_digest = digest_algorithm_of(algorithm->content);
    if (out.ess_digest == DigestAlgorithm::kSha256 && der::only(algorithm->content, der::kOid)) return false;
  }
  const auto hash = reader.next(der::kOctetString);
  if (!hash) return false;
  out.ess_hash = hash->content;
  if (reader.at_end()) return true;
  const auto issuer_serial = reader.next(der::kSequence);
  return issuer_serial && reader.at_end() && is_issuer_serial(issuer_serial->content, out.signer_certificate);
}

bool read_signed_attributes(ByteView content, TimeStampToken& out) {
  const auto attributes = der::read_set(content);
  if (!attributes) return false;
  std::vector<ByteView> seen;
  bool content_type = false;
  bool signing_certificate = false;
  bool with_sha1 = false;
  for (const der::Element& attribute : *attributes) {
    if (attribute.tag != der::kSequence) return false;
    der::Reader fields(attribute.content);
    const auto type = der::next_oid(fields);
    const auto set = fields.next(der::kSet);
    if (!type || !set || !fields.at_end()) return false;
    if (std::any_of(seen.begin(), seen.end(), [&](ByteView each) { return equal(each, *type); }))
      return false;
    seen.push_back(*type);
    const auto values = der::read_set(set->content);
    if (!values || values->empty()) return false;
    const ByteView value = values->front().whole;
    const bool single = values->size() == 1;
    if (equal(*type, kContentType)) {
      const auto oid = der::only(value, der::kOid);
      if (!single || !oid || !equal(*oid, kTstInfo)) return false;
      content_type = true;
    } else if (equal(*type, kMessageDigest)) {
      const auto digest = der::only(value, der::kOctetString);
      if (!single || !digest) return false;
      out.message_digest = *digest;
    } else if (equal(*type, kSigningCertificateV2)) {
      if (!single || !read_signing_certificate(value, out)) return false;
      signing_certificate = true;
    } else if (equal(*type, kSigningCertificate)) {
      with_sha1 = true;
    }
  }
  if (with_sha1) out.ess_digest = nullopt;
  return content_type && !out.message_digest.empty() && (signing_certificate || with_sha1);
}

/// The signer's certificate among those that came along, by the SignerIdentifier of this version.
bool find_signer(der::Reader& fields, TimeStampToken& out) {
  const auto version = der::next_unsigned(fields);
  if (!version || version->size() != 1) return false;
  const unsigned number = (*version)[0];
  ByteView issuer, serial_number, key_id;
  if (number == 1) {
    const auto sid = fields.next(der::kSequence);
    if (!sid) return false;
    der::Reader names(sid->content);
    const auto name = names.next(der::kSequence);
    const auto serial = der::next_unsigned(names);
    if (!name || !serial || !names.at_end()) return false;
    issuer = name->whole;
    serial_number = *serial;
  } else if (number == 3) {
    const auto sid = fields.next(0x80);
    if (!sid || sid->content.empty()) return false;
    key_id = sid->content;
  } else {
    return false;
  }
  for (std::size_t i = 0; i < out.certificates.size(); ++i) {
    const auto certificate = parse_certificate(out.certificates[i]);
    if (!certificate) return false;
    if (number == 1 ? equal(certificate->issuer, issuer) && equal(certificate->serial_number, serial_number)
                    : equal(certificate->subject_key_id, key_id)) {
      out.signer = i;
      out.signer_certificate = *certificate;
      return true;
    }
  }
  return false;
}

bool read_signer_info(ByteView content, ByteView digest_algorithm, TimeStampToken& out) {
  der::Reader fields(content);
  if (!find_signer(fields, out)) return false;
  const auto digest = fields.next(der::kSequence);
  const auto attributes = fields.next(0xa0);
  const auto algorithm = fields.next(der::kSequence);
  const auto signature = fields.next(der::kOctetString);
  if (!digest || !attributes || !algorithm || !signature || !fields.at_end()) return false;
  if (!equal(digest->whole, digest_algorithm) || !der::is_algorithm(algorithm->content)) return false;
  out.digest = digest_algorithm_of(digest->content);
  out.signature = signature->content;
  out.signed_attributes = attributes->content;
  if (out.digest) {
    der::Reader rsa(algorithm->content);
    const auto oid = der::next_oid(rsa);
    const auto null = rsa.next(der::kNull);
    const bool plain_rsa = oid && equal(*oid, kRsaEncryption) && null && null->content.empty();
    out.scheme = plain_rsa ? rsa_with(*out.digest) : signature_scheme_of(algorithm->content);
    if (out.scheme && digest_of(*out.scheme) != *out.digest) out.scheme = nullopt;
  }
  return read_signed_attributes(attributes->content, out);
}

bool read_signed_data(ByteView content, TimeStampToken& out) {
  der::Reader fields(content);
  if (!der::next_is_number(fields, 3)) return false;
  const auto digests = fields.next(der::kSet);
  const auto encapsulated = fields.next(der::kSequence);
  const auto certificates = fields.next(0xa0);
  const auto signers = fields.next(der::kSet);
  if (!digests || !encapsulated || !certificates || !signers || !fields.at_end()) return false;
  const auto digest = der::only(digests->content, der::kSequence);
  if (!digest || !der::is_algorithm(*digest)) return false;

  const auto list = der::read_set(certificates->content);
  if (!list || list->size() > kMostCertificates) return false;
  for (const der::Element& each : *list) {
    if (each.tag != der::kSequence) return false;
    out.certificates.push_back(each.whole);
  }
  const auto signer = der::only(signers->content, der::kSequence);
  if (!signer || !read_signer_info(*signer, digests->content, out)) return false;

  der::Reader inner(encapsulated->content);
  const auto type = der::next_oid(inner);
  const auto wrapped = inner.next(0xa0);
  const auto info = wrapped ? der::only(wrapped->content, der::kOctetString) : nullopt;
  if (!type || !equal(*type, kTstInfo) || !info || !inner.at_end()) return false;
  out.info = *info;
  return read_info(*info, out);
}

bool read_token(ByteView token, TimeStampToken& out) {
  const auto content = der::only(token, der::kSequence);
  if (!content) return false;
  der::Reader fields(*content);
  const auto type = der::next_oid(fields);
  const auto wrapped = fields.next(0xa0);
  if (!type || !equal(*type, kSignedData) || !wrapped || !fields.at_end()) return false;
  const auto signed_data = der::only(wrapped->content, der::kSequence);
  return signed_data && read_signed_data(*signed_data, out);
}

}  // namespace

ByteArray<8> time_stamp_nonce(ByteView stamped) {
  const Digest256 digest = Sha256().update(bytes_of(labels::kNonceTimeStamp)).update(stamped).finish();
  ByteArray<8> out{};
  std::copy_n(digest.begin(), out.size(), out.begin());
  return out;
}

Bytes time_stamp_request(ByteView stamped) {
  const Bytes version = der::element(der::kInteger, {ByteArray<1>{1}});
  const Bytes hash = der::element(der::kOctetString, {sha256(stamped)});
  const Bytes imprint = der::element(der::kSequence, {kSha256Null, hash});
  const Bytes nonce = der::unsigned_integer(time_stamp_nonce(stamped));
  const Bytes cert_req = der::element(der::kBoolean, {ByteArray<1>{0xff}});
  return der::element(der::kSequence, {version, imprint, nonce, cert_req});
}

Result<Bytes, Reason> time_stamp_token_of(ByteView response) {
  const auto format = std::unexpected(Reason::kTstFormat);
  const auto content = der::only(response, der::kSequence);
  if (!content) return format;
  der::Reader fields(*content);
  const auto info = fields.next(der::kSequence);
  if (!info) return format;
  der::Reader words(info->content);  // behind the status: texts for people, and why not
  const auto status = der::next_unsigned(words);
  if (!status || (words.next_is(der::kSequence) && !words.next()) ||
      (words.next_is(der::kBitString) && !words.next()) || !words.at_end())
    return format;
  const auto token = fields.next(der::kSequence);
  if (!fields.at_end()) return format;
  const bool granted = status->size() == 1 && (*status)[0] == 0;
  if (!granted) return std::unexpected(Reason::kEvidenceUnavailable);
  if (!token) return format;
  return copy_of(token->whole);
}

Result<TimeStampToken, Reason> parse_time_stamp_token(ByteView token) {
  TimeStampToken out;
  if (token.size() > limits::kTimeStampBytes || !read_token(token, out))
    return std::unexpected(Reason::kTstFormat);
  return out;
}

}  // namespace psephos
