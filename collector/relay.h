#pragma once
#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "collector/allowance.h"
#include "collector/connections.h"
#include "collector/work_pool.h"
#include "crypto/random.h"
#include "protocol/election.h"
#include "protocol/phone.h"

namespace psephos::collector {

/// The Mobile-ID and the Smart-ID service, over one connection each. For one thread at a time.
class PhoneTransport {
 public:
  struct Answer {
    int status = 0;  ///< HTTP's
    Bytes body;
  };
  virtual ~PhoneTransport() = default;
  /// One request; `json` is empty for GET. @return kServiceUnavailable, with the cause, if no whole answer
  /// came within `timeout`; any status is an answer.
  virtual Result<Answer, Rejection> exchange(PhoneMethod service, std::string_view method,
                                             std::string_view path, std::string_view json,
                                             std::chrono::milliseconds timeout) = 0;
};

/// As whom the collector asks the services, and what they show on phones. The contract's UUID is all that
/// the services know it by: it is kept like a password.
struct RelyingParty {
  std::string uuid;
  std::string name;
  std::map<std::string, std::string> display_texts;  ///< by language; not empty

  /// From JSON: {"uuid": …, "name": …, "display_text": {"et": …, "en": …}}. A text has at most 40 characters
  /// of those that the GSM alphabet shares with ASCII, or 20 of any.
  /// @return kUsage, with what is wrong as object.
  static Result<RelyingParty, Rejection> read(ByteView json);
};

/// What a word of a service means (SPEC §9.10, last table); nullopt for success and for words that the table
/// does not know.
std::optional<Reason> reason_for_word(PhoneMethod service, std::string_view word);
enum class PhoneStage : std::uint8_t { kStart, kSession };
/// The same for a status of HTTP other than 200.
Reason reason_for_status(PhoneMethod service, PhoneStage stage, int status);

/// Passes hashes on to the services that phones hear, and signatures back (SPEC §9.10). Asks them from
/// threads of its own. Keeps no person, number or certificate longer than a session. Thread-safe.
class PhoneRelay {
 public:
  using Started = std::move_only_function<void(Result<PhoneSession, Rejection>)>;
  using Polled = std::move_only_function<void(Result<PhoneAnswer, Rejection>)>;
  using Connect = std::function<std::unique_ptr<PhoneTransport>()>;
  struct Settings {
    RelyingParty party;
    bool mobile_id = false, smart_id = false;  ///< which of them there is
  };
  struct Limits {
    std::size_t sessions = 10'000;
    std::size_t starting = 16;                 ///< threads that begin sessions
    std::size_t polling = 64;                  ///< threads that ask for running ones
    std::chrono::milliseconds hold{5000};      ///< of a poll while nobody else waits for a thread
    std::chrono::milliseconds timeout{10000};  ///< of an answer, beyond what was asked to be held
  };
  static constexpr std::uint64_t kSessionSeconds = 120;

  /// `connect` is called once for each thread, from the constructor. `rng` outlives it.
  PhoneRelay(const Election& election, Settings settings, const Connect& connect, Rng& rng,
             const Limits& limits);
  PhoneRelay(const Election& election, Settings settings, const Connect& connect, Rng& rng)
      : PhoneRelay(election, std::move(settings), connect, rng, Limits()) {}

  /// Begins a session, after the checks of SPEC §9.10 in their order. Calls `done` once, from any thread.
  /// @return kElectionFpMismatch; kRequestUnknown for a service that there is not; kAuthChallengeUnknown,
  /// what the ticket's bytes are refused for, kTicketExpired, kTicketMismatch; kWireMissingField,
  /// kWireNoncanonical, kWireLimit, kFieldCharset, kVoterIdFormat; kRateLimited; kMobile… of the table;
  /// kServiceUnavailable if there are too many sessions. The object names no person.
  void start(const PhoneStart& request, std::uint64_t now_s, Started done);
  /// What became of it: once it is over, the same answer until the session ends.
  /// @return kElectionFpMismatch, kMobileSessionUnknown, kMobile… of the table.
  void poll(const PhonePoll& request, std::uint64_t now_s, Polled done);
  /// Finishes what is queued; polls that are queued are told that it is still running.
  void stop();

 private:
  struct Session {
    PhoneMethod method{};
    PhoneAction action{};
    std::string path;                                     ///< at the service
    std::optional<Result<PhoneAnswer, Rejection>> ready;  ///< once it is over
    Digest256 ticket{};                                   ///< SHA-256 of the ticket's body, if there is one
    std::uint64_t ends_s = 0;
    bool asked = false;  ///< by a poll that has not been answered yet
  };
  /// The device whose certificate was shown under a ticket.
  struct Document {
    std::string number;
    std::uint64_t ends_s = 0;
  };
  using Id = ByteArray<32>;

  Result<void, Rejection> check(const PhoneStart& request, std::uint64_t now_s);
  Result<void, Rejection> check_ticket(const PhoneStart& request, std::uint64_t now_s) const;
  Result<void, Rejection> check_hash(const PhoneStart& request) const;
  Result<Session, Rejection> begin(PhoneTransport& transport, const PhoneStart& request,
                                   const std::string& document) const;
  Result<Session, Rejection> begin_mobile_id(PhoneTransport& transport, const PhoneStart& request) const;
  Result<Session, Rejection> begin_smart_id(PhoneTransport& transport, const PhoneStart& request,
                                            const std::string& document) const;
  std::string_view display_text(std::string_view language) const;
  void ask_for(const Id& id, std::chrono::steady_clock::time_point until, Polled& done);
  void forget_ended(std::uint64_t now_s);

  const Election election_;
  const Settings settings_;
  const Limits limits_;
  Rng& rng_;
  Allowance rings_{3, 60, 100'000};  ///< for authentication, which needs no ticket
  Allowance signings_{20, 10};
  std::atomic<bool> stopping_ = false;
  std::atomic<std::size_t> waiting_ = 0;  ///< polls that no thread asks for yet
  std::mutex mutex_;                      ///< guards what follows
  std::map<Id, Session> sessions_;
  std::map<Digest256, Document> documents_;  // by ticket
  std::size_t starting_ = 0;                 ///< sessions that are being begun
  std::uint64_t swept_s_ = 0;
  Connections<PhoneTransport> connections_;
  WorkPool starts_, polls_;  // last: their threads use the rest
};

}  // namespace psephos::collector
