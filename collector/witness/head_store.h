#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "crypto/note.h"
#include "protocol/rejection.h"

namespace psephos {

/// The last head of a log that the witness cosigned, and the note that says so (the log's signature and the
/// witness's own).
struct WitnessedHead {
  std::uint64_t size;
  Digest256 root;
  std::string note;
};

/// Two checkpoints of one size and different roots, each signed by the log: proof against the log.
struct Equivocation {
  std::string origin;
  std::string held;     ///< the note that was cosigned
  std::string offered;  ///< the note that was refused
};

/// What a witness remembers. An error means that the disk or the file is at fault; nothing was changed then.
class HeadStore {
 public:
  virtual ~HeadStore() = default;
  virtual Result<std::optional<WitnessedHead>, Rejection> last(const std::string& origin) = 0;
  /// Durably replaces the head of `origin` by `next` if it still has the size and root of `expected` (or
  /// there is still none), in one transaction. @return false, and nothing changed, if it has not.
  virtual Result<bool, Rejection> advance(const std::string& origin,
                                          const std::optional<WitnessedHead>& expected,
                                          const WitnessedHead& next) = 0;
  /// Keeps a proof once; at most kMaxEquivocations in all, so that a log cannot fill the disk.
  virtual Result<void, Rejection> keep(const Equivocation& proof) = 0;
  virtual Result<std::vector<std::string>, Rejection> origins() = 0;
  virtual Result<std::vector<Equivocation>, Rejection> equivocations() = 0;
};
inline constexpr int kMaxEquivocations = 1000;

/// A HeadStore in one SQLite file, bound to one witness key: a file of another witness, or none at all, would
/// let a witness cosign a fork of what it has forgotten. Every commit is synced. Not thread-safe.
class SqliteHeadStore final : public HeadStore {
 public:
  /// @return STORE_KEY_EXISTS if the file is there, FILE_UNREADABLE.
  static Result<SqliteHeadStore, Rejection> create(const std::filesystem::path& path, const NoteKey& witness);
  /// @return FILE_UNREADABLE if it is missing, STORE_INCONSISTENT if it is no intact state of a witness.
  static Result<SqliteHeadStore, Rejection> open(const std::filesystem::path& path);
  SqliteHeadStore(SqliteHeadStore&&) noexcept;
  SqliteHeadStore& operator=(SqliteHeadStore&&) noexcept;
  ~SqliteHeadStore() override;

  /// Whose state this is.
  const NoteKey& witness() const { return witness_; }
  Result<std::optional<WitnessedHead>, Rejection> last(const std::string& origin) override;
  Result<bool, Rejection> advance(const std::string& origin, const std::optional<WitnessedHead>& expected,
                                  const WitnessedHead& next) override;
  Result<void, Rejection> keep(const Equivocation& proof) override;
  Result<std::vector<std::string>, Rejection> origins() override;
  Result<std::vector<Equivocation>, Rejection> equivocations() override;

 private:
  class Database;
  SqliteHeadStore(std::unique_ptr<Database> database, NoteKey witness);
  std::unique_ptr<Database> database_;
  NoteKey witness_;
};

}  // namespace psephos
