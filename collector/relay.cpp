#include "collector/relay.h"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <utility>

#include "crypto/invariant.h"
#include "protocol/ballot.h"
#include "protocol/labels.h"
#include "protocol/national_id.h"

namespace psephos::collector {

namespace {

namespace json = boost::json;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::size_t kMaxJsonBytes = 65'536;
constexpr std::size_t kMaxJsonDepth = 8;
constexpr std::size_t kQueuedStarts = 1024;
constexpr std::size_t kQueuedBytes = std::size_t{64} << 20;
constexpr milliseconds kShortestHold{1000};  // below which the services round up

// ---- the table of SPEC §9.10 -------------------------------------------------------------------

struct Word {
  PhoneMethod service;
  std::string_view word;
  Reason reason;
};
constexpr Word kWords[] = {
    {PhoneMethod::kMobileId, "NOT_MID_CLIENT", Reason::kMobileNotClient},
    {PhoneMethod::kMobileId, "NOT_FOUND", Reason::kMobileNotClient},
    {PhoneMethod::kMobileId, "USER_CANCELLED", Reason::kMobileCancelled},
    {PhoneMethod::kMobileId, "TIMEOUT", Reason::kMobileTimeout},
    {PhoneMethod::kMobileId, "PHONE_ABSENT", Reason::kMobileUnreachable},
    {PhoneMethod::kMobileId, "DELIVERY_ERROR", Reason::kMobileUnreachable},
    {PhoneMethod::kMobileId, "SIM_ERROR", Reason::kMobileDevice},
    {PhoneMethod::kMobileId, "NOT_ACTIVE", Reason::kMobileUnsuitable},
    {PhoneMethod::kMobileId, "SIGNATURE_HASH_MISMATCH", Reason::kMobileDevice},
    {PhoneMethod::kSmartId, "USER_REFUSED", Reason::kMobileCancelled},
    {PhoneMethod::kSmartId, "TIMEOUT", Reason::kMobileTimeout},
    {PhoneMethod::kSmartId, "WRONG_VC", Reason::kMobileWrongCode},
    {PhoneMethod::kSmartId, "DOCUMENT_UNUSABLE", Reason::kMobileUnsuitable},
    {PhoneMethod::kSmartId, "REQUIRED_INTERACTION_NOT_SUPPORTED_BY_APP", Reason::kMobileOutdated},
};
constexpr std::string_view kRefusedBecause = "USER_REFUSED_";  // of the app, and then at what

struct Status {
  PhoneMethod service;
  std::optional<PhoneStage> stage;  ///< none: any
  int status;
  Reason reason;
};
constexpr Status kStatuses[] = {
    {PhoneMethod::kMobileId, std::nullopt, 400, Reason::kMobileRefused},
    {PhoneMethod::kMobileId, std::nullopt, 401, Reason::kMobileRefused},
    {PhoneMethod::kMobileId, std::nullopt, 405, Reason::kMobileRefused},
    {PhoneMethod::kMobileId, PhoneStage::kStart, 404, Reason::kMobileRefused},
    {PhoneMethod::kMobileId, PhoneStage::kSession, 404, Reason::kMobileSessionUnknown},
    {PhoneMethod::kSmartId, std::nullopt, 400, Reason::kMobileRefused},
    {PhoneMethod::kSmartId, std::nullopt, 401, Reason::kMobileRefused},
    {PhoneMethod::kSmartId, std::nullopt, 403, Reason::kMobileRefused},
    {PhoneMethod::kSmartId, std::nullopt, 405, Reason::kMobileRefused},
    {PhoneMethod::kSmartId, PhoneStage::kStart, 404, Reason::kMobileNotClient},
    {PhoneMethod::kSmartId, PhoneStage::kSession, 404, Reason::kMobileSessionUnknown},
    {PhoneMethod::kSmartId, std::nullopt, 471, Reason::kMobileUnsuitable},
    {PhoneMethod::kSmartId, std::nullopt, 472, Reason::kMobileUnsuitable},
    {PhoneMethod::kSmartId, std::nullopt, 480, Reason::kMobileRefused},
};

// ---- JSON --------------------------------------------------------------------------------------

std::optional<json::object> object_from(ByteView text) {
  if (text.size() > kMaxJsonBytes) return std::nullopt;
  json::parse_options options;
  options.max_depth = kMaxJsonDepth;
  json::error_code error;
  json::value value = json::parse(text_of(text), error, {}, options);
  if (error || !value.is_object()) return std::nullopt;
  return std::move(value.get_object());
}
/// Empty if there is no such text.
std::string_view text_in(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string_view(value->get_string()) : std::string_view();
}
/// Empty if there is no such object.
json::object object_in(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value != nullptr && value->is_object() ? value->get_object() : json::object();
}

std::unexpected<Rejection> another_answer(std::string_view what) {
  return reject(Reason::kMobileServiceDown, std::string(what));
}
/// The object of an answer with status 200; what other answers mean.
Result<json::object, Rejection> success(PhoneMethod service, PhoneStage stage,
                                        const Result<PhoneTransport::Answer, Rejection>& answer) {
  if (!answer) return another_answer(answer.error().object);
  if (answer->status != 200)
    return reject(reason_for_status(service, stage, answer->status),
                  "HTTP " + std::to_string(answer->status));
  auto object = object_from(answer->body);
  if (!object) return another_answer("no object of JSON");
  return std::move(*object);
}
/// Success if the word is OK.
Result<void, Rejection> check_word(PhoneMethod service, std::string_view word) {
  if (word == "OK") return {};
  if (const auto reason = reason_for_word(service, word)) return reject(*reason, std::string(word));
  return another_answer("an unknown result");
}
/// @return kMobileServiceDown unless it is base64 of 1 to `most` bytes.
Result<Bytes, Rejection> bytes_in(const json::object& object, std::string_view name, std::size_t most) {
  auto bytes = from_base64(text_in(object, name));
  if (!bytes || bytes->empty() || bytes->size() > most) return another_answer(name);
  return std::move(*bytes);
}
Result<std::string, Rejection> session_id_in(const json::object& object) {
  std::string id(text_in(object, "sessionID"));
  const bool fits = !id.empty() && id.size() <= 64 && std::ranges::all_of(id, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
  });
  if (!fits) return another_answer("sessionID");
  return id;
}

// ---- texts -------------------------------------------------------------------------------------

bool is_gsm7(std::string_view text) {
  constexpr std::string_view kShared = " @$!\"#%&'()*+,-./:;<=>?_";
  return std::ranges::all_of(text, [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           kShared.find(c) != std::string_view::npos;
  });
}
std::size_t characters(std::string_view utf8) {
  return static_cast<std::size_t>(
      std::ranges::count_if(utf8, [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; }));
}
bool is_uuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    const bool digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    if (dash ? c != '-' : !digit) return false;
  }
  return true;
}
/// "+" and 5 to 15 digits (ITU-T E.164), the first not 0.
bool is_phone_number(std::string_view text) {
  return text.size() >= 6 && text.size() <= 16 && text[0] == '+' && text[1] != '0' &&
         std::ranges::all_of(text.substr(1), [](char c) { return c >= '0' && c <= '9'; });
}
std::string_view mobile_id_language(std::string_view language) {
  if (language == "et") return "EST";
  if (language == "ru") return "RUS";
  if (language == "lt") return "LIT";
  return "ENG";
}
std::string_view hash_type(PhoneHash kind) {
  return kind == PhoneHash::kSha384 ? "SHA384" : "SHA256";
}

}  // namespace

