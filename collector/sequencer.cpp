#include "collector/sequencer.h"

#include <set>
#include <utility>

#include "crypto/invariant.h"
#include "protocol/checks/ballot_proofs.h"

namespace psephos::collector {

namespace {

constexpr std::size_t kMaxBatch = 1024;

Rejection unavailable(std::string why) {
  return {Reason::kServiceUnavailable, std::move(why)};
}

}  // namespace

/// What one transaction will hold, and what happens after it.
struct Sequencer::Batch {
  std::vector<NewEntry> entries;
  struct Logged {
    std::size_t position;
    Admission admission;
    RecordedDone done;
  };
  std::vector<Logged> ballots;
  struct Refused {
    Pseudonym voter;
    Rejection reason;
    RefusedDone done;
  };
  std::vector<Refused> refusals;
  std::set<ByteArray<32>> touched;  // pseudonyms and alphas in it, and of all put off

  bool touches(const Ballot& ballot) const {
    if (touched.contains(ballot.pseudonym)) return true;
    for (const Selection& selection : ballot.selections)
      if (touched.contains(selection.alpha.encode())) return true;
    return false;
  }
  void touch(const Ballot& ballot) {
    touched.insert(ballot.pseudonym);
    for (const Selection& selection : ballot.selections) touched.insert(selection.alpha.encode());
  }
};

Sequencer::Sequencer(Ledger& ledger, Store& store, const EidVerifier& eid, Rng& rng, Hooks hooks)
    : ledger_(ledger), store_(store), eid_(eid), rng_(rng), hooks_(std::move(hooks)) {
  for (std::uint64_t i = 0; i < ledger_.tree.size(); ++i) range_.append(ledger_.tree.leaf(i));
  thread_ = std::jthread([this] { run(); });
}

Sequencer::~Sequencer() {
  stop();
}

void Sequencer::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Sequencer::ballot(const BallotItem& item, Admission admission, const Digest256& fetch_secret_hash,
                       RecordedDone done) {
  enqueue(BallotWork{encode(item), std::move(admission), fetch_secret_hash, std::move(done)});
}

void Sequencer::refusal(BallotItem item, Ballot ballot, Rejection reason, RefusedDone done) {
  enqueue(RefusalWork{std::move(item), std::move(ballot), std::move(reason), std::move(done)});
}

void Sequencer::document(EntryType type, Bytes item, RecordedDone done) {
  enqueue(DocumentWork{type, std::move(item), std::move(done)});
}

void Sequencer::enqueue(Work work) {
  {
    const std::lock_guard lock(mutex_);
    if (!stopping_) {
      queue_.push_back(std::move(work));
      wake_.notify_one();
      return;
    }
  }
  const Rejection stopped = unavailable("stopping");
  if (auto* ballot = std::get_if<BallotWork>(&work)) ballot->done(std::unexpected(stopped));
  if (auto* refusal = std::get_if<RefusalWork>(&work)) refusal->done(refusal->reason);
  if (auto* document = std::get_if<DocumentWork>(&work)) document->done(std::unexpected(stopped));
}

void Sequencer::run() {
  for (;;) {
    std::deque<Work> work;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (queue_.empty()) return;
      work.swap(queue_);
    }
    process(std::move(work));
  }
}

void Sequencer::process(std::deque<Work> work) {
  while (!work.empty()) {
    if (auto* document = std::get_if<DocumentWork>(&work.front())) {
      apply(*document);
      work.pop_front();
      continue;
    }
    check_proofs(work);
    Batch batch;
    std::deque<Work> put_off;
    while (!work.empty() && batch.entries.size() < kMaxBatch &&
           !std::holds_alternative<DocumentWork>(work.front())) {
      Work next = std::move(work.front());
      work.pop_front();
      auto* as_ballot = std::get_if<BallotWork>(&next);
      auto* as_refusal = std::get_if<RefusalWork>(&next);
      const Ballot& ballot = as_ballot != nullptr ? as_ballot->admission.ballot : as_refusal->ballot;
      if (batch.touches(ballot)) {
        batch.touch(ballot);
        put_off.push_back(std::move(next));
      } else if (as_ballot != nullptr) {
        judge(*as_ballot, batch);
      } else {
        judge(*as_refusal, batch);
      }
    }
    commit(batch);
    for (; !put_off.empty(); put_off.pop_back()) work.push_front(std::move(put_off.back()));
  }
}

/// Checks the proofs of the ballots that the next batch may hold, in one batch of their own; those that fail
/// are answered and taken out.
void Sequencer::check_proofs(std::deque<Work>& work) {
  std::vector<BallotWork*> due;
  std::vector<const Ballot*> ballots;
  for (Work& one : work) {
    auto* ballot = std::get_if<BallotWork>(&one);
    if (ballot == nullptr || ballot->proved) continue;
    due.push_back(ballot);
    ballots.push_back(&ballot->admission.ballot);
    if (due.size() == kMaxBatch) break;
  }
  const auto outcomes = check_ballot_proofs_batch(ledger_.state.election(), ballots);
  std::set<const BallotWork*> failed;
  for (std::size_t i = 0; i < due.size(); ++i) {
    due[i]->proved = outcomes[i].has_value();
    if (due[i]->proved) continue;
    failed.insert(due[i]);
    due[i]->done(std::unexpected(outcomes[i].error()));
  }
  std::erase_if(work, [&](const Work& one) { return failed.contains(std::get_if<BallotWork>(&one)); });
}

