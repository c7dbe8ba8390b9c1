// The answers of the simulated services, read by an implementation that did not write our readers: OpenSSL's
// command line says that honest ones are good, its library says what exactly is wrong with the others.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <thread>
#include <vector>

#include "crypto/random.h"
#include "protocol/eid/certificate.h"
#include "tests/support/run_program.h"
#include "tests/trust-services/openssl_services.h"
#include "tests/trust-services/services/test_trust.h"

namespace psephos::trust {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

std::int64_t now() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

class Services : public testing::Test {
 protected:
  Services() {
    std::string pattern = (fs::temp_directory_path() / "services.XXXXXX").string();
    directory_ = ::mkdtemp(pattern.data());
    issue();
  }
  ~Services() override { fs::remove_all(directory_); }

  void issue() {
    const EcKey key = generate_key(EcCurve::kP256, rng_);
    card_ = trust_.ca.issue(
        card_fields({"PNOEE-38001085718", "JAAK-KRISTJAN", "JÕEORG"}, KeyUse::kSigning, key.point, now_),
        rng_);
    write("card.pem", pem_of_certificate(card_));
    write("issuing.pem", pem_of_certificate(trust_.ca.issuing_der()));
    write("root.pem", pem_of_certificate(trust_.ca.root_der()));
    write("tsa.pem", pem_of_certificate(trust_.time_stamp_ca.root_der()) +
                         pem_of_certificate(trust_.time_stamp_ca.issuing_der()));
  }
  std::string path(std::string_view name) const { return directory_ / name; }
  void write(std::string_view name, std::string_view text) const {
    std::ofstream(path(name), std::ios::binary) << text;
  }
  Bytes read(std::string_view name) const { return read_file(path(name), 1U << 20U).value(); }
  test::Ended openssl(std::vector<std::string> words) const {
    return test::run_program(PSEPHOS_OPENSSL, std::move(words), directory_);
  }
  Bytes status_request(const char* digest = "-sha256") const {
    const auto made = openssl({"ocsp", digest, "-issuer", path("issuing.pem"), "-cert", path("card.pem"),
                               "-nonce", "-reqout", path("request")});
    EXPECT_EQ(made.status, 0) << made.err;
    return read("request");
  }
  /// The command line's judgement of the answer to the request that was made last.
  test::Ended status_verdict(ByteView answer) const {
    write("answer", text_of(answer));
    // With -cert the program makes a request of its own and leaves the nonce of -reqin aside; without it, it
    // does not look for the certificate. Hence twice.
    const auto asked = openssl({"ocsp", "-respin", path("answer"), "-reqin", path("request"), "-CAfile",
                                path("root.pem"), "-verify_other", path("issuing.pem")});
    auto named = openssl({"ocsp", "-respin", path("answer"), "-no_nonce", "-sha256", "-issuer",
                          path("issuing.pem"), "-cert", path("card.pem"), "-CAfile", path("root.pem"),
                          "-verify_other", path("issuing.pem")});
    return {asked.status + named.status, asked.out + named.out, asked.err + named.err};
  }
  Bytes stamp_request() const {
    write("stamped", "what is stamped");
    const auto made =
        openssl({"ts", "-query", "-data", path("stamped"), "-sha256", "-cert", "-out", path("request")});
    EXPECT_EQ(made.status, 0) << made.err;
    return read("request");
  }
  test::Ended stamp_verdict(ByteView answer) const {
    write("answer", text_of(answer));
    return openssl(
        {"ts", "-verify", "-in", path("answer"), "-queryfile", path("request"), "-CAfile", path("tsa.pem")});
  }

