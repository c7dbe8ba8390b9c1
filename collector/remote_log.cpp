#include "collector/remote_log.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "protocol/labels.h"

namespace psephos::collector {

namespace {

constexpr std::size_t kMaxWorks = 256;

Rejection unavailable(std::string why) {
  return {Reason::kServiceUnavailable, std::move(why)};
}

Result<Recorded, Rejection> recorded(const Result<PeerResult, Rejection>& result) {
  if (!result) return std::unexpected(result.error());
  const auto outcome = static_cast<SubmitOutcome>(result->outcome);
  if (!valid(outcome)) return std::unexpected(unavailable("an outcome that is none"));
  return Recorded{result->index, outcome};
}

}  // namespace

RemoteLog::RemoteLog(const Ledger& ledger, const SigningKey& service_key, std::function<bool()> catch_up,
                     PeerConnect connect, const Limits& limits)
    : ledger_(ledger),
      service_key_(service_key),
      catch_up_(std::move(catch_up)),
      connect_(std::move(connect)),
      limits_(limits) {
  for (std::size_t i = 0; i < limits_.connections; ++i)
    threads_.emplace_back([this](const std::stop_token& stop) { run(stop); });
}

RemoteLog::~RemoteLog() {
  stop();
}

void RemoteLog::stop() {
  std::deque<Work> left;
  std::vector<Waiter> waiting;
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    left.swap(queue_);
    waiting.swap(waiters_);
  }
  for (Work& work : left) work.done(std::unexpected(unavailable("stopping")));
  for (auto& thread : threads_) thread.request_stop();
  for (auto& thread : threads_)
    if (thread.joinable()) thread.join();
  for (Waiter& waiter : waiting) waiter.done(std::nullopt);
}

void RemoteLog::looked(const Lease& lease, const std::optional<StoredCheckpoint>& latest) {
  {
    const std::lock_guard lock(mutex_);
    lease_ = lease;
    if (latest && (!latest_ || latest->head.size > latest_->head.size)) latest_ = latest;
    changed_.notify_all();
  }
  answer_waiters();
}

void RemoteLog::answer_waiters() {
  std::vector<Waiter> due;
  std::optional<StoredCheckpoint> latest;
  {
    const std::lock_guard lock(mutex_);
    latest = latest_;
    const auto now = Steady::now();
    const auto is_due = [&](const Waiter& w) {
      return w.deadline <= now || (latest && w.index < latest->head.size);
    };
    const auto rest = std::ranges::partition(waiters_, std::not_fn(is_due));
    due.assign(std::make_move_iterator(rest.begin()), std::make_move_iterator(rest.end()));
    waiters_.erase(rest.begin(), rest.end());
  }
  for (Waiter& waiter : due) waiter.done(latest && waiter.index < latest->head.size ? latest : std::nullopt);
}

void RemoteLog::await(std::uint64_t index, std::chrono::milliseconds timeout, CoveredDone done) {
  std::optional<StoredCheckpoint> latest;
  {
    const std::lock_guard lock(mutex_);
    if (!stopped_ && !(latest_ && index < latest_->head.size)) {
      waiters_.push_back({index, Steady::now() + timeout, std::move(done)});
      return;
    }
    latest = latest_;
  }
  done(latest && index < latest->head.size ? latest : std::nullopt);
}

std::optional<StoredCheckpoint> RemoteLog::latest() const {
  const std::lock_guard lock(mutex_);
  return latest_;
}

std::uint64_t RemoteLog::epoch() const {
  const std::lock_guard lock(mutex_);
  return lease_.epoch;
}

void RemoteLog::enqueue(PeerWork work, Done done) {
  {
    const std::lock_guard lock(mutex_);
    if (!stopped_ && queue_.size() < limits_.queued) {
      queue_.push_back({std::move(work), std::move(done)});
      changed_.notify_one();
      return;
    }
  }
  done(std::unexpected(unavailable("too much waits for the collector that orders the log")));
}

