#pragma once
#include <mutex>

#include "tests/trust-services/services/fault.h"
#include "tests/trust-services/services/phone_service.h"

namespace psephos::trust {

/// What is wrong with an answer. Those of the app are drawn when a session begins, and seen at its end;
/// those of HTTP befall every request.
enum class SmartIdFault : std::uint8_t {
  kNone,
  kUserRefused,  ///< this and the next of a session
  kUserRefusedDisplayTextAndPin,
  kUserRefusedVcChoice,
  kUserRefusedConfirmationMessage,
  kUserRefusedConfirmationMessageWithVcChoice,
  kUserRefusedCertChoice,
  kTimeout,
  kWrongVc,
  kDocumentUnusable,
  kInteractionNotSupported,  ///< REQUIRED_INTERACTION_NOT_SUPPORTED_BY_APP
  kUnknownResult,            ///< a word that the interface does not know
  kSlowUser,                 ///< the person takes so many ms
  kWrongHash,                ///< one bit of what is signed differs
  kOtherPerson,              ///< certificate and signature are somebody else's
  kSessionLost,              ///< HTTP 404 of a session that there was
  kHttp400,
  kHttp401,
  kHttp403,
  kHttp404,  ///< no such person
  kHttp429,
  kHttp471,
  kHttp472,
  kHttp480,
  kHttp500,
  kHttp580,
  kOtherDevice,  ///< signatures asked for by person, and not by document, come from another key
  kGarbage,      ///< bytes that are no answer
  kSlow,         ///< the answer takes so many ms
  kDown,         ///< the connection is closed without an answer
};
inline constexpr FaultName<SmartIdFault> kSmartIdFaults[] = {
    {SmartIdFault::kNone, "none"},
    {SmartIdFault::kUserRefused, "user-refused"},
    {SmartIdFault::kUserRefusedDisplayTextAndPin, "user-refused-display-text-and-pin"},
    {SmartIdFault::kUserRefusedVcChoice, "user-refused-vc-choice"},
    {SmartIdFault::kUserRefusedConfirmationMessage, "user-refused-confirmation-message"},
    {SmartIdFault::kUserRefusedConfirmationMessageWithVcChoice,
     "user-refused-confirmation-message-with-vc-choice"},
    {SmartIdFault::kUserRefusedCertChoice, "user-refused-cert-choice"},
    {SmartIdFault::kTimeout, "timeout"},
    {SmartIdFault::kWrongVc, "wrong-vc"},
    {SmartIdFault::kDocumentUnusable, "document-unusable"},
    {SmartIdFault::kInteractionNotSupported, "interaction-not-supported"},
    {SmartIdFault::kUnknownResult, "unknown-result"},
    {SmartIdFault::kSlowUser, "slow-user", 10'000, "ms"},
    {SmartIdFault::kWrongHash, "wrong-hash"},
    {SmartIdFault::kOtherPerson, "other-person"},
    {SmartIdFault::kSessionLost, "session-lost"},
    {SmartIdFault::kHttp400, "http-400"},
    {SmartIdFault::kHttp401, "http-401"},
    {SmartIdFault::kHttp403, "http-403"},
    {SmartIdFault::kHttp404, "http-404"},
    {SmartIdFault::kHttp429, "http-429"},
    {SmartIdFault::kHttp471, "http-471"},
    {SmartIdFault::kHttp472, "http-472"},
    {SmartIdFault::kHttp480, "http-480"},
    {SmartIdFault::kHttp500, "http-500"},
    {SmartIdFault::kHttp580, "http-580"},
    {SmartIdFault::kOtherDevice, "other-device"},
    {SmartIdFault::kGarbage, "garbage"},
    {SmartIdFault::kSlow, "slow", 1000, "ms"},
    {SmartIdFault::kDown, "down"},
};

/// The Smart-ID service's interface for relying parties, version 2, under /smart-id, strict in what it takes:
/// a member that the interface does not know is HTTP 400, another relying party 401, another person 404.
///
///   POST /smart-id/{authentication,signature,certificatechoice}/etsi/PNOEE-… → {sessionID}
///   POST /smart-id/signature/document/NUMBER → {sessionID}
///   GET  /smart-id/session/ID?timeoutMs=N → {state, result, signature, cert}
///
/// Persons do at once what they are asked for. ECDSA, which accounts of today do not have, is r‖s here.
/// Thread-safe.
class SmartId {
 public:
  /// `ca` and `rng` outlive it.
  SmartId(const TestCa& ca, Rng& rng, std::int64_t now_unix_s, RelyingParty party = {});
  SmartId(const SmartId&) = delete;
  SmartId& operator=(const SmartId&) = delete;

  /// A person's account, in place of an earlier one. @return it, for as long as it is the person's.
  const PhoneAccount& open_account(const Person& person, PhoneKey kind, std::int64_t now_unix_s);
  HttpReply handle(const HttpRequest& request, std::int64_t now_ms);

  void set_fault(Fault<SmartIdFault> fault, std::optional<std::uint64_t> requests = {}) {
    faults_.set(fault, requests);
  }
  /// As at the beginning, but accounts stay: no fault, no session.
  void reset();

 private:
  enum class Action : std::uint8_t { kAuthentication, kSignature, kCertificateChoice };
  HttpReply start(const HttpRequest& request, Fault<SmartIdFault> fault, std::int64_t now_ms);
  phone::json::object finish(const PhoneAccount& account, Action action, const HashToSign& hash,
                             std::string_view interaction, SmartIdFault fault);

  const TestCa& ca_;
  const RelyingParty party_;
  FaultSwitch<SmartIdFault> faults_;
  std::mutex mutex_;  // guards the rest
  Rng& rng_;
  const PhoneAccount somebody_else_;
  std::map<std::string, PhoneAccount, std::less<>> accounts_;  // by semantics identifier
  phone::Sessions sessions_;
};

}  // namespace psephos::trust
