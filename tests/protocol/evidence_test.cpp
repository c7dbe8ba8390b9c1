// Evidence made by others: the simulated services, which are written with OpenSSL's encoders, and OpenSSL's
// command line.
#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <stdlib.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "crypto/random.h"
#include "protocol/eid/ocsp.h"
#include "protocol/eid/openssl_eid.h"
#include "protocol/eid/time_stamp.h"
#include "tests/adversary/evidence_forger.h"
#include "tests/support/run_program.h"
#include "tests/trust-services/services/ocsp_responder.h"
#include "tests/trust-services/services/time_stamp_authority.h"
#include "tests/trust-services/test_ca/national_ids.h"

namespace psephos {
namespace {

namespace fs = std::filesystem;
using trust::OcspFault;
using trust::ServiceKey;
using trust::TsaFault;

std::string named(const std::optional<Reason>& reason) {
  return reason ? std::string(name_of(*reason)) : "accepted";
}
template <class T>
std::string named(const Result<T, Reason>& result) {
  return named(result ? std::nullopt : std::optional(result.error()));
}

class EvidenceOfServices : public testing::Test {
 protected:
  static constexpr std::int64_t kNow = 1'700'000'000;

  EvidenceOfServices() {
    const trust::EcKey key = trust::generate_key(EcCurve::kP256, rng_);
    const Person person{trust::artificial_national_id(5), "ANNA", "TEST"};
    card_ = ca_.issue(trust::card_fields(person, KeyUse::kSigning, key.point, kNow), rng_);
    verifier_ = *OpensslEidVerifier::create(trust::test_profile(ca_.anchors(), time_stamp_ca_.anchors()));
  }
  Bytes status_request(ByteView token) const {
    return ocsp_request(*parse_certificate(card_), *parse_certificate(*verifier_->issuer_of(card_)),
                        ocsp_nonce(token));
  }

