#pragma once
#include <atomic>
#include <memory>
#include <vector>

#include "collector/allowance.h"
#include "collector/challenge_book.h"
#include "collector/log.h"
#include "collector/publisher.h"
#include "collector/sequencer.h"

namespace psephos::collector {

/// The log of the collector that orders it: under a lease of the store, renewed until it stops.
class LocalLog final : public Log {
 public:
  /// @pre the store has taken the lease of `epoch`, and the ledger is as long as the store since then.
  /// Everything is kept by reference but the transports. `broken` as in Sequencer::Hooks, also for a lease
  /// that another took (kNotSequencing).
  LocalLog(std::uint64_t epoch, Ledger& ledger, Store& store, const EidVerifier& eid,
           const SigningKey& log_key, const SigningKey& service_key, Rng& rng,
           std::vector<std::unique_ptr<WitnessTransport>> transports, std::optional<StoredCheckpoint> latest,
           std::function<void(const Rejection&)> broken, Publisher::Timing timing,
           std::chrono::milliseconds lease);
  ~LocalLog() override;

  void ballot(const BallotItem& item, Admission admission, const Digest256& fetch_secret_hash,
              RecordedDone done) override;
  void refusal(BallotItem item, Ballot ballot, Rejection reason, RefusedDone done) override;
  void document(EntryType type, Bytes item, RecordedDone done) override;
  void ticket(const Challenge& challenge, const Pseudonym& voter, std::uint64_t now_s,
              TicketDone done) override;
  bool spent(const Challenge& challenge) const override { return spent_.contains(challenge); }
  void await(std::uint64_t index, std::chrono::milliseconds timeout, CoveredDone done) override;
  std::optional<StoredCheckpoint> latest() const override { return publisher_.latest(); }
  bool catch_up() override { return false; }
  std::uint64_t epoch() const override { return epoch_; }
  bool sequencing() const override { return true; }
  std::size_t witnesses_reachable() const override { return publisher_.witnesses_reachable(); }
  /// Also gives the lease up.
  void stop() override;

 private:
  Result<ServiceSigned, Rejection> make(const Challenge& challenge, const Pseudonym& voter,
                                        std::uint64_t now_s);
  void renew(const std::stop_token& stop, std::chrono::milliseconds lease);

  const std::uint64_t epoch_;
  const Ledger& ledger_;
  Store& store_;
  const SigningKey& service_key_;
  Rng& rng_;
  const std::function<void(const Rejection&)> broken_;
  SpentChallenges spent_;
  Allowance tickets_{20, 60};
  Publisher publisher_;
  Sequencer sequencer_;
  std::mutex stopping_;
  bool stopped_ = false;
  std::jthread renewal_;  // last: it uses the rest
};

}  // namespace psephos::collector
