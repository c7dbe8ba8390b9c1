#include "collector/follower.h"

#include <spdlog/spdlog.h>

#include <condition_variable>

namespace psephos::collector {

Follower::Follower(Ledger& ledger, Store& store, Hooks hooks, std::chrono::milliseconds interval)
    : ledger_(ledger), store_(store), hooks_(std::move(hooks)), interval_(interval) {}

void Follower::start() {
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

void Follower::stop() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
}

bool Follower::catch_up() {
  const std::lock_guard lock(replaying_);
  if (ended_) return false;
  const auto replayed = replay_new(store_, ledger_);
  if (replayed) return true;
  if (replayed.error().reason != Reason::kServiceUnavailable) {
    ended_ = true;
    hooks_.broken(replayed.error());
  }
  return false;
}

Result<void, Rejection> Follower::finish() {
  const std::lock_guard lock(replaying_);
  auto replayed = replay_new(store_, ledger_);
  if (replayed) ended_ = true;
  return replayed;
}

void Follower::run(const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  bool reachable = true;
  while (!stop.stop_requested()) {
    // In this order: a checkpoint read first is one that the ledger reaches.
    const auto latest = store_.latest_checkpoint();
    const auto lease = store_.lease();
    const bool up = latest && lease && catch_up();
    if (up != reachable) spdlog::warn("event=store_{}", up ? "reachable" : "unreachable");
    reachable = up;
    if (!up) hooks_.unreachable();
    if (up && !hooks_.looked(*lease, *latest)) return;
    wake.wait_for(lock, stop, interval_, [] { return false; });
  }
}

}  // namespace psephos::collector