  SystemRng rng_;
  trust::TestCa ca_ = trust::TestCa::create(rng_, kNow, EcCurve::kP256);
  trust::TestCa time_stamp_ca_ =
      trust::TestCa::create(rng_, kNow, EcCurve::kP256, trust::CaPurpose::kTimeStamps);
  Bytes card_;
  const Bytes stamped_ = copy_of(bytes_of("a SignatureValue element"));
  std::unique_ptr<OpensslEidVerifier> verifier_;
};

TEST_F(EvidenceOfServices, HonestAnswersOfEveryKind) {
  for (const ServiceKey kind : {ServiceKey::kP256, ServiceKey::kP384, ServiceKey::kRsa2048}) {
    trust::TimeStampAuthority authority(time_stamp_ca_, rng_, kNow, {kind});
    const auto token = time_stamp_token_of(authority.answer(time_stamp_request(stamped_), kNow + 5));
    ASSERT_TRUE(token);
    EXPECT_EQ(verifier_->stamped_at(*token, stamped_).value(), kNow + 5);
    for (const auto signer : {trust::OcspSigner::kDelegated, trust::OcspSigner::kIssuingAuthority}) {
      for (const auto id : {trust::ResponderIdForm::kByName, trust::ResponderIdForm::kByKey}) {
        trust::OcspResponder responder(ca_, rng_, kNow, {kind, signer, id});
        const Bytes answer = responder.answer(status_request(*token), kNow + 6);
        EXPECT_EQ(named(verifier_->good_at(card_, answer, *token, kNow + 5)), "accepted");
        responder.set_status(parse_certificate(card_)->serial_number, trust::CertificateStatus::kSuspended,
                             kNow);
        EXPECT_EQ(named(verifier_->good_at(card_, responder.answer(status_request(*token), kNow + 6), *token,
                                           kNow + 5)),
                  "CERT_SUSPENDED");
      }
    }
  }
}

TEST_F(EvidenceOfServices, EveryFaultOfATimeStampHasItsName) {
  trust::TimeStampAuthority authority(time_stamp_ca_, rng_, kNow);
  const auto judged = [&](TsaFault fault) {
    authority.set_fault({fault, {}});
    const auto token = time_stamp_token_of(authority.answer(time_stamp_request(stamped_), kNow + 5));
    if (!token) return named(token);
    return named(verifier_->stamped_at(*token, stamped_));
  };
  EXPECT_EQ(judged(TsaFault::kNone), "accepted");
  EXPECT_EQ(judged(TsaFault::kOtherImprint), "TST_IMPRINT");
  EXPECT_EQ(judged(TsaFault::kSha1Imprint), "SIG_ALG_FORBIDDEN");
  EXPECT_EQ(judged(TsaFault::kNoNonce), "TST_NONCE");
  EXPECT_EQ(judged(TsaFault::kWrongNonce), "TST_NONCE");
  EXPECT_EQ(judged(TsaFault::kSignerIsCa), "TST_SIGNER_PROFILE");
  EXPECT_EQ(judged(TsaFault::kSignerWithoutUsage), "TST_SIGNER_PROFILE");
  EXPECT_EQ(judged(TsaFault::kSignerExtraUsage), "TST_SIGNER_PROFILE");
  EXPECT_EQ(judged(TsaFault::kSignerUsageUncritical), "TST_SIGNER_PROFILE");
  EXPECT_EQ(judged(TsaFault::kSignerExpired), "CERT_NOT_VALID_AT_SIGNING");
  EXPECT_EQ(judged(TsaFault::kSignerOfAnotherCa), "TST_SIGNER_UNTRUSTED");
  EXPECT_EQ(judged(TsaFault::kNoCertificate), "TST_FORMAT");
  EXPECT_EQ(judged(TsaFault::kRejection), "EVIDENCE_UNAVAILABLE");
  EXPECT_EQ(judged(TsaFault::kBadSignature), "TST_SIGNATURE");
  EXPECT_EQ(judged(TsaFault::kGarbage), "TST_FORMAT");
  EXPECT_EQ(judged(TsaFault::kNone), "accepted");
}

TEST_F(EvidenceOfServices, EveryFaultOfAStatusHasItsName) {
  trust::OcspResponder responder(ca_, rng_, kNow);
  const Bytes token = copy_of(bytes_of("a token"));
  const auto judged = [&](OcspFault fault) {
    responder.set_fault({fault, {}});
    return named(
        verifier_->good_at(card_, responder.answer(status_request(token), kNow + 6), token, kNow + 5));
  };
  EXPECT_EQ(judged(OcspFault::kNone), "accepted");
  EXPECT_EQ(judged(OcspFault::kRevoked), "CERT_REVOKED");
  EXPECT_EQ(judged(OcspFault::kSuspended), "CERT_SUSPENDED");
  EXPECT_EQ(judged(OcspFault::kUnknown), "CERT_UNKNOWN");
  EXPECT_EQ(judged(OcspFault::kStale), "OCSP_STALE");
  EXPECT_EQ(judged(OcspFault::kOverdue), "OCSP_STALE");
  EXPECT_EQ(judged(OcspFault::kNoNonce), "OCSP_NONCE");
  EXPECT_EQ(judged(OcspFault::kWrongNonce), "OCSP_NONCE");
  EXPECT_EQ(judged(OcspFault::kResponderWithoutUsage), "OCSP_RESPONDER_UNTRUSTED");
  EXPECT_EQ(judged(OcspFault::kResponderExtraUsage), "OCSP_RESPONDER_UNTRUSTED");
  EXPECT_EQ(judged(OcspFault::kResponderExpired), "CERT_NOT_VALID_AT_SIGNING");
  EXPECT_EQ(judged(OcspFault::kResponderOfAnotherCa), "OCSP_RESPONDER_UNTRUSTED");
  EXPECT_EQ(judged(OcspFault::kNoResponderCertificate), "OCSP_RESPONDER_UNTRUSTED");
  EXPECT_EQ(judged(OcspFault::kNeighbourSerial), "OCSP_CERTID_MISMATCH");
  EXPECT_EQ(judged(OcspFault::kOtherIssuer), "OCSP_CERTID_MISMATCH");
  EXPECT_EQ(judged(OcspFault::kTwoStatuses), "OCSP_FORMAT");
  EXPECT_EQ(judged(OcspFault::kBadSignature), "OCSP_SIGNATURE");
  EXPECT_EQ(judged(OcspFault::kTryLater), "EVIDENCE_UNAVAILABLE");
  EXPECT_EQ(judged(OcspFault::kInternalError), "EVIDENCE_UNAVAILABLE");
  EXPECT_EQ(judged(OcspFault::kUnauthorized), "EVIDENCE_UNAVAILABLE");
  EXPECT_EQ(judged(OcspFault::kGarbage), "OCSP_FORMAT");
  EXPECT_EQ(judged(OcspFault::kNone), "accepted");
  // The whole clock of the responder: a status from before the time-stamp, and one from long after.
  for (const std::int64_t skew : {-2, 901}) {
    responder.set_fault({OcspFault::kClockSkew, skew});
    EXPECT_EQ(
        named(verifier_->good_at(card_, responder.answer(status_request(token), kNow + 6), token, kNow + 5)),
        "TIME_EVIDENCE_ORDER")
        << skew;
  }
}

// OpenSSL's command line as authority and responder; its clock is the machine's.
class EvidenceOfCommandLine : public testing::Test {
 protected:
  EvidenceOfCommandLine() {
    std::string pattern = (fs::temp_directory_path() / "evidence.XXXXXX").string();
    directory_ = ::mkdtemp(pattern.data());
    verifier_ = *OpensslEidVerifier::create(trust::test_profile(
        std::vector<Bytes>{issuing_.der(), root_.der()}, std::vector<Bytes>{time_stamp_ca_.der()}));
    const auto fields =
        trust::card_fields({trust::artificial_national_id(5), "ANNA", "TEST"}, KeyUse::kSigning, {}, now_);
    auto voter = fields;
    voter.public_key_info = forge::Service::make(forge::KeyKind::kP384).public_key_info;
    card_ = issuing_.issue(voter, {0x7a, 0x01});
    write("issuing.pem", pem(issuing_.der()));
    write("index", "V\t491231235959Z\t\t7A01\tunknown\t/CN=card\n");
    write("stamped", "a SignatureValue element");
    write("serial", "01\n");
    write("tsa.cnf", "[tsa]\ndefault_tsa = unit\n[unit]\nserial = " + path("serial") +
                         "\nsigner_digest = sha256\ndefault_policy = 1.2.3.4\ndigests = sha256, sha512\n"
                         "accuracy = secs:1, millisecs:500, microsecs:100\nclock_precision_digits = 3\n"
                         "ordering = yes\ntsa_name = yes\ness_cert_id_alg = sha256\n");
  }
  ~EvidenceOfCommandLine() override { fs::remove_all(directory_); }