void RemoteLog::run(const std::stop_token& stop) {
  std::string address;
  std::unique_ptr<PeerTransport> transport;
  for (;;) {
    std::deque<Work> works;
    PeerRequest request{.fingerprint = ledger_.election.fingerprint(), .epoch = 0, .works = {}};
    bool moved = false;
    {
      std::unique_lock lock(mutex_);
      if (!changed_.wait(lock, stop, [this] { return !queue_.empty(); })) return;
      std::size_t bytes = 0;
      while (!queue_.empty() && works.size() < kMaxWorks && bytes < kPeerBatchBytes) {
        bytes += queue_.front().work.item.size();
        works.push_back(std::move(queue_.front()));
        queue_.pop_front();
      }
      request.epoch = lease_.epoch;
      moved = std::exchange(address, lease_.address) != lease_.address;
    }
    for (Work& one : works) request.works.push_back(std::move(one.work));
    ServiceSigned message{.body = encode(request), .signature = {}};
    message.signature = service_key_.sign_labelled(labels::kSignPeerRequest, message.body);
    if (moved) transport.reset();
    if (!transport) {
      auto connected = connect_(address);
      if (connected) transport = std::move(*connected);
    }
    exchange(transport.get(), encode(message), std::move(works), limits_.timeout);
  }
}

void RemoteLog::exchange(PeerTransport* transport, const Bytes& request, std::deque<Work> works,
                         std::chrono::milliseconds timeout) {
  Result<PeerAnswer, Rejection> answer = std::unexpected(unavailable("no collector orders the log"));
  if (transport != nullptr) {
    const auto bytes = transport->ask(request, timeout);
    answer = bytes ? decode<PeerAnswer>(*bytes) : std::unexpected(bytes.error());
    if (answer && answer->results.size() != works.size())
      answer = std::unexpected(unavailable("another number of results"));
  }
  if (!answer) {
    spdlog::warn("event=sequencer_unreachable works={} cause=\"{}\"", works.size(), answer.error().object);
    for (Work& work : works) work.done(std::unexpected(unavailable("the collector that orders the log")));
    return;
  }
  for (std::size_t i = 0; i < works.size(); ++i) {
    PeerResult& result = answer->results[i];
    if (result.reason == 0) {
      works[i].done(std::move(result));
      continue;
    }
    const auto reason = reason_from(result.reason);
    works[i].done(
        std::unexpected(Rejection{reason ? *reason : Reason::kServiceUnavailable, std::move(result.object)}));
  }
}

void RemoteLog::ballot(const BallotItem& item, Admission /*admission*/, const Digest256& fetch_secret_hash,
                       RecordedDone done) {
  enqueue({.kind = PeerWorkKind::kBallot, .item = encode(item), .detail = fetch_secret_hash, .number = 0},
          [done = std::move(done)](const Result<PeerResult, Rejection>& result) mutable {
            done(recorded(result));
          });
}

void RemoteLog::refusal(BallotItem item, Ballot /*ballot*/, Rejection reason, RefusedDone done) {
  enqueue({.kind = PeerWorkKind::kRefusal,
           .item = encode(item),
           .detail = {},
           .number = static_cast<std::uint64_t>(reason.reason)},
          [done = std::move(done), reason](const Result<PeerResult, Rejection>& result) mutable {
            // A refusal that could not be logged is given all the same.
            const bool unknown = result || result.error().reason == Reason::kServiceUnavailable;
            done(unknown ? reason : result.error());
          });
}

void RemoteLog::document(EntryType type, Bytes item, RecordedDone done) {
  enqueue({.kind = PeerWorkKind::kDocument,
           .item = std::move(item),
           .detail = {},
           .number = static_cast<std::uint64_t>(type)},
          [done = std::move(done)](const Result<PeerResult, Rejection>& result) mutable {
            done(recorded(result));
          });
}

void RemoteLog::ticket(const Challenge& challenge, const Pseudonym& voter, std::uint64_t now_s,
                       TicketDone done) {
  enqueue({.kind = PeerWorkKind::kTicket, .item = encode(challenge), .detail = voter, .number = now_s},
          [done = std::move(done)](const Result<PeerResult, Rejection>& result) mutable {
            if (!result) return done(std::unexpected(result.error()));
            done(decode<ServiceSigned>(result->ticket));
          });
}

}  // namespace psephos::collector
