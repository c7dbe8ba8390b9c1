#include "protocol/eid/ocsp.h"

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
constexpr ByteArray<9> kBasic = {0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x01};
constexpr ByteArray<9> kNonce = {0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x02};
/// AlgorithmIdentifier of SHA-256 as requests have it.
constexpr ByteArray<15> kSha256Null = {0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                                       0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00};
constexpr std::size_t kSha1Bytes = 20;

optional<std::int64_t> next_time(der::Reader& reader) {
  return der::next_generalized_time(reader, der::Fraction::kForbidden);
}
/// The value of an ENUMERATED of one octet.
optional<unsigned> enumerated_of(ByteView content) {
  if (content.size() != 1 || content[0] >= 0x80) return nullopt;
  return content[0];
}

/// Extensions in an explicit tag; only the nonce may be critical, where it may stand.
bool read_extensions(ByteView explicit_tagged, OcspAnswer* out) {
  const auto list = der::only(explicit_tagged, der::kSequence);
  const auto extensions = list ? der::read_extensions(*list) : nullopt;
  if (!extensions) return false;
  for (const der::Extension& each : *extensions) {
    if (out != nullptr && equal(each.oid, kNonce))
      out->nonce = each.value;
    else if (each.critical)
      return false;
  }
  return true;
}

bool read_cert_id(ByteView content, OcspAnswer& out) {
  der::Reader reader(content);
  const auto algorithm = reader.next(der::kSequence);
  const auto name_hash = reader.next(der::kOctetString);
  const auto key_hash = reader.next(der::kOctetString);
  const auto serial_number = der::next_unsigned(reader);
  if (!algorithm || !der::is_algorithm(algorithm->content) || !name_hash || !key_hash || !serial_number ||
      !reader.at_end())
    return false;
  out.cert_id_digest = digest_algorithm_of(algorithm->content);
  out.issuer_name_hash = name_hash->content;
  out.issuer_key_hash = key_hash->content;
  out.serial_number = *serial_number;
  return true;
}

/// CertStatus: good [0] NULL, revoked [1] {time, reason [0]}, unknown [2] NULL, all implicit.
bool read_status(der::Reader& reader, OcspAnswer& out) {
  const auto status = reader.next();
  if (!status) return false;
  if (status->tag == 0x80 || status->tag == 0x82) {
    out.status = status->tag == 0x80 ? CertificateStatus::kGood : CertificateStatus::kUnknown;
    return status->content.empty();
  }
  if (status->tag != 0xa1) return false;
  out.status = CertificateStatus::kRevoked;
  der::Reader fields(status->content);
  if (!next_time(fields)) return false;
  if (fields.at_end()) return true;
  const auto tagged = fields.next(0xa0);
  const auto value = tagged ? der::only(tagged->content, der::kEnumerated) : nullopt;
  const auto reason = value ? enumerated_of(*value) : nullopt;
  constexpr unsigned kCertificateHold = 6, kUnused = 7, kLast = 10;  // RFC 5280 §5.3.1
  if (!reason || *reason == kUnused || *reason > kLast || !fields.at_end()) return false;
  if (*reason == kCertificateHold) out.status = CertificateStatus::kSuspended;
  return true;
}

bool read_single_response(ByteView content, OcspAnswer& out) {
  der::Reader reader(content);
  const auto cert_id = reader.next(der::kSequence);
  if (!cert_id || !read_cert_id(cert_id->content, out) || !read_status(reader, out)) return false;
  const auto this_update = next_time(reader);
  if (!this_update) return false;
  out.this_update_unix_s = *this_update;
  if (reader.next_is(0xa0)) {
    const auto tagged = reader.next();
    if (!tagged) return false;
    der::Reader inner(tagged->content);
    out.next_update_unix_s = next_time(inner);
    if (!out.next_update_unix_s || !inner.at_end()) return false;
  }
  if (reader.next_is(0xa1)) {
    const auto extensions = reader.next();
    if (!extensions || !read_extensions(extensions->content, nullptr)) return false;
  }
  return reader.at_end();
}

