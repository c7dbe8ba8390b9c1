#include "tests/trust-services/services/mobile_id.h"

#include <algorithm>
#include <array>
#include <utility>

#include "tests/trust-services/test_ca/national_ids.h"

namespace psephos::trust {
namespace {

namespace json = phone::json;
using phone::text_in;
using phone::wrong;

constexpr std::string_view kPath = "/mobile-id/";
constexpr std::size_t kTypeBytes = 6;  // of "PNOEE-", which the number comes without

unsigned http_status(MobileIdFault fault) {
  switch (fault) {
    case MobileIdFault::kHttp400:
      return 400;
    case MobileIdFault::kHttp401:
      return 401;
    case MobileIdFault::kHttp405:
      return 405;
    case MobileIdFault::kHttp429:
      return 429;
    case MobileIdFault::kHttp500:
      return 500;
    default:
      return 200;
  }
}
std::string_view result_of(MobileIdFault fault) {
  switch (fault) {
    case MobileIdFault::kNotMidClient:
      return "NOT_MID_CLIENT";
    case MobileIdFault::kUserCancelled:
      return "USER_CANCELLED";
    case MobileIdFault::kTimeout:
      return "TIMEOUT";
    case MobileIdFault::kPhoneAbsent:
      return "PHONE_ABSENT";
    case MobileIdFault::kDeliveryError:
      return "DELIVERY_ERROR";
    case MobileIdFault::kSimError:
      return "SIM_ERROR";
    case MobileIdFault::kHashMismatch:
      return "SIGNATURE_HASH_MISMATCH";
    case MobileIdFault::kUnknownResult:
      return "BATTERY_EMPTY";
    default:
      return "OK";
  }
}

/// GSM-7 has room for 40 characters, UCS-2 for 20. Of GSM-7 only what ASCII shares with it.
bool is_displayable(const json::object& object) {
  const std::string_view text = text_in(object, "displayText");
  const std::string_view format = text_in(object, "displayTextFormat");
  const bool ascii = std::ranges::all_of(text, [](char c) { return c >= ' ' && c < 0x7f; });
  if (format == "GSM-7") return ascii && text.size() <= 40;
  return format == "UCS-2" && phone::characters(text) <= 20;
}

}  // namespace

MobileId::MobileId(const TestCa& ca, Rng& rng, std::int64_t now_unix_s, RelyingParty party)
    : ca_(ca),
      party_(std::move(party)),
      rng_(rng),
      somebody_else_(make_phone_account(ca, {artificial_national_id(69'999'999), "SOMEBODY", "ELSE"},
                                        "+37200000000", PhoneKey::kP256, now_unix_s, rng)) {}

const PhoneAccount& MobileId::open_account(const Person& person, std::string phone_number, PhoneKey kind,
                                           std::int64_t now_unix_s) {
  const std::lock_guard lock(mutex_);
  return accounts_
      .insert_or_assign(person.national_id.substr(kTypeBytes),
                        make_phone_account(ca_, person, std::move(phone_number), kind, now_unix_s, rng_))
      .first->second;
}

void MobileId::reset() {
  faults_.set({});
  const std::lock_guard lock(mutex_);
  sessions_.clear();
}

const PhoneAccount* MobileId::account_of(const json::object& object) const {
  const auto found = accounts_.find(text_in(object, "nationalIdentityNumber"));
  const bool known = found != accounts_.end() && found->second.phone_number == text_in(object, "phoneNumber");
  return known ? &found->second : nullptr;
}

HttpReply MobileId::handle(const HttpRequest& request, std::int64_t now_ms) {
  if (!request.target.starts_with(kPath)) return wrong(404, "no such resource");
  const std::string_view what = std::string_view(request.target).substr(kPath.size());
  const bool starts = request.method == "POST";
  const Fault<MobileIdFault> fault = starts ? faults_.next() : faults_.now();
  if (fault.kind == MobileIdFault::kGarbage) return json_reply(200, "{\"state\":");
  if (const unsigned status = http_status(fault.kind); status != 200) return wrong(status, "as ordered");
  HttpReply reply;
  if (starts) {
    reply = start(request, what, fault, now_ms);
  } else if (request.method == "GET") {
    const std::lock_guard lock(mutex_);
    auto found =
        fault.kind == MobileIdFault::kSessionLost ? std::nullopt : sessions_.ask(request.target, now_ms);
    reply = found ? std::move(*found) : wrong(404, "no such session");
  } else {
    return wrong(405, "POST or GET");
  }
  const auto amount = fault.amount.value_or(name_of<MobileIdFault>(kMobileIdFaults, fault.kind).usual_amount);
  return deliver(std::move(reply), fault.kind, amount);
}

HttpReply MobileId::start(const HttpRequest& request, std::string_view what, Fault<MobileIdFault> fault,
                          std::int64_t now_ms) {
  const bool certificate_only = what == "certificate";
  const bool authentication = what == "authentication";
  if (!certificate_only && !authentication && what != "signature") return wrong(405, "no such resource");
  const auto object = certificate_only
                          ? phone::object_of(request, {"relyingPartyUUID", "relyingPartyName", "phoneNumber",
                                                       "nationalIdentityNumber"})
                          : phone::object_of(request, {"relyingPartyUUID", "relyingPartyName", "phoneNumber",
                                                       "nationalIdentityNumber", "hash", "hashType",
                                                       "language", "displayText", "displayTextFormat"});
  if (!object) return wrong(400, "not the object of this request");
  if (text_in(*object, "phoneNumber").empty() || text_in(*object, "nationalIdentityNumber").empty())
    return wrong(400, "phoneNumber and nationalIdentityNumber are needed");
  if (text_in(*object, "relyingPartyUUID") != party_.uuid ||
      text_in(*object, "relyingPartyName") != party_.name)
    return wrong(401, "no such relying party");
  const std::lock_guard lock(mutex_);
  if (certificate_only) return certificate(*object, fault.kind);

  const auto hash = phone::hash_in(*object);
  if (!hash) return wrong(400, "hash and hashType do not fit");
  constexpr std::array<std::string_view, 4> kLanguages = {"EST", "ENG", "RUS", "LIT"};
  if (std::ranges::find(kLanguages, text_in(*object, "language")) == kLanguages.end())
    return wrong(400, "no such language");
  if (!is_displayable(*object)) return wrong(400, "the text is too long, or not of its format");
  const std::int64_t thinking =
      fault.kind == MobileIdFault::kSlowUser ? fault.amount.value_or(10'000) : std::int64_t{0};
  const std::string id =
      sessions_.add({.path = std::string(kPath) + std::string(what) + "/session",
                     .done_ms = now_ms + thinking,
                     .answer = finish(account_of(*object), authentication, *hash, fault.kind)},
                    rng_, now_ms);
  return json_reply(200, json::serialize(json::object{{"sessionID", id}}));
}

HttpReply MobileId::certificate(const json::object& object, MobileIdFault fault) const {
  const PhoneAccount* account = account_of(object);
  json::object out;
  if (account == nullptr || fault == MobileIdFault::kNotFound) {
    out["result"] = "NOT_FOUND";
  } else if (fault == MobileIdFault::kNotActive) {
    out["result"] = "NOT_ACTIVE";
  } else {
    const PhoneAccount& whose = fault == MobileIdFault::kOtherPerson ? somebody_else_ : *account;
    out["result"] = fault == MobileIdFault::kUnknownResult ? "MAYBE" : "OK";
    out["cert"] = to_base64(whose.signing.certificate);
  }
  return json_reply(200, json::serialize(out));
}

json::object MobileId::finish(const PhoneAccount* account, bool authentication, const HashToSign& hash,
                              MobileIdFault fault) {
  json::object out{{"state", "COMPLETE"}, {"result", result_of(fault)}};
  if (account == nullptr) out["result"] = result_of(MobileIdFault::kNotMidClient);
  if (out["result"] != "OK") return out;
  const PhoneAccount& whose = fault == MobileIdFault::kOtherPerson ? somebody_else_ : *account;
  const PhoneSigner& signer = authentication ? whose.authentication : whose.signing;
  const Bytes signature = signer.sign(fault == MobileIdFault::kWrongHash ? phone::another(hash) : hash, rng_);
  const std::string algorithm = std::string(hash.kind == PhoneHash::kSha384 ? "SHA384" : "SHA256") +
                                (signer.is_rsa() ? "WithRSAEncryption" : "WithECEncryption");
  out["signature"] = json::object{{"value", to_base64(signature)}, {"algorithm", algorithm}};
  if (authentication) out["cert"] = to_base64(signer.certificate);
  return out;
}

}  // namespace psephos::trust
