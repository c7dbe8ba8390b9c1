#include "tests/trust-services/openssl_services.h"

#include <fmt/format.h>

#include <chrono>
#include <fstream>

#include "protocol/eid/certificate.h"
#include "tests/support/run_program.h"
#include "tests/trust-services/services/time_stamp_authority.h"

namespace psephos::trust {
namespace {

void write(const std::string& path, std::string_view text) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out << text;
  invariant(out.flush().good(), "a test can write to its directory");
}

/// openssl-ts(1), section "Configuration file options".
constexpr std::string_view kTsaSection = R"([tsa]
serial = {0}/serial
signer_cert = {0}/tsa.pem
signer_key = {0}/tsa.key
signer_digest = sha256
default_policy = 0.4.0.2023.1.1
digests = sha256, sha384, sha512
accuracy = secs:1
ordering = no
tsa_name = no
ess_cert_id_chain = no
ess_cert_id_alg = sha256
)";

/// YYMMDDHHMMSSZ, as the index of openssl-ca(1) has it.
std::string index_time(std::int64_t unix_s) {
  const std::chrono::sys_seconds at{std::chrono::seconds{unix_s}};
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss clock{at - day};
  return fmt::format("{:02}{:02}{:02}{:02}{:02}{:02}Z", static_cast<int>(date.year()) % 100,
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

}  // namespace

OpensslServices::OpensslServices(const TestCa& ca, const TestCa& time_stamp_ca,
                                 const std::filesystem::path& directory, Rng& rng, std::int64_t now_unix_s,
                                 ServiceKey key)
    : directory_(directory) {
  write(path("issuing.pem"), pem_of_certificate(ca.issuing_der()));
  const openssl::Key ocsp_key = make_service_key(key);
  write(path("ocsp.key"), pem_of(ocsp_key.get()));
  write(path("ocsp.pem"), pem_of_certificate(ca.issue(ocsp_fields(ocsp_key.get(), now_unix_s), rng)));
  const openssl::Key tsa_key = make_service_key(key);
  write(path("tsa.key"), pem_of(tsa_key.get()));
  write(path("tsa.pem"), pem_of_certificate(time_stamp_ca.issue(tsa_fields(tsa_key.get(), now_unix_s), rng)));
  write(path("tsa.cnf"), fmt::format(kTsaSection, directory_.string()));
  write(path("serial"), "1000\n");
  write(path("index"), "");
}

void OpensslServices::set_status(ByteView certificate_der, CertificateStatus status) {
  const auto certificate = parse_certificate(certificate_der);
  invariant(certificate.has_value(), "the test's authority issues certificates");
  std::string serial = to_hex(certificate->serial_number);
  for (char& c : serial)
    if (c >= 'a') c = static_cast<char>(c - 'a' + 'A');
  constexpr std::int64_t kDay = 86400;
  const std::string expiry = index_time(certificate->not_after_unix_s);
  const std::string since = index_time(certificate->not_before_unix_s + kDay);
  const std::lock_guard lock(mutex_);
  switch (status) {
    case CertificateStatus::kGood:
      index_[serial] = fmt::format("V\t{}\t\t{}\tunknown\t/CN={}\n", expiry, serial, serial);
      break;
    case CertificateStatus::kRevoked:
      index_[serial] = fmt::format("R\t{}\t{}\t{}\tunknown\t/CN={}\n", expiry, since, serial, serial);
      break;
    case CertificateStatus::kSuspended:
      index_[serial] =
          fmt::format("R\t{}\t{},certificateHold\t{}\tunknown\t/CN={}\n", expiry, since, serial, serial);
      break;
    case CertificateStatus::kUnknown:
      index_.erase(serial);
      break;
  }
  std::string text;
  for (const auto& [number, line] : index_) text += line;
  write(path("index"), text);
}

Result<Bytes, std::string> OpensslServices::run(std::vector<std::string> words, ByteView request_der) {
  const std::lock_guard lock(mutex_);
  write(path("request"), text_of(request_der));
  std::filesystem::remove(path("answer"));
  const test::Ended ended = test::run_program(PSEPHOS_OPENSSL, std::move(words), directory_);
  auto answer = read_file(path("answer"), 1U << 20U);
  if (!answer) return std::unexpected(ended.err);
  return *std::move(answer);
}

Result<Bytes, std::string> OpensslServices::ocsp(ByteView request_der) {
  return run({"ocsp", "-index", path("index"), "-CA", path("issuing.pem"), "-rsigner", path("ocsp.pem"),
              "-rkey", path("ocsp.key"), "-rmd", "sha256", "-reqin", path("request"), "-respout",
              path("answer"), "-noverify"},
             request_der);
}

Result<Bytes, std::string> OpensslServices::tsa(ByteView request_der) {
  return run({"ts", "-reply", "-config", path("tsa.cnf"), "-section", "tsa", "-queryfile", path("request"),
              "-out", path("answer")},
             request_der);
}

HttpReply OpensslServices::handle_ocsp(const HttpRequest& request) {
  if (request.method != "POST" || request.content_type != "application/ocsp-request")
    return text_reply(415, "POST of application/ocsp-request\n");
  auto answer = ocsp(request.body);
  if (!answer) return text_reply(500, answer.error());
  HttpReply reply;
  reply.content_type = "application/ocsp-response";
  reply.body = *std::move(answer);
  return reply;
}

HttpReply OpensslServices::handle_tsa(const HttpRequest& request) {
  if (request.method != "POST" || request.content_type != "application/timestamp-query")
    return text_reply(415, "POST of application/timestamp-query\n");
  auto answer = tsa(request.body);
  if (!answer) return text_reply(500, answer.error());
  HttpReply reply;
  reply.content_type = "application/timestamp-reply";
  reply.body = *std::move(answer);
  return reply;
}

}  // namespace psephos::trust
