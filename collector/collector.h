#pragma once
#include <functional>
#include <memory>

#include "collector/current_log.h"
#include "collector/follower.h"
#include "collector/keys.h"
#include "collector/local_log.h"
#include "collector/peer.h"
#include "collector/register.h"
#include "collector/remote_log.h"
#include "collector/service.h"

namespace psephos::collector {

/// The collector without its sockets: store, ledger, log and service, put together.
///
/// Of the collectors over one store, the one that holds the lease orders the log; the others follow it, check
/// what voters send in full, and hand it on. When the lease runs out, the first that takes it goes on from
/// what the store holds.
class Collector {
 public:
  struct Settings {
    Clock clock;
    Service::Limits limits;
    Publisher::Timing timing;
    /// Called from any thread, when this one cannot go on: the store cannot be trusted any more, and the
    /// process must stop; or another collector orders the log now (kNotSequencing), and whoever opens this
    /// one anew has one that follows.
    std::function<void(const Rejection&)> broken;
    PhoneRelay* phones = nullptr;    ///< outlives the collector; none: nobody signs with a phone
    std::string name = "collector";  ///< among the collectors over one store
    std::string peer_address{};      ///< where the others reach peers(), while this one orders the log
    PeerConnect connect_peer{};      ///< none: this is the only one
    std::chrono::milliseconds lease{5000};
    std::chrono::milliseconds follow_interval{25};
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
  /// For the other collectors, on a listener of their own.
  PeerService& peers() { return *peers_; }
  const Election& election() const { return ledger_.election; }
  const CollectorKeys& keys() const { return keys_; }

  /// Operator: a signed document enters the log. @return the entry's index, or why not.
  Result<std::uint64_t, Rejection> document(EntryType type, Bytes item);

  /// What an operator may know: numbers, no identities.
  struct Status {
    bool sequencing = false;
    std::uint64_t epoch = 0;
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
  Collector(const Election& election, CollectorKeys keys,
            std::vector<std::unique_ptr<WitnessTransport>> transports, const EidVerifier& eid,
            EvidenceSource& evidence, Rng& rng, Settings settings);
  Result<bool, Rejection> take_over();
  bool looked(const Lease& lease, const std::optional<StoredCheckpoint>& latest);

  CollectorKeys keys_;
  std::vector<std::unique_ptr<WitnessTransport>> transports_;  // until this one orders the log
  const EidVerifier& eid_;
  EvidenceSource& evidence_;
  Rng& rng_;
  const Settings settings_;
  Ledger ledger_;
  std::unique_ptr<Store> store_;
  CurrentLog log_;
  std::shared_ptr<RemoteLog> remote_;
  std::unique_ptr<Follower> follower_;
  std::unique_ptr<Service> service_;
  std::unique_ptr<PeerService> peers_;
  std::mutex stopping_;
  bool stopped_ = false;
};

}  // namespace psephos::collector