std::optional<Reason> reason_for_word(PhoneMethod service, std::string_view word) {
  if (service == PhoneMethod::kSmartId && word.starts_with(kRefusedBecause)) return Reason::kMobileCancelled;
  for (const Word& row : kWords)
    if (row.service == service && row.word == word) return row.reason;
  return std::nullopt;
}

Reason reason_for_status(PhoneMethod service, PhoneStage stage, int status) {
  for (const Status& row : kStatuses)
    if (row.service == service && row.status == status && row.stage.value_or(stage) == stage)
      return row.reason;
  return Reason::kMobileServiceDown;
}

Result<RelyingParty, Rejection> RelyingParty::read(ByteView text) {
  const auto wrong = [](std::string_view what) {
    return reject(Reason::kUsage, "relying party: " + std::string(what));
  };
  const auto object = object_from(text);
  if (!object) return wrong("no object of JSON");
  for (const auto& member : *object)
    if (member.key() != "uuid" && member.key() != "name" && member.key() != "display_text")
      return wrong("members are uuid, name and display_text");
  RelyingParty out{.uuid = std::string(text_in(*object, "uuid")),
                   .name = std::string(text_in(*object, "name")),
                   .display_texts = {}};
  if (!is_uuid(out.uuid)) return wrong("uuid is none");
  if (out.name.empty() || out.name.size() > 100 || !is_clean_utf8(out.name)) return wrong("name");
  for (const auto& member : object_in(*object, "display_text")) {
    const std::string language(member.key().data(), member.key().size());
    const std::string shown = member.value().is_string()
                                  ? std::string(std::string_view(member.value().get_string()))
                                  : std::string();
    if (!is_id(language) || shown.empty() || !is_clean_utf8(shown) ||
        characters(shown) > (is_gsm7(shown) ? 40U : 20U))
      return wrong("display_text holds, by language, texts of at most 40 characters, or 20 if others than " +
                   std::string("those of the GSM alphabet are among them"));
    out.display_texts[language] = shown;
  }
  if (out.display_texts.empty()) return wrong("display_text has no text");
  return out;
}

