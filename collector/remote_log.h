#pragma once
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "collector/follower.h"
#include "collector/log.h"
#include "collector/peer.h"

namespace psephos::collector {

/// The way to one collector that orders the log. For one thread at a time.
class PeerTransport {
 public:
  virtual ~PeerTransport() = default;
  /// ServiceSigned of a PeerRequest to PeerAnswer. @return kServiceUnavailable, with the cause.
  virtual Result<Bytes, Rejection> ask(ByteView request, std::chrono::milliseconds timeout) = 0;
};
/// By the address that the holder of the lease gave. @return kUsage for no address.
using PeerConnect =
    std::function<Result<std::unique_ptr<PeerTransport>, Rejection>(const std::string& address)>;

/// The log while another collector orders it. What was checked here waits for a free connection and goes
/// there together with all else that waits; what becomes of it is seen in the store, by a Follower.
class RemoteLog final : public Log {
 public:
  struct Limits {
    std::size_t connections = 4;
    std::size_t queued = 8192;
    std::chrono::milliseconds timeout{10'000};
  };
  /// All are kept by reference; `catch_up` is the follower's.
  RemoteLog(const Ledger& ledger, const SigningKey& service_key, std::function<bool()> catch_up,
            PeerConnect connect, const Limits& limits);
  ~RemoteLog() override;

  /// What the follower saw: from now on this is who orders the log.
  void looked(const Lease& lease, const std::optional<StoredCheckpoint>& latest);
  /// Answers those who wait and are covered, or have waited long enough: whoever follows calls it now and
  /// then, also while the store does not answer.
  void answer_waiters();

  void ballot(const BallotItem& item, Admission admission, const Digest256& fetch_secret_hash,
              RecordedDone done) override;
  void refusal(BallotItem item, Ballot ballot, Rejection reason, RefusedDone done) override;
  void document(EntryType type, Bytes item, RecordedDone done) override;
  void ticket(const Challenge& challenge, const Pseudonym& voter, std::uint64_t now_s,
              TicketDone done) override;
  bool spent(const Challenge&) const override { return false; }
  void await(std::uint64_t index, std::chrono::milliseconds timeout, CoveredDone done) override;
  std::optional<StoredCheckpoint> latest() const override;
  bool catch_up() override { return catch_up_(); }
  std::uint64_t epoch() const override;
  bool sequencing() const override { return false; }
  std::size_t witnesses_reachable() const override { return 0; }
  void stop() override;

 private:
  using Done = std::move_only_function<void(Result<PeerResult, Rejection>)>;
  using Steady = std::chrono::steady_clock;
  struct Work {
    PeerWork work;
    Done done;
  };
  struct Waiter {
    std::uint64_t index;
    Steady::time_point deadline;
    CoveredDone done;
  };
  void enqueue(PeerWork work, Done done);
  void run(const std::stop_token& stop);
  static void exchange(PeerTransport* transport, const Bytes& request, std::deque<Work> works,
                       std::chrono::milliseconds timeout);

  const Ledger& ledger_;
  const SigningKey& service_key_;
  const std::function<bool()> catch_up_;
  const PeerConnect connect_;
  const Limits limits_;

  mutable std::mutex mutex_;  // guards all below
  std::condition_variable_any changed_;
  Lease lease_;
  std::optional<StoredCheckpoint> latest_;
  std::deque<Work> queue_;
  std::vector<Waiter> waiters_;
  bool stopped_ = false;
  std::vector<std::jthread> threads_;
};

}  // namespace psephos::collector
