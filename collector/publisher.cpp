#include "collector/publisher.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <mutex>
#include <utility>

namespace psephos::collector {

Publisher::Publisher(const Ledger& ledger, Store& store, const SigningKey& log_key,
                     std::vector<std::unique_ptr<WitnessTransport>> transports,
                     std::optional<StoredCheckpoint> latest, std::function<void(const Rejection&)> broken,
                     Timing timing)
    : ledger_(ledger),
      store_(store),
      log_key_(log_key),
      broken_(std::move(broken)),
      timing_(timing),
      head_{ledger.tree.size(), ledger.tree.root()},
      latest_(std::move(latest)) {
  const auto roster = ledger.election.witnesses();
  for (std::size_t i = 0; i < roster.size() && i < transports.size(); ++i) {
    if (!transports[i]) continue;
    auto link = std::make_unique<Link>();
    link->key = roster[i];
    link->transport = std::move(transports[i]);
    if (latest_) link->size = latest_->head.size;  // a guess: a wrong one costs one request
    links_.push_back(std::move(link));
  }
  for (auto& link : links_)
    link->thread = std::jthread([this, &link = *link](const std::stop_token& stop) { serve(link, stop); });
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

Publisher::~Publisher() {
  stop(std::chrono::milliseconds(0));
}

void Publisher::poke() {
  poked_ = true;
  changed_.notify_all();
}

void Publisher::advance(const Head& head) {
  const std::lock_guard lock(mutex_);
  head_ = head;
  poke();
}

void Publisher::await(std::uint64_t index, std::chrono::milliseconds timeout, CoveredDone done) {
  {
    const std::lock_guard lock(mutex_);
    if (!stopped_ && !(latest_ && latest_->head.size > index)) {
      waiters_.push_back({index, Steady::now() + timeout, std::move(done)});
      return poke();
    }
  }
  auto covering = store_.checkpoint_covering(index);
  done(covering ? std::move(*covering) : std::nullopt);
}

std::optional<StoredCheckpoint> Publisher::latest() const {
  const std::lock_guard lock(mutex_);
  return latest_;
}

std::size_t Publisher::witnesses_reachable() const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::size_t>(
      std::count_if(links_.begin(), links_.end(), [](const auto& link) { return link->reachable; }));
}

void Publisher::stop(std::chrono::milliseconds grace) {
  {
    Lock lock(mutex_);
    if (!stopped_) changed_.wait_for(lock, grace, [this] { return waiters_.empty(); });
    stopped_ = true;
  }
  for (auto& link : links_) link->thread.request_stop();
  thread_.request_stop();
  for (auto& link : links_)
    if (link->thread.joinable()) link->thread.join();
  if (thread_.joinable()) thread_.join();
  Lock lock(mutex_);
  answer(lock, take_waiters([](const Waiter&) { return true; }), std::nullopt);
}

std::shared_ptr<Publisher::Target> Publisher::sign_head(const Head& head) const {
  auto target = std::make_shared<Target>();
  target->head = head;
  target->note = sign_checkpoint({ledger_.election.log_origin(), head.size, head.root}, log_key_);
  target->signed_by_log = target->note.encode();
  return target;
}

void Publisher::run(const std::stop_token& stop) {
  const std::uint64_t quorum = ledger_.election.definition().witness_quorum;
  Lock lock(mutex_);
  while (!stop.stop_requested()) {
    poked_ = false;
    const auto now = Steady::now();
    if (!target_ && !broken_store_ && now >= store_not_before_ &&
        head_.size > (latest_ ? latest_->head.size : 0)) {
      start_target(lock);
      continue;
    }
    if (target_ && target_->cosignatures >= quorum && !broken_store_ && now >= store_not_before_) {
      finish_target(lock);
      continue;
    }
    answer(lock, take_waiters([now](const Waiter& w) { return w.deadline <= now; }), std::nullopt);
    auto next = now + std::chrono::hours(1);
    if (store_not_before_ > now) next = std::min(next, store_not_before_);
    for (const Waiter& waiter : waiters_) next = std::min(next, waiter.deadline);
    changed_.wait_until(lock, stop, next, [this] { return poked_; });
  }
}

void Publisher::start_target(Lock& lock) {
  const Head head = head_;
  lock.unlock();
  const auto kept = store_.put_signed_head(head);
  auto target = kept ? sign_head(head) : nullptr;
  lock.lock();
  if (!kept) return store_failed(kept.error());
  target_ = std::move(target);
  changed_.notify_all();
}

void Publisher::store_failed(const Rejection& why) {
  spdlog::error("event=checkpoint_not_stored reason={}", name_of(why.reason));
  store_not_before_ = Steady::now() + std::chrono::seconds(1);
  if (why.reason == Reason::kServiceUnavailable) return;
  broken_store_ = true;
  broken_(why);
}

void Publisher::finish_target(Lock& lock) {
  const auto target = target_;
  StoredCheckpoint checkpoint{target->head, target->note.encode()};
  lock.unlock();
  const auto stored = store_.put_checkpoint(checkpoint);
  lock.lock();
  if (!stored) return store_failed(stored.error());
  target_.reset();
  latest_ = checkpoint;
  // Nobody who waits was covered by an earlier checkpoint, so this is the smallest that covers them.
  answer(lock, take_waiters([&](const Waiter& w) { return w.index < checkpoint.head.size; }), checkpoint);
}

std::vector<Publisher::Waiter> Publisher::take_waiters(const std::function<bool(const Waiter&)>& which) {
  const auto taken = std::stable_partition(waiters_.begin(), waiters_.end(),
                                           [&](const Waiter& waiter) { return !which(waiter); });
  std::vector<Waiter> out(std::make_move_iterator(taken), std::make_move_iterator(waiters_.end()));
  waiters_.erase(taken, waiters_.end());
  return out;
}

void Publisher::answer(Lock& lock, std::vector<Waiter> waiters,
                       const std::optional<StoredCheckpoint>& covering) {
  if (waiters.empty()) return;
  lock.unlock();
  for (Waiter& waiter : waiters) waiter.done(covering);
  lock.lock();
  changed_.notify_all();  // stop() may be waiting for this
}

void Publisher::serve(Link& link, const std::stop_token& stop) {
  auto pause = timing_.retry_min;
  while (!stop.stop_requested()) {
    std::shared_ptr<Target> target;
    {
      Lock lock(mutex_);
      if (!changed_.wait(lock, stop, [&] { return target_ && target_->head.size != link.signed_size; }))
        return;
      target = target_;
    }
    auto lines = ask(link, *target);
    Lock lock(mutex_);
    if (lines) {
      const auto added = add_cosignatures(target->note, *lines, std::span(&link.key, 1));
      if (!added || *added == 0)
        lines = reject(Reason::kSigInvalid, "no cosignature in the witness's answer");
    }
    if (link.reachable != lines.has_value()) {
      if (lines)
        spdlog::info("event=witness_reachable witness={}", link.key.name);
      else
        spdlog::warn("event=witness_failing witness={} reason={} detail=\"{}\"", link.key.name,
                     name_of(lines.error().reason), lines.error().object);
      link.reachable = lines.has_value();
    }
    if (lines) {
      link.signed_size = target->head.size;
      ++target->cosignatures;
      pause = timing_.retry_min;
      poke();
    } else {
      changed_.wait_for(lock, stop, pause, [] { return false; });
      pause = std::min(2 * pause, timing_.retry_max);
    }
  }
}

Result<std::string, Rejection> Publisher::ask(Link& link, const Target& target) const {
  for (int attempt = 0; attempt < 2; ++attempt) {
    if (link.size > target.head.size)  // it has signed more than this: the next target will suit it
      return reject(Reason::kServiceUnavailable, "ahead of the checkpoint");
    std::string body = "old " + std::to_string(link.size) + "\n";
    if (link.size > 0) {
      const std::shared_lock lock(ledger_.mutex);
      for (const Digest256& hash : ledger_.tree.consistency_proof(link.size, target.head.size))
        body += to_base64(hash) + "\n";
    }
    body += "\n" + target.signed_by_log;
    auto reply = link.transport->add_checkpoint(body, timing_.request);
    if (!reply) return std::unexpected(reply.error());
    if (reply->status == 200) {
      link.size = target.head.size;
      return std::move(reply->body);
    }
    if (reply->status != 409)
      return reject(Reason::kServiceUnavailable, "answers " + std::to_string(reply->status));
    std::string_view text = reply->body;
    if (text.ends_with('\n')) text.remove_suffix(1);
    const auto size = parse_tree_size(text);
    if (!size) return reject(Reason::kNoteFormat, "the size it should know the log by");
    {
      const std::shared_lock lock(ledger_.mutex);
      if (*size > ledger_.tree.size()) {
        // It co-signed what this store does not hold: the store was rolled back, or two collectors run.
        spdlog::critical("event=log_regression witness={} witness_size={} size={}", link.key.name, *size,
                         ledger_.tree.size());
        return reject(Reason::kLogHeadRegression, "a witness knows size " + std::to_string(*size));
      }
    }
    link.size = *size;
  }
  return reject(Reason::kServiceUnavailable, "does not agree on the size");
}

}  // namespace psephos::collector
