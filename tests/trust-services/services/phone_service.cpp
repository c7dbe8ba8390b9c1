#include "tests/trust-services/services/phone_service.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "crypto/hash.h"

namespace psephos::trust::phone {
namespace {

constexpr std::int64_t kForgottenMs = 300'000;

std::string uuid(Rng& rng) {
  ByteArray<16> bytes{};
  rng.fill(bytes);
  bytes[6] = static_cast<std::uint8_t>((bytes[6] & 0x0f) | 0x40);  // RFC 9562 §5.4
  bytes[8] = static_cast<std::uint8_t>((bytes[8] & 0x3f) | 0x80);
  std::string text = to_hex(bytes);
  for (const std::size_t at : {8U, 13U, 18U, 23U}) text.insert(at, 1, '-');
  return text;
}

}  // namespace

HttpReply wrong(unsigned status, std::string_view what) {
  return json_reply(status, json::serialize(json::object{{"error", what}}));
}

std::optional<json::object> object_of(const HttpRequest& request,
                                      std::initializer_list<std::string_view> members) {
  json::error_code error;
  json::value value = json::parse(text_of(request.body), error);
  if (error || !value.is_object()) return std::nullopt;
  for (const auto& member : value.get_object())
    if (std::ranges::find(members, std::string_view(member.key())) == members.end()) return std::nullopt;
  return std::move(value.get_object());
}

std::string_view text_in(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string_view(value->get_string()) : std::string_view();
}

std::optional<HashToSign> hash_in(const json::object& object) {
  const std::string_view kind = text_in(object, "hashType");
  auto value = from_base64(text_in(object, "hash"));
  if ((kind != "SHA256" && kind != "SHA384") || !value) return std::nullopt;
  HashToSign hash{kind == "SHA384" ? PhoneHash::kSha384 : PhoneHash::kSha256, std::move(*value)};
  if (hash.value.size() != (hash.kind == PhoneHash::kSha384 ? 48U : 32U)) return std::nullopt;
  return hash;
}

std::size_t characters(std::string_view utf8) {
  return static_cast<std::size_t>(
      std::ranges::count_if(utf8, [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; }));
}

HashToSign another(HashToSign hash) {
  hash.value.front() ^= 1U;
  return hash;
}

std::int64_t timeout_ms(std::string_view target) {
  constexpr std::int64_t kLeast = 1000, kMost = 120'000;
  constexpr std::string_view kName = "?timeoutMs=";
  const std::size_t at = target.find(kName);
  std::int64_t value = kLeast;
  if (at != std::string_view::npos)
    std::from_chars(target.data() + at + kName.size(), target.data() + target.size(), value);
  return std::clamp(value, kLeast, kMost);
}

std::string Sessions::add(Session session, Rng& rng, std::int64_t now_ms) {
  std::erase_if(sessions_, [&](const auto& each) { return each.second.done_ms + kForgottenMs < now_ms; });
  std::string id = uuid(rng);
  sessions_.insert_or_assign(id, std::move(session));
  return id;
}

std::optional<HttpReply> Sessions::ask(std::string_view target, std::int64_t now_ms) const {
  const std::string_view path = target.substr(0, target.find('?'));
  const std::size_t slash = path.rfind('/');
  const auto found =
      slash == std::string_view::npos ? sessions_.end() : sessions_.find(path.substr(slash + 1));
  if (found == sessions_.end() || found->second.path != path.substr(0, slash)) return std::nullopt;
  const Session& session = found->second;
  const std::int64_t left = std::max<std::int64_t>(0, session.done_ms - now_ms);
  const std::int64_t held = std::min(left, timeout_ms(target));
  HttpReply reply = held < left ? json_reply(200, R"({"state":"RUNNING"})")
                                : json_reply(200, json::serialize(session.answer));
  reply.delay = std::chrono::milliseconds(held);
  return reply;
}

}  // namespace psephos::trust::phone
