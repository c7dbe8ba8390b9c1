#pragma once
#include <filesystem>
#include <memory>

#include "collector/store.h"

namespace psephos::collector {

/// Store in one SQLite file: write-ahead log, synchronous=FULL, so that a committed transaction is on disk.
/// One connection writes, another reads.
class SqliteStore final : public Store {
 public:
  /// Opens the store of one election, creating it if there is none (kReadWrite only).
  /// @return kElectionFpMismatch for another election's store; kStoreInconsistent if it is damaged or no
  /// store; kFileUnreadable.
  static Result<std::unique_ptr<SqliteStore>, Rejection> open(const std::filesystem::path& file,
                                                              const Digest256& fingerprint,
                                                              StoreAccess access);
  ~SqliteStore() override;

  Result<Lease, Rejection> lease() override;
  Result<bool, Rejection> take_lease(const std::string& holder, const std::string& address,
                                     std::chrono::milliseconds duration) override;
  Result<bool, Rejection> renew_lease(std::chrono::milliseconds duration) override;
  Result<void, Rejection> release_lease() override;
  Result<Head, Rejection> head() override;
  Result<void, Rejection> append(const Head& before, std::span<const NewEntry> entries,
                                 const Head& after) override;
  Result<void, Rejection> put_signed_head(const Head& head) override;
  Result<void, Rejection> put_checkpoint(const StoredCheckpoint& checkpoint) override;
  Result<std::optional<StoredCheckpoint>, Rejection> checkpoint_covering(std::uint64_t index) override;
  Result<std::optional<StoredCheckpoint>, Rejection> latest_checkpoint() override;
  Result<StoredEntry, Rejection> entry(std::uint64_t index) override;
  Result<Bytes, Rejection> entry_bytes(std::uint64_t from, std::uint64_t count) override;
  Result<void, Rejection> for_each(
      std::uint64_t from, const std::function<Result<void, Rejection>(const StoredEntry&)>& visit) override;
  Result<std::optional<FetchRecord>, Rejection> fetch_record(const BallotId& id) override;
  Result<bool, Rejection> count_fetch(const BallotId& id, std::uint64_t max) override;
  Result<void, Rejection> erase_fetch_secrets() override;

 private:
  struct Connections;
  explicit SqliteStore(std::unique_ptr<Connections> connections);
  std::unique_ptr<Connections> connections_;
};

/// Where it lies in a collector's directory.
std::filesystem::path store_path(const std::filesystem::path& directory);

}  // namespace psephos::collector