PhoneRelay::PhoneRelay(const Election& election, Settings settings, const Connect& connect, Rng& rng,
                       const Limits& limits)
    : election_(election),
      settings_(std::move(settings)),
      limits_(limits),
      rng_(rng),
      connections_(limits.starting + limits.polling, connect),
      starts_(limits.starting, kQueuedStarts, kQueuedBytes),
      polls_(limits.polling, limits.sessions, kQueuedBytes) {
  invariant(!settings_.party.display_texts.empty(), "RelyingParty has a text");
}

void PhoneRelay::stop() {
  stopping_ = true;
  starts_.stop();
  polls_.stop();
}

// ---- start -------------------------------------------------------------------------------------

Result<void, Rejection> PhoneRelay::check_ticket(const PhoneStart& request, std::uint64_t now_s) const {
  if (request.action == PhoneAction::kAuthenticate) {
    if (request.ticket) return reject(Reason::kWireNoncanonical, "ticket");
    return {};
  }
  if (!request.ticket ||
      !check_service_signature(*request.ticket, labels::kSignTicket, election_.service_key(), "ticket"))
    return reject(Reason::kAuthChallengeUnknown, "ticket");
  const auto ticket = decode<CastTicket>(request.ticket->body);
  if (!ticket) return std::unexpected(ticket.error());
  if (ticket->fingerprint != election_.fingerprint()) return reject(Reason::kElectionFpMismatch, "ticket");
  if (now_s >= ticket->expires_s) return reject(Reason::kTicketExpired, "");
  if (ticket->pseudonym != election_.pseudonym_of(request.national_id))
    return reject(Reason::kTicketMismatch, "national_id");
  return {};
}

Result<void, Rejection> PhoneRelay::check_hash(const PhoneStart& request) const {
  if (request.action == PhoneAction::kCertificate) {
    if (request.hash) return reject(Reason::kWireNoncanonical, "hash");
    return {};
  }
  if (!request.hash) return reject(Reason::kWireMissingField, "hash");
  if (request.action == PhoneAction::kAuthenticate && request.hash->kind != PhoneHash::kSha256)
    return reject(Reason::kWireNoncanonical, "hash.kind");
  if (request.hash->value.size() != (request.hash->kind == PhoneHash::kSha384 ? 48U : 32U))
    return reject(Reason::kWireLimit, "hash.value");
  return {};
}