// This thread is the only one that changes the state, so it reads without a lock.

void Sequencer::judge(BallotWork& work, Batch& batch) {
  if (const auto index = ledger_.state.index_of(work.admission.id))
    return work.done(Recorded{*index, SubmitOutcome::kDuplicateIdempotent});
  if (auto ok = ledger_.state.check_again(work.admission); !ok) return work.done(std::unexpected(ok.error()));
  batch.touch(work.admission.ballot);
  NewEntry entry = new_entry(EntryType::kBallot, std::move(work.item));
  entry.ballot = BallotKey{work.admission.id, work.fetch_secret_hash};
  batch.ballots.push_back({batch.entries.size(), std::move(work.admission), std::move(work.done)});
  batch.entries.push_back(std::move(entry));
}

void Sequencer::judge(RefusalWork& work, Batch& batch) {
  const auto logged = ledger_.refusals.find(work.ballot.pseudonym);
  if (logged != ledger_.refusals.end() && logged->second >= Log::kMaxRefusals) return work.done(work.reason);
  const auto admitted = ledger_.state.admit(work.item, eid_);
  // No refusal, or none yet: nobody asked for the evidence of a ballot that was refused before.
  if (admitted || admitted.error().reason == Reason::kEvidenceMissing ||
      !may_append(ledger_.state.phase(), EntryType::kRefusal))
    return work.done(work.reason);
  const RefusalItem item{std::move(work.item.envelope), work.item.received_ms,
                         static_cast<std::uint64_t>(admitted.error().reason)};
  batch.touch(work.ballot);  // one refusal of a voter a batch, so that they are counted
  batch.entries.push_back(new_entry(EntryType::kRefusal, encode(item)));
  batch.refusals.push_back({work.ballot.pseudonym, admitted.error(), std::move(work.done)});
}

void Sequencer::commit(Batch& batch) {
  if (batch.entries.empty()) return;
  const std::uint64_t first = range_.size();
  const auto written = write(batch.entries);
  if (!written) {
    for (auto& ballot : batch.ballots) ballot.done(std::unexpected(unavailable("store")));
    for (auto& refusal : batch.refusals) refusal.done(refusal.reason);
    return;
  }
  {
    const std::unique_lock lock(ledger_.mutex);
    for (const NewEntry& entry : batch.entries) ledger_.tree.append(leaf_hash(entry.entry));
    for (const auto& ballot : batch.ballots)
      ledger_.state.record_ballot(first + ballot.position, ballot.admission);
    for (const auto& refusal : batch.refusals) ++ledger_.refusals[refusal.voter];
  }
  hooks_.committed({range_.size(), range_.root()});
  for (auto& ballot : batch.ballots) ballot.done(Recorded{first + ballot.position, SubmitOutcome::kAccepted});
  for (auto& refusal : batch.refusals) refusal.done(refusal.reason);
}

void Sequencer::apply(DocumentWork& work) {
  const std::uint64_t index = range_.size();
  const auto effect = ledger_.state.check_document(index, work.type, work.item);
  if (!effect) return work.done(std::unexpected(effect.error()));
  const NewEntry entry = new_entry(work.type, std::move(work.item));
  if (auto ok = write({&entry, 1}); !ok) return work.done(std::unexpected(ok.error()));
  {
    const std::unique_lock lock(ledger_.mutex);
    ledger_.tree.append(leaf_hash(entry.entry));
    ledger_.state.apply(*effect);
  }
  hooks_.committed({range_.size(), range_.root()});
  work.done(Recorded{index, SubmitOutcome::kAccepted});
}

Result<void, Rejection> Sequencer::write(std::span<const NewEntry> entries) {
  if (broken_) return std::unexpected(unavailable("store"));
  CompactRange after = range_;
  for (const NewEntry& entry : entries) after.append(leaf_hash(entry.entry));
  const auto written = store_.append({range_.size(), range_.root()}, entries, {after.size(), after.root()});
  if (!written) {
    if (written.error().reason != Reason::kServiceUnavailable) {
      broken_ = true;
      hooks_.broken(written.error());
    }
    return written;
  }
  range_ = std::move(after);
  return {};
}

NewEntry Sequencer::new_entry(EntryType type, Bytes item) {
  NewEntry entry{.type = type, .entry = {}, .salt = {}, .item = std::move(item), .ballot = std::nullopt};
  rng_.fill(entry.salt);
  entry.entry = make_entry(type, entry.salt, entry.item);
  return entry;
}

}  // namespace psephos::collector
