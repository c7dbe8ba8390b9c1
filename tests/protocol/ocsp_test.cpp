#include "protocol/eid/ocsp.h"

#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

#include <atomic>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "protocol/limits.h"
#include "tests/protocol/evidence_fixture.h"

namespace psephos {
namespace {

namespace der = trust::der;
using forge::Answer;
using forge::KeyKind;
using forge::Service;

template <class T, auto kFree>
using Owned = std::unique_ptr<T, openssl::Free<kFree>>;
struct FreeAll {
  void operator()(STACK_OF(X509) * certificates) const { sk_X509_pop_free(certificates, X509_free); }
};
using Certificates = std::unique_ptr<STACK_OF(X509), FreeAll>;

class Ocsp : public Evidence {
 protected:
  Ocsp() { certificate_ = issuing_.issue(voter_fields()); }
  trust::CertificateFields voter_fields() const {
    auto fields = forge::authority_fields(card_, kNow);
    const auto card =
        trust::card_fields({trust::artificial_national_id(3), "ANNA", "TEST"}, KeyUse::kSigning, {}, kNow);
    fields.subject = card.subject;
    fields.extensions = card.extensions;
    return fields;
  }
  Answer honest() const { return honest(responder_); }
  Answer honest(const Service& responder) const {
    return {responder, certificate_, issuing_.der(), token_, kProduced};
  }
  Answer by_issuer() const { return honest(issuing_.service()); }
  Service responder(KeyKind kind, const std::function<void(trust::CertificateFields&)>& change = {}) {
    Service out = Service::make(kind);
    auto fields = forge::responder_fields(out, kNow);
    if (change) change(fields);
    out.certificate = issuing_.issue(fields);
    return out;
  }

  std::optional<Reason> reason(const Bytes& answer) const {
    const auto good = verifier_->good_at(certificate_, answer, token_, kStamped);
    EXPECT_TRUE(!good || openssl_accepts(answer));
    return refusal_of(good);
  }

  /// The second reader: the answer is to our request, good, and OCSP_basic_verify accepts its signer.
  bool openssl_accepts(const Bytes& answer) const {
    const Bytes request = ocsp_request(*parse_certificate(certificate_), *parse_certificate(issuing_.der()),
                                       ocsp_nonce(token_));
    const unsigned char* at = request.data();
    const Owned<OCSP_REQUEST, OCSP_REQUEST_free> query(
        d2i_OCSP_REQUEST(nullptr, &at, static_cast<long>(request.size())));
    if (!query || at != request.data() + request.size()) return false;
    at = answer.data();
    const Owned<OCSP_RESPONSE, OCSP_RESPONSE_free> response(
        d2i_OCSP_RESPONSE(nullptr, &at, static_cast<long>(answer.size())));
    if (!response || at != answer.data() + answer.size()) return false;
    const Owned<OCSP_BASICRESP, OCSP_BASICRESP_free> basic(OCSP_response_get1_basic(response.get()));
    if (OCSP_response_status(response.get()) != OCSP_RESPONSE_STATUS_SUCCESSFUL || !basic ||
        OCSP_check_nonce(query.get(), basic.get()) != 1)
      return false;
    OCSP_CERTID* asked = OCSP_onereq_get0_id(OCSP_request_onereq_get0(query.get(), 0));
    int status = -1;
    if (OCSP_resp_find_status(basic.get(), asked, &status, nullptr, nullptr, nullptr, nullptr) != 1 ||
        status != V_OCSP_CERTSTATUS_GOOD)
      return false;

    const Owned<X509_STORE, X509_STORE_free> store(X509_STORE_new());
    const Certificates known(sk_X509_new_null());
    for (const Bytes& anchor : {issuing_.der(), root_.der()}) {
      at = anchor.data();
      X509* certificate = d2i_X509(nullptr, &at, static_cast<long>(anchor.size()));
      X509_STORE_add_cert(store.get(), certificate);
      sk_X509_push(known.get(), certificate);
    }
    X509_VERIFY_PARAM_set_time(X509_STORE_get0_param(store.get()), kProduced);
    const bool good = OCSP_basic_verify(basic.get(), known.get(), store.get(), 0) == 1;
    if (!good) ERR_print_errors_fp(stderr);
    return good;
  }

