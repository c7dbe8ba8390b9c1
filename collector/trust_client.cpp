#include "collector/trust_client.h"

#include <utility>

#include "collector/http_client.h"

namespace psephos::collector {
namespace {

using Clients = std::vector<std::unique_ptr<HttpClient>>;

Result<Clients, Rejection> clients_of(const std::vector<std::string>& urls) {
  Clients out;
  for (const std::string& url : urls) {
    auto client = HttpClient::of(url, {});
    if (!client) return std::unexpected(client.error());
    out.push_back(std::move(*client));
  }
  return out;
}

class HttpTrustTransport final : public TrustTransport {
 public:
  HttpTrustTransport(Clients time_stamps, Clients statuses, std::chrono::milliseconds timeout)
      : time_stamps_(std::move(time_stamps)), statuses_(std::move(statuses)), timeout_(timeout) {}

  Result<Bytes, Rejection> time_stamp(ByteView request, unsigned attempt) override {
    return ask(time_stamps_, "application/timestamp-query", "application/timestamp-reply", request, attempt);
  }
  Result<Bytes, Rejection> status(ByteView request, unsigned attempt) override {
    return ask(statuses_, "application/ocsp-request", "application/ocsp-response", request, attempt);
  }

 private:
  Result<Bytes, Rejection> ask(Clients& clients, std::string_view content_type, std::string_view expected,
                               ByteView request, unsigned attempt) const {
    HttpClient& client = *clients[attempt % clients.size()];
    auto answer = client.exchange("POST", "", content_type, request, timeout_);
    if (!answer) return std::unexpected(answer.error());
    if (answer->status != 200)
      return reject(Reason::kServiceUnavailable, "HTTP " + std::to_string(answer->status));
    if (answer->content_type != expected)
      return reject(Reason::kServiceUnavailable, "not " + std::string(expected));
    return std::move(answer->body);
  }
  Clients time_stamps_, statuses_;
  const std::chrono::milliseconds timeout_;
};

}  // namespace

Result<EvidenceSource::Connect, Rejection> http_trust(const TrustAddresses& addresses) {
  if (addresses.time_stamps.empty()) return reject(Reason::kUsage, "--time-stamp: no service is named");
  if (addresses.statuses.empty()) return reject(Reason::kUsage, "--ocsp: no service is named");
  for (const auto* urls : {&addresses.time_stamps, &addresses.statuses})
    if (auto ok = clients_of(*urls); !ok) return std::unexpected(ok.error());
  return [addresses]() -> std::unique_ptr<TrustTransport> {
    // They were read before: nothing is refused now.
    return std::make_unique<HttpTrustTransport>(std::move(*clients_of(addresses.time_stamps)),
                                                std::move(*clients_of(addresses.statuses)),
                                                addresses.timeout);
  };
}

}  // namespace psephos::collector