bool read_response_data(ByteView content, OcspAnswer& out) {
  der::Reader reader(content);
  if (reader.next_is(0xa1)) {  // responderID; another version than the default is [0] before it
    const auto name = reader.next();
    if (!name || !der::only(name->content, der::kSequence)) return false;
    out.responder_name = name->content;
  } else {
    const auto key = reader.next(0xa2);
    const auto hash = key ? der::only(key->content, der::kOctetString) : nullopt;
    if (!hash || hash->size() != kSha1Bytes) return false;
    out.responder_key_hash = *hash;
  }
  const auto produced_at = next_time(reader);
  const auto responses = reader.next(der::kSequence);
  const auto single = responses ? der::only(responses->content, der::kSequence) : nullopt;
  if (!produced_at || !single || !read_single_response(*single, out)) return false;
  out.produced_at_unix_s = *produced_at;
  if (reader.next_is(0xa1)) {
    const auto extensions = reader.next();
    if (!extensions || !read_extensions(extensions->content, &out)) return false;
  }
  return reader.at_end();
}

bool read_basic_response(ByteView bytes, OcspAnswer& out) {
  const auto content = der::only(bytes, der::kSequence);
  if (!content) return false;
  der::Reader reader(*content);
  const auto data = reader.next(der::kSequence);
  const auto algorithm = reader.next(der::kSequence);
  const auto signature = der::octets_of(reader.next(der::kBitString));
  if (!data || !algorithm || !der::is_algorithm(algorithm->content) || !signature) return false;
  if (reader.next_is(0xa0)) {
    const auto tagged = reader.next();
    const auto list = tagged ? der::only(tagged->content, der::kSequence) : nullopt;
    if (!list || !der::only(*list, der::kSequence)) return false;
    out.certificate = *list;
  }
  if (!reader.at_end()) return false;
  out.signed_data = data->whole;
  out.scheme = signature_scheme_of(algorithm->content);
  out.signature = *signature;
  return read_response_data(data->content, out);
}

}  // namespace

Digest256 ocsp_nonce(ByteView token) {
  return Sha256().update(bytes_of(labels::kNonceOcsp)).update(token).finish();
}

Bytes ocsp_request(const Certificate& certificate, const Certificate& issuer, const Digest256& nonce) {
  const Bytes name_hash = der::element(der::kOctetString, {sha256(issuer.subject)});
  const Bytes key_hash = der::element(der::kOctetString, {sha256(issuer.public_key)});
  const Bytes serial_number = der::element(der::kInteger, {certificate.serial_number});
  const Bytes cert_id = der::element(der::kSequence, {kSha256Null, name_hash, key_hash, serial_number});
  const Bytes request = der::element(der::kSequence, {cert_id});
  const Bytes list = der::element(der::kSequence, {request});
  const Bytes value = der::element(der::kOctetString, {der::element(der::kOctetString, {nonce})});
  const Bytes extension = der::element(der::kSequence, {der::element(der::kOid, {kNonce}), value});
  const Bytes extensions = der::element(0xa2, {der::element(der::kSequence, {extension})});
  return der::element(der::kSequence, {der::element(der::kSequence, {list, extensions})});
}

Result<OcspAnswer, Reason> parse_ocsp_response(ByteView response) {
  const auto format = std::unexpected(Reason::kOcspFormat);
  if (response.size() > limits::kOcspBytes) return format;
  const auto content = der::only(response, der::kSequence);
  if (!content) return format;
  der::Reader reader(*content);
  const auto element = reader.next(der::kEnumerated);
  const auto status = element ? enumerated_of(element->content) : nullopt;
  constexpr unsigned kNotUsed = 4, kLast = 6;
  if (!status || *status == kNotUsed || *status > kLast) return format;
  if (*status != 0)
    return std::unexpected(reader.at_end() ? Reason::kEvidenceUnavailable : Reason::kOcspFormat);
  const auto tagged = reader.next(0xa0);
  const auto body = tagged ? der::only(tagged->content, der::kSequence) : nullopt;
  if (!body || !reader.at_end()) return format;
  der::Reader fields(*body);
  const auto type = der::next_oid(fields);
  const auto basic = fields.next(der::kOctetString);
  OcspAnswer out;
  if (!type || !equal(*type, kBasic) || !basic || !fields.at_end() ||
      !read_basic_response(basic->content, out))
    return format;
  return out;
}

}  // namespace psephos
