#pragma once
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "collector/ledger.h"
#include "collector/log.h"
#include "collector/witness_transport.h"
#include "crypto/secret/note_signer.h"

namespace psephos::collector {

/// Signs checkpoints of the committed log, has the witnesses co-sign them, keeps the co-signed ones, and
/// tells those who wait for their entry to be covered (SPEC §8.4, §8.5; C2SP tlog-witness, add-checkpoint).
///
/// One checkpoint is on its way at a time: it goes to all witnesses at once and stays until the quorum has
/// signed it, so a slow witness cannot starve it; then the newest head is next. Only committed heads are
/// signed, and only after the store has taken them as the one root of their size.
class Publisher {
 public:
  using CoveredDone = Log::CoveredDone;
  struct Timing {
    std::chrono::milliseconds request{3000};  ///< to one witness
    std::chrono::milliseconds retry_min{50};  ///< after a failure; doubles up to retry_max
    std::chrono::milliseconds retry_max{2000};
  };

  /// `transports[i]` leads to witness i of the definition; null: no way to it is known. `latest` is what the
  /// store holds. `broken` as in Sequencer::Hooks.
  Publisher(const Ledger& ledger, Store& store, const SigningKey& log_key,
            std::vector<std::unique_ptr<WitnessTransport>> transports, std::optional<StoredCheckpoint> latest,
            std::function<void(const Rejection&)> broken, Timing timing);
  ~Publisher();

  /// The log has a new committed head.
  void advance(const Head& head);
  /// Calls `done` once, from any thread: when the entry is covered, or with nullopt after `timeout`.
  void await(std::uint64_t index, std::chrono::milliseconds timeout, CoveredDone done);

  /// The latest co-signed checkpoint; nullopt before the first.
  std::optional<StoredCheckpoint> latest() const;
  /// Witnesses whose last request succeeded.
  std::size_t witnesses_reachable() const;

  /// Gives those who wait up to `grace` to be covered, then answers them all and ends the threads.
  void stop(std::chrono::milliseconds grace);

 private:
  using Steady = std::chrono::steady_clock;
  struct Target {
    Head head;
    std::string signed_by_log;  // what the witnesses are sent
    SignedNote note;            // the same with the cosignatures so far
    std::size_t cosignatures = 0;
  };
  struct Waiter {
    std::uint64_t index;
    Steady::time_point deadline;
    CoveredDone done;
  };
  struct Link {
    NoteKey key;
    std::unique_ptr<WitnessTransport> transport;
    std::uint64_t size = 0;         // up to which the witness follows the log, as far as known
    std::uint64_t signed_size = 0;  // of the last target it signed
    bool reachable = false;
    std::jthread thread;
  };
  using Lock = std::unique_lock<std::mutex>;

  void run(const std::stop_token& stop);
  void serve(Link& link, const std::stop_token& stop);
  Result<std::string, Rejection> ask(Link& link, const Target& target) const;
  std::shared_ptr<Target> sign_head(const Head& head) const;
  void start_target(Lock& lock);
  void finish_target(Lock& lock);
  void store_failed(const Rejection& why);
  void answer(Lock& lock, std::vector<Waiter> waiters, const std::optional<StoredCheckpoint>& covering);
  std::vector<Waiter> take_waiters(const std::function<bool(const Waiter&)>& which);
  void poke();

  const Ledger& ledger_;
  Store& store_;
  const SigningKey& log_key_;
  const std::function<void(const Rejection&)> broken_;
  const Timing timing_;
  std::vector<std::unique_ptr<Link>> links_;

  mutable std::mutex mutex_;  // guards all below, and the links' plain members but `size`
  std::condition_variable_any changed_;
  bool poked_ = false;
  Head head_;
  std::optional<StoredCheckpoint> latest_;
  std::shared_ptr<Target> target_;
  Steady::time_point store_not_before_{};
  std::vector<Waiter> waiters_;
  bool broken_store_ = false;
  bool stopped_ = false;
  std::jthread thread_;
};

}  // namespace psephos::collector
