#include "collector/witness_client.h"

#include "collector/http_client.h"

namespace psephos::collector {

namespace {

class HttpWitness final : public WitnessTransport {
 public:
  explicit HttpWitness(std::unique_ptr<HttpClient> client) : client_(std::move(client)) {}

  Result<WitnessReply, Rejection> add_checkpoint(const std::string& body,
                                                 std::chrono::milliseconds timeout) override {
    auto answer =
        client_->exchange("POST", "/add-checkpoint", "text/plain; charset=utf-8", bytes_of(body), timeout);
    if (!answer) return std::unexpected(std::move(answer.error()));
    return WitnessReply{answer->status, std::string(text_of(answer->body))};
  }

 private:
  const std::unique_ptr<HttpClient> client_;
};

}  // namespace

Result<std::unique_ptr<WitnessTransport>, Rejection> http_witness(const std::string& url) {
  auto client = HttpClient::of(url, {});
  if (!client) return reject(client.error().reason, "--witness: " + client.error().object);
  return std::make_unique<HttpWitness>(std::move(*client));
}

}  // namespace psephos::collector
