#pragma once
#include <memory>
#include <mutex>
#include <shared_mutex>

#include "collector/log.h"

namespace psephos::collector {

/// The log by whichever way leads to it now: what the rest of the collector holds, while the way changes.
class CurrentLog final : public Log {
 public:
  void set(std::shared_ptr<Log> log) {
    const std::unique_lock lock(mutex_);
    log_ = std::move(log);
  }
  std::shared_ptr<Log> get() const {
    const std::shared_lock lock(mutex_);
    return log_;
  }

  void ballot(const BallotItem& item, Admission admission, const Digest256& fetch_secret_hash,
              RecordedDone done) override {
    get()->ballot(item, std::move(admission), fetch_secret_hash, std::move(done));
  }
  void refusal(BallotItem item, Ballot ballot, Rejection reason, RefusedDone done) override {
    get()->refusal(std::move(item), std::move(ballot), std::move(reason), std::move(done));
  }
  void document(EntryType type, Bytes item, RecordedDone done) override {
    get()->document(type, std::move(item), std::move(done));
  }
  void ticket(const Challenge& challenge, const Pseudonym& voter, std::uint64_t now_s,
              TicketDone done) override {
    get()->ticket(challenge, voter, now_s, std::move(done));
  }
  bool spent(const Challenge& challenge) const override { return get()->spent(challenge); }
  void await(std::uint64_t index, std::chrono::milliseconds timeout, CoveredDone done) override {
    get()->await(index, timeout, std::move(done));
  }
  std::optional<StoredCheckpoint> latest() const override { return get()->latest(); }
  bool catch_up() override { return get()->catch_up(); }
  std::uint64_t epoch() const override { return get()->epoch(); }
  bool sequencing() const override { return get()->sequencing(); }
  std::size_t witnesses_reachable() const override { return get()->witnesses_reachable(); }
  void stop() override { get()->stop(); }

 private:
  mutable std::shared_mutex mutex_;
  std::shared_ptr<Log> log_;
};

}  // namespace psephos::collector
