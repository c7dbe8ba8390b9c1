#pragma once
#include <functional>
#include <memory>

#include "collector/keys.h"
#include "collector/publisher.h"
#include "collector/register.h"
#include "collector/sequencer.h"
#include "collector/service.h"

namespace psephos::collector {

/// The collector without its sockets: store, ledger, sequencer, publisher and service, put together.
class Collector {
 public:
  struct Settings {
    Clock clock;
    Service::Limits limits;
    Publisher::Timing timing;
    /// Called once, from any thread, when the store cannot be trusted any more: stop the process.
    std::function<void(const Rejection&)> broken;
    PhoneRelay* phones = nullptr;  ///< outlives the collector; none: nobody signs with a phone
  };
  /// Replays the election's store. `transports` as in Publisher. `eid`, `evidence` and `rng` outlive it.
  /// @return kManifestInvalid if the election names other keys or another certificate than these; what
  /// replay_store returns.
  static Result<std::unique_ptr<Collector>, Rejection> open(
      const Election& election, std::unique_ptr<Store> store, CollectorKeys keys,
      std::vector<std::unique_ptr<WitnessTransport>> transports, const EidVerifier& eid,
      EvidenceSource& evidence, Rng& rng, Settings settings);
  ~Collector();

  Service& service() { return *service_; }
  const Election& election() const { return ledger_.election; }
  const CollectorKeys& keys() const { return keys_; }

  /// Operator: a signed document enters the log. @return the entry's index, or why not.
  Result<std::uint64_t, Rejection> document(EntryType type, Bytes item);

  /// What an operator may know: numbers, no identities.
  struct Status {
    Phase phase{};
    Head head;
    std::uint64_t cosigned_size = 0;
    std::uint64_t ballots = 0;
    std::uint64_t voters = 0;
    std::uint64_t roll_version = 0;
    std::uint64_t revocation_lists = 0;
    std::size_t witnesses_reachable = 0;
  };
  Status status() const;

  /// For polling stations and for messages to voters, by name: for the operator's files only.
  Result<VotedAnswer, Rejection> voted(const VotedQuery& query) const;
  Result<Notices, Rejection> notices(std::uint64_t since) const;

  /// Finishes the work at hand; nothing that was acknowledged or is being answered is lost.
  void stop();

 private:
  Collector(const Election& election, CollectorKeys keys, EvidenceSource& evidence, PhoneRelay* phones)
      : keys_(std::move(keys)), evidence_(evidence), phones_(phones), ledger_(election) {}
  CollectorKeys keys_;
  EvidenceSource& evidence_;
  PhoneRelay* const phones_;
  Ledger ledger_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<Publisher> publisher_;
  std::unique_ptr<Sequencer> sequencer_;
  std::unique_ptr<Service> service_;
};

}  // namespace psephos::collector
