// What OpenSSL's library sees in each answer. A fault that was ordered has to change what its name says and
// nothing else: a reader of evidence that refuses it then refuses it for that reason.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <chrono>
#include <map>
#include <set>
#include <string>

#include "crypto/hash.h"
#include "crypto/random.h"
#include "protocol/eid/certificate.h"
#include "tests/trust-services/services/test_trust.h"

namespace psephos::trust {
namespace {

using openssl::Free;
using OcspRequest = std::unique_ptr<OCSP_REQUEST, Free<OCSP_REQUEST_free>>;
using OcspAnswer = std::unique_ptr<OCSP_RESPONSE, Free<OCSP_RESPONSE_free>>;
using BasicAnswer = std::unique_ptr<OCSP_BASICRESP, Free<OCSP_BASICRESP_free>>;
using TsRequest = std::unique_ptr<TS_REQ, Free<TS_REQ_free>>;
using TsAnswer = std::unique_ptr<TS_RESP, Free<TS_RESP_free>>;
using TsVerify = std::unique_ptr<TS_VERIFY_CTX, Free<TS_VERIFY_CTX_free>>;
using Store = std::unique_ptr<X509_STORE, Free<X509_STORE_free>>;
using Time = std::unique_ptr<ASN1_GENERALIZEDTIME, Free<ASN1_GENERALIZEDTIME_free>>;
using Bio = std::unique_ptr<BIO, Free<BIO_free_all>>;
void free_chain(STACK_OF(X509) * chain) {
  sk_X509_pop_free(chain, X509_free);
}
using Chain = std::unique_ptr<STACK_OF(X509), Free<free_chain>>;

/// What was seen, by name; and what differs from another sight: "name: here".
using Sight = std::map<std::string, std::string>;
std::set<std::string> differences(const Sight& honest, const Sight& other) {
  std::set<std::string> out;
  for (const auto& [name, value] : other)
    if (const auto found = honest.find(name); found == honest.end() || found->second != value)
      out.insert(name + ": " + value);
  for (const auto& [name, value] : honest)
    if (!other.contains(name)) out.insert(name + ": gone");
  return out;
}

std::int64_t clock_unix_s() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}
ByteView bytes_in(const ASN1_STRING* text) {
  return {ASN1_STRING_get0_data(text), static_cast<std::size_t>(ASN1_STRING_length(text))};
}
/// Seconds after `from`.
std::string offset(const ASN1_GENERALIZEDTIME* time, std::int64_t from) {
  if (time == nullptr) return "none";
  const Time reference(ASN1_GENERALIZEDTIME_set(nullptr, from));
  int days = 0;
  int seconds = 0;
  EXPECT_EQ(ASN1_TIME_diff(&days, &seconds, reference.get(), time), 1);
  return std::to_string(days * 86400 + seconds);
}
Chain chain_of(std::initializer_list<X509*> certificates) {
  Chain chain(sk_X509_new_null());
  for (X509* each : certificates) {
    X509_up_ref(each);
    sk_X509_push(chain.get(), each);
  }
  return chain;
}

/// A service's certificate beside the authority that should have issued it.
void look_at_certificate(X509* certificate, X509* issuer, std::int64_t now, Sight& sight) {
  sight["ca"] = (X509_get_extension_flags(certificate) & EXFLAG_CA) != 0 ? "yes" : "no";
  int critical = -1;
  auto* usages =
      static_cast<EXTENDED_KEY_USAGE*>(X509_get_ext_d2i(certificate, NID_ext_key_usage, &critical, nullptr));
  std::string text;
  for (int i = 0; usages != nullptr && i < sk_ASN1_OBJECT_num(usages); ++i)
    text += std::string(i > 0 ? " " : "") + OBJ_nid2sn(OBJ_obj2nid(sk_ASN1_OBJECT_value(usages, i)));
  sk_ASN1_OBJECT_pop_free(usages, ASN1_OBJECT_free);
  sight["usage"] = text;
  sight["usage critical"] = std::to_string(critical);
  time_t at = now;
  sight["valid"] = X509_cmp_time(X509_get0_notBefore(certificate), &at) < 0 &&
                           X509_cmp_time(X509_get0_notAfter(certificate), &at) > 0
                       ? "yes"
                       : "no";
  sight["issuer's name"] =
      X509_NAME_cmp(X509_get_issuer_name(certificate), X509_get_subject_name(issuer)) == 0 ? "yes" : "no";
  sight["issuer's key"] = X509_verify(certificate, X509_get0_pubkey(issuer)) == 1 ? "yes" : "no";
  ERR_clear_error();
}

class Faults : public testing::Test {
 protected:
  explicit Faults(OcspOptions ocsp = {}, TsaOptions tsa = {})
      : ca_(TestCa::create(rng_, now_)),
        time_stamp_ca_(TestCa::create(rng_, now_, EcCurve::kP384, CaPurpose::kTimeStamps)),
        ocsp_(ca_, rng_, now_, std::move(ocsp)),
        tsa_(time_stamp_ca_, rng_, now_, tsa),
        issuer_(certificate_from(ca_.issuing_der())),
        tsa_issuer_(certificate_from(time_stamp_ca_.issuing_der())) {
    X509_STORE_add_cert(store_.get(), certificate_from(ca_.root_der()).get());
    X509_STORE_add_cert(tsa_store_.get(), certificate_from(time_stamp_ca_.root_der()).get());
    const EcKey key = generate_key(EcCurve::kP256, rng_);
    card_ = ca_.issue(card_fields({"PNOEE-38001085718", "JAAK", "JÕEORG"}, KeyUse::kSigning, key.point, now_),
                      rng_);
    const auto card = certificate_from(card_);
    ocsp_request_.reset(OCSP_REQUEST_new());
    OCSP_request_add0_id(ocsp_request_.get(), OCSP_cert_to_id(EVP_sha256(), card.get(), issuer_.get()));
    ByteArray<32> nonce{};
    rng_.fill(nonce);
    OCSP_request_add1_nonce(ocsp_request_.get(), nonce.data(), nonce.size());
    make_stamp_request();
  }

