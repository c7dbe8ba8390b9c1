#pragma once
#include <mutex>

#include "tests/trust-services/services/fault.h"
#include "tests/trust-services/services/phone_service.h"

namespace psephos::trust {

/// What is wrong with an answer. Those of the phone are drawn when a session begins, and seen at its end;
/// those of HTTP befall every request.
enum class MobileIdFault : std::uint8_t {
  kNone,
  kNotFound,      ///< of a certificate
  kNotActive,     ///< of a certificate
  kNotMidClient,  ///< this and the next of a session
  kUserCancelled,
  kTimeout,
  kPhoneAbsent,
  kDeliveryError,
  kSimError,
  kHashMismatch,   ///< SIGNATURE_HASH_MISMATCH
  kUnknownResult,  ///< a word that the interface does not know
  kSlowUser,       ///< the person takes so many ms
  kWrongHash,      ///< one bit of what is signed differs
  kOtherPerson,    ///< certificate and signature are somebody else's
  kSessionLost,    ///< HTTP 404 of a session that there was
  kHttp400,
  kHttp401,
  kHttp405,
  kHttp429,
  kHttp500,
  kGarbage,  ///< bytes that are no answer
  kSlow,     ///< the answer takes so many ms
  kDown,     ///< the connection is closed without an answer
};
inline constexpr FaultName<MobileIdFault> kMobileIdFaults[] = {
    {MobileIdFault::kNone, "none"},
    {MobileIdFault::kNotFound, "not-found"},
    {MobileIdFault::kNotActive, "not-active"},
    {MobileIdFault::kNotMidClient, "not-mid-client"},
    {MobileIdFault::kUserCancelled, "user-cancelled"},
    {MobileIdFault::kTimeout, "timeout"},
    {MobileIdFault::kPhoneAbsent, "phone-absent"},
    {MobileIdFault::kDeliveryError, "delivery-error"},
    {MobileIdFault::kSimError, "sim-error"},
    {MobileIdFault::kHashMismatch, "hash-mismatch"},
    {MobileIdFault::kUnknownResult, "unknown-result"},
    {MobileIdFault::kSlowUser, "slow-user", 10'000, "ms"},
    {MobileIdFault::kWrongHash, "wrong-hash"},
    {MobileIdFault::kOtherPerson, "other-person"},
    {MobileIdFault::kSessionLost, "session-lost"},
    {MobileIdFault::kHttp400, "http-400"},
    {MobileIdFault::kHttp401, "http-401"},
    {MobileIdFault::kHttp405, "http-405"},
    {MobileIdFault::kHttp429, "http-429"},
    {MobileIdFault::kHttp500, "http-500"},
    {MobileIdFault::kGarbage, "garbage"},
    {MobileIdFault::kSlow, "slow", 1000, "ms"},
    {MobileIdFault::kDown, "down"},
};

/// The Mobile-ID service's REST interface under /mobile-id, as relying parties see it, strict in what it
/// takes: a member that the interface does not know is HTTP 400, another relying party 401.
///
///   POST /mobile-id/certificate                        → {result, cert}
///   POST /mobile-id/authentication, /mobile-id/signature → {sessionID}
///   GET  /mobile-id/{authentication,signature}/session/ID?timeoutMs=N → {state, result, signature, cert}
///
/// Persons enter their PINs at once. Thread-safe.
class MobileId {
 public:
  /// `ca` and `rng` outlive it.
  MobileId(const TestCa& ca, Rng& rng, std::int64_t now_unix_s, RelyingParty party = {});
  MobileId(const MobileId&) = delete;
  MobileId& operator=(const MobileId&) = delete;

  /// A person's account, in place of an earlier one. @return it, for as long as it is the person's.
  const PhoneAccount& open_account(const Person& person, std::string phone_number, PhoneKey kind,
                                   std::int64_t now_unix_s);
  HttpReply handle(const HttpRequest& request, std::int64_t now_ms);

  void set_fault(Fault<MobileIdFault> fault, std::optional<std::uint64_t> requests = {}) {
    faults_.set(fault, requests);
  }
  /// As at the beginning, but accounts stay: no fault, no session.
  void reset();

 private:
  HttpReply start(const HttpRequest& request, std::string_view what, Fault<MobileIdFault> fault,
                  std::int64_t now_ms);
  HttpReply certificate(const phone::json::object& object, MobileIdFault fault) const;
  phone::json::object finish(const PhoneAccount* account, bool authentication, const HashToSign& hash,
                             MobileIdFault fault);
  const PhoneAccount* account_of(const phone::json::object& object) const;

  const TestCa& ca_;
  const RelyingParty party_;
  FaultSwitch<MobileIdFault> faults_;
  mutable std::mutex mutex_;  // guards the rest
  Rng& rng_;
  const PhoneAccount somebody_else_;
  std::map<std::string, PhoneAccount, std::less<>> accounts_;  // by national identity number
  phone::Sessions sessions_;
};

}  // namespace psephos::trust