Result<void, Rejection> PhoneRelay::check(const PhoneStart& request, std::uint64_t now_s) {
  const bool mobile_id = request.method == PhoneMethod::kMobileId;
  if (request.fingerprint != election_.fingerprint()) return reject(Reason::kElectionFpMismatch, "request");
  if (mobile_id ? !settings_.mobile_id : !settings_.smart_id)
    return reject(Reason::kRequestUnknown, "method");
  if (auto ok = check_ticket(request, now_s); !ok) return ok;
  if (auto ok = check_hash(request); !ok) return ok;
  if (mobile_id ? !is_phone_number(request.phone_number) : !request.phone_number.empty())
    return reject(Reason::kFieldCharset, "phone_number");
  if (!is_national_id(request.national_id, election_.definition().eid.identity_types))
    return reject(Reason::kVoterIdFormat, "national_id");
  Allowance& allowance = request.action == PhoneAction::kAuthenticate ? rings_ : signings_;
  if (!allowance.take(election_.pseudonym_of(request.national_id), now_s))
    return reject(Reason::kRateLimited, "phone");
  return {};
}

std::string_view PhoneRelay::display_text(std::string_view language) const {
  const auto& texts = settings_.party.display_texts;
  for (const std::string_view wanted : {language, std::string_view("en")})
    if (const auto found = texts.find(std::string(wanted)); found != texts.end()) return found->second;
  return texts.begin()->second;
}

void PhoneRelay::start(const PhoneStart& request, std::uint64_t now_s, Started done) {
  if (auto ok = check(request, now_s); !ok) return done(std::unexpected(ok.error()));
  {
    const std::lock_guard lock(mutex_);
    forget_ended(now_s);
    if (sessions_.size() + starting_ >= limits_.sessions)  // those that are over make room
      std::erase_if(sessions_, [](const auto& each) { return each.second.ready.has_value(); });
    if (sessions_.size() + starting_ >= limits_.sessions)
      return done(reject(Reason::kServiceUnavailable, "too many sessions"));
    ++starting_;
  }
  auto shared =
      std::make_shared<Started>(std::move(done));  // a job that finds no room must still be answered
  const auto given_up = [this, shared] {
    {
      const std::lock_guard lock(mutex_);
      --starting_;
    }
    (*shared)(reject(Reason::kServiceUnavailable, "too many sessions are beginning"));
  };
  PhoneStart kept = request;
  kept.ticket.reset();  // of no use any more
  const Digest256 ticket = request.ticket ? sha256(request.ticket->body) : Digest256{};
  std::string document;
  if (request.action == PhoneAction::kSign) {
    const std::lock_guard lock(mutex_);
    if (const auto found = documents_.find(ticket); found != documents_.end())
      document = found->second.number;
  }
  const bool posted = starts_.post(
      sizeof(PhoneStart),
      [this, shared, given_up, now_s, ticket, document = std::move(document), kept = std::move(kept)] {
        if (stopping_) return given_up();
        auto begun = [&] {
          const Connections<PhoneTransport>::Loan transport(connections_);
          return begin(*transport, kept, document);
        }();
        PhoneSession out;
        {
          const std::lock_guard lock(mutex_);
          --starting_;
          if (begun) {
            begun->ends_s = now_s + kSessionSeconds;
            begun->ticket = ticket;
            rng_.fill(out.session);
            sessions_[out.session] = std::move(*begun);
          }
        }
        if (!begun) return (*shared)(std::unexpected(begun.error()));
        (*shared)(out);
      });
  if (!posted) given_up();
}

Result<PhoneRelay::Session, Rejection> PhoneRelay::begin(PhoneTransport& transport, const PhoneStart& request,
                                                         const std::string& document) const {
  auto session = request.method == PhoneMethod::kMobileId ? begin_mobile_id(transport, request)
                                                          : begin_smart_id(transport, request, document);
  if (session) {
    session->method = request.method;
    session->action = request.action;
  }
  return session;
}

