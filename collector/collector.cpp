#include "collector/collector.h"

#include <spdlog/spdlog.h>

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

  std::unique_ptr<Collector> out(new Collector(election, std::move(keys), evidence, settings.phones));
  out->store_ = std::move(store);
  if (auto ok = replay_store(*out->store_, out->ledger_); !ok) return std::unexpected(ok.error());
  auto latest = out->store_->latest_checkpoint();
  if (!latest) return std::unexpected(latest.error());

  out->publisher_ =
      std::make_unique<Publisher>(out->ledger_, *out->store_, out->keys_.log_key, std::move(transports),
                                  std::move(*latest), settings.broken, settings.timing);
  out->sequencer_ = std::make_unique<Sequencer>(
      out->ledger_, *out->store_, eid, rng,
      Sequencer::Hooks{[publisher = out->publisher_.get()](const Head& head) { publisher->advance(head); },
                       settings.broken});
  out->service_ = std::make_unique<Service>(out->ledger_, *out->store_, *out->sequencer_, *out->publisher_,
                                            eid, evidence, settings.phones, out->keys_.service_key, rng,
                                            std::move(settings.clock), settings.limits);
  return out;
}

Collector::~Collector() {
  stop();
}

void Collector::stop() {
  if (service_) service_->stop();
  if (phones_ != nullptr) phones_->stop();
  evidence_.stop();  // what it holds goes on to the sequencer
  if (sequencer_) sequencer_->stop();
  if (publisher_) publisher_->stop(std::chrono::seconds(5));
}

Result<std::uint64_t, Rejection> Collector::document(EntryType type, Bytes item) {
  auto index = sequencer_->document(type, std::move(item));
  if (!index) return index;
  const auto phase = status().phase;
  spdlog::info("event=document_logged type={} index={} phase={}", name_of(type), *index, name_of(phase));
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
  if (const auto latest = publisher_->latest()) out.cosigned_size = latest->head.size;
  out.witnesses_reachable = publisher_->witnesses_reachable();
  return out;
}

Result<VotedAnswer, Rejection> Collector::voted(const VotedQuery& query) const {
  return voted_list(ledger_, *store_, query);
}

Result<Notices, Rejection> Collector::notices(std::uint64_t since) const {
  return notices_since(ledger_, *store_, since);
}

}  // namespace psephos::collector
