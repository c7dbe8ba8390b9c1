#include "tests/trust-services/services/ocsp_responder.h"

#include <openssl/err.h>

#include <mutex>

#include "crypto/invariant.h"
#include "protocol/eid/certificate.h"

namespace psephos::trust {
namespace {

constexpr std::string_view kOcspSigning = "1.3.6.1.5.5.7.3.9";
constexpr std::string_view kClientAuth = "1.3.6.1.5.5.7.3.2";
constexpr std::string_view kNoCheck = "1.3.6.1.5.5.7.48.1.5";  // RFC 6960 §4.2.2.2.1
constexpr ByteArray<2> kNull = {0x05, 0x00};
constexpr int kNonceMaxBytes = 32;  // RFC 8954 §2.1
constexpr std::int64_t kRevokedBefore = 60;

using Request = std::unique_ptr<OCSP_REQUEST, openssl::Free<OCSP_REQUEST_free>>;
using Response = std::unique_ptr<OCSP_RESPONSE, openssl::Free<OCSP_RESPONSE_free>>;
using BasicResponse = std::unique_ptr<OCSP_BASICRESP, openssl::Free<OCSP_BASICRESP_free>>;
using Time = std::unique_ptr<ASN1_GENERALIZEDTIME, openssl::Free<ASN1_GENERALIZEDTIME_free>>;
using OctetString = std::unique_ptr<ASN1_OCTET_STRING, openssl::Free<ASN1_OCTET_STRING_free>>;

Time time_of(std::int64_t unix_s) {
  return Time(ASN1_GENERALIZEDTIME_set(nullptr, unix_s));
}

Bytes unsigned_answer(int status) {
  const Response response(OCSP_response_create(status, nullptr));
  return openssl::encoded<i2d_OCSP_RESPONSE>(response.get());
}

ASN1_INTEGER* serial_in(OCSP_CERTID& id) {
  ASN1_INTEGER* serial = nullptr;
  OCSP_id_get0_info(nullptr, nullptr, nullptr, &serial, &id);
  return serial;
}
ByteView digest_name_of(const OCSP_CERTID& id) {
  ASN1_OBJECT* object = nullptr;
  OCSP_id_get0_info(nullptr, &object, nullptr, nullptr, const_cast<OCSP_CERTID*>(&id));
  return {OBJ_get0_data(object), OBJ_length(object)};
}

void increment_serial(OCSP_CERTID& id) {
  ASN1_INTEGER* serial = serial_in(id);
  const openssl::Number number(ASN1_INTEGER_to_BN(serial, nullptr));
  invariant(BN_add_word(number.get(), 1) == 1 && BN_to_ASN1_INTEGER(number.get(), serial) != nullptr,
            "OpenSSL adds");
}

/// The nonce of a request. A request without one has an empty one.
struct Nonce {
  bool well_formed = true;
  Bytes value;
};
Nonce nonce_of(OCSP_REQUEST& request) {
  const int at = OCSP_REQUEST_get_ext_by_NID(&request, NID_id_pkix_OCSP_Nonce, -1);
  if (at < 0) return {};
  const ASN1_OCTET_STRING* wrapped = X509_EXTENSION_get_data(OCSP_REQUEST_get_ext(&request, at));
  const unsigned char* begin = ASN1_STRING_get0_data(wrapped);
  const unsigned char* end = begin;
  const OctetString inner(d2i_ASN1_OCTET_STRING(nullptr, &end, ASN1_STRING_length(wrapped)));
  if (!inner || end != begin + ASN1_STRING_length(wrapped)) return {.well_formed = false, .value = {}};
  const int size = ASN1_STRING_length(inner.get());
  const unsigned char* data = ASN1_STRING_get0_data(inner.get());
  return {.well_formed = size >= 1 && size <= kNonceMaxBytes, .value = Bytes(data, data + size)};
}

std::optional<Bytes> from_url_base64(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      plain.push_back(text[i]);
      continue;
    }
    std::string hex(text.substr(i + 1, 2));
    for (char& c : hex)
      if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
    const auto byte = from_hex(hex);
    if (!byte || byte->size() != 1) return std::nullopt;
    plain.push_back(static_cast<char>(byte->front()));
    i += 2;
  }
  return from_base64(plain);
}

}  // namespace