Result<PhoneRelay::Session, Rejection> PhoneRelay::begin_mobile_id(PhoneTransport& transport,
                                                                   const PhoneStart& request) const {
  constexpr PhoneMethod kService = PhoneMethod::kMobileId;
  const std::string_view id = request.national_id;
  if (!id.starts_with("PNOEE-") && !id.starts_with("PNOLT-"))
    return reject(Reason::kMobileNotClient, "a country without Mobile-ID");
  json::object body{{"relyingPartyUUID", settings_.party.uuid},
                    {"relyingPartyName", settings_.party.name},
                    {"phoneNumber", request.phone_number},
                    {"nationalIdentityNumber", id.substr(6)}};
  std::string path = "/certificate";
  if (request.action != PhoneAction::kCertificate) {
    path = request.action == PhoneAction::kAuthenticate ? "/authentication" : "/signature";
    const std::string_view shown = display_text(request.language.text);
    body["hash"] = to_base64(request.hash->value);
    body["hashType"] = hash_type(request.hash->kind);
    body["language"] = mobile_id_language(request.language.text);
    body["displayText"] = shown;
    body["displayTextFormat"] = is_gsm7(shown) ? "GSM-7" : "UCS-2";
  }
  const auto answer =
      success(kService, PhoneStage::kStart,
              transport.exchange(kService, "POST", path, json::serialize(body), limits_.timeout));
  if (!answer) return std::unexpected(answer.error());
  Session out;
  if (request.action != PhoneAction::kCertificate) {
    const auto session = session_id_in(*answer);
    if (!session) return std::unexpected(session.error());
    out.path = path + "/session/" + *session;
    return out;
  }
  if (auto ok = check_word(kService, text_in(*answer, "result")); !ok) return std::unexpected(ok.error());
  auto certificate = bytes_in(*answer, "cert", limits::kCertificateBytes);
  if (!certificate) return std::unexpected(certificate.error());
  out.ready.emplace(PhoneAnswer{PhoneState::kFinished, std::move(*certificate), {}});
  return out;
}

Result<PhoneRelay::Session, Rejection> PhoneRelay::begin_smart_id(PhoneTransport& transport,
                                                                  const PhoneStart& request,
                                                                  const std::string& document) const {
  constexpr PhoneMethod kService = PhoneMethod::kSmartId;
  json::object body{{"relyingPartyUUID", settings_.party.uuid},
                    {"relyingPartyName", settings_.party.name},
                    {"certificateLevel", "QUALIFIED"}};
  std::string path = "/certificatechoice";
  if (request.action != PhoneAction::kCertificate) {
    path = request.action == PhoneAction::kAuthenticate ? "/authentication" : "/signature";
    body["hash"] = to_base64(request.hash->value);
    body["hashType"] = hash_type(request.hash->kind);
    // The app has the voter choose the code that her client shows: one that only shows it will not do.
    body["allowedInteractionsOrder"] = json::array{json::object{
        {"type", "verificationCodeChoice"}, {"displayText60", display_text(request.language.text)}}};
  }
  // A person may have several devices, with a key each: the one whose certificate was shown is to sign.
  if (!document.empty())
    path += "/document/" + document;
  else
    path += "/etsi/" + request.national_id;  // of letters, digits and dashes: is_national_id
  const auto answer =
      success(kService, PhoneStage::kStart,
              transport.exchange(kService, "POST", path, json::serialize(body), limits_.timeout));
  if (!answer) return std::unexpected(answer.error());
  const auto session = session_id_in(*answer);
  if (!session) return std::unexpected(session.error());
  Session out;
  out.path = "/session/" + *session;
  return out;
}

// ---- poll --------------------------------------------------------------------------------------