  fs::path directory_;
  SystemRng rng_;
  std::int64_t now_ = now();
  TestTrust trust_{rng_, now_};
  Bytes card_;
};

TEST_F(Services, OpensslAcceptsAnHonestStatus) {
  const auto verdict = status_verdict(trust_.ocsp.answer(status_request(), now_));
  EXPECT_EQ(verdict.status, 0);
  EXPECT_THAT(verdict.err, HasSubstr("Response verify OK"));
  EXPECT_THAT(verdict.out, HasSubstr("card.pem: good"));
  EXPECT_THAT(verdict.err, Not(HasSubstr("nonce")));
}

TEST_F(Services, OpensslReadsEachStatus) {
  const Bytes serial = copy_of(parse_certificate(card_)->serial_number);
  for (const auto& [status, words] : {std::pair{CertificateStatus::kRevoked, "card.pem: revoked"},
                                      {CertificateStatus::kSuspended, "Reason: certificateHold"},
                                      {CertificateStatus::kUnknown, "card.pem: unknown"},
                                      {CertificateStatus::kGood, "card.pem: good"}}) {
    trust_.ocsp.set_status(serial, status, now_);
    const auto verdict = status_verdict(trust_.ocsp.answer(status_request(), now_));
    EXPECT_EQ(verdict.status, 0);
    EXPECT_THAT(verdict.out, HasSubstr(words));
  }
}

TEST_F(Services, OpensslRefusesFaults) {
  for (const auto& [fault, words] : {std::pair{OcspFault::kWrongNonce, "Nonce Verify error"},
                                     {OcspFault::kNoNonce, "no nonce in response"},
                                     {OcspFault::kNeighbourSerial, "ERROR: No Status found"},
                                     {OcspFault::kResponderWithoutUsage, "missing ocspsigning usage"},
                                     {OcspFault::kResponderOfAnotherCa, "Response Verify Failure"},
                                     {OcspFault::kBadSignature, "Response Verify Failure"},
                                     {OcspFault::kTryLater, "trylater"},
                                     {OcspFault::kGarbage, "Error reading OCSP response"}}) {
    trust_.ocsp.set_fault({fault});
    const auto verdict = status_verdict(trust_.ocsp.answer(status_request(), now_));
    EXPECT_THAT(verdict.out + verdict.err, HasSubstr(words));
  }
  for (const auto& [fault, words] : {std::pair{TsaFault::kOtherImprint, "message imprint mismatch"},
                                     {TsaFault::kNoNonce, "nonce not returned"},
                                     {TsaFault::kWrongNonce, "nonce mismatch"},
                                     {TsaFault::kSignerExtraUsage, "unsuitable certificate purpose"},
                                     {TsaFault::kBadSignature, "signature failure"},
                                     {TsaFault::kRejection, "timeNotAvailable"}}) {
    trust_.tsa.set_fault({fault});
    const auto verdict = stamp_verdict(trust_.tsa.answer(stamp_request(), now_));
    EXPECT_EQ(verdict.status, 1);
    EXPECT_THAT(verdict.out + verdict.err, HasSubstr(words));
  }
}

TEST_F(Services, OpensslAcceptsAnHonestTimeStamp) {
  const auto verdict = stamp_verdict(trust_.tsa.answer(stamp_request(), now_));
  EXPECT_EQ(verdict.status, 0) << verdict.err;
  EXPECT_THAT(verdict.out, HasSubstr("Verification: OK"));
}

TEST_F(Services, AnswersAreMadeByManyThreadsAtOnce) {
  const Bytes status = status_request();
  std::vector<Bytes> answers(4);
  {
    std::vector<std::jthread> threads;
    for (Bytes& answer : answers)
      threads.emplace_back([&] {
        for (int i = 0; i < 50; ++i) answer = trust_.ocsp.answer(status, now_);
      });
  }
  for (const Bytes& answer : answers) EXPECT_EQ(status_verdict(answer).status, 0);
  const Bytes stamp = stamp_request();
  {
    std::vector<std::jthread> threads;
    for (Bytes& answer : answers)
      threads.emplace_back([&] {
        for (int i = 0; i < 50; ++i) answer = trust_.tsa.answer(stamp, now_);
      });
  }
  for (const Bytes& answer : answers) EXPECT_EQ(stamp_verdict(answer).status, 0);
  EXPECT_EQ(trust_.tsa.tokens(), 200U);
  std::set<std::string> serials;
  std::istringstream journal(trust_.tsa.journal());
  for (std::string time, serial, imprint; journal >> time >> serial >> imprint;) serials.insert(serial);
  EXPECT_EQ(serials.size(), 200U);
}

TEST_F(Services, OpensslsOwnServicesStandInForOurs) {
  const fs::path own = directory_ / "openssl";
  fs::create_directory(own);
  OpensslServices second(trust_.ca, trust_.time_stamp_ca, own, rng_, now_);
  const auto verdict = [&] {
    auto reply = second.handle_ocsp({"POST", "/ocsp", "application/ocsp-request", status_request()});
    EXPECT_EQ(reply.status, 200U) << text_of(reply.body);
    return status_verdict(reply.body);
  };
  EXPECT_THAT(verdict().out, HasSubstr("card.pem: unknown"));
  for (const auto& [status, words] : {std::pair{CertificateStatus::kGood, "card.pem: good"},
                                      {CertificateStatus::kSuspended, "Reason: certificateHold"},
                                      {CertificateStatus::kRevoked, "card.pem: revoked"},
                                      {CertificateStatus::kUnknown, "card.pem: unknown"}}) {
    second.set_status(card_, status);
    const auto seen = verdict();
    EXPECT_THAT(seen.out, HasSubstr(words)) << seen.err;
    EXPECT_THAT(seen.err, HasSubstr("Response verify OK"));
    EXPECT_THAT(seen.err, Not(HasSubstr("nonce")));
  }
  auto stamp = second.handle_tsa({"POST", "/tsa", "application/timestamp-query", stamp_request()});
  ASSERT_EQ(stamp.status, 200U) << text_of(stamp.body);
  EXPECT_THAT(stamp_verdict(stamp.body).out, HasSubstr("Verification: OK"));
  EXPECT_EQ(second.handle_ocsp({"POST", "/ocsp", "application/ocsp-request", {}}).status, 500U);
  EXPECT_EQ(second.handle_tsa({"GET", "/tsa", "", {}}).status, 415U);
}

}  // namespace
}  // namespace psephos::trust