CertificateFields ocsp_fields(EVP_PKEY* key, std::int64_t now_unix_s) {
  CertificateFields fields = service_fields("TEST of Psephos OCSP Responder", key, now_unix_s);
  fields.extensions.push_back(extension(kNoCheck, false, kNull));
  fields.extensions.push_back(extended_key_usage({kOcspSigning}));
  return fields;
}

OcspResponder::OcspResponder(const TestCa& ca, Rng& rng, std::int64_t now_unix_s, OcspOptions options)
    : options_(std::move(options)) {
  const openssl::X509Certificate issuer = certificate_from(ca.issuing_der());
  const auto other_ca = TestCa::create(rng, now_unix_s, ca.curve(), ca.purpose());
  other_issuer_ = certificate_from(other_ca.issuing_der());
  for (const EVP_MD* digest : {EVP_sha1(), EVP_sha256(), EVP_sha384(), EVP_sha512()})
    issuer_ids_.emplace_back(OCSP_cert_id_new(digest, X509_get_subject_name(issuer.get()),
                                              X509_get0_pubkey_bitstr(issuer.get()), nullptr));

  key_ = options_.signer == OcspSigner::kIssuingAuthority ? openssl_key(ca.issuing_key())
                                                          : make_service_key(options_.key);
  const CertificateFields honest = ocsp_fields(key_.get(), now_unix_s);
  const auto issue_other = [&](OcspFault fault, const CertificateFields& what, const TestCa& by) {
    other_certificates_[fault] = certificate_from(by.issue(what, rng));
  };
  certificate_der_ =
      options_.signer == OcspSigner::kIssuingAuthority ? ca.issuing_der() : ca.issue(honest, rng);
  certificate_ = certificate_from(certificate_der_);
  CertificateFields fields = honest;
  fields.extensions.pop_back();
  issue_other(OcspFault::kResponderWithoutUsage, fields, ca);
  fields.extensions.push_back(extended_key_usage({kOcspSigning, kClientAuth}));
  issue_other(OcspFault::kResponderExtraUsage, fields, ca);
  fields = honest;
  expire(fields, now_unix_s);
  issue_other(OcspFault::kResponderExpired, fields, ca);
  issue_other(OcspFault::kResponderOfAnotherCa, honest, other_ca);
}

Bytes OcspResponder::answer(ByteView request_der, std::int64_t now_unix_s) {
  return answer_with(faults_.next(), request_der, now_unix_s);
}

HttpReply OcspResponder::handle(const HttpRequest& request, std::int64_t now_unix_s) {
  Bytes der;
  if (request.method == "POST") {
    if (request.content_type != "application/ocsp-request")
      return text_reply(415, "the content type is not application/ocsp-request\n");
    der = request.body;
  } else if (request.method == "GET") {
    const std::size_t slash = request.target.find('/', 1);
    auto decoded = slash == std::string::npos
                       ? std::nullopt
                       : from_url_base64(std::string_view(request.target).substr(slash + 1));
    if (!decoded) return text_reply(400, "the path does not end in a request in base64\n");
    der = std::move(*decoded);
  } else {
    return text_reply(405, "POST, or GET\n");
  }
  const Fault<OcspFault> fault = faults_.next();
  const std::int64_t amount = fault.amount.value_or(name_of<OcspFault>(kOcspFaults, fault.kind).usual_amount);
  HttpReply reply;
  reply.content_type = "application/ocsp-response";
  reply.body = answer_with(fault, der, now_unix_s);
  return deliver(std::move(reply), fault.kind, amount);
}

void OcspResponder::set_status(ByteView serial, CertificateStatus status, std::int64_t since_unix_s) {
  const std::lock_guard lock(mutex_);
  statuses_[copy_of(serial)] = {status, since_unix_s};
}

void OcspResponder::reset() {
  faults_.set({});
  const std::lock_guard lock(mutex_);
  statuses_.clear();
}

