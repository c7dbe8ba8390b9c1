#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>

#include "collector/store.h"
#include "protocol/checks/admission.h"

namespace psephos::collector {

/// Where a submission stands in the log.
struct Recorded {
  std::uint64_t index = 0;
  SubmitOutcome outcome = SubmitOutcome::kAccepted;
};

/// The one log as this collector reaches it: it orders entries itself (LocalLog), or hands them to the
/// collector that does (RemoteLog). Every `done` is called once, on any thread. Thread-safe.
class Log {
 public:
  using RecordedDone = std::move_only_function<void(Result<Recorded, Rejection>)>;
  using RefusedDone = std::move_only_function<void(Rejection)>;
  using TicketDone = std::move_only_function<void(Result<ServiceSigned, Rejection>)>;
  /// The smallest co-signed checkpoint that covers an entry; nullopt: none in time.
  using CoveredDone = std::move_only_function<void(std::optional<StoredCheckpoint>)>;

  virtual ~Log() = default;

  /// A ballot that passed every check but 19, the proofs, which are made in a batch with those of all that
  /// wait, and those that depend on the log's state, which are repeated in its order. One that is in the log
  /// already keeps its entry. kServiceUnavailable says that it may be in the log or not: the same ballot
  /// again will tell.
  virtual void ballot(const BallotItem& item, Admission admission, const Digest256& fetch_secret_hash,
                      RecordedDone done) = 0;
  /// A refused ballot with a good signature of the voter it names, who is on the roll. It is logged unless
  /// she has kMaxRefusals entries already. `done` gets the reason that stands: the one at its place in the
  /// log.
  virtual void refusal(BallotItem item, Ballot ballot, Rejection reason, RefusedDone done) = 0;
  /// A signed document, once it is durable and in force.
  virtual void document(EntryType type, Bytes item, RecordedDone done) = 0;
  /// Spends a challenge that a good signature of this voter answers, and makes her ticket of the log as it is
  /// now. @return kAuthChallengeUnknown, kVoterNotOnRoll, kRateLimited, kServiceUnavailable.
  virtual void ticket(const Challenge& challenge, const Pseudonym& voter, std::uint64_t now_s,
                      TicketDone done) = 0;
  /// Whether a challenge is known to be spent; ticket() finds out in any case.
  virtual bool spent(const Challenge& challenge) const = 0;

  virtual void await(std::uint64_t index, std::chrono::milliseconds timeout, CoveredDone done) = 0;
  /// The latest co-signed checkpoint that the ledger reaches; nullopt before the first.
  virtual std::optional<StoredCheckpoint> latest() const = 0;

  /// Brings the ledger up to everything that was in the log when it was called. @return whether that may have
  /// been more than it held.
  virtual bool catch_up() = 0;
  /// Of the lease under which the log is ordered now: challenges are issued for it.
  virtual std::uint64_t epoch() const = 0;
  virtual bool sequencing() const = 0;
  /// Witnesses whose last request succeeded; 0 where another collector asks them.
  virtual std::size_t witnesses_reachable() const = 0;
  /// Refuses new work (kServiceUnavailable), and finishes what is at hand.
  virtual void stop() = 0;

  static constexpr std::uint64_t kMaxRefusals = 5;
};

}  // namespace psephos::collector