  void make_stamp_request() {
    using Algorithm = std::unique_ptr<X509_ALGOR, Free<X509_ALGOR_free>>;
    using Imprint = std::unique_ptr<TS_MSG_IMPRINT, Free<TS_MSG_IMPRINT_free>>;
    using Integer = std::unique_ptr<ASN1_INTEGER, Free<ASN1_INTEGER_free>>;
    ts_request_.reset(TS_REQ_new());
    TS_REQ_set_version(ts_request_.get(), 1);
    const Algorithm sha256_name(X509_ALGOR_new());
    X509_ALGOR_set_md(sha256_name.get(), EVP_sha256());
    Digest256 digest = sha256(bytes_of("what is stamped"));
    const Imprint imprint(TS_MSG_IMPRINT_new());
    TS_MSG_IMPRINT_set_algo(imprint.get(), sha256_name.get());
    TS_MSG_IMPRINT_set_msg(imprint.get(), digest.data(), static_cast<int>(digest.size()));
    TS_REQ_set_msg_imprint(ts_request_.get(), imprint.get());
    const Integer nonce(ASN1_INTEGER_new());
    ASN1_INTEGER_set_uint64(nonce.get(), 0x1234'5678'9abc'def0);
    TS_REQ_set_nonce(ts_request_.get(), nonce.get());
    TS_REQ_set_cert_req(ts_request_.get(), 1);
  }
  Bytes status_request() const { return openssl::encoded<i2d_OCSP_REQUEST>(ocsp_request_.get()); }
  Bytes stamp_request() const { return openssl::encoded<i2d_TS_REQ>(ts_request_.get()); }

  Sight look_at_status(ByteView der) const;
  Sight look_at_stamp(ByteView der) const;
  Sight status_with(Fault<OcspFault> fault) {
    ocsp_.set_fault(fault);
    return look_at_status(ocsp_.answer(status_request(), now_));
  }
  Sight stamp_with(Fault<TsaFault> fault) {
    tsa_.set_fault(fault);
    return look_at_stamp(tsa_.answer(stamp_request(), now_));
  }

  SystemRng rng_;
  std::int64_t now_ = clock_unix_s();
  TestCa ca_, time_stamp_ca_;
  OcspResponder ocsp_;
  TimeStampAuthority tsa_;
  openssl::X509Certificate issuer_, tsa_issuer_;
  Store store_{X509_STORE_new()}, tsa_store_{X509_STORE_new()};
  Bytes card_;
  OcspRequest ocsp_request_;
  TsRequest ts_request_;
};

Sight Faults::look_at_status(ByteView der) const {
  Sight sight;
  const unsigned char* at = der.data();
  const OcspAnswer answer(d2i_OCSP_RESPONSE(nullptr, &at, static_cast<long>(der.size())));
  ERR_clear_error();
  if (!answer || at != der.data() + der.size()) return {{"answer", "none"}};
  sight["answer"] = OCSP_response_status_str(OCSP_response_status(answer.get()));
  const BasicAnswer basic(OCSP_response_get1_basic(answer.get()));
  ERR_clear_error();
  if (!basic) return sight;
  const int count = OCSP_resp_count(basic.get());
  sight["statuses"] = std::to_string(count);
  OCSP_SINGLERESP* single = OCSP_resp_get0(basic.get(), 0);
  int reason = 0;
  ASN1_GENERALIZEDTIME* revoked = nullptr;
  ASN1_GENERALIZEDTIME* this_update = nullptr;
  ASN1_GENERALIZEDTIME* next_update = nullptr;
  sight["status"] =
      OCSP_cert_status_str(OCSP_single_get0_status(single, &reason, &revoked, &this_update, &next_update));
  if (revoked != nullptr) sight["reason"] = reason < 0 ? "none" : OCSP_crl_reason_str(reason);
  if (revoked != nullptr) sight["revoked"] = offset(revoked, now_);
  sight["thisUpdate"] = offset(this_update, now_);
  sight["nextUpdate"] = offset(next_update, now_);
  sight["producedAt"] = offset(OCSP_resp_get0_produced_at(basic.get()), now_);
  OCSP_CERTID* asked = OCSP_onereq_get0_id(OCSP_request_onereq_get0(ocsp_request_.get(), 0));
  auto* answered = const_cast<OCSP_CERTID*>(OCSP_SINGLERESP_get0_id(single));
  sight["issuer"] = OCSP_id_issuer_cmp(asked, answered) == 0 ? "as asked" : "another";
  ASN1_INTEGER* asked_serial = nullptr;
  ASN1_INTEGER* answered_serial = nullptr;
  OCSP_id_get0_info(nullptr, nullptr, nullptr, &asked_serial, asked);
  OCSP_id_get0_info(nullptr, nullptr, nullptr, &answered_serial, answered);
  sight["serial"] = ASN1_INTEGER_cmp(asked_serial, answered_serial) == 0 ? "as asked" : "another";
  const int nonce = OCSP_check_nonce(ocsp_request_.get(), basic.get());
  sight["nonce"] = nonce == 1 ? "repeated" : nonce == -1 ? "none" : nonce == 0 ? "another" : "unasked";

  const STACK_OF(X509)* embedded = OCSP_resp_get0_certs(basic.get());
  sight["certificates"] = std::to_string(std::max(0, sk_X509_num(embedded)));
  const auto own = certificate_from(ocsp_.certificate_der());
  X509* signer = sk_X509_num(embedded) > 0 ? sk_X509_value(embedded, 0) : own.get();
  look_at_certificate(signer, issuer_.get(), now_, sight);
  const ASN1_OCTET_STRING* id_key = nullptr;
  const X509_NAME* id_name = nullptr;
  OCSP_resp_get0_id(basic.get(), &id_key, &id_name);
  sight["responder id"] = id_name != nullptr ? "name" : "key";
  sight["algorithm"] = OBJ_nid2ln(OBJ_obj2nid(OCSP_resp_get0_tbs_sigalg(basic.get())->algorithm));
  const Chain others = chain_of({issuer_.get(), own.get()});
  sight["signature"] =
      OCSP_basic_verify(basic.get(), others.get(), store_.get(), OCSP_NOVERIFY) == 1 ? "good" : "bad";
  const Chain issuers = chain_of({issuer_.get()});
  sight["verdict"] = OCSP_basic_verify(basic.get(), issuers.get(), store_.get(), 0) == 1 ? "good" : "bad";
  ERR_clear_error();
  return sight;
}

Sight Faults::look_at_stamp(ByteView der) const {
  Sight sight;
  const unsigned char* at = der.data();
  const TsAnswer answer(d2i_TS_RESP(nullptr, &at, static_cast<long>(der.size())));
  ERR_clear_error();
  if (!answer || at != der.data() + der.size()) return {{"answer", "none"}};
  TS_STATUS_INFO* status = TS_RESP_get_status_info(answer.get());
  sight["answer"] = std::to_string(ASN1_INTEGER_get(TS_STATUS_INFO_get0_status(status)));
  if (const ASN1_BIT_STRING* failure = TS_STATUS_INFO_get0_failure_info(status))
    for (const auto& [bit, name] : {std::pair{TS_INFO_BAD_ALG, "badAlg"},
                                    {TS_INFO_BAD_DATA_FORMAT, "badDataFormat"},
                                    {TS_INFO_UNACCEPTED_POLICY, "unacceptedPolicy"},
                                    {TS_INFO_TIME_NOT_AVAILABLE, "timeNotAvailable"}})
      if (ASN1_BIT_STRING_get_bit(failure, bit) == 1) sight["failure"] += name;
  PKCS7* token = TS_RESP_get_token(answer.get());
  if (token == nullptr) return sight;
  TS_TST_INFO* info = TS_RESP_get_tst_info(answer.get());
  TS_MSG_IMPRINT* asked = TS_REQ_get_msg_imprint(ts_request_.get());
  TS_MSG_IMPRINT* stamped = TS_TST_INFO_get_msg_imprint(info);
  sight["imprint"] = equal(bytes_in(TS_MSG_IMPRINT_get_msg(asked)), bytes_in(TS_MSG_IMPRINT_get_msg(stamped)))
                         ? "as asked"
                         : "another";
  sight["imprint bytes"] = std::to_string(ASN1_STRING_length(TS_MSG_IMPRINT_get_msg(stamped)));
  sight["digest"] = OBJ_nid2sn(OBJ_obj2nid(TS_MSG_IMPRINT_get_algo(stamped)->algorithm));
  const ASN1_INTEGER* nonce = TS_TST_INFO_get_nonce(info);
  sight["nonce"] = nonce == nullptr                                                    ? "none"
                   : ASN1_INTEGER_cmp(nonce, TS_REQ_get_nonce(ts_request_.get())) == 0 ? "repeated"
                                                                                       : "another";
  sight["genTime"] = offset(TS_TST_INFO_get_time(info), now_);
  std::array<char, 64> policy{};
  OBJ_obj2txt(policy.data(), policy.size(), TS_TST_INFO_get_policy_id(info), 1);
  sight["policy"] = policy.data();
  sight["accuracy"] =
      std::to_string(ASN1_INTEGER_get(TS_ACCURACY_get_seconds(TS_TST_INFO_get_accuracy(info))));
  sight["ordering"] = std::to_string(TS_TST_INFO_get_ordering(info));

  STACK_OF(X509)* embedded = token->d.sign->cert;
  sight["certificates"] = std::to_string(std::max(0, sk_X509_num(embedded)));
  const auto own = certificate_from(tsa_.certificate_der());
  X509* signer = sk_X509_num(embedded) > 0 ? sk_X509_value(embedded, 0) : own.get();
  look_at_certificate(signer, tsa_issuer_.get(), now_, sight);
  PKCS7_SIGNER_INFO* made_by = sk_PKCS7_SIGNER_INFO_value(PKCS7_get_signer_info(token), 0);
  for (const auto& [nid, name] : {std::pair{NID_id_smime_aa_signingCertificateV2, "ESSCertIDv2"},
                                  {NID_id_smime_aa_signingCertificate, "ESSCertID"}})
    sight[name] = PKCS7_get_signed_attribute(made_by, nid) != nullptr ? "yes" : "no";
  EVP_PKEY* key = nullptr;
  X509_ALGOR* digest = nullptr;
  PKCS7_SIGNER_INFO_get0_algs(made_by, &key, &digest, nullptr);
  sight["signer's digest"] = OBJ_nid2sn(OBJ_obj2nid(digest->algorithm));
  const Chain signers = chain_of({own.get()});
  const Bio content(BIO_new(BIO_s_mem()));
  sight["signature"] =
      PKCS7_verify(token, signers.get(), nullptr, nullptr, content.get(), PKCS7_NOVERIFY) == 1 ? "good"
                                                                                               : "bad";
  const TsVerify verify(TS_REQ_to_TS_VERIFY_CTX(ts_request_.get(), nullptr));
  X509_STORE_up_ref(tsa_store_.get());
  TS_VERIFY_CTX_set_store(verify.get(), tsa_store_.get());
  TS_VERIFY_CTX_set_certs(verify.get(), chain_of({tsa_issuer_.get()}).release());
  TS_VERIFY_CTX_add_flags(verify.get(), TS_VFY_SIGNATURE);
  sight["verdict"] = TS_RESP_verify_response(verify.get(), answer.get()) == 1 ? "good" : "bad";
  ERR_clear_error();
  return sight;
}

TEST_F(Faults, EachOfTheResponderIsWhatItSaysAndNothingElse) {
  const Sight honest = status_with({});
  EXPECT_EQ(honest, (Sight{{"answer", "successful"},
                           {"statuses", "1"},
                           {"status", "good"},
                           {"thisUpdate", "0"},
                           {"nextUpdate", "none"},
                           {"producedAt", "0"},
                           {"issuer", "as asked"},
                           {"serial", "as asked"},
                           {"nonce", "repeated"},
                           {"certificates", "1"},
                           {"ca", "no"},
                           {"usage", "OCSPSigning"},
                           {"usage critical", "0"},
                           {"valid", "yes"},
                           {"issuer's name", "yes"},
                           {"issuer's key", "yes"},
                           {"responder id", "name"},
                           {"algorithm", "ecdsa-with-SHA256"},
                           {"signature", "good"},
                           {"verdict", "good"}}));
  const auto nothing_but = [](const char* what) {
    std::set<std::string> all = {std::string("answer: ") + what};
    for (const char* name :
         {"statuses", "status", "thisUpdate", "nextUpdate", "producedAt", "issuer", "serial", "nonce",
          "certificates", "ca", "usage", "usage critical", "valid", "issuer's name", "issuer's key",
          "responder id", "algorithm", "signature", "verdict"})
      all.insert(std::string(name) + ": gone");
    return all;
  };
  const std::map<OcspFault, std::set<std::string>> expected = {
      {OcspFault::kNone, {}},
      {OcspFault::kRevoked, {"status: revoked", "reason: none", "revoked: -60"}},
      {OcspFault::kSuspended, {"status: revoked", "reason: certificateHold", "revoked: -60"}},
      {OcspFault::kUnknown, {"status: unknown"}},
      {OcspFault::kStale, {"thisUpdate: -86400"}},
      {OcspFault::kOverdue, {"thisUpdate: -61", "nextUpdate: -60"}},
      {OcspFault::kClockSkew, {"thisUpdate: -86400", "producedAt: -86400"}},
      {OcspFault::kNoNonce, {"nonce: none"}},
      {OcspFault::kWrongNonce, {"nonce: another"}},
      {OcspFault::kResponderWithoutUsage, {"usage: ", "usage critical: -1", "verdict: bad"}},
      {OcspFault::kResponderExtraUsage, {"usage: OCSPSigning clientAuth"}},  // nothing that OpenSSL minds
      {OcspFault::kResponderExpired, {"valid: no", "verdict: bad"}},
      {OcspFault::kResponderOfAnotherCa, {"issuer's key: no", "verdict: bad"}},
      {OcspFault::kNoResponderCertificate, {"certificates: 0", "verdict: bad"}},
      {OcspFault::kNeighbourSerial, {"serial: another"}},
      {OcspFault::kOtherIssuer, {"issuer: another", "verdict: bad"}},
      {OcspFault::kTwoStatuses, {"statuses: 2"}},
      {OcspFault::kBadSignature, {"signature: bad", "verdict: bad"}},
      {OcspFault::kTryLater, nothing_but("trylater")},
      {OcspFault::kInternalError, nothing_but("internalerror")},
      {OcspFault::kUnauthorized, nothing_but("unauthorized")},
      {OcspFault::kGarbage, nothing_but("none")},
      {OcspFault::kSlow, {}},
      {OcspFault::kDown, {}},
      {OcspFault::kHttp500, {}},
  };
  for (const auto& each : kOcspFaults) {
    ASSERT_TRUE(expected.contains(each.kind)) << each.name;
    EXPECT_EQ(differences(honest, status_with({each.kind})), expected.at(each.kind)) << each.name;
  }
}

TEST_F(Faults, EachOfTheTimeStampAuthorityIsWhatItSaysAndNothingElse) {
  const Sight honest = stamp_with({});
  EXPECT_EQ(honest, (Sight{{"answer", "0"},
                           {"imprint", "as asked"},
                           {"imprint bytes", "32"},
                           {"digest", "SHA256"},
                           {"nonce", "repeated"},
                           {"genTime", "0"},
                           {"policy", "0.4.0.2023.1.1"},
                           {"accuracy", "1"},
                           {"ordering", "0"},
                           {"certificates", "1"},
                           {"ca", "no"},
                           {"usage", "timeStamping"},
                           {"usage critical", "1"},
                           {"valid", "yes"},
                           {"issuer's name", "yes"},
                           {"issuer's key", "yes"},
                           {"ESSCertIDv2", "yes"},
                           {"ESSCertID", "no"},
                           {"signer's digest", "SHA256"},
                           {"signature", "good"},
                           {"verdict", "good"}}));
  const auto nothing_but = [&](std::set<std::string> all) {
    for (const auto& [name, value] : honest)
      if (name != "answer") all.insert(name + ": gone");
    return all;
  };
  const std::map<TsaFault, std::set<std::string>> expected = {
      {TsaFault::kNone, {}},
      {TsaFault::kOtherImprint, {"imprint: another", "verdict: bad"}},
      {TsaFault::kSha1Imprint, {"imprint: another", "imprint bytes: 20", "digest: SHA1", "verdict: bad"}},
      {TsaFault::kNoNonce, {"nonce: none", "verdict: bad"}},
      {TsaFault::kWrongNonce, {"nonce: another", "verdict: bad"}},
      {TsaFault::kSignerIsCa, {"ca: yes"}},  // nothing that OpenSSL minds
      {TsaFault::kSignerWithoutUsage, {"usage: ", "usage critical: -1", "verdict: bad"}},
      {TsaFault::kSignerExtraUsage, {"usage: timeStamping clientAuth", "verdict: bad"}},
      {TsaFault::kSignerUsageUncritical, {"usage critical: 0", "verdict: bad"}},
      {TsaFault::kSignerExpired, {"valid: no", "verdict: bad"}},
      {TsaFault::kSignerOfAnotherCa, {"issuer's key: no", "verdict: bad"}},
      {TsaFault::kNoCertificate, {"certificates: 0", "verdict: bad"}},
      {TsaFault::kClockSkew, {"genTime: -86400"}},
      {TsaFault::kRejection, nothing_but({"answer: 2", "failure: timeNotAvailable"})},
      {TsaFault::kBadSignature, {"signature: bad", "verdict: bad"}},
      {TsaFault::kGarbage, nothing_but({"answer: none"})},
      {TsaFault::kSlow, {}},
      {TsaFault::kDown, {}},
      {TsaFault::kHttp500, {}},
  };
  for (const auto& each : kTsaFaults) {
    ASSERT_TRUE(expected.contains(each.kind)) << each.name;
    EXPECT_EQ(differences(honest, stamp_with({each.kind})), expected.at(each.kind)) << each.name;
  }
}

TEST_F(Faults, AmountsAreTaken) {
  EXPECT_EQ(status_with({OcspFault::kClockSkew, 7}).at("producedAt"), "7");
  EXPECT_EQ(status_with({OcspFault::kStale, 901}).at("thisUpdate"), "-901");
  EXPECT_EQ(status_with({OcspFault::kOverdue, 5}).at("nextUpdate"), "-5");
  EXPECT_EQ(stamp_with({TsaFault::kClockSkew, 7}).at("genTime"), "7");
}

TEST_F(Faults, LastForAsManyRequestsAsOrdered) {
  ocsp_.set_fault({OcspFault::kUnknown}, 2);
  tsa_.set_fault({TsaFault::kNoNonce}, 1);
  for (const char* status : {"unknown", "unknown", "good", "good"})
    EXPECT_EQ(look_at_status(ocsp_.answer(status_request(), now_)).at("status"), status);
  for (const char* nonce : {"none", "repeated", "repeated"})
    EXPECT_EQ(look_at_stamp(tsa_.answer(stamp_request(), now_)).at("nonce"), nonce);
}

TEST_F(Faults, OnTheWayConcernTheHttpAnswer) {
  const auto ask_ocsp = [&](OcspFault fault, std::optional<std::int64_t> amount = {}) {
    ocsp_.set_fault({fault, amount});
    return ocsp_.handle({"POST", "/ocsp", "application/ocsp-request", status_request()}, now_);
  };
  const auto ask_tsa = [&](TsaFault fault) {
    tsa_.set_fault({fault});
    return tsa_.handle({"POST", "/tsa", "application/timestamp-query", stamp_request()}, now_);
  };
  EXPECT_EQ(look_at_status(ask_ocsp(OcspFault::kNone).body).at("verdict"), "good");
  EXPECT_EQ(ask_ocsp(OcspFault::kNone).delay.count(), 0);
  EXPECT_EQ(ask_ocsp(OcspFault::kSlow).delay.count(), 1000);
  EXPECT_EQ(ask_ocsp(OcspFault::kSlow, 30).delay.count(), 30);
  EXPECT_TRUE(ask_ocsp(OcspFault::kDown).dropped);
  EXPECT_EQ(ask_ocsp(OcspFault::kHttp500).status, 500U);
  EXPECT_EQ(look_at_stamp(ask_tsa(TsaFault::kNone).body).at("verdict"), "good");
  EXPECT_EQ(ask_tsa(TsaFault::kSlow).delay.count(), 1000);
  EXPECT_TRUE(ask_tsa(TsaFault::kDown).dropped);
  EXPECT_EQ(ask_tsa(TsaFault::kHttp500).status, 500U);
}

TEST_F(Faults, StatusFollowsTheControl) {
  const auto serial = parse_certificate(card_)->serial_number;
  const auto status = [&] {
    const Sight sight = look_at_status(ocsp_.answer(status_request(), now_));
    return sight.at("status") +
           (sight.contains("reason") ? " " + sight.at("reason") + " " + sight.at("revoked") : "");
  };
  ocsp_.set_status(serial, CertificateStatus::kSuspended, now_ - 5);
  EXPECT_EQ(status(), "revoked certificateHold -5");
  ocsp_.set_status(serial, CertificateStatus::kGood, now_);  // revived
  EXPECT_EQ(status(), "good");
  ocsp_.set_status(serial, CertificateStatus::kRevoked, now_ - 7);
  EXPECT_EQ(status(), "revoked none -7");
  ocsp_.set_status(serial, CertificateStatus::kUnknown, now_);
  EXPECT_EQ(status(), "unknown");
  ocsp_.reset();
  EXPECT_EQ(status(), "good");
}

TEST_F(Faults, RequestsThatAreNoneAreToldSo) {
  const auto status = [&](ByteView request) {
    return look_at_status(ocsp_.answer(request, now_)).at("answer");
  };
  EXPECT_EQ(status({}), "malformedrequest");
  EXPECT_EQ(status(bytes_of("a request")), "malformedrequest");
  Bytes longer = status_request();
  longer.push_back(0);
  EXPECT_EQ(status(longer), "malformedrequest");
  const auto with_nonce = [&](std::size_t bytes) {
    const OcspRequest request(OCSP_REQUEST_new());
    OCSP_request_add0_id(request.get(),
                         OCSP_cert_to_id(EVP_sha1(), certificate_from(card_).get(), issuer_.get()));
    Bytes nonce(bytes, 7);
    OCSP_request_add1_nonce(request.get(), nonce.data(), static_cast<int>(nonce.size()));
    return openssl::encoded<i2d_OCSP_REQUEST>(request.get());
  };
  EXPECT_EQ(status(with_nonce(1)), "successful");
  EXPECT_EQ(status(with_nonce(32)), "successful");
  EXPECT_EQ(status(with_nonce(33)), "malformedrequest");

  const auto other = certificate_from(TestCa::create(rng_, now_).issuing_der());
  const OcspRequest foreign(OCSP_REQUEST_new());
  OCSP_request_add0_id(foreign.get(),
                       OCSP_cert_to_id(EVP_sha256(), certificate_from(card_).get(), other.get()));
  EXPECT_EQ(status(openssl::encoded<i2d_OCSP_REQUEST>(foreign.get())), "unauthorized");

  const auto stamp = [&](ByteView request) {
    return look_at_stamp(tsa_.answer(request, now_)).at("failure");
  };
  EXPECT_EQ(stamp({}), "badDataFormat");
  EXPECT_EQ(stamp(bytes_of("a request")), "badDataFormat");
  using Object = std::unique_ptr<ASN1_OBJECT, Free<ASN1_OBJECT_free>>;
  const Object policy(OBJ_txt2obj("1.2.3.4", 1));
  TS_REQ_set_policy_id(ts_request_.get(), policy.get());
  EXPECT_EQ(stamp(stamp_request()), "unacceptedPolicy");
  make_stamp_request();
  X509_ALGOR_set_md(TS_MSG_IMPRINT_get_algo(TS_REQ_get_msg_imprint(ts_request_.get())), EVP_sha1());
  EXPECT_EQ(stamp(stamp_request()), "badAlg");
}

TEST_F(Faults, WrongHttpRequestsAreRefused) {
  const auto ocsp = [&](HttpRequest request) { return ocsp_.handle(request, now_).status; };
  EXPECT_EQ(ocsp({"POST", "/ocsp", "application/ocsp-request", status_request()}), 200U);
  EXPECT_EQ(ocsp({"POST", "/ocsp", "application/timestamp-query", status_request()}), 415U);
  EXPECT_EQ(ocsp({"PUT", "/ocsp", "application/ocsp-request", status_request()}), 405U);
  EXPECT_EQ(ocsp({"GET", "/ocsp", "", {}}), 400U);
  EXPECT_EQ(ocsp({"GET", "/ocsp/%4", "", {}}), 400U);
  EXPECT_EQ(ocsp({"GET", "/ocsp/no base64", "", {}}), 400U);
  std::string target = "/ocsp/";
  for (const char c : to_base64(status_request()))
    target += c == '+' ? "%2B" : c == '/' ? "%2f" : c == '=' ? "%3D" : std::string(1, c);
  EXPECT_EQ(look_at_status(ocsp_.handle({"GET", target, "", {}}, now_).body).at("verdict"), "good");
  EXPECT_EQ(look_at_status(ocsp_.handle({"GET", "/ocsp/" + to_base64(status_request()), "", {}}, now_).body)
                .at("verdict"),
            "good");
  const auto tsa = [&](HttpRequest request) { return tsa_.handle(request, now_).status; };
  EXPECT_EQ(tsa({"POST", "/tsa", "application/timestamp-query", stamp_request()}), 200U);
  EXPECT_EQ(tsa({"POST", "/tsa", "application/ocsp-request", stamp_request()}), 415U);
  EXPECT_EQ(tsa({"GET", "/tsa", "application/timestamp-query", stamp_request()}), 405U);
}

TEST_F(Faults, JournalHoldsWhatWasStamped) {
  EXPECT_EQ(tsa_.journal(), "");
  stamp_with({});
  stamp_with({TsaFault::kRejection});
  stamp_with({TsaFault::kGarbage});
  stamp_with({TsaFault::kClockSkew, 5});
  const std::string imprint = to_hex(sha256(bytes_of("what is stamped")));
  EXPECT_THAT(tsa_.journal(),
              testing::MatchesRegex(std::to_string(now_) + "\t[0-9a-f]{16}\t" + imprint + "\n" +
                                    std::to_string(now_ + 5) + "\t[0-9a-f]{16}\t" + imprint + "\n"));
  EXPECT_EQ(tsa_.tokens(), 2U);
  tsa_.reset();
  EXPECT_EQ(tsa_.journal(), "");
  EXPECT_EQ(stamp_with({}).at("verdict"), "good");
}

TEST_F(Faults, CertificatesThatWereNeverIssuedAreUnknown) {
  const Bytes serial = copy_of(parse_certificate(card_)->serial_number);
  OcspOptions options;
  options.issued = [&](ByteView asked) { return equal(asked, serial); };
  OcspResponder responder(ca_, rng_, now_, options);
  EXPECT_EQ(look_at_status(responder.answer(status_request(), now_)).at("status"), "good");
  options.issued = [&](ByteView asked) { return !equal(asked, serial); };
  OcspResponder other(ca_, rng_, now_, options);
  EXPECT_EQ(look_at_status(other.answer(status_request(), now_)).at("status"), "unknown");
}

/// Services with other keys and forms: honest ones are good, and the signer's fault is still one.
struct Forms : Faults {
  Forms(OcspOptions ocsp, TsaOptions tsa) : Faults(std::move(ocsp), tsa) {}
};
struct Rsa : Forms {
  Rsa()
      : Forms({.key = ServiceKey::kRsa2048, .responder_id = ResponderIdForm::kByKey},
              {ServiceKey::kRsa2048}) {}
};
struct P384 : Forms {
  P384() : Forms({.key = ServiceKey::kP384}, {ServiceKey::kP384}) {}
};
struct IssuerSigns : Forms {
  IssuerSigns() : Forms({.signer = OcspSigner::kIssuingAuthority}, {}) {}
};
TEST_F(Rsa, Answers) {
  const Sight status = status_with({});
  EXPECT_EQ(status.at("verdict"), "good");
  EXPECT_EQ(status.at("responder id"), "key");
  EXPECT_EQ(status.at("algorithm"), "sha256WithRSAEncryption");
  EXPECT_EQ(differences(status, status_with({OcspFault::kBadSignature})),
            (std::set<std::string>{"signature: bad", "verdict: bad"}));
  const Sight stamp = stamp_with({});
  EXPECT_EQ(stamp.at("verdict"), "good");
  EXPECT_EQ(differences(stamp, stamp_with({TsaFault::kSignerExtraUsage})),
            (std::set<std::string>{"usage: timeStamping clientAuth", "verdict: bad"}));
}
TEST_F(P384, Answers) {
  const Sight status = status_with({});
  EXPECT_EQ(status.at("verdict"), "good");
  EXPECT_EQ(status.at("algorithm"), "ecdsa-with-SHA384");
  const Sight stamp = stamp_with({});
  EXPECT_EQ(stamp.at("verdict"), "good");
  EXPECT_EQ(stamp.at("signer's digest"), "SHA384");
}
TEST_F(IssuerSigns, Answers) {
  const Sight status = status_with({});
  EXPECT_EQ(status.at("verdict"), "good");
  EXPECT_EQ(status.at("certificates"), "0");
  EXPECT_EQ(status.at("ca"), "yes");
  EXPECT_EQ(status.at("algorithm"), "ecdsa-with-SHA384");
}

}  // namespace
}  // namespace psephos::trust
