#include "collector/peer_client.h"

#include "collector/http_client.h"

namespace psephos::collector {

namespace {

class HttpsPeer final : public PeerTransport {
 public:
  explicit HttpsPeer(std::unique_ptr<HttpClient> client) : client_(std::move(client)) {}
  Result<Bytes, Rejection> ask(ByteView request, std::chrono::milliseconds timeout) override {
    auto answer = client_->exchange("POST", kPeerPath, "application/octet-stream", request, timeout);
    if (!answer) return std::unexpected(answer.error());
    if (answer->status != 200)
      return reject(Reason::kServiceUnavailable,
                    "answers " + std::to_string(answer->status) + " " + std::string(text_of(answer->body)));
    return std::move(answer->body);
  }

 private:
  std::unique_ptr<HttpClient> client_;
};

}  // namespace

PeerConnect https_peers(const Digest256& certificate_sha256) {
  return
      [certificate_sha256](const std::string& address) -> Result<std::unique_ptr<PeerTransport>, Rejection> {
        if (!address.starts_with("https://"))
          return reject(Reason::kUsage, "'" + address + "' is not https://HOST:PORT");
        auto client = HttpClient::of(address, {.ca_file = {}, .certificate_sha256 = certificate_sha256});
        if (!client) return std::unexpected(client.error());
        return std::make_unique<HttpsPeer>(std::move(*client));
      };
}

}  // namespace psephos::collector
