#include "tests/trust-services/services/smart_id.h"

#include <utility>

#include "tests/trust-services/test_ca/national_ids.h"

namespace psephos::trust {
namespace {

constexpr std::string_view kDevice = "-TEST-Q";  // behind the person: the number of a document

namespace json = phone::json;
using phone::text_in;
using phone::wrong;

constexpr std::string_view kSessionPath = "/smart-id/session";

unsigned http_status(SmartIdFault fault) {
  switch (fault) {
    case SmartIdFault::kHttp400:
      return 400;
    case SmartIdFault::kHttp401:
      return 401;
    case SmartIdFault::kHttp403:
      return 403;
    case SmartIdFault::kHttp404:
      return 404;
    case SmartIdFault::kHttp429:
      return 429;
    case SmartIdFault::kHttp471:
      return 471;
    case SmartIdFault::kHttp472:
      return 472;
    case SmartIdFault::kHttp480:
      return 480;
    case SmartIdFault::kHttp500:
      return 500;
    case SmartIdFault::kHttp580:
      return 580;
    default:
      return 200;
  }
}
std::string_view result_of(SmartIdFault fault) {
  switch (fault) {
    case SmartIdFault::kUserRefused:
      return "USER_REFUSED";
    case SmartIdFault::kUserRefusedDisplayTextAndPin:
      return "USER_REFUSED_DISPLAYTEXTANDPIN";
    case SmartIdFault::kUserRefusedVcChoice:
      return "USER_REFUSED_VC_CHOICE";
    case SmartIdFault::kUserRefusedConfirmationMessage:
      return "USER_REFUSED_CONFIRMATIONMESSAGE";
    case SmartIdFault::kUserRefusedConfirmationMessageWithVcChoice:
      return "USER_REFUSED_CONFIRMATIONMESSAGE_WITH_VC_CHOICE";
    case SmartIdFault::kUserRefusedCertChoice:
      return "USER_REFUSED_CERT_CHOICE";
    case SmartIdFault::kTimeout:
      return "TIMEOUT";
    case SmartIdFault::kWrongVc:
      return "WRONG_VC";
    case SmartIdFault::kDocumentUnusable:
      return "DOCUMENT_UNUSABLE";
    case SmartIdFault::kInteractionNotSupported:
      return "REQUIRED_INTERACTION_NOT_SUPPORTED_BY_APP";
    case SmartIdFault::kUnknownResult:
      return "BATTERY_EMPTY";
    default:
      return "OK";
  }
}

/// The first interaction of the list, if each is one that there is, with its text; empty otherwise.
std::string_view interaction_in(const json::object& object) {
  struct Known {
    std::string_view type, text;
    std::size_t most;
  };
  constexpr Known kKnown[] = {{"displayTextAndPIN", "displayText60", 60},
                              {"verificationCodeChoice", "displayText60", 60},
                              {"confirmationMessage", "displayText200", 200},
                              {"confirmationMessageAndVerificationCodeChoice", "displayText200", 200}};
  const json::value* list = object.if_contains("allowedInteractionsOrder");
  if (list == nullptr || !list->is_array() || list->get_array().empty()) return {};
  std::string_view first;
  for (const json::value& each : list->get_array()) {
    if (!each.is_object() || each.get_object().size() != 2) return {};
    std::string_view type;
    for (const Known& known : kKnown) {
      const std::string_view text = text_in(each.get_object(), known.text);
      if (text_in(each.get_object(), "type") == known.type && !text.empty() &&
          phone::characters(text) <= known.most)
        type = known.type;
    }
    if (type.empty()) return {};
    if (first.empty()) first = type;
  }
  return first;
}

}  // namespace

SmartId::SmartId(const TestCa& ca, Rng& rng, std::int64_t now_unix_s, RelyingParty party)
    : ca_(ca),
      party_(std::move(party)),
      rng_(rng),
      somebody_else_(make_phone_account(ca, {artificial_national_id(69'999'998), "SOMEBODY", "ELSE"}, "",
                                        PhoneKey::kRsa2048, now_unix_s, rng)) {}

const PhoneAccount& SmartId::open_account(const Person& person, PhoneKey kind, std::int64_t now_unix_s) {
  const std::lock_guard lock(mutex_);
  return accounts_
      .insert_or_assign(person.national_id, make_phone_account(ca_, person, "", kind, now_unix_s, rng_))
      .first->second;
}

void SmartId::reset() {
  faults_.set({});
  const std::lock_guard lock(mutex_);
  sessions_.clear();
}

HttpReply SmartId::handle(const HttpRequest& request, std::int64_t now_ms) {
  const bool starts = request.method == "POST";
  const Fault<SmartIdFault> fault = starts ? faults_.next() : faults_.now();
  if (fault.kind == SmartIdFault::kGarbage) return json_reply(200, "{\"state\":");
  if (const unsigned status = http_status(fault.kind); status != 200) return wrong(status, "as ordered");
  HttpReply reply;
  if (starts) {
    reply = start(request, fault, now_ms);
  } else if (request.method == "GET") {
    const std::lock_guard lock(mutex_);
    auto found =
        fault.kind == SmartIdFault::kSessionLost ? std::nullopt : sessions_.ask(request.target, now_ms);
    reply = found ? std::move(*found) : wrong(404, "no such session");
  } else {
    return wrong(405, "POST or GET");
  }
  const auto amount = fault.amount.value_or(name_of<SmartIdFault>(kSmartIdFaults, fault.kind).usual_amount);
  return deliver(std::move(reply), fault.kind, amount);
}

HttpReply SmartId::start(const HttpRequest& request, Fault<SmartIdFault> fault, std::int64_t now_ms) {
  struct Resource {
    std::string_view path;
    Action action;
  };
  constexpr Resource kResources[] = {{"/smart-id/authentication/etsi/", Action::kAuthentication},
                                     {"/smart-id/signature/etsi/", Action::kSignature},
                                     {"/smart-id/signature/document/", Action::kSignature},
                                     {"/smart-id/certificatechoice/etsi/", Action::kCertificateChoice}};
  const Resource* resource = nullptr;
  for (const Resource& each : kResources)
    if (request.target.starts_with(each.path)) resource = &each;
  if (resource == nullptr) return wrong(404, "no such resource");
  const bool signs = resource->action != Action::kCertificateChoice;
  const auto object =
      signs ? phone::object_of(request, {"relyingPartyUUID", "relyingPartyName", "certificateLevel", "hash",
                                         "hashType", "allowedInteractionsOrder"})
            : phone::object_of(request, {"relyingPartyUUID", "relyingPartyName", "certificateLevel"});
  if (!object) return wrong(400, "not the object of this request");
  if (text_in(*object, "relyingPartyUUID") != party_.uuid ||
      text_in(*object, "relyingPartyName") != party_.name)
    return wrong(401, "no such relying party");
  const std::string_view level = text_in(*object, "certificateLevel");
  if (level != "QUALIFIED" && level != "ADVANCED") return wrong(400, "no such certificateLevel");
  HashToSign hash;
  std::string_view interaction;
  if (signs) {
    auto given = phone::hash_in(*object);
    if (!given) return wrong(400, "hash and hashType do not fit");
    hash = std::move(*given);
    interaction = interaction_in(*object);
    if (interaction.empty()) return wrong(400, "no interaction, or its text is too long");
  }
  const std::lock_guard lock(mutex_);
  std::string_view whom = std::string_view(request.target).substr(resource->path.size());
  const bool by_device = resource->path.ends_with("/document/");
  if (by_device) {
    if (!whom.ends_with(kDevice)) return wrong(404, "no such document");
    whom.remove_suffix(kDevice.size());
  } else if (fault.kind == SmartIdFault::kOtherDevice && resource->action == Action::kSignature) {
    fault.kind = SmartIdFault::kOtherPerson;  // the person has another device, with another key
  }
  const auto account = accounts_.find(whom);
  if (account == accounts_.end()) return wrong(404, "no such account");
  const std::int64_t thinking =
      fault.kind == SmartIdFault::kSlowUser ? fault.amount.value_or(10'000) : std::int64_t{0};
  const std::string id =
      sessions_.add({.path = std::string(kSessionPath),
                     .done_ms = now_ms + thinking,
                     .answer = finish(account->second, resource->action, hash, interaction, fault.kind)},
                    rng_, now_ms);
  return json_reply(200, json::serialize(json::object{{"sessionID", id}}));
}

json::object SmartId::finish(const PhoneAccount& account, Action action, const HashToSign& hash,
                             std::string_view interaction, SmartIdFault fault) {
  const std::string_view end_result = result_of(fault);
  json::object out{{"state", "COMPLETE"}, {"result", json::object{{"endResult", end_result}}}};
  if (end_result != "OK") return out;
  const PhoneAccount& whose = fault == SmartIdFault::kOtherPerson ? somebody_else_ : account;
  const PhoneSigner& signer = action == Action::kAuthentication ? whose.authentication : whose.signing;
  out["result"].get_object()["documentNumber"] = whose.person.national_id + std::string(kDevice);
  out["cert"] = json::object{{"value", to_base64(signer.certificate)}, {"certificateLevel", "QUALIFIED"}};
  if (action == Action::kCertificateChoice) return out;
  const Bytes signature = signer.sign(fault == SmartIdFault::kWrongHash ? phone::another(hash) : hash, rng_);
  const std::string digest = hash.kind == PhoneHash::kSha384 ? "384" : "256";
  out["signature"] = json::object{
      {"value", to_base64(signature)},
      {"algorithm", signer.is_rsa() ? "sha" + digest + "WithRSAEncryption" : "ecdsa-with-SHA" + digest}};
  out["interactionFlowUsed"] = interaction;
  return out;
}

}  // namespace psephos::trust
