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
  // The ticket's signature was checked before the ballot was logged, as the card's, the evidence for it and
  // the proofs were.
  if (!*loaded.ballot) return;
  loaded.examined = ElectionState::examine(election, **loaded.ballot);
  Admission& admission = loaded.examined.admission;
  if (const auto certificate = parse_certificate(admission.signed_ballot.certificate))
    admission.key = key_hash(*certificate);
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
  for (Loaded& loaded : batch) {
    if (auto ok = replay_entry(loaded, ledger); !ok) return ok;
    ledger.tree.append(leaf_hash(loaded.stored.entry));
  }
  batch.clear();
  return {};
}

}  // namespace

Result<void, Rejection> replay_store(Store& store, Ledger& ledger) {
  const auto head = store.head();
  if (!head) return std::unexpected(head.error());
  constexpr std::size_t kBatch = 2048;
  std::vector<Loaded> batch;
  Progress progress("log", head->size, "entries");
  auto replayed = store.for_each(0, [&](const StoredEntry& stored) -> Result<void, Rejection> {
    batch.push_back({.stored = stored, .type = {}, .opens = false, .ballot = {}, .examined = {}});
    progress.advance();
    if (batch.size() < kBatch) return {};
    return replay_batch(batch, ledger);
  });
  if (replayed) replayed = replay_batch(batch, ledger);
  if (!replayed) return replayed;
  if (ledger.tree.size() != head->size)
    return reject(Reason::kStoreInconsistent, "store: head of " + std::to_string(head->size) + " over " +
                                                  std::to_string(ledger.tree.size()) + " entries");
  if (ledger.tree.root() != head->root) return reject(Reason::kLogRootMismatch, "store: head");

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
