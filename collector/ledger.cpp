#include "collector/ledger.h"

namespace psephos::collector {

namespace {

/// Makes a rejection of the log's own content the store's fault, and says where.
std::unexpected<Rejection> inconsistent(std::uint64_t index, const Rejection& why) {
  return reject(Reason::kStoreInconsistent, "entry " + std::to_string(index) + ": " + to_string(why));
}

Result<void, Rejection> replay_entry(const StoredEntry& stored, EntryType type, Ledger& ledger) {
  ElectionState& state = ledger.state;
  switch (type) {
    case EntryType::kBallot: {
      const auto item = decode<BallotItem>(stored.item);
      if (!item) return inconsistent(stored.index, item.error());
      const auto admission = state.check_cheap(*item);
      if (!admission) return inconsistent(stored.index, admission.error());
      if (stored.ballot_id != admission->id)
        return inconsistent(stored.index, {Reason::kStoreInconsistent, "ballot id"});
      state.record_ballot(stored.index, *admission);
      return {};
    }
    case EntryType::kRefusal: {
      const auto item = decode<RefusalItem>(stored.item);
      if (!item) return inconsistent(stored.index, item.error());
      const auto ballot = decode<Ballot>(item->envelope.ballot);
      if (!ballot) return inconsistent(stored.index, ballot.error());
      ++ledger.refusals[ballot->pseudonym];
      return {};
    }
    case EntryType::kPhase:
    case EntryType::kRoll:
    case EntryType::kRevocation: {
      if (auto ok = state.apply_document(stored.index, type, stored.item); !ok)
        return inconsistent(stored.index, ok.error());
      return {};
    }
  }
  return reject(Reason::kLogEntryUnknown, "entry " + std::to_string(stored.index));
}

}  // namespace

Result<void, Rejection> replay_store(Store& store, Ledger& ledger) {
  const auto head = store.head();
  if (!head) return std::unexpected(head.error());
  const auto replayed = store.for_each([&](const StoredEntry& stored) -> Result<void, Rejection> {
    const auto type = type_of(stored.entry);
    if (!type) return reject(Reason::kLogEntryUnknown, "entry " + std::to_string(stored.index));
    if (make_entry(*type, stored.salt, stored.item) != stored.entry)
      return reject(Reason::kLogLeafMismatch, "entry " + std::to_string(stored.index));
    if (auto ok = replay_entry(stored, *type, ledger); !ok) return ok;
    ledger.tree.append(leaf_hash(stored.entry));
    return {};
  });
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
