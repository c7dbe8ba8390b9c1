#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>

#include "crypto/hash.h"
#include "protocol/ballot.h"
#include "protocol/log_entry.h"
#include "protocol/rejection.h"

namespace psephos::collector {

/// Size and root of the log's tree.
struct Head {
  std::uint64_t size = 0;
  Digest256 root{};
  friend bool operator==(const Head&, const Head&) = default;
};

/// What only a ballot's entry has: its id, and the hash of the secret that opens it to the voter's phone.
struct BallotKey {
  BallotId id{};
  Digest256 fetch_secret_hash{};
};

struct NewEntry {
  EntryType type{};
  EntryBytes entry{};
  Salt salt{};
  Bytes item;
  std::optional<BallotKey> ballot;
};

struct StoredEntry {
  std::uint64_t index = 0;
  EntryBytes entry{};
  Salt salt{};
  Bytes item;
  std::optional<BallotId> ballot_id;
};

/// A checkpoint with its quorum of cosignatures, as it was first stored.
struct StoredCheckpoint {
  Head head;
  std::string note;
};

struct FetchRecord {
  std::uint64_t index = 0;
  std::optional<Digest256> fetch_secret_hash;  ///< none once erased
  std::uint64_t fetches = 0;
};

/// The collector's durable memory: the log with its openings, its head, its co-signed checkpoints. Everything
/// a function has reported as done survives a crash and a power cut.
///
/// Failures are rejections: kServiceUnavailable means that nothing was written and trying again makes sense
/// (disk full, locked); kFileUnreadable that it is unknown what was written: the process must stop and start
/// anew from what the store then says; kStoreInconsistent that the store contradicts itself. Thread-safe.
class Store {
 public:
  virtual ~Store() = default;

  virtual Result<Head, Rejection> head() = 0;
  /// Writes the entries after `before` and makes `after` the head, all in one transaction, or nothing.
  /// @return kStoreInconsistent if the head is not `before`, or a ballot id is stored already.
  virtual Result<void, Rejection> append(const Head& before, std::span<const NewEntry> entries,
                                         const Head& after) = 0;
  /// Keeps a co-signed checkpoint. The first of a size stands. @return kStoreInconsistent for a second root
  /// of one size.
  virtual Result<void, Rejection> put_checkpoint(const StoredCheckpoint& checkpoint) = 0;
  /// The smallest co-signed checkpoint that covers an index, and the largest of all; nullopt if there is
  /// none.
  virtual Result<std::optional<StoredCheckpoint>, Rejection> checkpoint_covering(std::uint64_t index) = 0;
  virtual Result<std::optional<StoredCheckpoint>, Rejection> latest_checkpoint() = 0;

  /// @return kStoreInconsistent if there is no such entry.
  virtual Result<StoredEntry, Rejection> entry(std::uint64_t index) = 0;
  /// The entries' bytes one after another; fewer than `count` at the end of the log.
  virtual Result<Bytes, Rejection> entry_bytes(std::uint64_t from, std::uint64_t count) = 0;
  /// Visits all entries in index order; stops at the visitor's first rejection and returns it.
  virtual Result<void, Rejection> for_each(
      const std::function<Result<void, Rejection>(const StoredEntry&)>& visit) = 0;

  virtual Result<std::optional<FetchRecord>, Rejection> fetch_record(const BallotId& id) = 0;
  /// Counts one fetch if fewer than `max` were made. @return whether it was.
  virtual Result<bool, Rejection> count_fetch(const BallotId& id, std::uint64_t max) = 0;
  virtual Result<void, Rejection> erase_fetch_secrets() = 0;
};

}  // namespace psephos::collector
