// The answers of the simulated services, read by an implementation that did not write our readers: OpenSSL's
// command line says that honest ones are good, its library says what exactly is wrong with the others.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <chrono>
#include <filesystem>
#include <fstream>

#include "crypto/hash.h"
#include "crypto/random.h"
#include "tests/support/run_program.h"
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
    return openssl({"ocsp", "-respin", path("answer"), "-reqin", path("request"), "-no_nonce", "-sha256",
                    "-issuer", path("issuing.pem"), "-cert", path("card.pem"), "-CAfile", path("root.pem"),
                    "-verify_other", path("issuing.pem")});
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

TEST_F(Services, OpensslAcceptsAnHonestTimeStamp) {
  const auto verdict = stamp_verdict(trust_.tsa.answer(stamp_request(), now_));
  EXPECT_EQ(verdict.status, 0) << verdict.err;
  EXPECT_THAT(verdict.out, HasSubstr("Verification: OK"));
}

}  // namespace
}  // namespace psephos::trust
