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

/// What the collector knows of its log, in memory: never ahead of the store. The sequencer alone changes it,
/// and only after a commit; everybody else reads under a shared lock.
struct Ledger {
  explicit Ledger(const Election& e) : election(e), state(e) {}
  const Election election;  ///< immutable: needs no lock
  mutable std::shared_mutex mutex;
  ElectionState state;
  MerkleTree tree;
  std::map<Pseudonym, std::uint64_t> refusals;  ///< logged ones, by voter
};

/// Rebuilds the ledger from the store: every entry is what its opening commits to, every ballot and document
/// passes the checks that depend on the state before it, and entries, head and co-signed checkpoints give the
/// same roots. Signatures and proofs of ballots were checked before they were logged and are not checked
/// again.
/// @return kLogLeafMismatch, kLogRootMismatch or kStoreInconsistent, naming the entry; what the store
/// returns.
Result<void, Rejection> replay_store(Store& store, Ledger& ledger);

}  // namespace psephos::collector
