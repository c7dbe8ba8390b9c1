#include "collector/local_log.h"

#include <spdlog/spdlog.h>

#include <condition_variable>

#include "collector/ticket.h"

namespace psephos::collector {

LocalLog::LocalLog(std::uint64_t epoch, Ledger& ledger, Store& store, const EidVerifier& eid,
                   const SigningKey& log_key, const SigningKey& service_key, Rng& rng,
                   std::vector<std::unique_ptr<WitnessTransport>> transports,
                   std::optional<StoredCheckpoint> latest, std::function<void(const Rejection&)> broken,
                   Publisher::Timing timing, std::chrono::milliseconds lease)
    : epoch_(epoch),
      ledger_(ledger),
      store_(store),
      service_key_(service_key),
      rng_(rng),
      broken_(std::move(broken)),
      publisher_(ledger, store, log_key, std::move(transports), std::move(latest), broken_, timing),
      sequencer_(ledger, store, eid, rng,
                 {.committed = [this](const Head& head) { publisher_.advance(head); }, .broken = broken_}),
      renewal_([this, lease](const std::stop_token& stop) { renew(stop, lease); }) {}

LocalLog::~LocalLog() {
  stop();
}

void LocalLog::stop() {
  const std::lock_guard lock(stopping_);
  if (stopped_) return;
  stopped_ = true;
  sequencer_.stop();
  publisher_.stop(std::chrono::seconds(5));
  renewal_.request_stop();
  renewal_.join();
  if (auto released = store_.release_lease(); !released)
    spdlog::warn("event=lease_not_released reason={}", name_of(released.error().reason));
}

void LocalLog::renew(const std::stop_token& stop, std::chrono::milliseconds lease) {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  for (;;) {
    wake.wait_for(lock, stop, lease / 4, [] { return false; });
    if (stop.stop_requested()) return;
    const auto renewed = store_.renew_lease(lease);
    if (!renewed)
      spdlog::warn("event=lease_not_renewed reason={}", name_of(renewed.error().reason));
    else if (!*renewed)
      return broken_({Reason::kNotSequencing, "another collector has taken the lease"});
  }
}

void LocalLog::ballot(const BallotItem& item, Admission admission, const Digest256& fetch_secret_hash,
                      RecordedDone done) {
  sequencer_.ballot(item, std::move(admission), fetch_secret_hash, std::move(done));
}

void LocalLog::refusal(BallotItem item, Ballot ballot, Rejection reason, RefusedDone done) {
  sequencer_.refusal(std::move(item), std::move(ballot), std::move(reason), std::move(done));
}

void LocalLog::document(EntryType type, Bytes item, RecordedDone done) {
  sequencer_.document(type, std::move(item), std::move(done));
}

void LocalLog::await(std::uint64_t index, std::chrono::milliseconds timeout, CoveredDone done) {
  publisher_.await(index, timeout, std::move(done));
}

void LocalLog::ticket(const Challenge& challenge, const Pseudonym& voter, std::uint64_t now_s,
                      TicketDone done) {
  done(make(challenge, voter, now_s));
}

Result<ServiceSigned, Rejection> LocalLog::make(const Challenge& challenge, const Pseudonym& voter,
                                                std::uint64_t now_s) {
  if (auto spent = spent_.spend(challenge, now_s); !spent) return std::unexpected(spent.error());
  const auto newest = latest();
  const auto ticket = [&] {
    const std::shared_lock lock(ledger_.mutex);
    return make_ticket(ledger_.state, voter, newest ? newest->note : std::string_view(), now_s, rng_);
  }();
  if (!ticket) return std::unexpected(ticket.error());
  if (!tickets_.take(voter, now_s)) return reject(Reason::kRateLimited, "tickets");
  return sign_ticket(*ticket, service_key_);
}

}  // namespace psephos::collector
