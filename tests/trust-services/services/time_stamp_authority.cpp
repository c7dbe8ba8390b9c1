#include "tests/trust-services/services/time_stamp_authority.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ess.h>

#include <algorithm>

#include "crypto/invariant.h"
#include "protocol/eid/certificate.h"

namespace psephos::trust {
namespace {

constexpr std::string_view kTimeStamping = "1.3.6.1.5.5.7.3.8";
constexpr std::string_view kClientAuth = "1.3.6.1.5.5.7.3.2";
constexpr const char* kPolicy = "0.4.0.2023.1.1";  // best-practices-ts-policy, ETSI EN 319 421 §5.2
constexpr std::size_t kSha1Bytes = 20;

using Context = std::unique_ptr<TS_RESP_CTX, openssl::Free<TS_RESP_CTX_free>>;
using Request = std::unique_ptr<TS_REQ, openssl::Free<TS_REQ_free>>;
using Response = std::unique_ptr<TS_RESP, openssl::Free<TS_RESP_free>>;
using Imprint = std::unique_ptr<TS_MSG_IMPRINT, openssl::Free<TS_MSG_IMPRINT_free>>;
using Algorithm = std::unique_ptr<X509_ALGOR, openssl::Free<X509_ALGOR_free>>;
using Integer = std::unique_ptr<ASN1_INTEGER, openssl::Free<ASN1_INTEGER_free>>;
using StatusInfo = std::unique_ptr<TS_STATUS_INFO, openssl::Free<TS_STATUS_INFO_free>>;
using TokenInfo = std::unique_ptr<TS_TST_INFO, openssl::Free<TS_TST_INFO_free>>;
using Pkcs7 = std::unique_ptr<PKCS7, openssl::Free<PKCS7_free>>;
using SigningCertificate = std::unique_ptr<ESS_SIGNING_CERT_V2, openssl::Free<ESS_SIGNING_CERT_V2_free>>;
using Bio = std::unique_ptr<BIO, openssl::Free<BIO_free_all>>;
using Object = std::unique_ptr<ASN1_OBJECT, openssl::Free<ASN1_OBJECT_free>>;

ByteView bytes_in(const ASN1_STRING* text) {
  return {ASN1_STRING_get0_data(text), static_cast<std::size_t>(ASN1_STRING_length(text))};
}
Bio reader(ByteView bytes) {
  return Bio(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
}

/// Whether OpenSSL refuses to stamp with the certificate that belongs to this fault.
bool unfit_for_openssl(TsaFault fault) {
  return fault == TsaFault::kSignerWithoutUsage || fault == TsaFault::kSignerExtraUsage ||
         fault == TsaFault::kSignerUsageUncritical;
}

/// The request that an honest authority would have to get for its token to have the fault.
Bytes request_for(TsaFault fault, ByteView request_der) {
  const unsigned char* at = request_der.data();
  const Request asked(d2i_TS_REQ(nullptr, &at, static_cast<long>(request_der.size())));
  if (!asked) {
    ERR_clear_error();
    return copy_of(request_der);
  }
  const Request changed(TS_REQ_new());
  TS_REQ_set_version(changed.get(), TS_REQ_get_version(asked.get()));
  TS_REQ_set_cert_req(changed.get(),
                      fault == TsaFault::kNoCertificate ? 0 : TS_REQ_get_cert_req(asked.get()));
  if (ASN1_OBJECT* policy = TS_REQ_get_policy_id(asked.get())) TS_REQ_set_policy_id(changed.get(), policy);

  TS_MSG_IMPRINT* imprint = TS_REQ_get_msg_imprint(asked.get());
  Bytes digest = copy_of(bytes_in(TS_MSG_IMPRINT_get_msg(imprint)));
  const Imprint stamped(TS_MSG_IMPRINT_new());
  if (fault == TsaFault::kSha1Imprint) {
    const Algorithm sha1(X509_ALGOR_new());
    X509_ALGOR_set0(sha1.get(), OBJ_nid2obj(NID_sha1), V_ASN1_NULL, nullptr);
    TS_MSG_IMPRINT_set_algo(stamped.get(), sha1.get());
    digest.resize(kSha1Bytes);
  } else {
    TS_MSG_IMPRINT_set_algo(stamped.get(), TS_MSG_IMPRINT_get_algo(imprint));
  }
  if (fault == TsaFault::kOtherImprint && !digest.empty()) digest.back() ^= 1;
  TS_MSG_IMPRINT_set_msg(stamped.get(), digest.data(), static_cast<int>(digest.size()));
  TS_REQ_set_msg_imprint(changed.get(), stamped.get());

  const ASN1_INTEGER* nonce = TS_REQ_get_nonce(asked.get());
  if (fault == TsaFault::kWrongNonce) {
    const openssl::Number other(nonce != nullptr ? ASN1_INTEGER_to_BN(nonce, nullptr) : BN_new());
    BN_add_word(other.get(), 1);
    const Integer integer(BN_to_ASN1_INTEGER(other.get(), nullptr));
    TS_REQ_set_nonce(changed.get(), integer.get());
  } else if (fault != TsaFault::kNoNonce && nonce != nullptr) {
    TS_REQ_set_nonce(changed.get(), nonce);
  }
  return openssl::encoded<i2d_TS_REQ>(changed.get());
}

/// A token as TS_RESP_create_response makes it, with a certificate that OpenSSL would not take.
Pkcs7 sign_unchecked(TS_TST_INFO* info, X509* certificate, EVP_PKEY* key, const EVP_MD* digest) {
  Pkcs7 token(PKCS7_new());
  PKCS7_set_type(token.get(), NID_pkcs7_signed);
  ASN1_INTEGER_set(token->d.sign->version, 3);
  PKCS7_add_certificate(token.get(), certificate);
  PKCS7_SIGNER_INFO* signer = PKCS7_add_signature(token.get(), certificate, key, digest);
  invariant(signer != nullptr, "OpenSSL signs with its own key");
  PKCS7_add_signed_attribute(signer, NID_pkcs9_contentType, V_ASN1_OBJECT,
                             OBJ_nid2obj(NID_id_smime_ct_TSTInfo));
  const SigningCertificate named(OSSL_ESS_signing_cert_v2_new_init(EVP_sha256(), certificate, nullptr, 0));
  const Bytes attribute = openssl::encoded<i2d_ESS_SIGNING_CERT_V2>(named.get());
  ASN1_STRING* sequence = ASN1_STRING_new();
  ASN1_STRING_set(sequence, attribute.data(), static_cast<int>(attribute.size()));
  PKCS7_add_signed_attribute(signer, NID_id_smime_aa_signingCertificateV2, V_ASN1_SEQUENCE, sequence);

  const Bytes content = openssl::encoded<i2d_TS_TST_INFO>(info);
  PKCS7* inner = PKCS7_new();
  inner->type = OBJ_nid2obj(NID_id_smime_ct_TSTInfo);
  inner->d.other = ASN1_TYPE_new();
  ASN1_TYPE_set(inner->d.other, V_ASN1_OCTET_STRING, ASN1_OCTET_STRING_new());  // filled below
  PKCS7_set_content(token.get(), inner);
  const Bio data(PKCS7_dataInit(token.get(), nullptr));
  invariant(data != nullptr &&
                BIO_write(data.get(), content.data(), static_cast<int>(content.size())) ==
                    static_cast<int>(content.size()) &&
                PKCS7_dataFinal(token.get(), data.get()) == 1,
            "OpenSSL signs a token");
  return token;
}

struct Moment {
  std::int64_t unix_s;
  std::uint64_t serial;
  bool available;
};
int tell_time(TS_RESP_CTX* context, void* data, long* seconds, long* microseconds) {
  const auto& moment = *static_cast<const Moment*>(data);
  if (!moment.available) {
    TS_RESP_CTX_set_status_info(context, TS_STATUS_REJECTION, "The time is not available.");
    TS_RESP_CTX_add_failure_info(context, TS_INFO_TIME_NOT_AVAILABLE);
    return 0;
  }
  *seconds = static_cast<long>(moment.unix_s);
  *microseconds = 0;
  return 1;
}
ASN1_INTEGER* tell_serial(TS_RESP_CTX* /*context*/, void* data) {
  ASN1_INTEGER* serial = ASN1_INTEGER_new();
  ASN1_INTEGER_set_uint64(serial, static_cast<const Moment*>(data)->serial);
  return serial;
}

}  // namespace

CertificateFields tsa_fields(EVP_PKEY* key, std::int64_t now_unix_s) {
  CertificateFields fields = service_fields("TEST of Psephos Time-Stamping Authority", key, now_unix_s);
  fields.extensions.push_back(extended_key_usage({kTimeStamping}, true));
  return fields;
}

TimeStampAuthority::TimeStampAuthority(const TestCa& ca, Rng& rng, std::int64_t now_unix_s,
                                       TsaOptions options)
    : key_(make_service_key(options.key)) {
  invariant(ca.purpose() == CaPurpose::kTimeStamps, "time-stamps have a hierarchy of their own");
  const CertificateFields honest = tsa_fields(key_.get(), now_unix_s);
  certificate_der_ = ca.issue(honest, rng);
  certificate_ = certificate_from(certificate_der_);
  const auto issue_other = [&](TsaFault fault, const CertificateFields& fields, const TestCa& by) {
    other_certificates_[fault] = certificate_from(by.issue(fields, rng));
  };
  CertificateFields fields = honest;
  fields.extensions.front() = basic_constraints(true);
  issue_other(TsaFault::kSignerIsCa, fields, ca);
  fields = honest;
  fields.extensions.pop_back();
  issue_other(TsaFault::kSignerWithoutUsage, fields, ca);
  fields.extensions.push_back(extended_key_usage({kTimeStamping, kClientAuth}, true));
  issue_other(TsaFault::kSignerExtraUsage, fields, ca);
  fields.extensions.back() = extended_key_usage({kTimeStamping}, false);
  issue_other(TsaFault::kSignerUsageUncritical, fields, ca);
  fields = honest;
  expire(fields, now_unix_s);
  issue_other(TsaFault::kSignerExpired, fields, ca);
  issue_other(TsaFault::kSignerOfAnotherCa, honest,
              TestCa::create(rng, now_unix_s, ca.curve(), CaPurpose::kTimeStamps));
  ByteArray<8> first{};
  rng.fill(first);
  first[0] = static_cast<std::uint8_t>((first[0] & 0x3f) | 0x20);  // positive, always as long
  next_serial_ = read_u64be(first);
}

Bytes TimeStampAuthority::answer(ByteView request_der, std::int64_t now_unix_s) {
  return answer_with(faults_.next(), request_der, now_unix_s);
}

HttpReply TimeStampAuthority::handle(const HttpRequest& request, std::int64_t now_unix_s) {
  if (request.method != "POST") return text_reply(405, "POST\n");
  if (request.content_type != "application/timestamp-query")
    return text_reply(415, "the content type is not application/timestamp-query\n");
  const Fault<TsaFault> fault = faults_.next();
  HttpReply reply;
  reply.content_type = "application/timestamp-reply";
  reply.body = answer_with(fault, request.body, now_unix_s);
  return deliver(std::move(reply), fault.kind,
                 fault.amount.value_or(name_of<TsaFault>(kTsaFaults, fault.kind).usual_amount));
}

void TimeStampAuthority::reset() {
  faults_.set({});
  const std::lock_guard lock(mutex_);
  journal_.clear();
  tokens_ = 0;
}

std::string TimeStampAuthority::journal() const {
  const std::lock_guard lock(mutex_);
  return journal_;
}

Bytes TimeStampAuthority::answer_with(Fault<TsaFault> fault, ByteView request_der, std::int64_t now_unix_s) {
  if (fault.kind == TsaFault::kGarbage) return copy_of(bytes_of("these bytes are no answer"));
  if (fault.kind == TsaFault::kClockSkew)
    now_unix_s += fault.amount.value_or(name_of<TsaFault>(kTsaFaults, fault.kind).usual_amount);
  const auto other = other_certificates_.find(fault.kind);
  X509* certificate = (other == other_certificates_.end() ? certificate_ : other->second).get();
  const EVP_MD* digest = digest_of(key_.get());
  Moment moment{now_unix_s, next_serial_++, fault.kind != TsaFault::kRejection};

  const Context context(TS_RESP_CTX_new());
  const Object policy(OBJ_txt2obj(kPolicy, 1));
  invariant(TS_RESP_CTX_set_signer_cert(
                context.get(), unfit_for_openssl(fault.kind) ? certificate_.get() : certificate) == 1 &&
                TS_RESP_CTX_set_signer_key(context.get(), key_.get()) == 1 &&
                TS_RESP_CTX_set_signer_digest(context.get(), digest) == 1 &&
                TS_RESP_CTX_set_ess_cert_id_digest(context.get(), EVP_sha256()) == 1 &&
                TS_RESP_CTX_set_def_policy(context.get(), policy.get()) == 1 &&
                TS_RESP_CTX_set_accuracy(context.get(), 1, 0, 0) == 1,
            "OpenSSL takes the authority's key");
  for (const EVP_MD* accepted : {EVP_sha256(), EVP_sha384(), EVP_sha512()})
    TS_RESP_CTX_add_md(context.get(), accepted);
  if (fault.kind == TsaFault::kSha1Imprint) TS_RESP_CTX_add_md(context.get(), EVP_sha1());
  TS_RESP_CTX_set_time_cb(context.get(), tell_time, &moment);
  TS_RESP_CTX_set_serial_cb(context.get(), tell_serial, &moment);

  const Bytes changed =
      fault.kind == TsaFault::kNone ? copy_of(request_der) : request_for(fault.kind, request_der);
  const Bio request = reader(changed);
  Response response(TS_RESP_create_response(context.get(), request.get()));
  invariant(response != nullptr, "OpenSSL answers every request");
  if (TS_RESP_get_token(response.get()) == nullptr) {
    ERR_clear_error();
    return openssl::encoded<i2d_TS_RESP>(response.get());
  }
  TS_TST_INFO* info = TS_RESP_get_tst_info(response.get());
  if (unfit_for_openssl(fault.kind)) {
    Pkcs7 token = sign_unchecked(info, certificate, key_.get(), digest);
    TokenInfo copy(TS_TST_INFO_dup(info));
    Response replaced(TS_RESP_new());
    TS_RESP_set_status_info(replaced.get(), TS_RESP_get_status_info(response.get()));
    TS_RESP_set_tst_info(replaced.get(), token.release(), copy.release());
    response = std::move(replaced);
    info = TS_RESP_get_tst_info(response.get());
  }
  {
    std::string line =
        fmt::format("{}\t{:x}\t{}\n", now_unix_s, moment.serial,
                    to_hex(bytes_in(TS_MSG_IMPRINT_get_msg(TS_TST_INFO_get_msg_imprint(info)))));
    const std::lock_guard lock(mutex_);
    journal_ += line;
    ++tokens_;
  }
  if (fault.kind == TsaFault::kBadSignature) {
    const STACK_OF(PKCS7_SIGNER_INFO)* signers = PKCS7_get_signer_info(TS_RESP_get_token(response.get()));
    ASN1_OCTET_STRING* signature = sk_PKCS7_SIGNER_INFO_value(signers, 0)->enc_digest;
    signature->data[signature->length - 1] ^= 1;
  }
  return openssl::encoded<i2d_TS_RESP>(response.get());
}

}  // namespace psephos::trust
