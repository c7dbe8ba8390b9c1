#pragma once
#include <chrono>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

#include "collector/ledger.h"

namespace psephos::collector {

/// Keeps a ledger up with a store that another collector writes: what that one has committed, checked as at
/// start.
class Follower {
 public:
  struct Hooks {
    /// After every look that succeeded, on the follower's thread: who orders the log, and the latest
    /// co-signed checkpoint that the ledger reaches. @return whether to go on.
    std::function<bool(const Lease& lease, const std::optional<StoredCheckpoint>& latest)> looked;
    std::function<void()> unreachable;  ///< after every look that the store did not answer, likewise
    std::function<void(const Rejection&)> broken;  ///< the store contradicts the ledger: stop the process
  };
  Follower(Ledger& ledger, Store& store, Hooks hooks, std::chrono::milliseconds interval);
  ~Follower() { stop(); }

  /// Begins to look, every `interval`.
  void start();
  /// Takes in what the store held when it was called. @return false if the store does not answer or
  /// contradicts the ledger, and after finish().
  bool catch_up();
  /// Takes in what the store holds, for the last time: once it succeeds, the ledger is another's to change.
  /// @return as replay_new.
  Result<void, Rejection> finish();
  /// Ends the thread. Not from a hook.
  void stop();

 private:
  void run(const std::stop_token& stop);

  Ledger& ledger_;
  Store& store_;
  const Hooks hooks_;
  const std::chrono::milliseconds interval_;
  std::mutex replaying_;
  bool ended_ = false;  // nothing is taken in any more
  std::jthread thread_;
};

}  // namespace psephos::collector
