#include "collector/collector.h"

#include <spdlog/spdlog.h>

#include <future>

namespace psephos::collector {

namespace {

std::string_view name_of(EntryType type) {
  switch (type) {
    case EntryType::kPhase:
      return "phase";
    case EntryType::kRoll:
      return "roll";
    case EntryType::kBallot:
      return "ballot";
    case EntryType::kRefusal:
      return "refusal";
    case EntryType::kRevocation:
      return "revocation";
  }
  return "unknown";
}

PeerConnect no_peers() {
  return [](const std::string&) -> Result<std::unique_ptr<PeerTransport>, Rejection> {
    return reject(Reason::kUsage, "this collector knows no other");
  };
}

}  // namespace

Result<std::unique_ptr<Collector>, Rejection> Collector::open(
    const Election& election, std::unique_ptr<Store> store, CollectorKeys keys,
    std::vector<std::unique_ptr<WitnessTransport>> transports, const EidVerifier& eid,
    EvidenceSource& evidence, Rng& rng, Settings settings) {
  const psephos::Collector& named = election.definition().collector;
  if (keys.log_key.verify_key() != election.log_key().key)
    return reject(Reason::kManifestInvalid, "collector.log_key is not this collector's");
  if (keys.service_key.verify_key() != election.service_key())
    return reject(Reason::kManifestInvalid, "collector.service_key is not this collector's");
  if (keys.certificate_sha256() != named.tls_certificate_sha256)
    return reject(Reason::kManifestInvalid, "collector.tls_certificate_sha256 is not this collector's");

  std::unique_ptr<Collector> out(new Collector(election, std::move(keys), std::move(transports), eid,
                                               evidence, rng, std::move(settings)));
  out->store_ = std::move(store);
  if (auto ok = replay_store(*out->store_, out->ledger_); !ok) return std::unexpected(ok.error());

  Collector& self = *out;
  self.follower_ = std::make_unique<Follower>(
      self.ledger_, *self.store_,
      Follower::Hooks{
          .looked = [&self](const Lease& lease, const auto& latest) { return self.looked(lease, latest); },
          .unreachable = [&self] { self.remote_->answer_waiters(); },
          .broken = self.settings_.broken},
      self.settings_.follow_interval);
  self.remote_ = std::make_shared<RemoteLog>(
      self.ledger_, self.keys_.service_key, [&self] { return self.follower_->catch_up(); },
      self.settings_.connect_peer ? self.settings_.connect_peer : no_peers(), RemoteLog::Limits());
  self.log_.set(self.remote_);
  const auto taken = self.take_over();
  if (!taken) return std::unexpected(taken.error());
  if (!*taken) {
    const auto lease = self.store_->lease();
    const auto latest = self.store_->latest_checkpoint();
    if (!lease) return std::unexpected(lease.error());
    if (!latest) return std::unexpected(latest.error());
    self.follower_->catch_up();
    self.remote_->looked(*lease, *latest);
    spdlog::info("event=following holder={} epoch={}", lease->holder, lease->epoch);
    self.follower_->start();
  }
  self.service_ =
      std::make_unique<Service>(self.ledger_, *self.store_, self.log_, eid, evidence, self.settings_.phones,
                                self.keys_.service_key, rng, self.settings_.clock, self.settings_.limits);
  self.peers_ = std::make_unique<PeerService>(self.ledger_, self.log_, self.keys_.service_key.verify_key());
  return out;
}

Collector::Collector(const Election& election, CollectorKeys keys,
                     std::vector<std::unique_ptr<WitnessTransport>> transports, const EidVerifier& eid,
                     EvidenceSource& evidence, Rng& rng, Settings settings)
    : keys_(std::move(keys)),
      transports_(std::move(transports)),
      eid_(eid),
      evidence_(evidence),
      rng_(rng),
      settings_(std::move(settings)),
      ledger_(election) {}

Collector::~Collector() {
  stop();
}

/// Takes the lease, unless another's runs, and orders the log from then on. @return whether it does.
Result<bool, Rejection> Collector::take_over() {
  const auto taken = store_->take_lease(settings_.name, settings_.peer_address, settings_.lease);
  if (!taken || !*taken) return taken;
  // Whoever ordered the log before writes nothing any more: what the store holds now is all there is.
  if (auto ok = follower_->finish(); !ok) return std::unexpected(ok.error());
  auto latest = store_->latest_checkpoint();
  if (!latest) return std::unexpected(latest.error());
  const auto lease = store_->lease();
  if (!lease) return std::unexpected(lease.error());
  log_.set(std::make_shared<LocalLog>(lease->epoch, ledger_, *store_, eid_, keys_.log_key, keys_.service_key,
                                      rng_, std::move(transports_), std::move(*latest), settings_.broken,
                                      settings_.timing, settings_.lease));
  spdlog::info("event=sequencing epoch={} size={}", lease->epoch, ledger_.tree.size());
  return true;
}

/// On the follower's thread.
bool Collector::looked(const Lease& lease, const std::optional<StoredCheckpoint>& latest) {
  remote_->looked(lease, latest);
  if (lease.runs) return true;
  const auto taken = take_over();
  if (taken && *taken) {
    remote_->stop();  // what waits there is told to come again
    return false;
  }
  if (!taken && taken.error().reason != Reason::kServiceUnavailable) {
    settings_.broken(taken.error());
    return false;
  }
  return true;
}

void Collector::stop() {
  const std::lock_guard lock(stopping_);
  if (stopped_) return;
  stopped_ = true;
  if (service_) service_->stop();
  if (settings_.phones != nullptr) settings_.phones->stop();
  evidence_.stop();  // what it holds goes on to the log
  if (follower_) follower_->stop();
  if (log_.get()) log_.stop();
  if (remote_) remote_->stop();
}

Result<std::uint64_t, Rejection> Collector::document(EntryType type, Bytes item) {
  std::promise<Result<Recorded, Rejection>> promise;
  auto future = promise.get_future();
  log_.document(type, std::move(item),
                [&promise](Result<Recorded, Rejection> done) { promise.set_value(std::move(done)); });
  const auto recorded = future.get();
  if (!recorded) return std::unexpected(recorded.error());
  const std::uint64_t index = recorded->index;
  log_.catch_up();
  const auto phase = status().phase;
  spdlog::info("event=document_logged type={} index={} phase={}", name_of(type), index, name_of(phase));
  if (phase == Phase::kSealed)  // nobody verifies on a phone any more
    if (auto erased = store_->erase_fetch_secrets(); !erased)
      spdlog::error("event=fetch_secrets_not_erased reason={}", name_of(erased.error().reason));
  return index;
}

Collector::Status Collector::status() const {
  Status out;
  {
    const std::shared_lock lock(ledger_.mutex);
    const ElectionState& state = ledger_.state;
    out.phase = state.phase();
    out.head = {ledger_.tree.size(), ledger_.tree.root()};
    out.ballots = state.ballots();
    out.voters = state.voters_on_roll();
    out.roll_version = state.roll_version();
    out.revocation_lists = state.next_revocation() - 1;
  }
  out.sequencing = log_.sequencing();
  out.epoch = log_.epoch();
  if (const auto latest = log_.latest()) out.cosigned_size = latest->head.size;
  out.witnesses_reachable = log_.witnesses_reachable();
  return out;
}

Result<VotedAnswer, Rejection> Collector::voted(const VotedQuery& query) const {
  return voted_list(ledger_, *store_, query);
}

Result<Notices, Rejection> Collector::notices(std::uint64_t since) const {
  return notices_since(ledger_, *store_, since);
}

}  // namespace psephos::collector
