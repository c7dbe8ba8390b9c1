#include "collector/phone_client.h"

#include <utility>

#include "collector/http_client.h"

namespace psephos::collector {
namespace {

/// None for an empty address.
Result<std::unique_ptr<HttpClient>, Rejection> client_of(const std::string& url) {
  if (url.empty()) return std::unique_ptr<HttpClient>();
  return HttpClient::of(url, {});
}

class HttpPhoneTransport final : public PhoneTransport {
 public:
  HttpPhoneTransport(std::unique_ptr<HttpClient> mobile_id, std::unique_ptr<HttpClient> smart_id)
      : mobile_id_(std::move(mobile_id)), smart_id_(std::move(smart_id)) {}
  Result<Answer, Rejection> exchange(PhoneMethod service, std::string_view method, std::string_view path,
                                     std::string_view json, std::chrono::milliseconds timeout) override {
    const auto& client = service == PhoneMethod::kMobileId ? mobile_id_ : smart_id_;
    if (!client) return reject(Reason::kServiceUnavailable, "no address");
    auto answer =
        client->exchange(method, path, json.empty() ? "" : "application/json", bytes_of(json), timeout);
    if (!answer) return std::unexpected(answer.error());
    return Answer{answer->status, std::move(answer->body)};
  }

 private:
  std::unique_ptr<HttpClient> mobile_id_, smart_id_;
};

}  // namespace

Result<PhoneRelay::Connect, Rejection> http_phones(const PhoneAddresses& addresses) {
  for (const std::string* url : {&addresses.mobile_id, &addresses.smart_id})
    if (auto ok = client_of(*url); !ok) return std::unexpected(ok.error());
  return [addresses]() -> std::unique_ptr<PhoneTransport> {
    // They were read before: nothing is refused now.
    return std::make_unique<HttpPhoneTransport>(std::move(*client_of(addresses.mobile_id)),
                                                std::move(*client_of(addresses.smart_id)));
  };
}

}  // namespace psephos::collector