  Bytes certificate_;
  const Bytes token_ = copy_of(bytes_of("a time-stamp token"));
};

TEST_F(Ocsp, AcceptsEveryKindOfKeyAndDigest) {
  for (const KeyKind kind : {KeyKind::kP256, KeyKind::kP384, KeyKind::kP521, KeyKind::kRsa2048}) {
    const Service signer = responder(kind);
    for (const int digest : {256, 384, 512}) {
      Answer answer = honest(signer);
      answer.digest = digest;
      EXPECT_EQ(reason(answer.build()), std::nullopt) << static_cast<int>(kind) << " " << digest;
      EXPECT_EQ(reason(answer.build()), std::nullopt) << "with the responder's key kept";
    }
  }
  EXPECT_EQ(reason(by_issuer().build()), std::nullopt);
}

struct Change {
  const char* what;
  std::function<void(Answer&)> make;
};

TEST_F(Ocsp, AcceptsWhatTheProfileLeavesOpen) {
  const std::vector<Change> changes = {
      {"nothing", [](Answer&) {}},
      {"named by key", [&](Answer& a) { a.responder_id = Answer::key_hash(responder_.certificate); }},
      {"no parameters of SHA-256",
       [](Answer& a) { a.cert_id_algorithm = forge::algorithm("2.16.840.1.101.3.4.2.1"); }},
      {"next update",
       [](Answer& a) { a.next_update = der::element(0xa0, forge::generalized_time(kProduced)); }},
      {"extension of the status",
       [](Answer& a) {
         a.single_extensions =
             der::element(0xa1, der::sequence({trust::extension("1.2.3", false, der::utf8("a"))}));
       }},
      {"another extension",
       [](Answer& a) { a.extensions = {trust::extension("1.2.3", false, der::utf8("a"))}; }},
      {"critical nonce",
       [&](Answer& a) {
         a.nonce = {};
         a.extensions = {
             trust::extension("1.3.6.1.5.5.7.48.1.2", true, der::octet_string(ocsp_nonce(token_)))};
       }},
  };
  for (const Change& change : changes) {
    Answer answer = honest();
    change.make(answer);
    EXPECT_EQ(reason(answer.build()), std::nullopt) << change.what;
  }
  Answer answer = by_issuer();
  answer.responder_id = Answer::key_hash(issuing_.der());
  EXPECT_EQ(reason(answer.build()), std::nullopt);
}

// A70: the status at P is what counts, so that a certificate which was suspended and revived is refused while
// it is suspended; a status from after its revival is too late for the time-stamp (A75).
TEST_F(Ocsp, A70_RevokedSuspendedUnknown) {
  Answer answer = honest();
  EXPECT_EQ(reason(answer.build()), std::nullopt);
  answer.status = Answer::revoked(kNow, std::nullopt);
  EXPECT_EQ(reason(answer.build()), Reason::kCertRevoked);
  for (const std::uint8_t why : ByteArray<9>{0, 1, 2, 3, 4, 5, 8, 9, 10}) {
    answer.status = Answer::revoked(kNow, why);
    EXPECT_EQ(reason(answer.build()), Reason::kCertRevoked) << int{why};
  }
  answer.status = Answer::revoked(kProduced + 1, 1);
  EXPECT_EQ(reason(answer.build()), Reason::kCertRevoked) << "from tomorrow on";
  answer.status = Answer::revoked(kNow, 6);
  EXPECT_EQ(reason(answer.build()), Reason::kCertSuspended);
  answer.status = der::element(0x82, {});
  EXPECT_EQ(reason(answer.build()), Reason::kCertUnknown);
  // Nobody's word: it is no status before its signature is good.
  answer.status = Answer::revoked(kNow, 1);
  answer.signature = Bytes(70, 1);
  EXPECT_EQ(reason(answer.build()), Reason::kOcspSignature);
}

// A70, A75
TEST_F(Ocsp, A70_A75_StatusFromAnotherTime) {
  const auto at = [&](std::int64_t produced) {
    return Answer(responder_, certificate_, issuing_.der(), token_, produced).build();
  };
  EXPECT_EQ(reason(at(kStamped)), std::nullopt);
  EXPECT_EQ(reason(at(kStamped - 1)), Reason::kTimeEvidenceOrder);
  EXPECT_EQ(reason(at(kStamped + 900)), std::nullopt);
  EXPECT_EQ(reason(at(kStamped + 901)), Reason::kTimeEvidenceOrder);
  for (const std::int64_t never : {INT64_MIN, INT64_MAX})  // and no overflow
    EXPECT_EQ(refusal_of(verifier_->good_at(certificate_, at(kProduced), token_, never)),
              Reason::kCertNotValidAtSigning);
}

// A71
TEST_F(Ocsp, A71_StaleOrReplayed) {
  Answer answer = honest();
  answer.this_update = forge::generalized_time(kProduced - 900);
  EXPECT_EQ(reason(answer.build()), std::nullopt);
  answer.this_update = forge::generalized_time(kProduced - 901);
  EXPECT_EQ(reason(answer.build()), Reason::kOcspStale);
  answer.this_update = forge::generalized_time(kProduced + 1);
  EXPECT_EQ(reason(answer.build()), Reason::kOcspStale);
  answer = honest();
  answer.next_update = der::element(0xa0, forge::generalized_time(kProduced - 1));
  EXPECT_EQ(reason(answer.build()), Reason::kOcspStale);

  const std::vector<Change> changes = {
      {"none", [](Answer& a) { a.nonce = {}; }},
      {"of another token",
       [](Answer& a) { a.nonce = der::octet_string(der::octet_string(ocsp_nonce(bytes_of("earlier")))); }},
      {"shortened",
       [&](Answer& a) {
         a.nonce = der::octet_string(der::octet_string(ByteView(ocsp_nonce(token_)).first(31)));
       }},
      {"without its inner OCTET STRING", [&](Answer& a) { a.nonce = der::octet_string(ocsp_nonce(token_)); }},
      {"empty", [](Answer& a) { a.nonce = der::octet_string({}); }},
      {"in an extension of another kind", [](Answer& a) { a.nonce_oid = "1.3.6.1.5.5.7.48.1.3"; }},
      {"in the status's extensions",
       [](Answer& a) {
         a.single_extensions =
             der::element(0xa1, der::sequence({der::sequence({der::oid("1.3.6.1.5.5.7.48.1.2"), a.nonce})}));
         a.nonce = {};
       }},
  };
  EXPECT_EQ(reason(honest().build()), std::nullopt);
  for (const Change& change : changes) {
    Answer replayed = honest();
    change.make(replayed);
    EXPECT_EQ(reason(replayed.build()), Reason::kOcspNonce) << change.what;
  }
  EXPECT_EQ(refusal_of(verifier_->good_at(certificate_, honest().build(), bytes_of("other token"), kStamped)),
            Reason::kOcspNonce);
}

// A72
TEST_F(Ocsp, A72_StatusOfAnotherCertificate) {
  EXPECT_EQ(reason(honest().build()), std::nullopt);
  const Bytes neighbour = issuing_.issue(voter_fields());
  EXPECT_EQ(reason(Answer(responder_, neighbour, issuing_.der(), token_, kProduced).build()),
            Reason::kOcspCertidMismatch);
  const Bytes namesake =
      sibling_.issue(voter_fields(), copy_of(parse_certificate(certificate_)->serial_number));
  Answer other_issuer(responder_, namesake, sibling_.der(), token_, kProduced);
  EXPECT_EQ(reason(other_issuer.build()), Reason::kOcspCertidMismatch);
  const std::vector<Change> changes = {
      {"name", [&](Answer& a) { a.issuer_name_hash = other_issuer.issuer_name_hash; }},
      {"key", [&](Answer& a) { a.issuer_key_hash = other_issuer.issuer_key_hash; }},
      {"shorter hash", [](Answer& a) { a.issuer_key_hash = der::octet_string(Bytes(20, 1)); }},
      {"longer serial number",
       [&](Answer& a) {
         Bytes longer = {1};
         append(longer, parse_certificate(certificate_)->serial_number);
         a.serial_number = der::integer(longer);
       }},
  };
  for (const Change& change : changes) {
    Answer answer = honest();
    change.make(answer);
    EXPECT_EQ(reason(answer.build()), Reason::kOcspCertidMismatch) << change.what;
  }
  EXPECT_EQ(refusal_of(verifier_->good_at(neighbour, honest().build(), token_, kStamped)),
            Reason::kOcspCertidMismatch);
  EXPECT_EQ(refusal_of(verifier_->good_at(namesake, honest().build(), token_, kStamped)),
            Reason::kCertChainUntrusted)
      << "the sibling is no anchor";
}

// A73: each certificate differs in one thing from that of the accepted twin.
TEST_F(Ocsp, A73_ResponderThatNobodyAppointed) {
  EXPECT_EQ(reason(honest(responder(KeyKind::kP256)).build()), std::nullopt);
  struct Row {
    const char* what;
    std::function<void(trust::CertificateFields&)> change;
  };
  const auto extensions = [](Bytes purpose, Bytes usage, Bytes more = {}) {
    return [=](trust::CertificateFields& fields) {
      fields.extensions = {purpose, usage};
      if (!more.empty()) fields.extensions.push_back(more);
    };
  };
  const Bytes purpose = trust::extended_key_usage({forge::kOcspSigning}, false);
  const Bytes usage = trust::key_usage(kUsageDigitalSignature);
  const std::vector<Row> good = {
      {"critical purpose", extensions(trust::extended_key_usage({forge::kOcspSigning}, true), usage)},
      {"basicConstraints without CA", extensions(purpose, usage, trust::basic_constraints(false))},
  };
  for (const Row& row : good)
    EXPECT_EQ(reason(honest(responder(KeyKind::kP256, row.change)).build()), std::nullopt) << row.what;
  const std::vector<Row> bad = {
      {"no purpose", [&](trust::CertificateFields& fields) { fields.extensions = {usage}; }},
      {"another purpose", extensions(trust::extended_key_usage({forge::kTimeStamping}, false), usage)},
      {"another purpose beside it",
       extensions(trust::extended_key_usage({forge::kOcspSigning, forge::kTimeStamping}, false), usage)},
      {"any purpose", extensions(trust::extended_key_usage({"2.5.29.37.0"}, false), usage)},
      {"CA", extensions(purpose, usage, trust::basic_constraints(true))},
      {"no key usage", [&](trust::CertificateFields& fields) { fields.extensions = {purpose}; }},
      {"may issue certificates",
       extensions(purpose, trust::key_usage(kUsageDigitalSignature | kUsageKeyCertSign))},
      {"unknown critical extension",
       extensions(purpose, usage, trust::extension("1.2.3", true, ByteArray<1>{5}))},
  };
  for (const Row& row : bad)
    EXPECT_EQ(reason(honest(responder(KeyKind::kP256, row.change)).build()), Reason::kOcspResponderUntrusted)
        << row.what;
  EXPECT_EQ(reason(honest(responder(KeyKind::kRsa1024)).build()), Reason::kOcspResponderUntrusted);

  // Of another authority: the same fields, certified by the sibling, and by the root above both.
  Service foreign = Service::make(KeyKind::kP256);
  for (forge::Ca* ca : {&sibling_, &root_, &time_stamp_ca_}) {
    foreign.certificate = ca->issue(forge::responder_fields(foreign, kNow));
    EXPECT_EQ(reason(honest(foreign).build()), Reason::kOcspResponderUntrusted);
  }
  foreign.certificate = issuing_.issue(forge::responder_fields(foreign, kNow));
  EXPECT_EQ(reason(honest(foreign).build()), std::nullopt);
  // The voter herself.
  Service voter = Service::make(KeyKind::kP256);
  auto fields = voter_fields();
  fields.public_key_info = voter.public_key_info;
  voter.certificate = issuing_.issue(fields);
  EXPECT_EQ(reason(honest(voter).build()), Reason::kOcspResponderUntrusted);
  // Another name or key than that of the certificate which comes along.
  Answer answer = honest();
  answer.responder_id = der::element(0xa1, forge::name("somebody"));
  EXPECT_EQ(reason(answer.build()), Reason::kOcspResponderUntrusted);
  answer.responder_id = Answer::key_hash(issuing_.der());
  EXPECT_EQ(reason(answer.build()), Reason::kOcspResponderUntrusted);
  // The issuer's own certificate comes not along, and the responder's has to.
  answer = by_issuer();
  answer.certificates = {issuing_.der()};
  EXPECT_EQ(reason(answer.build()), Reason::kOcspResponderUntrusted);
  answer = honest();
  answer.certificates.clear();
  EXPECT_EQ(reason(answer.build()), Reason::kOcspResponderUntrusted);
}

// A responder of one issuing anchor has nothing to say about the certificates of another one, also when its
// key is known already.
TEST_F(Ocsp, A73_ResponderOfAnotherAnchor) {
  const std::vector<Bytes> anchors = {issuing_.der(), sibling_.der(), root_.der()};
  const auto both = *OpensslEidVerifier::create(trust::test_profile(anchors, {root_.der()}));
  const Bytes other = sibling_.issue(voter_fields());
  EXPECT_EQ(refusal_of(both->good_at(certificate_, honest().build(), token_, kStamped)), std::nullopt);
  EXPECT_EQ(
      refusal_of(both->good_at(other, Answer(responder_, other, sibling_.der(), token_, kProduced).build(),
                               token_, kStamped)),
      Reason::kOcspResponderUntrusted);
  Service own = Service::make(KeyKind::kP256);
  own.certificate = sibling_.issue(forge::responder_fields(own, kNow));
  EXPECT_EQ(refusal_of(both->good_at(other, Answer(own, other, sibling_.der(), token_, kProduced).build(),
                                     token_, kStamped)),
            std::nullopt);
}

TEST_F(Ocsp, SignatureIsTheResponders) {
  const Service other = responder(KeyKind::kP256);
  Answer answer = honest();
  EXPECT_EQ(reason(answer.build()), std::nullopt);
  answer.signature = other.sign("SHA2-256", answer.data());
  EXPECT_EQ(reason(answer.build()), Reason::kOcspSignature);
  answer.signature = responder_.sign("SHA2-384", answer.data());
  EXPECT_EQ(reason(answer.build()), Reason::kOcspSignature);
  answer.signature = responder_.sign("SHA2-256", honest().data());
  EXPECT_EQ(reason(answer.build()), std::nullopt);
  answer.single_extensions =
      der::element(0xa1, der::sequence({trust::extension("1.2.3", false, der::utf8("a"))}));
  EXPECT_EQ(reason(answer.build()), Reason::kOcspSignature) << "signed before something came in";
}

TEST_F(Ocsp, ResponderIsValidThen) {
  const auto with = [&](std::int64_t not_before, std::int64_t not_after) {
    return honest(responder(KeyKind::kP256,
                            [=](trust::CertificateFields& fields) {
                              fields.not_before_unix_s = not_before;
                              fields.not_after_unix_s = not_after;
                            }))
        .build();
  };
  EXPECT_EQ(reason(with(kProduced, kProduced + 1)), std::nullopt);
  // RFC 5280 §4.1.2.5 counts notAfter in, OpenSSL does not.
  EXPECT_EQ(refusal_of(verifier_->good_at(certificate_, with(kProduced, kProduced), token_, kStamped)),
            std::nullopt);
  EXPECT_EQ(reason(with(kProduced + 1, kProduced + 10)), Reason::kCertNotValidAtSigning);
  EXPECT_EQ(reason(with(kNow, kProduced - 1)), Reason::kCertNotValidAtSigning) << "valid at T, not at P";
}

// A87
TEST_F(Ocsp, A87_AlgorithmsOutsideTheProfile) {
  const Bytes sha1 = forge::algorithm("1.3.14.3.2.26", true);
  const std::vector<Change> changes = {
      {"CertID by SHA-1",
       [&](Answer& a) {
         a.cert_id_algorithm = sha1;
         a.issuer_name_hash =
             der::octet_string(forge::hash("SHA1", parse_certificate(issuing_.der())->subject));
         a.issuer_key_hash =
             der::octet_string(forge::hash("SHA1", parse_certificate(issuing_.der())->public_key));
       }},
      {"CertID by SHA-512",
       [&](Answer& a) {
         a.cert_id_algorithm = forge::algorithm("2.16.840.1.101.3.4.2.3");
         a.issuer_name_hash = der::octet_string(sha512(parse_certificate(issuing_.der())->subject));
         a.issuer_key_hash = der::octet_string(sha512(parse_certificate(issuing_.der())->public_key));
       }},
      {"ECDSA with SHA-1",
       [&](Answer& a) {
         a.signature_algorithm = forge::algorithm("1.2.840.10045.4.1");
         a.signature = responder_.sign("SHA1", a.data());
       }},
      {"ECDSA with SHA3-256",
       [&](Answer& a) {
         a.signature_algorithm = forge::algorithm("2.16.840.1.101.3.4.3.10");
         a.signature = responder_.sign("SHA3-256", a.data());
       }},
      {"ECDSA with parameters",
       [](Answer& a) { a.signature_algorithm = forge::algorithm("1.2.840.10045.4.3.2", true); }},
      {"RSA without a digest",
       [](Answer& a) { a.signature_algorithm = forge::algorithm("1.2.840.113549.1.1.1", true); }},
      {"RSA-PSS", [](Answer& a) { a.signature_algorithm = forge::algorithm("1.2.840.113549.1.1.10", true); }},
  };
  EXPECT_EQ(reason(honest().build()), std::nullopt);
  for (const Change& change : changes) {
    Answer answer = honest();
    change.make(answer);
    EXPECT_EQ(reason(answer.build()), Reason::kSigAlgForbidden) << change.what;
  }
  const Service certified_with_sha1 =
      responder(KeyKind::kP256, [](trust::CertificateFields& fields) { fields.digest = "SHA1"; });
  EXPECT_EQ(reason(honest(certified_with_sha1).build()), Reason::kSigAlgForbidden);
  Answer answer = honest();
  answer.signature_algorithm = forge::algorithm("1.2.840.113549.1.1.11", true);
  EXPECT_EQ(reason(answer.build()), Reason::kOcspSignature) << "RSA's identifier with a key on P-256";
}

// A105: the unsigned error of a responder, or of anybody, is no evidence either way.
TEST_F(Ocsp, A105_AnswersWithoutStatus) {
  const auto error = [](std::uint8_t status) {
    return der::sequence({der::element(0x0a, ByteArray<1>{status})});
  };
  for (const std::uint8_t status : ByteArray<5>{1, 2, 3, 5, 6})
    EXPECT_EQ(reason(error(status)), Reason::kEvidenceUnavailable) << int{status};
  for (const std::uint8_t status : ByteArray<5>{0, 4, 7, 0x80, 0xff})
    EXPECT_EQ(reason(error(status)), Reason::kOcspFormat) << int{status};
  Answer answer = honest();
  EXPECT_EQ(reason(answer.build()), std::nullopt);
  answer.response_status = der::element(0x0a, ByteArray<1>{3});
  EXPECT_EQ(reason(answer.build()), Reason::kOcspFormat) << "tryLater, with a good answer beside it";
  EXPECT_EQ(reason({}), Reason::kOcspFormat);
  EXPECT_EQ(reason(copy_of(bytes_of("<html>504 Gateway Time-out</html>"))), Reason::kOcspFormat);
  EXPECT_EQ(reason(der::sequence({der::element(0x0a, ByteArray<2>{0, 3})})), Reason::kOcspFormat);
}

TEST_F(Ocsp, RefusesOtherForms) {
  const Bytes null = der::element(0x05, {});
  const auto time = [](std::string_view text) { return der::element(0x18, bytes_of(text)); };
  const std::vector<Change> changes = {
      {"another response type", [](Answer& a) { a.response_type = der::oid("1.3.6.1.5.5.7.48.1.4"); }},
      {"status of another tag", [](Answer& a) { a.response_status = der::integer({}); }},
      {"version 1 written out", [](Answer& a) { a.version = der::element(0xa0, der::integer({})); }},
      {"version 2", [](Answer& a) { a.version = der::element(0xa0, der::integer(ByteArray<1>{1})); }},
      {"no responder", [](Answer& a) { a.responder_id = {}; }},
      {"responder by key and name",
       [&](Answer& a) { append(a.responder_id, Answer::key_hash(responder_.certificate)); }},
      {"key hash of 32 bytes",
       [](Answer& a) { a.responder_id = der::element(0xa2, der::octet_string(Bytes(32, 1))); }},
      {"empty name", [](Answer& a) { a.responder_id = der::element(0xa1, {}); }},
      {"produced at a fraction of a second",
       [&](Answer& a) { a.produced_at = forge::generalized_time(kProduced, ".5"); }},
      {"produced at a UTCTime",
       [](Answer& a) { a.produced_at = der::element(0x17, bytes_of("231114223002Z")); }},
      {"produced at no time", [&](Answer& a) { a.produced_at = time("20231114226002Z"); }},
      {"produced without Z", [&](Answer& a) { a.produced_at = time("20231114223002"); }},
      {"two statuses", [](Answer& a) { a.second_response = a.single_response(); }},
      {"good of another form", [](Answer& a) { a.status = der::element(0x80, ByteArray<1>{0}); }},
      {"good, constructed", [](Answer& a) { a.status = der::element(0xa0, {}); }},
      {"unknown of another form", [](Answer& a) { a.status = der::element(0x82, ByteArray<1>{0}); }},
      {"no such status", [](Answer& a) { a.status = der::element(0x83, {}); }},
      {"no status", [](Answer& a) { a.status = {}; }},
      {"revoked for reason 7", [](Answer& a) { a.status = Answer::revoked(kNow, 7); }},
      {"revoked for reason 11", [](Answer& a) { a.status = Answer::revoked(kNow, 11); }},
      {"revoked without time", [](Answer& a) { a.status = der::element(0xa1, {}); }},
      {"revoked and more",
       [&](Answer& a) { a.status = der::element(0xa1, der::concat({forge::generalized_time(kNow), null})); }},
      {"no this update", [](Answer& a) { a.this_update = {}; }},
      {"next update without its tag",
       [](Answer& a) { a.next_update = forge::generalized_time(kProduced + 1); }},
      {"two next updates",
       [](Answer& a) {
         const Bytes next = forge::generalized_time(kProduced + 1);
         a.next_update = der::element(0xa0, der::concat({next, next}));
       }},
      {"critical extension of the status",
       [](Answer& a) {
         a.single_extensions =
             der::element(0xa1, der::sequence({trust::extension("1.2.3", true, der::utf8("a"))}));
       }},
      {"empty extensions of the status",
       [](Answer& a) { a.single_extensions = der::element(0xa1, der::sequence({})); }},
      {"critical extension",
       [](Answer& a) { a.extensions = {trust::extension("1.2.3", true, der::utf8("a"))}; }},
      {"nonce twice",
       [&](Answer& a) {
         a.extensions = {
             trust::extension("1.3.6.1.5.5.7.48.1.2", false, der::octet_string(ocsp_nonce(token_)))};
       }},
      {"extension that is not critical, written out",
       [](Answer& a) {
         a.extensions = {der::sequence(
             {der::oid("1.2.3"), der::element(0x01, ByteArray<1>{0}), der::octet_string(der::utf8("a"))})};
       }},
      {"two certificates", [&](Answer& a) { a.certificates.push_back(issuing_.der()); }},
      {"a list of no certificates",
       [](Answer& a) {
         a.certificates.clear();
         a.empty_certificates = true;
       }},
      {"a certificate that cannot be read", [](Answer& a) { a.certificates = {der::sequence({})}; }},
      {"signature of a part of an octet", [](Answer& a) { a.unused_bits = 1; }},
      {"something behind the certificates", [&](Answer& a) { a.tail = null; }},
      {"too many bytes",
       [](Answer& a) { a.extensions = {trust::extension("1.2.3", false, Bytes(limits::kOcspBytes, 7))}; }},
  };
  EXPECT_EQ(reason(honest().build()), std::nullopt);
  for (const Change& change : changes) {
    Answer answer = honest();
    change.make(answer);
    EXPECT_EQ(reason(answer.build()), Reason::kOcspFormat) << change.what;
  }
}

TEST_F(Ocsp, CertificateAskedAbout) {
  const Bytes good = honest().build();
  EXPECT_EQ(reason(good), std::nullopt);
  EXPECT_EQ(refusal_of(verifier_->good_at(Bytes{0x30, 0}, good, token_, kStamped)), Reason::kCertParse);
  auto fields = voter_fields();
  fields.digest = "SHA1";
  EXPECT_EQ(refusal_of(verifier_->good_at(issuing_.issue(fields), good, token_, kStamped)),
            Reason::kSigAlgForbidden);
  EXPECT_EQ(refusal_of(verifier_->good_at(sibling_.issue(voter_fields()), good, token_, kStamped)),
            Reason::kCertChainUntrusted);

  EXPECT_TRUE(equal(*verifier_->issuer_of(certificate_), issuing_.der()));
  EXPECT_EQ(refusal_of(verifier_->issuer_of(sibling_.issue(voter_fields()))), Reason::kCertChainUntrusted);
  EXPECT_EQ(refusal_of(verifier_->issuer_of(issuing_.issue(fields))), Reason::kSigAlgForbidden);
  EXPECT_EQ(refusal_of(verifier_->issuer_of(Bytes{0x30, 0})), Reason::kCertParse);
}

TEST_F(Ocsp, RequestAsksForOneCertificate) {
  const auto certificate = *parse_certificate(certificate_);
  const auto issuer = *parse_certificate(issuing_.der());
  const Bytes request = ocsp_request(certificate, issuer, ocsp_nonce(token_));
  const unsigned char* at = request.data();
  const Owned<OCSP_REQUEST, OCSP_REQUEST_free> read(
      d2i_OCSP_REQUEST(nullptr, &at, static_cast<long>(request.size())));
  ASSERT_TRUE(read && at == request.data() + request.size());
  EXPECT_EQ(OCSP_request_onereq_count(read.get()), 1);
  const auto x509 = [](const Bytes& bytes) {
    const unsigned char* from = bytes.data();
    return Owned<X509, X509_free>(d2i_X509(nullptr, &from, static_cast<long>(bytes.size())));
  };
  const Owned<OCSP_CERTID, OCSP_CERTID_free> id(
      OCSP_cert_to_id(EVP_sha256(), x509(certificate_).get(), x509(issuing_.der()).get()));
  EXPECT_EQ(OCSP_id_cmp(id.get(), OCSP_onereq_get0_id(OCSP_request_onereq_get0(read.get(), 0))), 0);
  // OpenSSL writes the same request.
  const Owned<OCSP_REQUEST, OCSP_REQUEST_free> second(OCSP_REQUEST_new());
  OCSP_request_add0_id(second.get(), OCSP_CERTID_dup(id.get()));
  Digest256 nonce = ocsp_nonce(token_);
  OCSP_request_add1_nonce(second.get(), nonce.data(), static_cast<int>(nonce.size()));
  unsigned char* written = nullptr;
  const int size = i2d_OCSP_REQUEST(second.get(), &written);
  EXPECT_EQ(to_hex({written, static_cast<std::size_t>(size)}), to_hex(request));
  OPENSSL_free(written);
  EXPECT_EQ(ocsp_nonce({}), sha256(bytes_of("psephos-1/nonce/ocsp")));
}

TEST_F(Ocsp, EveryBitOfAnAnswerCounts) {
  Answer answer = honest();
  answer.next_update = der::element(0xa0, forge::generalized_time(kProduced + 100));
  const Service rsa = responder(KeyKind::kRsa2048);
  for (const Bytes& good : {answer.build(), honest(rsa).build(), by_issuer().build()}) {
    ASSERT_EQ(reason(good), std::nullopt);
    for (std::size_t i = 0; i < good.size(); ++i) {
      for (unsigned bit = 0; bit < 8; ++bit) {
        Bytes bad = good;
        bad[i] = static_cast<std::uint8_t>(bad[i] ^ 1U << bit);
        ASSERT_FALSE(verifier_->good_at(certificate_, bad, token_, kStamped))
            << "byte " << i << " bit " << bit;
      }
      Bytes bad = good;
      bad[i] = static_cast<std::uint8_t>(~bad[i]);
      ASSERT_FALSE(verifier_->good_at(certificate_, bad, token_, kStamped)) << "byte " << i;
    }
  }
}

TEST_F(Ocsp, NothingIsMissingAndNothingFollows) {
  const Bytes good = honest().build();
  for (std::size_t size = 0; size < good.size(); ++size)
    ASSERT_EQ(reason(copy_of(ByteView(good).first(size))), Reason::kOcspFormat);
  Bytes longer = good;
  longer.push_back(0);
  EXPECT_EQ(reason(longer), Reason::kOcspFormat);
}

// Keys of more services than are kept, by several threads.
TEST_F(Ocsp, ManyRespondersAtOnce) {
  std::vector<Service> services;
  std::vector<Bytes> answers;
  for (int i = 0; i < 300; ++i) services.push_back(responder(KeyKind::kP256));
  for (const Service& service : services) answers.push_back(honest(service).build());
  std::vector<std::thread> threads;
  std::atomic<int> accepted = 0;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (const Bytes& answer : answers)
        if (verifier_->good_at(certificate_, answer, token_, kStamped)) ++accepted;
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(accepted, 4 * 300);
}

}  // namespace
}  // namespace psephos
