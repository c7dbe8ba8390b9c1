#include "collector/ledger.h"

#include "crypto/parallel.h"
#include "protocol/files/progress.h"

namespace psephos::collector {

namespace {

/// Makes a rejection of the log's own content the store's fault, and says where.
std::unexpected<Rejection> inconsistent(std::uint64_t index, const Rejection& why) {
  return reject(Reason::kStoreInconsistent, "entry " + std::to_string(index) + ": " + to_string(why));
}

/// An entry of the store on its way into the ledger.
struct Loaded {
  StoredEntry stored;
  std::optional<EntryType> type;
  bool opens = false;  // the entry is what its opening commits to
  std::optional<Result<BallotItem, Rejection>> ballot;
  Examined examined;
};

/// What needs no state, on any thread.
void examine(const Election& election, Loaded& loaded) {
  const StoredEntry& stored = loaded.stored;
  loaded.type = type_of(stored.entry);
  if (!loaded.type) return;
  loaded.opens = make_entry(*loaded.type, stored.salt, stored.item) == stored.entry;
  if (!loaded.opens || *loaded.type != EntryType::kBallot) return;
  loaded.ballot = decode<BallotItem>(stored.item);
  if (*loaded.ballot) loaded.examined = examine_verified(election, **loaded.ballot);
}

Result<void, Rejection> replay_entry(Loaded& loaded, Ledger& ledger) {
  ElectionState& state = ledger.state;
  const StoredEntry& stored = loaded.stored;
  if (!loaded.type) return reject(Reason::kLogEntryUnknown, "entry " + std::to_string(stored.index));
  if (!loaded.opens) return reject(Reason::kLogLeafMismatch, "entry " + std::to_string(stored.index));
  switch (*loaded.type) {
    case EntryType::kBallot: {
      const auto& item = *loaded.ballot;
      if (!item) return inconsistent(stored.index, item.error());
      const auto admission = state.check_cheap(*item, std::move(loaded.examined));
      if (!admission) return inconsistent(stored.index, admission.error());
      if (stored.ballot_id != admission->id)
        return inconsistent(stored.index, {Reason::kStoreInconsistent, "ballot id"});
      state.record_ballot(stored.index, *admission);
      return {};
    }
    case EntryType::kRefusal: {
      const auto item = decode<RefusalItem>(stored.item);
      if (!item) return inconsistent(stored.index, item.error());
      const auto container = read_container(item->envelope.container);
      if (!container) return inconsistent(stored.index, container.error());
      const auto ballot = decode<Ballot>(container->ballot);
      if (!ballot) return inconsistent(stored.index, ballot.error());
      ++ledger.refusals[ballot->pseudonym];
      return {};
    }
    case EntryType::kPhase:
    case EntryType::kRoll:
    case EntryType::kRevocation:
      if (auto ok = state.apply_document(stored.index, *loaded.type, stored.item); !ok)
        return inconsistent(stored.index, ok.error());
      return {};
  }
  return reject(Reason::kLogEntryUnknown, "entry " + std::to_string(stored.index));
}

/// Examines a batch on all cores, then takes it into the ledger in order.
Result<void, Rejection> replay_batch(std::vector<Loaded>& batch, Ledger& ledger) {
  parallel_for(batch.size(), 16, [&](std::size_t i) { examine(ledger.election, batch[i]); });
  const std::unique_lock lock(ledger.mutex);
  for (Loaded& loaded : batch) {
    if (auto ok = replay_entry(loaded, ledger); !ok) return ok;
    ledger.tree.append(leaf_hash(loaded.stored.entry));
  }
  batch.clear();
  return {};
}

/// The entries from the ledger's end on, up to a head of the store; `advance` is called for each.
Result<void, Rejection> replay_rest(Store& store, Ledger& ledger, const std::function<void()>& advance) {
  constexpr std::size_t kBatch = 2048;
  for (;;) {
    const std::uint64_t begin = ledger.tree.size();
    std::vector<Loaded> batch;
    auto replayed = store.for_each(begin, [&](const StoredEntry& stored) -> Result<void, Rejection> {
      batch.push_back({.stored = stored, .type = {}, .opens = false, .ballot = {}, .examined = {}});
      advance();
      if (batch.size() < kBatch) return {};
      return replay_batch(batch, ledger);
    });
    if (replayed) replayed = replay_batch(batch, ledger);
    if (!replayed) return replayed;
    // Another collector may be writing, so that more can have come: but never an entry before its head.
    const auto head = store.head();
    if (!head) return std::unexpected(head.error());
    const std::uint64_t size = ledger.tree.size();
    if (head->size > size && size > begin) continue;
    if (head->size != size)
      return reject(Reason::kStoreInconsistent, "store: head of " + std::to_string(head->size) + " over " +
                                                    std::to_string(size) + " entries");
    if (ledger.tree.root() != head->root) return reject(Reason::kLogRootMismatch, "store: head");
    return {};
  }
}

}  // namespace

Examined examine_verified(const Election& election, const BallotItem& item) {
  Examined out = ElectionState::examine(election, item);
  if (out.bytes) return out;
  if (const auto certificate = parse_certificate(out.admission.signed_ballot.certificate))
    out.admission.key = key_hash(*certificate);
  return out;
}

Result<void, Rejection> replay_new(Store& store, Ledger& ledger) {
  const auto head = store.head();
  if (!head) return std::unexpected(head.error());
  if (*head == Head{ledger.tree.size(), ledger.tree.root()}) return {};
  return replay_rest(store, ledger, [] {});
}

Result<void, Rejection> replay_store(Store& store, Ledger& ledger) {
  const auto head = store.head();
  if (!head) return std::unexpected(head.error());
  Progress progress("log", head->size, "entries");
  if (auto ok = replay_rest(store, ledger, [&] { progress.advance(); }); !ok) return ok;

  const auto latest = store.latest_checkpoint();
  if (!latest) return std::unexpected(latest.error());
  if (*latest) {
    const auto checkpoint = ledger.election.check_checkpoint((*latest)->note);
    if (!checkpoint) return std::unexpected(checkpoint.error());
    const std::string object = "store: checkpoint of " + std::to_string(checkpoint->size);
    if (checkpoint->size > ledger.tree.size()) return reject(Reason::kStoreInconsistent, object);
    if (ledger.tree.root(checkpoint->size) != checkpoint->root)
      return reject(Reason::kLogRootMismatch, object);
  }
  return {};
}

}  // namespace psephos::collector