namespace {

/// What a session that has ended gives. `document`: the number of the device that showed its certificate.
Result<PhoneAnswer, Rejection> finished(PhoneMethod service, PhoneAction action, const json::object& answer,
                                        std::string& document) {
  const bool mobile_id = service == PhoneMethod::kMobileId;
  const std::string_view word = mobile_id ? text_in(answer, "result") : std::string_view();
  const json::object result = object_in(answer, "result");
  if (auto ok = check_word(service, mobile_id ? word : text_in(result, "endResult")); !ok)
    return std::unexpected(ok.error());
  PhoneAnswer out{PhoneState::kFinished, {}, {}};
  if (action != PhoneAction::kCertificate) {
    auto signature = bytes_in(object_in(answer, "signature"), "value", limits::kSignatureBytes);
    if (!signature) return std::unexpected(signature.error());
    out.signature = std::move(*signature);
  }
  if (action != PhoneAction::kSign) {  // which has shown its certificate before
    auto certificate = mobile_id ? bytes_in(answer, "cert", limits::kCertificateBytes)
                                 : bytes_in(object_in(answer, "cert"), "value", limits::kCertificateBytes);
    if (!certificate) return std::unexpected(certificate.error());
    out.certificate = std::move(*certificate);
  }
  if (action == PhoneAction::kCertificate) {
    const std::string_view number = text_in(result, "documentNumber");
    const bool fits =
        number.size() <= 64 && std::ranges::all_of(number, [](char c) {
          return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
        });
    if (!fits) return another_answer("documentNumber");
    document = number;
  }
  return out;
}

/// Asks the service once. An answer that is still running is no end.
Result<PhoneAnswer, Rejection> ask(PhoneTransport& transport, PhoneMethod service, PhoneAction action,
                                   const std::string& path, milliseconds hold, milliseconds timeout,
                                   std::string& document) {
  const auto answer =
      success(service, PhoneStage::kSession,
              transport.exchange(service, "GET", path + "?timeoutMs=" + std::to_string(hold.count()), "",
                                 hold + timeout));
  if (!answer) return std::unexpected(answer.error());
  const std::string_view state = text_in(*answer, "state");
  if (state == "RUNNING") return PhoneAnswer{};
  if (state != "COMPLETE") return another_answer("state");
  return finished(service, action, *answer, document);
}

}  // namespace

void PhoneRelay::forget_ended(std::uint64_t now_s) {
  if (now_s == swept_s_) return;  // once a second, since it looks at all
  std::erase_if(sessions_, [&](const auto& each) { return now_s >= each.second.ends_s; });
  std::erase_if(documents_, [&](const auto& each) { return now_s >= each.second.ends_s; });
  swept_s_ = now_s;
}

void PhoneRelay::poll(const PhonePoll& request, std::uint64_t now_s, Polled done) {
  if (request.fingerprint != election_.fingerprint())
    return done(reject(Reason::kElectionFpMismatch, "request"));
  Result<PhoneAnswer, Rejection> at_once = PhoneAnswer{};
  {
    const std::lock_guard lock(mutex_);
    forget_ended(now_s);
    const auto found = sessions_.find(request.session);
    if (found == sessions_.end()) {
      at_once = reject(Reason::kMobileSessionUnknown, "");
    } else if (found->second.ready) {
      at_once = *found->second.ready;  // until it ends: an answer may be lost on its way
    } else if (!found->second.asked && !stopping_) {
      found->second.asked = true;
      auto shared = std::make_shared<Polled>(std::move(done));
      const auto until = steady_clock::now() + limits_.hold;
      ++waiting_;
      if (polls_.post(sizeof(Polled),
                      [this, shared, id = request.session, until] { ask_for(id, until, *shared); }))
        return;
      --waiting_;
      found->second.asked = false;
      done = std::move(*shared);
    }
  }
  done(std::move(at_once));
}

void PhoneRelay::ask_for(const Id& id, steady_clock::time_point until, Polled& done) {
  --waiting_;
  Result<PhoneAnswer, Rejection> answer = PhoneAnswer{};
  std::optional<Session> session;
  std::string document;
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = sessions_.find(id); found != sessions_.end()) session = found->second;
  }
  const auto left = std::chrono::duration_cast<milliseconds>(until - steady_clock::now());
  if (session && !stopping_ && left > milliseconds(0)) {
    // A thread for long only if nobody else wants it.
    const milliseconds hold = waiting_ > 0 ? kShortestHold : std::max(left, kShortestHold);
    const Connections<PhoneTransport>::Loan transport(connections_);
    answer =
        ask(*transport, session->method, session->action, session->path, hold, limits_.timeout, document);
  }
  {
    const std::lock_guard lock(mutex_);
    const auto found = sessions_.find(id);
    if (found == sessions_.end()) {
      answer = reject(Reason::kMobileSessionUnknown, "");
    } else {
      found->second.asked = false;
      if (!answer || answer->state == PhoneState::kFinished) found->second.ready = answer;
      if (answer && !document.empty())
        documents_[found->second.ticket] = {document, found->second.ends_s + kSessionSeconds};
    }
  }
  done(std::move(answer));
}

}  // namespace psephos::collector
