#include "protocol/eid/time_stamp.h"

#include <openssl/err.h>
#include <openssl/pkcs7.h>
#include <openssl/ts.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

#include <functional>
#include <string>
#include <vector>

#include "protocol/limits.h"
#include "tests/protocol/evidence_fixture.h"

namespace psephos {
namespace {

namespace der = trust::der;
using forge::KeyKind;
using forge::Service;
using forge::Token;

template <class T, auto kFree>
using Owned = std::unique_ptr<T, openssl::Free<kFree>>;

class TimeStamp : public Evidence {
 protected:
  Token honest() const { return {authority_, stamped_, kStamped}; }
  Token honest(const Service& signer) const { return {signer, stamped_, kStamped}; }
  std::optional<Reason> reason(const Bytes& token) const {
    const auto stamped_at = verifier_->stamped_at(token, stamped_);
    if (stamped_at) {
      EXPECT_EQ(*stamped_at, kStamped);
      EXPECT_TRUE(openssl_accepts(token));
    }
    return refusal_of(stamped_at);
  }
  Service authority(KeyKind kind, const std::function<void(trust::CertificateFields&)>& change = {}) {
    Service out = Service::make(kind);
    auto fields = forge::authority_fields(out, kNow);
    if (change) change(fields);
    out.certificate = time_stamp_ca_.issue(fields);
    return out;
  }

