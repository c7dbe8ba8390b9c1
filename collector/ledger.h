#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <shared_mutex>

#include "collector/store.h"
#include "crypto/merkle.h"
#include "protocol/checks/admission.h"

namespace psephos::collector {

/// Milliseconds since 1970, passed in so that tests can choose them.
using Clock = std::function<std::uint64_t()>;

/// What the collector knows of its log, in memory: never ahead of the store. One thread alone changes it, the
/// sequencer after its commits or a follower after another's; everybody else reads under a shared lock.
struct Ledger {
  explicit Ledger(const Election& e) : election(e), state(e) {}
  const Election election;  ///< immutable: needs no lock
  mutable std::shared_mutex mutex;
  ElectionState state;
  MerkleTree tree;
  std::map<Pseudonym, std::uint64_t> refusals;  ///< logged ones, by voter
};

/// What the bytes of a ballot say whose signatures were verified before, by this collector or another: of the
/// ticket, the card and the evidence. None is verified again.
Examined examine_verified(const Election& election, const BallotItem& item);

/// Rebuilds the ledger from the store: every entry is what its opening commits to, every ballot and document
/// passes the checks that depend on the state before it, and entries, head and co-signed checkpoints give the
/// same roots. Signatures and proofs of ballots were checked before they were logged and are not checked
/// again.
/// @return kLogLeafMismatch, kLogRootMismatch or kStoreInconsistent, naming the entry; what the store
/// returns.
Result<void, Rejection> replay_store(Store& store, Ledger& ledger);
/// The same for what the store holds beyond the ledger, which others may read meanwhile.
Result<void, Rejection> replay_new(Store& store, Ledger& ledger);

}  // namespace psephos::collector
