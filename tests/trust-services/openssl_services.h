#pragma once
#include <filesystem>
#include <map>
#include <mutex>
#include <string>

#include "crypto/result.h"
#include "tests/trust-services/services/http.h"
#include "tests/trust-services/services/ocsp_responder.h"
#include "tests/trust-services/services/service_key.h"
#include "tests/trust-services/test_ca/ca.h"

namespace psephos::trust {

/// A second implementation of both services, by a program that is not ours: each answer is made by a run of
/// `openssl ocsp -index` or `openssl ts -reply`, some 10 ms, with keys certified by the same authorities.
/// Its times are the machine's clock. To be had over HTTP, give its handlers to a HttpServer. Thread-safe;
/// answers one request at a time.
class OpensslServices {
 public:
  /// Keeps its files in `directory`, which exists and is otherwise empty.
  OpensslServices(const TestCa& ca, const TestCa& time_stamp_ca, const std::filesystem::path& directory,
                  Rng& rng, std::int64_t now_unix_s, ServiceKey key = ServiceKey::kP256);

  /// From now on the responder knows this certificate with this status; other ones are unknown to it.
  void set_status(ByteView certificate_der, CertificateStatus status);
  /// The answer in DER; the error holds the program's words.
  Result<Bytes, std::string> ocsp(ByteView request_der);
  Result<Bytes, std::string> tsa(ByteView request_der);
  /// The same for a HttpServer: POST with the services' content types.
  HttpReply handle_ocsp(const HttpRequest& request);
  HttpReply handle_tsa(const HttpRequest& request);

 private:
  Result<Bytes, std::string> run(std::vector<std::string> words, ByteView request_der);
  std::string path(std::string_view name) const { return directory_ / name; }

  std::filesystem::path directory_;
  std::mutex mutex_;
  std::map<std::string, std::string> index_;  // line by serial number
};

}  // namespace psephos::trust