bool OcspResponder::is_ours(const OCSP_CERTID& id) const {
  for (const CertId& ours : issuer_ids_)
    if (equal(digest_name_of(*ours), digest_name_of(id))) return OCSP_id_issuer_cmp(ours.get(), &id) == 0;
  return false;
}

OcspResponder::Status OcspResponder::status_of(const OCSP_CERTID& id) const {
  // An INTEGER's content; OpenSSL keeps the magnitude.
  const Bytes der = openssl::encoded<i2d_ASN1_INTEGER>(serial_in(const_cast<OCSP_CERTID&>(id)));
  invariant(der.size() >= 3, "an INTEGER has content");
  const ByteView serial = ByteView(der).subspan(der[1] < 0x80 ? 2 : 2 + (der[1] & 0x7fU));
  {
    const std::shared_lock lock(mutex_);
    if (const auto found = statuses_.find(copy_of(serial)); found != statuses_.end()) return found->second;
  }
  const bool issued = !options_.issued || options_.issued(serial);
  return {issued ? CertificateStatus::kGood : CertificateStatus::kUnknown, 0};
}

void OcspResponder::add_status(OCSP_BASICRESP& basic, OCSP_CERTID& id, Fault<OcspFault> fault,
                               std::int64_t now_unix_s) const {
  Status status = status_of(id);
  const std::int64_t amount = fault.amount.value_or(name_of<OcspFault>(kOcspFaults, fault.kind).usual_amount);
  Time this_update = time_of(now_unix_s);
  Time next_update;
  const CertId other(OCSP_CERTID_dup(&id));
  OCSP_CERTID* answered = &id;
  switch (fault.kind) {
    case OcspFault::kRevoked:
      status = {CertificateStatus::kRevoked, now_unix_s - kRevokedBefore};
      break;
    case OcspFault::kSuspended:
      status = {CertificateStatus::kSuspended, now_unix_s - kRevokedBefore};
      break;
    case OcspFault::kUnknown:
      status = {CertificateStatus::kUnknown, 0};
      break;
    case OcspFault::kStale:
      this_update = time_of(now_unix_s - amount);
      break;
    case OcspFault::kOverdue:
      // Not before thisUpdate, which would be a fault of another kind.
      this_update = time_of(now_unix_s - amount - 1);
      next_update = time_of(now_unix_s - amount);
      break;
    case OcspFault::kNeighbourSerial:
      increment_serial(*other);
      answered = other.get();
      break;
    default:
      break;
  }
  CertId foreign;
  if (fault.kind == OcspFault::kOtherIssuer) {
    ASN1_OBJECT* digest = nullptr;
    OCSP_id_get0_info(nullptr, &digest, nullptr, nullptr, &id);
    foreign.reset(OCSP_cert_id_new(EVP_get_digestbyobj(digest), X509_get_subject_name(other_issuer_.get()),
                                   X509_get0_pubkey_bitstr(other_issuer_.get()), serial_in(id)));
    answered = foreign.get();
  }
  int value = V_OCSP_CERTSTATUS_GOOD;
  int reason = OCSP_REVOKED_STATUS_NOSTATUS;
  Time since;
  switch (status.status) {
    case CertificateStatus::kGood:
      break;
    case CertificateStatus::kSuspended:
      reason = OCSP_REVOKED_STATUS_CERTIFICATEHOLD;
      [[fallthrough]];
    case CertificateStatus::kRevoked:
      value = V_OCSP_CERTSTATUS_REVOKED;
      since = time_of(status.since_unix_s);
      break;
    case CertificateStatus::kUnknown:
      value = V_OCSP_CERTSTATUS_UNKNOWN;
      break;
  }
  invariant(OCSP_basic_add1_status(&basic, answered, value, reason, since.get(), this_update.get(),
                                   next_update.get()) != nullptr,
            "OpenSSL writes a status");
}