  static std::string pem(ByteView certificate_der) {
    return "-----BEGIN CERTIFICATE-----\n" + to_base64(certificate_der) + "\n-----END CERTIFICATE-----\n";
  }
  std::string path(std::string_view name) const { return directory_ / name; }
  void write(std::string_view name, std::string_view text) const {
    std::ofstream(path(name), std::ios::binary) << text;
  }
  Bytes read(std::string_view name) const { return read_file(path(name), 1U << 20U).value(); }
  void openssl(std::vector<std::string> words) const {
    const auto ended = test::run_program(PSEPHOS_OPENSSL, std::move(words), directory_);
    EXPECT_EQ(ended.status, 0) << ended.out << ended.err;
  }
  void write_service(const forge::Service& service, const std::string& name) const {
    write(name + ".pem", pem(service.certificate));
    FILE* out = std::fopen(path(name + ".key").c_str(), "wb");
    PEM_write_PrivateKey(out, service.key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    std::fclose(out);
  }
  Bytes stamp(const forge::Service& authority, ByteView request, std::vector<std::string> more = {}) const {
    write_service(authority, "tsa");
    write("request", text_of(request));
    std::vector<std::string> words = {"ts",         "-reply",        "-config", path("tsa.cnf"),
                                      "-queryfile", path("request"), "-signer", path("tsa.pem"),
                                      "-inkey",     path("tsa.key"), "-out",    path("answer")};
    words.insert(words.end(), more.begin(), more.end());
    openssl(words);
    return read("answer");
  }
  Bytes status(const forge::Service& responder, ByteView request, std::vector<std::string> more = {}) const {
    write_service(responder, "responder");
    write("request", text_of(request));
    std::vector<std::string> words = {"ocsp",
                                      "-index",
                                      path("index"),
                                      "-CA",
                                      path("issuing.pem"),
                                      "-rsigner",
                                      path("responder.pem"),
                                      "-rkey",
                                      path("responder.key"),
                                      "-reqin",
                                      path("request"),
                                      "-respout",
                                      path("answer")};
    words.insert(words.end(), more.begin(), more.end());
    openssl(words);
    return read("answer");
  }
  std::string judge_stamp(ByteView answer) const {
    const auto token = time_stamp_token_of(answer);
    return token ? named(verifier_->stamped_at(*token, stamped_)) : named(token);
  }
  Bytes status_request() const {
    return ocsp_request(*parse_certificate(card_), *parse_certificate(issuing_.der()), ocsp_nonce(token_));
  }
  std::string judge_status(ByteView answer) const {
    return named(verifier_->good_at(card_, answer, token_, now_));
  }

  const std::int64_t now_ =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
          .count();
  fs::path directory_;
  forge::Ca root_ = forge::Ca::root("TEST root", forge::KeyKind::kP384, now_);
  forge::Ca issuing_ = root_.issuing("TEST issuing", forge::KeyKind::kP384, now_);
  forge::Ca time_stamp_ca_ = forge::Ca::root("TEST time-stamp root", forge::KeyKind::kRsa2048, now_);
  Bytes card_;
  const Bytes stamped_ = copy_of(bytes_of("a SignatureValue element"));
  const Bytes token_ = copy_of(bytes_of("a token"));
  std::unique_ptr<OpensslEidVerifier> verifier_;
};

TEST_F(EvidenceOfCommandLine, TimeStamps) {
  for (const auto kind : {forge::KeyKind::kRsa2048, forge::KeyKind::kP384, forge::KeyKind::kP256}) {
    const auto authority = time_stamp_ca_.service(kind, forge::authority_fields, now_);
    const Bytes answer = stamp(authority, time_stamp_request(stamped_));
    EXPECT_EQ(judge_stamp(answer), "accepted");
    const auto at = verifier_->stamped_at(time_stamp_token_of(answer).value(), stamped_);
    EXPECT_GE(at.value_or(0), now_);
    EXPECT_LE(at.value_or(0), now_ + 60);
  }
  const auto authority = time_stamp_ca_.service(forge::KeyKind::kP256, forge::authority_fields, now_);
  // Requests of the command line's own: other nonces, none, and no certificate.
  const auto asked = [&](std::vector<std::string> more) {
    std::vector<std::string> words = {"ts", "-query", "-data", path("stamped"), "-out", path("query")};
    words.insert(words.end(), more.begin(), more.end());
    openssl(words);
    return judge_stamp(stamp(authority, read("query")));
  };
  EXPECT_EQ(asked({"-sha256", "-cert"}), "TST_NONCE");
  EXPECT_EQ(asked({"-sha256", "-cert", "-no_nonce"}), "TST_NONCE");
  EXPECT_EQ(asked({"-sha256", "-no_nonce"}), "TST_FORMAT");
  EXPECT_EQ(asked({"-sha512", "-cert"}), "SIG_ALG_FORBIDDEN");
  EXPECT_EQ(asked({"-sha384", "-cert"}), "EVIDENCE_UNAVAILABLE") << "a digest that this authority rejects";
  // The certificate of the anchor comes along too.
  write("chain.pem", pem(time_stamp_ca_.der()));
  EXPECT_EQ(judge_stamp(stamp(authority, time_stamp_request(stamped_), {"-chain", path("chain.pem")})),
            "accepted");
  write("chain.pem", pem(issuing_.der()));
  EXPECT_EQ(judge_stamp(stamp(authority, time_stamp_request(stamped_), {"-chain", path("chain.pem")})),
            "TST_FORMAT");
}

TEST_F(EvidenceOfCommandLine, Statuses) {
  for (const auto kind : {forge::KeyKind::kRsa2048, forge::KeyKind::kP384, forge::KeyKind::kP256}) {
    const auto responder = issuing_.service(kind, forge::responder_fields, now_);
    EXPECT_EQ(judge_status(status(responder, status_request())), "accepted");
    EXPECT_EQ(judge_status(status(responder, status_request(), {"-resp_key_id", "-rmd", "sha512"})),
              "accepted");
    EXPECT_EQ(judge_status(status(responder, status_request(), {"-nmin", "10"})), "accepted");
    EXPECT_EQ(judge_status(status(responder, status_request(), {"-rmd", "sha1"})), "SIG_ALG_FORBIDDEN");
    EXPECT_EQ(judge_status(status(responder, status_request(), {"-resp_no_certs"})),
              "OCSP_RESPONDER_UNTRUSTED");
  }
  EXPECT_EQ(judge_status(status(issuing_.service(), status_request(), {"-resp_no_certs"})), "accepted");
  EXPECT_EQ(judge_status(status(issuing_.service(), status_request())), "OCSP_RESPONDER_UNTRUSTED");

  const auto responder = issuing_.service(forge::KeyKind::kP256, forge::responder_fields, now_);
  write("card.pem", pem(card_));
  const auto asked = [&](std::vector<std::string> more) {
    std::vector<std::string> words = {"ocsp"};
    words.insert(words.end(), more.begin(), more.end());
    for (const std::string& word : {std::string("-issuer"), path("issuing.pem"), std::string("-cert"),
                                    path("card.pem"), std::string("-reqout"), path("query")})
      words.push_back(word);
    openssl(words);
    return judge_status(status(responder, read("query")));
  };
  EXPECT_EQ(asked({"-sha256", "-nonce"}), "OCSP_NONCE");
  EXPECT_EQ(asked({"-sha256", "-no_nonce"}), "OCSP_NONCE");
  EXPECT_EQ(asked({"-sha1", "-no_nonce"}), "SIG_ALG_FORBIDDEN");

  const auto listed = [&](const std::string& line) {
    write("index", line);
    return judge_status(status(responder, status_request()));
  };
  EXPECT_EQ(listed("R\t491231235959Z\t231114000000Z\t7A01\tunknown\t/CN=card\n"), "CERT_REVOKED");
  EXPECT_EQ(listed("R\t491231235959Z\t231114000000Z,keyCompromise\t7A01\tunknown\t/CN=card\n"),
            "CERT_REVOKED");
  EXPECT_EQ(listed("R\t491231235959Z\t231114000000Z,certificateHold\t7A01\tunknown\t/CN=card\n"),
            "CERT_SUSPENDED");
  EXPECT_EQ(listed("V\t491231235959Z\t\t7A02\tunknown\t/CN=card\n"), "CERT_UNKNOWN");
  EXPECT_EQ(listed("V\t491231235959Z\t\t7A01\tunknown\t/CN=card\n"), "accepted");
}

}  // namespace
}  // namespace psephos
