#pragma once
#include <filesystem>
#include <optional>

#include "protocol/election.h"

namespace psephos {

/// The last co-signed checkpoint that this computer has seen of an election's log: a later one must not be
/// smaller, and one of the same size must have the same root. For one connection; several may share the file.
class HeadMemory {
 public:
  /// Forgets with the process.
  HeadMemory() = default;
  /// Kept in `directory`, a file for each election. The file is checked as a checkpoint is (§8.5).
  /// @return FILE_UNREADABLE, or what Election::check_checkpoint gives for a file that was tampered with.
  static Result<HeadMemory, Rejection> in(const std::filesystem::path& directory, const Election& election);

  /// Verifies the note and compares. Empty means that the log says it has no checkpoint yet.
  /// @return HEAD_UNWITNESSED, SIG_INVALID, NOTE_FORMAT, LOG_ORIGIN_MISMATCH; LOG_HEAD_REGRESSION,
  /// LOG_EQUIVOCATION; FILE_UNREADABLE if it cannot be kept.
  Result<void, Rejection> see(const Election& election, ByteView note);
  const std::optional<Checkpoint>& last() const { return last_; }

 private:
  std::optional<std::filesystem::path> file_;
  std::optional<Checkpoint> last_;
};

}  // namespace psephos
