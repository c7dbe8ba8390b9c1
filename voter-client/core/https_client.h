#pragma once
#include <chrono>
#include <memory>
#include <string>

#include "crypto/hash.h"
#include "voter-client/core/transport.h"

namespace psephos {

struct ServerAddress {
  std::string host;
  std::string port;
  /// "host:port", "[address]:port". @return USAGE.
  static Result<ServerAddress, Rejection> parse(std::string_view text);
};

/// HTTPS with TLS 1.3 and one connection kept alive. Trust is the certificate's SHA-256 alone: no authority,
/// name or time plays a part.
class HttpsClient final : public Transport {
 public:
  struct Timeouts {
    std::chrono::seconds connect{10};
    std::chrono::seconds answer{30};
  };
  HttpsClient(ServerAddress server, const Digest256& certificate_sha256, const Timeouts& timeouts);
  /// Trusts whoever answers: only for fetching what is then checked against something known from elsewhere,
  /// as the manifest is against its fingerprint.
  static HttpsClient unpinned(ServerAddress server, const Timeouts& timeouts);
  HttpsClient(HttpsClient&&) noexcept;
  ~HttpsClient() override;

  /// TLS_PIN_MISMATCH also where the server cannot speak TLS 1.3.
  Result<HttpReply, Rejection> exchange(std::string_view method, const std::string& target, ByteView body,
                                        std::size_t max_bytes) override;

 private:
  struct State;
  explicit HttpsClient(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace psephos
