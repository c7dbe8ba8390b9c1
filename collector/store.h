#pragma once
#include <chrono>
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
  Bytes item;  ///< empty: lost, as is the salt
  std::optional<BallotKey> ballot;
};

struct StoredEntry {
  std::uint64_t index = 0;
  EntryBytes entry{};
  Salt salt{};
  Bytes item;
  std::optional<BallotId> ballot_id;
  /// Nobody holds its item any more: the log was restored without it (SPEC §8.1, BALLOT_LOST).
  bool lost() const { return item.empty(); }
};

/// Who orders the log. Each lease has a greater epoch than the one before it.
struct Lease {
  std::uint64_t epoch = 0;
  std::string holder;   ///< name of a collector; empty before the first
  std::string address;  ///< where the other collectors find it
  bool runs = false;    ///< has neither run out nor been given up
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

enum class StoreAccess : std::uint8_t { kReadWrite, kReadOnly };

/// The collector's durable memory: the log with its openings, its head, its co-signed checkpoints. Everything
/// a function has reported as done survives a crash and a power cut.
///
/// Failures are rejections: kServiceUnavailable means that nothing was written and trying again makes sense
/// (disk full, locked); kFileUnreadable that it is unknown what was written: the process must stop and start
/// anew from what the store then says; kStoreInconsistent that the store contradicts itself. Thread-safe.
///
/// Several collectors may have one store open; one of them at a time orders the log. It takes the lease,
/// which gives this object its epoch (0 before), and whoever writes under an epoch that is not the store's
/// newest is refused in the same transaction (kNotSequencing): a process that slept through the loss of its
/// lease writes nothing. Leases run by the store's clock, but nothing that is written depends on a clock.
class Store {
 public:
  virtual ~Store() = default;

  virtual Result<Lease, Rejection> lease() = 0;
  /// Takes the lease unless one of another holder runs, under a new epoch, which is durable when this
  /// returns; and so is everything that head() and the other questions answer from then on. @return whether
  /// it was taken.
  virtual Result<bool, Rejection> take_lease(const std::string& holder, const std::string& address,
                                             std::chrono::milliseconds duration) = 0;
  /// @return false if the lease has been taken by another.
  virtual Result<bool, Rejection> renew_lease(std::chrono::milliseconds duration) = 0;
  /// Ends the lease at once, if it is still this one's.
  virtual Result<void, Rejection> release_lease() = 0;

  virtual Result<Head, Rejection> head() = 0;
  /// Writes the entries after `before` and makes `after` the head, all in one transaction, or nothing.
  /// @return kNotSequencing under an old epoch; kStoreInconsistent if the head is not `before`, or a ballot
  /// id is stored already.
  virtual Result<void, Rejection> append(const Head& before, std::span<const NewEntry> entries,
                                         const Head& after) = 0;
  /// Keeps a head that is about to be signed, before anybody sees its signature: the first of a size stands.
  /// @return kNotSequencing under an old epoch; kStoreInconsistent for a second root of one size, or a size
  /// that the log has not reached.
  virtual Result<void, Rejection> put_signed_head(const Head& head) = 0;
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
  /// Visits the entries from index `from` on, in order; stops at the visitor's first rejection and returns
  /// it.
  virtual Result<void, Rejection> for_each(
      std::uint64_t from, const std::function<Result<void, Rejection>(const StoredEntry&)>& visit) = 0;

  virtual Result<std::optional<FetchRecord>, Rejection> fetch_record(const BallotId& id) = 0;
  /// Counts one fetch if fewer than `max` were made. @return whether it was.
  virtual Result<bool, Rejection> count_fetch(const BallotId& id, std::uint64_t max) = 0;
  virtual Result<void, Rejection> erase_fetch_secrets() = 0;
};

}  // namespace psephos::collector