Bytes OcspResponder::answer_with(Fault<OcspFault> fault, ByteView request_der,
                                 std::int64_t now_unix_s) const {
  const unsigned char* at = request_der.data();
  const Request request(d2i_OCSP_REQUEST(nullptr, &at, static_cast<long>(request_der.size())));
  const Nonce nonce = request ? nonce_of(*request) : Nonce{};
  if (!request || at != request_der.data() + request_der.size() || !nonce.well_formed) {
    ERR_clear_error();
    return unsigned_answer(OCSP_RESPONSE_STATUS_MALFORMEDREQUEST);
  }
  const int count = OCSP_request_onereq_count(request.get());
  if (count == 0) return unsigned_answer(OCSP_RESPONSE_STATUS_MALFORMEDREQUEST);
  for (int i = 0; i < count; ++i)
    if (!is_ours(*OCSP_onereq_get0_id(OCSP_request_onereq_get0(request.get(), i))))
      return unsigned_answer(OCSP_RESPONSE_STATUS_UNAUTHORIZED);
  X509* certificate = certificate_.get();
  unsigned long flags = OCSP_NOTIME;
  if (options_.signer == OcspSigner::kIssuingAuthority) flags |= OCSP_NOCERTS;
  if (options_.responder_id == ResponderIdForm::kByKey) flags |= OCSP_RESPID_KEY;
  switch (fault.kind) {
    case OcspFault::kTryLater:
      return unsigned_answer(OCSP_RESPONSE_STATUS_TRYLATER);
    case OcspFault::kInternalError:
      return unsigned_answer(OCSP_RESPONSE_STATUS_INTERNALERROR);
    case OcspFault::kUnauthorized:
      return unsigned_answer(OCSP_RESPONSE_STATUS_UNAUTHORIZED);
    case OcspFault::kGarbage:
      return copy_of(bytes_of("these bytes are no answer"));
    case OcspFault::kResponderWithoutUsage:
    case OcspFault::kResponderExtraUsage:
    case OcspFault::kResponderExpired:
    case OcspFault::kResponderOfAnotherCa:
      certificate = other_certificates_.at(fault.kind).get();
      flags &= ~static_cast<unsigned long>(OCSP_NOCERTS);
      break;
    case OcspFault::kNoResponderCertificate:
      flags |= OCSP_NOCERTS;
      break;
    case OcspFault::kClockSkew:
      now_unix_s += fault.amount.value_or(name_of<OcspFault>(kOcspFaults, fault.kind).usual_amount);
      break;
    default:
      break;
  }

  const BasicResponse basic(OCSP_BASICRESP_new());
  for (int i = 0; i < count; ++i) {
    OCSP_CERTID* id = OCSP_onereq_get0_id(OCSP_request_onereq_get0(request.get(), i));
    add_status(*basic, *id, fault, now_unix_s);
    if (fault.kind == OcspFault::kTwoStatuses)
      add_status(*basic, *id, {OcspFault::kNeighbourSerial}, now_unix_s);
  }
  if (fault.kind == OcspFault::kWrongNonce) {
    Bytes other = nonce.value.empty() ? Bytes(kNonceMaxBytes) : nonce.value;
    other.back() ^= 1;
    OCSP_basic_add1_nonce(basic.get(), other.data(), static_cast<int>(other.size()));
  } else if (fault.kind != OcspFault::kNoNonce) {
    OCSP_copy_nonce(basic.get(), request.get());
  }
  // OpenSSL would take its own clock; its accessor is const, the object is not.
  invariant(
      ASN1_GENERALIZEDTIME_set(const_cast<ASN1_GENERALIZEDTIME*>(OCSP_resp_get0_produced_at(basic.get())),
                               now_unix_s) != nullptr &&
          OCSP_basic_sign(basic.get(), certificate, key_.get(), digest_of(key_.get()), nullptr, flags) == 1,
      "OpenSSL signs an answer");
  if (fault.kind == OcspFault::kBadSignature) {
    const ASN1_OCTET_STRING* signature = OCSP_resp_get0_signature(basic.get());
    auto* data = const_cast<unsigned char*>(ASN1_STRING_get0_data(signature));
    data[ASN1_STRING_length(signature) - 1] ^= 1;
  }
  const Response response(OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic.get()));
  invariant(response != nullptr, "OpenSSL packs an answer");
  return openssl::encoded<i2d_OCSP_RESPONSE>(response.get());
}

}  // namespace psephos::trust