  /// The second reader: the token answers our request, by TS_RESP_verify_token.
  bool openssl_accepts(const Bytes& token) const {
    const Bytes request = time_stamp_request(stamped_);
    const unsigned char* at = request.data();
    const Owned<TS_REQ, TS_REQ_free> query(d2i_TS_REQ(nullptr, &at, static_cast<long>(request.size())));
    at = token.data();
    const Owned<PKCS7, PKCS7_free> read(d2i_PKCS7(nullptr, &at, static_cast<long>(token.size())));
    if (!query || !read || at != token.data() + token.size()) return false;
    const Owned<TS_VERIFY_CTX, TS_VERIFY_CTX_free> context(TS_REQ_to_TS_VERIFY_CTX(query.get(), nullptr));
    TS_VERIFY_CTX_add_flags(context.get(), TS_VFY_SIGNATURE);
    X509_STORE* store = X509_STORE_new();
    for (const Bytes& anchor : {time_stamp_ca_.der(), other_anchor_.der()}) {
      at = anchor.data();
      const Owned<X509, X509_free> certificate(d2i_X509(nullptr, &at, static_cast<long>(anchor.size())));
      X509_STORE_add_cert(store, certificate.get());
    }
    X509_VERIFY_PARAM_set_time(X509_STORE_get0_param(store), kStamped);
    TS_VERIFY_CTX_set_store(context.get(), store);
    const bool good = TS_RESP_verify_token(context.get(), read.get()) == 1;
    if (!good) ERR_print_errors_fp(stderr);
    return good;
  }
};

TEST_F(TimeStamp, AcceptsEveryKindOfKeyAndDigest) {
  for (const KeyKind kind : {KeyKind::kP256, KeyKind::kP384, KeyKind::kP521, KeyKind::kRsa2048}) {
    const Service signer = authority(kind);
    for (const int digest : {256, 384, 512}) {
      Token token = honest(signer);
      token.digest = digest;
      EXPECT_EQ(reason(token.build()), std::nullopt) << static_cast<int>(kind) << " " << digest;
      EXPECT_EQ(reason(token.build()), std::nullopt) << "with the authority's key kept";
      if (!signer.rsa) continue;
      token.signature_algorithm = forge::algorithm("1.2.840.113549.1.1.1", true);
      EXPECT_EQ(reason(token.build()), std::nullopt) << "rsaEncryption";
    }
  }
}

struct Change {
  const char* what;
  std::function<void(Token&)> make;
};

// Each is the honest token in another of the forms that the profile allows.
TEST_F(TimeStamp, AcceptsWhatTheProfileLeavesOpen) {
  const Service with_key_id = authority(KeyKind::kP256);
  const std::vector<Change> changes = {
      {"nothing", [](Token&) {}},
      {"fraction", [](Token& t) { t.gen_time = forge::generalized_time(kStamped, ".987654321"); }},
      {"accuracy",
       [](Token& t) {
         t.accuracy = der::sequence({der::integer(ByteArray<1>{1}), der::element(0x80, ByteArray<1>{100}),
                                     der::element(0x81, ByteArray<2>{0x03, 0xe7})});
       }},
      {"ordering", [](Token& t) { t.ordering = der::boolean_true(); }},
      {"tsa",
       [&](Token& t) {
         t.tsa = der::element(0xa0, der::element(0xa4, parse_certificate(authority_.certificate)->subject));
       }},
      {"extension",
       [](Token& t) {
         t.info_extensions = der::element(0xa1, trust::extension("1.2.3", false, ByteArray<1>{5}));
       }},
      {"no parameters of SHA-256",
       [](Token& t) {
         t.imprint_algorithm = forge::algorithm("2.16.840.1.101.3.4.2.1");
         t.digest_algorithm = t.imprint_algorithm;
       }},
      {"another signed attribute",
       [](Token& t) {
         t.attributes.push_back(
             Token::attribute("1.2.840.113549.1.9.5", der::element(0x17, bytes_of("231114221320Z"))));
       }},
      {"certificate named by SHA-512",
       [&](Token& t) {
         t.ess_algorithm = forge::algorithm("2.16.840.1.101.3.4.2.3");
         t.ess_hash = der::octet_string(sha512(authority_.certificate));
       }},
      {"certificate named by issuer too",
       [&](Token& t) { t.ess_issuer_serial = Token::issuer_serial(authority_.certificate); }},
      {"anchor beside the certificate", [&](Token& t) { t.certificates.push_back(time_stamp_ca_.der()); }},
      {"both anchors",
       [&](Token& t) {
         t.certificates.push_back(time_stamp_ca_.der());
         t.certificates.push_back(other_anchor_.der());
       }},
  };
  for (const Change& change : changes) {
    Token token = honest();
    change.make(token);
    EXPECT_EQ(reason(token.build()), std::nullopt) << change.what;
  }
  Token token = honest();
  token.signer_version = der::integer(ByteArray<1>{3});
  token.signer_id = der::element(0x80, parse_certificate(authority_.certificate)->subject_key_id);
  // OpenSSL's time-stamps know issuer and serial number alone.
  EXPECT_EQ(refusal_of(verifier_->stamped_at(token.build(), stamped_)), std::nullopt);
}

// A74
TEST_F(TimeStamp, A74_TokenForSomethingElse) {
  EXPECT_EQ(reason(honest().build()), std::nullopt);
  Token token = honest();
  token.imprint = der::octet_string(sha256(bytes_of("another SignatureValue")));
  EXPECT_EQ(reason(token.build()), Reason::kTstImprint);
  token = honest();
  token.imprint = der::octet_string(ByteView(sha256(stamped_)).first(31));
  EXPECT_EQ(reason(token.build()), Reason::kTstImprint);
  token = honest();
  token.nonce = {};
  EXPECT_EQ(reason(token.build()), Reason::kTstNonce);
  token.nonce = der::integer(ByteArray<1>{1});
  EXPECT_EQ(reason(token.build()), Reason::kTstNonce);
  Bytes longer = {1};
  append(longer, time_stamp_nonce(stamped_));
  token.nonce = der::integer(longer);
  EXPECT_EQ(reason(token.build()), Reason::kTstNonce);
  EXPECT_EQ(refusal_of(verifier_->stamped_at(honest().build(), bytes_of("another SignatureValue"))),
            Reason::kTstImprint);
}

// A74: each certificate differs in one thing from that of the accepted twin.
TEST_F(TimeStamp, A74_SignerOutsideTheProfile) {
  EXPECT_EQ(reason(honest(authority(KeyKind::kP256)).build()), std::nullopt);
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
  const Bytes purpose = trust::extended_key_usage({forge::kTimeStamping}, true);
  const Bytes usage = trust::key_usage(kUsageDigitalSignature);
  const std::vector<Row> good = {
      {"nonRepudiation", extensions(purpose, trust::key_usage(kUsageNonRepudiation))},
      {"both", extensions(purpose, trust::key_usage(kUsageDigitalSignature | kUsageNonRepudiation))},
      {"not critical", extensions(purpose, trust::key_usage(kUsageDigitalSignature, false))},
      {"basicConstraints without CA", extensions(purpose, usage, trust::basic_constraints(false))},
      {"unknown extension", extensions(purpose, usage, trust::extension("1.2.3", false, ByteArray<1>{5}))},
  };
  for (const Row& row : good)
    EXPECT_EQ(reason(honest(authority(KeyKind::kP256, row.change)).build()), std::nullopt) << row.what;
  const std::vector<Row> bad = {
      {"another purpose beside it",
       extensions(trust::extended_key_usage({forge::kTimeStamping, forge::kOcspSigning}, true), usage)},
      {"purpose not critical", extensions(trust::extended_key_usage({forge::kTimeStamping}, false), usage)},
      {"another purpose", extensions(trust::extended_key_usage({forge::kOcspSigning}, true), usage)},
      {"any purpose", extensions(trust::extended_key_usage({"2.5.29.37.0"}, true), usage)},
      {"twice the purpose",
       extensions(trust::extended_key_usage({forge::kTimeStamping, forge::kTimeStamping}, true), usage)},
      {"no purpose", [&](trust::CertificateFields& fields) { fields.extensions = {usage}; }},
      {"no key usage", [&](trust::CertificateFields& fields) { fields.extensions = {purpose}; }},
      {"may issue certificates",
       extensions(purpose, trust::key_usage(kUsageDigitalSignature | kUsageKeyCertSign))},
      {"key agreement alone", extensions(purpose, trust::key_usage(kUsageKeyAgreement))},
      {"CA", extensions(purpose, usage, trust::basic_constraints(true))},
      {"unknown critical extension",
       extensions(purpose, usage, trust::extension("1.2.3", true, ByteArray<1>{5}))},
  };
  for (const Row& row : bad)
    EXPECT_EQ(reason(honest(authority(KeyKind::kP256, row.change)).build()), Reason::kTstSignerProfile)
        << row.what;
  EXPECT_EQ(reason(honest(authority(KeyKind::kRsa1024)).build()), Reason::kTstSignerProfile);
}

// A74
TEST_F(TimeStamp, A74_SignerOfNoAnchor) {
  Service foreign = Service::make(KeyKind::kP256);
  foreign.certificate = other_anchor_.issue(forge::authority_fields(foreign, kNow));
  EXPECT_EQ(reason(honest(foreign).build()), std::nullopt);
  foreign.certificate = root_.issue(forge::authority_fields(foreign, kNow));
  EXPECT_EQ(reason(honest(foreign).build()), Reason::kTstSignerUntrusted) << "an anchor for voters";
  auto namesake = forge::Ca::root("TEST time-stamp root", KeyKind::kP256, kNow);
  foreign.certificate = namesake.issue(forge::authority_fields(foreign, kNow));
  EXPECT_EQ(reason(honest(foreign).build()), Reason::kTstSignerUntrusted)
      << "another key under the same name";
  const auto none =
      *OpensslEidVerifier::create(trust::test_profile({issuing_.der(), root_.der()}, {root_.der()}));
  EXPECT_EQ(refusal_of(none->stamped_at(honest().build(), stamped_)), Reason::kTstSignerUntrusted);
}

TEST_F(TimeStamp, AnchorsAreIssuers) {
  const std::vector<Bytes> anchors = {issuing_.der(), root_.der()};
  EXPECT_EQ(OpensslEidVerifier::create(trust::test_profile(anchors, {authority_.certificate})).error(),
            Reason::kCertProfile);
  EXPECT_EQ(OpensslEidVerifier::create(trust::test_profile(anchors, {Bytes{0x30}})).error(),
            Reason::kCertParse);
}

TEST_F(TimeStamp, SignatureBindsContentAndCertificate) {
  EXPECT_EQ(reason(honest().build()), std::nullopt);
  Token token = honest();
  token.message_digest = der::octet_string(sha256(bytes_of("another TSTInfo")));
  EXPECT_EQ(reason(token.build()), Reason::kTstSignature);
  token = honest();
  token.ess_hash = der::octet_string(sha256(time_stamp_ca_.der()));
  EXPECT_EQ(reason(token.build()), Reason::kTstSignature);
  token = honest();
  token.signature = der::octet_string(authority_.sign("SHA2-256", token.info()));
  EXPECT_EQ(reason(token.build()), Reason::kTstSignature) << "over the content, without attributes";
  token.signature = der::octet_string({});
  EXPECT_EQ(reason(token.build()), Reason::kTstSignature);
  // Another authority of the same name and serial number: its certificate is exchanged for the signer's.
  Service twin = Service::make(KeyKind::kP256);
  twin.certificate = time_stamp_ca_.issue(forge::authority_fields(twin, kNow),
                                          copy_of(parse_certificate(authority_.certificate)->serial_number));
  token = honest();
  token.certificates = {twin.certificate};
  EXPECT_EQ(reason(token.build()), Reason::kTstSignature);
}

TEST_F(TimeStamp, CertificatesAreValidThen) {
  const auto with = [&](std::int64_t not_before, std::int64_t not_after) {
    return honest(authority(KeyKind::kP256,
                            [=](trust::CertificateFields& fields) {
                              fields.not_before_unix_s = not_before;
                              fields.not_after_unix_s = not_after;
                            }))
        .build();
  };
  EXPECT_EQ(reason(with(kStamped, kStamped + 1)), std::nullopt);
  // RFC 5280 §4.1.2.5 counts notAfter in, OpenSSL does not.
  EXPECT_EQ(refusal_of(verifier_->stamped_at(with(kStamped, kStamped), stamped_)), std::nullopt);
  EXPECT_EQ(reason(with(kStamped + 1, kStamped + 10)), Reason::kCertNotValidAtSigning);
  EXPECT_EQ(reason(with(kNow, kStamped - 1)), Reason::kCertNotValidAtSigning);
  // The anchor, too: it begins a day before kNow.
  constexpr std::int64_t kBefore = kNow - 86401;
  Service early = authority(
      KeyKind::kP256, [](trust::CertificateFields& fields) { fields.not_before_unix_s = kBefore - 10; });
  EXPECT_EQ(refusal_of(verifier_->stamped_at(Token(early, stamped_, kBefore).build(), stamped_)),
            Reason::kCertNotValidAtSigning);
  EXPECT_EQ(refusal_of(verifier_->stamped_at(Token(early, stamped_, kBefore + 1).build(), stamped_)),
            std::nullopt);
}

// A87
TEST_F(TimeStamp, A87_AlgorithmsOutsideTheProfile) {
  const Bytes sha1 = forge::algorithm("1.3.14.3.2.26", true);
  const std::vector<Change> changes = {
      {"imprint by SHA-1",
       [&](Token& t) {
         t.imprint_algorithm = sha1;
         t.imprint = der::octet_string(forge::hash("SHA1", stamped_));
       }},
      {"imprint by SHA-384",
       [&](Token& t) {
         t.imprint_algorithm = forge::algorithm("2.16.840.1.101.3.4.2.2", true);
         t.imprint = der::octet_string(forge::hash("SHA2-384", stamped_));
       }},
      {"digest by SHA-1",
       [&](Token& t) {
         t.digest_algorithm = sha1;
         t.message_digest = der::octet_string(forge::hash("SHA1", t.info()));
       }},
      {"digest by SHA3-256",
       [](Token& t) {
         t.digest_algorithm = forge::algorithm("2.16.840.1.101.3.4.2.8");
         t.message_digest = der::octet_string(forge::hash("SHA3-256", t.info()));
       }},
      {"signature by ECDSA with SHA-1",
       [](Token& t) { t.signature_algorithm = forge::algorithm("1.2.840.10045.4.1"); }},
      {"signature by ECDSA with another digest",
       [](Token& t) { t.signature_algorithm = forge::algorithm("1.2.840.10045.4.3.3"); }},
      {"ECDSA without a digest, as some write it",
       [](Token& t) { t.signature_algorithm = forge::algorithm("1.2.840.10045.2.1"); }},
      {"certificate named by SHA-1 in the newer attribute",
       [&](Token& t) {
         t.ess_algorithm = sha1;
         t.ess_hash = der::octet_string(forge::hash("SHA1", authority_.certificate));
       }},
      {"certificate named by SHA-1 in the older attribute",
       [&](Token& t) {
         t.without_signing_certificate = true;
         t.attributes.push_back(Token::attribute(
             "1.2.840.113549.1.9.16.2.12",
             der::sequence({der::sequence(
                 {der::sequence({der::octet_string(forge::hash("SHA1", authority_.certificate))})})})));
       }},
      {"and in both",
       [&](Token& t) {
         t.attributes.push_back(Token::attribute(
             "1.2.840.113549.1.9.16.2.12",
             der::sequence({der::sequence(
                 {der::sequence({der::octet_string(forge::hash("SHA1", authority_.certificate))})})})));
       }},
  };
  EXPECT_EQ(reason(honest().build()), std::nullopt);
  for (const Change& change : changes) {
    Token token = honest();
    change.make(token);
    EXPECT_EQ(reason(token.build()), Reason::kSigAlgForbidden) << change.what;
  }
  const Service certified_with_sha1 =
      authority(KeyKind::kP256, [](trust::CertificateFields& fields) { fields.digest = "SHA1"; });
  EXPECT_EQ(reason(honest(certified_with_sha1).build()), Reason::kSigAlgForbidden);
  // RSA's key under the identifier of a digest that was not used.
  const Service rsa = authority(KeyKind::kRsa2048);
  Token token = honest(rsa);
  Token other = token;
  EXPECT_EQ(reason(token.build()), std::nullopt);
  other.signature_algorithm = forge::algorithm("1.2.840.113549.1.1.13", true);
  EXPECT_EQ(reason(other.build()), Reason::kSigAlgForbidden);
  other.signature_algorithm = forge::algorithm("1.2.840.113549.1.1.10", true);  // PSS
  EXPECT_EQ(reason(other.build()), Reason::kSigAlgForbidden);
  // ECDSA's identifier with RSA's key.
  other.signature_algorithm = forge::algorithm("1.2.840.10045.4.3.2");
  EXPECT_EQ(reason(other.build()), Reason::kTstSignature);
}

TEST_F(TimeStamp, RefusesOtherForms) {
  const Bytes number2 = der::integer(ByteArray<1>{2});
  const Bytes another =
      Token::attribute("1.2.840.113549.1.9.5", der::element(0x17, bytes_of("231114221320Z")));
  const std::vector<Change> changes = {
      {"another content type", [](Token& t) { t.outer_type = der::oid("1.2.840.113549.1.7.3"); }},
      {"SignedData version 1", [](Token& t) { t.version = der::integer(ByteArray<1>{1}); }},
      {"SignedData version 5", [](Token& t) { t.version = der::integer(ByteArray<1>{5}); }},
      {"digest algorithm twice",
       [](Token& t) {
         t.digest_algorithms = der::concat({forge::sha256_algorithm(), forge::sha256_algorithm()});
       }},
      {"another digest algorithm outside",
       [](Token& t) { t.digest_algorithms = forge::algorithm("2.16.840.1.101.3.4.2.2", true); }},
      {"the same digest algorithm in another form outside",
       [](Token& t) { t.digest_algorithms = forge::algorithm("2.16.840.1.101.3.4.2.1"); }},
      {"encloses data", [](Token& t) { t.inner_type = der::oid("1.2.840.113549.1.7.1"); }},
      {"no certificate", [](Token& t) { t.certificates.clear(); }},
      {"the anchor instead of the signer's", [&](Token& t) { t.certificates = {time_stamp_ca_.der()}; }},
      {"a certificate more", [&](Token& t) { t.certificates.push_back(issuing_.der()); }},
      {"a certificate twice", [](Token& t) { t.certificates.push_back(t.certificates[0]); }},
      {"certificates out of order",
       [&](Token& t) {
         t.certificates.push_back(time_stamp_ca_.der());
         t.certificates_reversed = true;
       }},
      {"an attribute certificate", [](Token& t) { t.certificates.push_back(der::element(0xa1, {})); }},
      {"revocation lists", [](Token& t) { t.revocation_lists = der::element(0xa1, {}); }},
      {"two signers",
       [&](Token& t) { t.second_signer_info = der::sequence({der::integer(ByteArray<1>{1})}); }},
      {"signer of version 2", [&](Token& t) { t.signer_version = number2; }},
      {"signer of version 3, by issuer", [](Token& t) { t.signer_version = der::integer(ByteArray<1>{3}); }},
      {"signer of version 1, by key",
       [&](Token& t) {
         t.signer_id = der::element(0x80, parse_certificate(authority_.certificate)->subject_key_id);
       }},
      {"signer by another key",
       [](Token& t) {
         t.signer_version = der::integer(ByteArray<1>{3});
         t.signer_id = der::element(0x80, Bytes(20, 7));
       }},
      {"signer named otherwise",
       [&](Token& t) { t.signer_id = Token::issuer_and_serial(responder_.certificate); }},
      {"unsigned attributes", [&](Token& t) { t.unsigned_attributes = forge::set_of({another}, 0xa1); }},
      {"empty unsigned attributes", [](Token& t) { t.unsigned_attributes = der::element(0xa1, {}); }},
      {"something behind the signature", [](Token& t) { t.signer_tail = der::element(0x05, {}); }},
      {"attributes out of order", [](Token& t) { t.attributes_reversed = true; }},
      {"attribute twice",
       [](Token& t) {
         t.attributes = {Token::attribute("1.2.3", der::utf8("a")),
                         Token::attribute("1.2.3", der::utf8("b"))};
       }},
      {"attribute without value",
       [](Token& t) { t.attributes = {der::sequence({der::oid("1.2.3"), der::set({})})}; }},
      {"no content type", [](Token& t) { t.without_content_type = true; }},
      {"another content type among the attributes",
       [](Token& t) { t.content_type = der::oid("1.2.840.113549.1.7.1"); }},
      {"no message digest", [](Token& t) { t.without_message_digest = true; }},
      {"message digest of another kind", [](Token& t) { t.message_digest = der::utf8("digest"); }},
      {"no signing certificate", [](Token& t) { t.without_signing_certificate = true; }},
      {"signing certificate without any",
       [](Token& t) { t.signing_certificate = der::sequence({der::sequence({})}); }},
      {"two signing certificates",
       [&](Token& t) {
         const Bytes id = der::sequence({der::octet_string(sha256(authority_.certificate))});
         t.signing_certificate = der::sequence({der::sequence({id, id})});
       }},
      {"signing certificate with policies",
       [](Token& t) { t.ess_tail = der::sequence({der::sequence({der::oid("1.2.3")})}); }},
      {"signing certificate's default written out",
       [](Token& t) { t.ess_algorithm = forge::algorithm("2.16.840.1.101.3.4.2.1"); }},
      {"signing certificate of another issuer",
       [&](Token& t) { t.ess_issuer_serial = Token::issuer_serial(responder_.certificate); }},
      {"TSTInfo version 2", [&](Token& t) { t.info_version = number2; }},
      {"no policy", [](Token& t) { t.policy = {}; }},
      {"negative serial number", [](Token& t) { t.serial_number = der::element(0x02, ByteArray<1>{0x80}); }},
      {"serial number with a leading zero",
       [](Token& t) { t.serial_number = der::element(0x02, ByteArray<2>{0, 1}); }},
      {"negative nonce", [](Token& t) { t.nonce = der::element(0x02, ByteArray<1>{0x80}); }},
      {"fraction with a trailing zero",
       [](Token& t) { t.gen_time = forge::generalized_time(kStamped, ".50"); }},
      {"empty fraction", [](Token& t) { t.gen_time = forge::generalized_time(kStamped, "."); }},
      {"fraction with a comma", [](Token& t) { t.gen_time = forge::generalized_time(kStamped, ",5"); }},
      {"fraction of ten digits",
       [](Token& t) { t.gen_time = forge::generalized_time(kStamped, ".1234567891"); }},
      {"time without seconds", [](Token& t) { t.gen_time = der::element(0x18, bytes_of("202311142230Z")); }},
      {"time of a zone", [](Token& t) { t.gen_time = der::element(0x18, bytes_of("20231114223000+0000")); }},
      {"UTCTime", [](Token& t) { t.gen_time = der::element(0x17, bytes_of("231114223000Z")); }},
      {"no such day", [](Token& t) { t.gen_time = der::element(0x18, bytes_of("20230229223000Z")); }},
      {"accuracy of 1,000 milliseconds",
       [](Token& t) { t.accuracy = der::sequence({der::element(0x80, ByteArray<2>{0x03, 0xe8})}); }},
      {"accuracy of no microseconds",
       [](Token& t) { t.accuracy = der::sequence({der::element(0x81, ByteArray<1>{0})}); }},
      {"ordering FALSE written out", [](Token& t) { t.ordering = der::element(0x01, ByteArray<1>{0}); }},
      {"ordering of another octet", [](Token& t) { t.ordering = der::element(0x01, ByteArray<1>{1}); }},
      {"tsa of another name",
       [](Token& t) { t.tsa = der::element(0xa0, der::element(0xa4, forge::name("somebody"))); }},
      {"tsa of another form",
       [](Token& t) { t.tsa = der::element(0xa0, der::element(0x82, bytes_of("tsa.test"))); }},
      {"critical extension",
       [](Token& t) {
         t.info_extensions = der::element(0xa1, trust::extension("1.2.3", true, ByteArray<1>{5}));
       }},
      {"extension twice",
       [](Token& t) {
         const Bytes extension = trust::extension("1.2.3", false, ByteArray<1>{5});
         t.info_extensions = der::element(0xa1, der::concat({extension, extension}));
       }},
      {"empty extensions", [](Token& t) { t.info_extensions = der::element(0xa1, {}); }},
      {"something behind TSTInfo's fields", [](Token& t) { t.info_tail = der::element(0x05, {}); }},
      {"too many certificates",
       [](Token& t) {
         for (std::uint8_t i = 0; i < 8; ++i)
           t.certificates.push_back(der::sequence({der::integer(ByteArray<1>{i})}));
       }},
      {"too many bytes",
       [](Token& t) {
         t.attributes.push_back(
             Token::attribute("1.2.3", der::octet_string(Bytes(limits::kTimeStampBytes, 7))));
       }},
  };
  EXPECT_EQ(reason(honest().build()), std::nullopt);
  for (const Change& change : changes) {
    Token token = honest();
    change.make(token);
    EXPECT_EQ(reason(token.build()), Reason::kTstFormat) << change.what;
  }
}

TEST_F(TimeStamp, RequestSaysWhatIsStamped) {
  // Nonces whose first bytes are zero, or not below 0x80, are numbers all the same.
  for (int i = 0; i < 600; ++i) {
    const Bytes stamped = copy_of(bytes_of(std::to_string(i)));
    const Bytes request = time_stamp_request(stamped);
    const unsigned char* at = request.data();
    const Owned<TS_REQ, TS_REQ_free> read(d2i_TS_REQ(nullptr, &at, static_cast<long>(request.size())));
    ASSERT_TRUE(read && at == request.data() + request.size());
    EXPECT_EQ(TS_REQ_get_version(read.get()), 1);
    EXPECT_EQ(TS_REQ_get_cert_req(read.get()), 1);
    const ASN1_OCTET_STRING* imprint = TS_MSG_IMPRINT_get_msg(TS_REQ_get_msg_imprint(read.get()));
    EXPECT_TRUE(equal({ASN1_STRING_get0_data(imprint), static_cast<std::size_t>(ASN1_STRING_length(imprint))},
                      sha256(stamped)));
    EXPECT_EQ(OBJ_obj2nid(TS_MSG_IMPRINT_get_algo(TS_REQ_get_msg_imprint(read.get()))->algorithm),
              NID_sha256);
    std::uint64_t nonce = 0;
    EXPECT_EQ(ASN1_INTEGER_get_uint64(&nonce, TS_REQ_get_nonce(read.get())), 1);
    EXPECT_EQ(nonce, read_u64be(time_stamp_nonce(stamped)));
    unsigned char* again = nullptr;
    const int size = i2d_TS_REQ(read.get(), &again);
    EXPECT_TRUE(equal({again, static_cast<std::size_t>(size)}, request));
    OPENSSL_free(again);
  }
  EXPECT_EQ(to_hex(time_stamp_nonce({})),
            to_hex(ByteView(sha256(bytes_of("psephos-1/nonce/time-stamp"))).first(8)));
}

// A105
TEST_F(TimeStamp, A105_AnswersWithoutToken) {
  const Bytes token = honest().build();
  const auto status = [](std::uint8_t number, Bytes more = {}) {
    return der::sequence({der::integer(ByteArray<1>{number}), std::move(more)});
  };
  const Bytes text = der::sequence({der::utf8("Operation Okay")});
  EXPECT_EQ(time_stamp_token_of(der::sequence({status(0), token})).value(), token);
  EXPECT_EQ(time_stamp_token_of(der::sequence({status(0, text), token})).value(), token);
  for (const std::uint8_t number : ByteArray<5>{1, 2, 3, 4, 5}) {
    EXPECT_EQ(refusal_of(time_stamp_token_of(der::sequence({status(number, text)}))),
              Reason::kEvidenceUnavailable);
    EXPECT_EQ(refusal_of(time_stamp_token_of(der::sequence({status(number), token}))),
              Reason::kEvidenceUnavailable)
        << "granted with modifications, or not";
  }
  const Bytes failure = der::bit_string(ByteArray<1>{0x80}, 7);
  EXPECT_EQ(refusal_of(time_stamp_token_of(der::sequence({status(2, der::concat({text, failure}))}))),
            Reason::kEvidenceUnavailable);
  for (const Bytes& garbage :
       {Bytes{}, copy_of(bytes_of("<html>504 Gateway Time-out</html>")), token, der::sequence({status(0)}),
        der::sequence({token}), der::sequence({status(0), token, token}),
        der::sequence({status(0, der::element(0x05, {})), token}),
        der::sequence({der::sequence({der::element(0x02, ByteArray<1>{0xff})})})})
    EXPECT_EQ(refusal_of(time_stamp_token_of(garbage)), Reason::kTstFormat);
}

TEST_F(TimeStamp, EveryBitOfATokenCounts) {
  Token token = honest();
  token.certificates.push_back(time_stamp_ca_.der());
  token.accuracy = der::sequence({der::integer(ByteArray<1>{1})});
  token.tsa = der::element(0xa0, der::element(0xa4, parse_certificate(authority_.certificate)->subject));
  for (const Bytes& good : {token.build(), honest(authority(KeyKind::kRsa2048)).build()}) {
    ASSERT_EQ(reason(good), std::nullopt);
    for (std::size_t i = 0; i < good.size(); ++i) {
      for (unsigned bit = 0; bit < 8; ++bit) {
        Bytes bad = good;
        bad[i] = static_cast<std::uint8_t>(bad[i] ^ 1U << bit);
        ASSERT_FALSE(verifier_->stamped_at(bad, stamped_)) << "byte " << i << " bit " << bit;
      }
      Bytes bad = good;
      bad[i] = static_cast<std::uint8_t>(~bad[i]);
      ASSERT_FALSE(verifier_->stamped_at(bad, stamped_)) << "byte " << i;
    }
  }
}

TEST_F(TimeStamp, NothingIsMissingAndNothingFollows) {
  const Bytes good = honest().build();
  for (std::size_t size = 0; size < good.size(); ++size)
    ASSERT_EQ(refusal_of(verifier_->stamped_at(ByteView(good).first(size), stamped_)), Reason::kTstFormat);
  Bytes longer = good;
  longer.push_back(0);
  EXPECT_EQ(reason(longer), Reason::kTstFormat);
  append(longer, good);
  EXPECT_EQ(reason(longer), Reason::kTstFormat);
}

}  // namespace
}  // namespace psephos
