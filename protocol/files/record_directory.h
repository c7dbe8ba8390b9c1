#pragma once
#include <array>
#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "crypto/random.h"
#include "protocol/checks/upstream.h"
#include "protocol/files/progress.h"

namespace psephos {

/// A file of a record about to be written.
struct NewFile {
  std::string path;
  Bytes bytes;
};

/// Takes a file as soon as it is made, so that nobody keeps those of all groups in memory.
using FileSink = std::function<Result<void, Rejection>(const NewFile&)>;

/// Makes the files of all groups, groups at the same time and each on all cores: `make(g, rng, put)` makes
/// those of group g and hands them to `put`. `rng` and `write` may be for one thread; `put` is `write`, one
/// at a time.
/// @return the first refusal of `write` or `make` by order of groups.
Result<void, Rejection> make_group_files(
    std::size_t groups, Rng& rng, const FileSink& write,
    const std::function<Result<void, Rejection>(std::size_t g, Rng& rng, const FileSink& put)>& make);

/// A record in a directory, its files mapped as they are asked for.
class RecordDirectory final : public RecordReader {
 public:
  explicit RecordDirectory(std::filesystem::path root) : root_(std::move(root)) {}
  Result<RecordBytes, Rejection> read(const std::string& path) const override;
  /// Every file below the directory. A link, device or other special file is listed too, and unreadable.
  std::vector<std::string> paths() const override;
  /// Writes the files one after the other, each whole or not at all; the last one makes the others count.
  Result<void, Rejection> write(std::span<const NewFile> files) const;
  const std::filesystem::path& root() const { return root_; }

 private:
  std::filesystem::path root_;
};

/// How long a run has taken since this object was made, by parts of its checks.
class PartClock {
 public:
  /// From now on the work is this part. At first it is everything else.
  void begin(CheckPart part);
  double seconds(CheckPart part) const;
  /// "time 12.3 s: signatures 9.1 s, ballot proofs 2.0 s, everything else 1.2 s".
  std::string text() const;

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr std::size_t kParts = 3;
  std::array<Clock::duration, kParts> spent_{};
  CheckPart now_ = CheckPart::kEverythingElse;
  Clock::time_point since_ = Clock::now();
};

/// Runs checks behind a progress bar and remembers the first finding: what stands between a secret and a
/// record that does not verify.
class Gate final : public CheckObserver {
 public:
  void begin(std::string_view name, std::uint64_t total, std::string_view unit) override;
  void advance(std::uint64_t n) override;
  void part(CheckPart part) override { clock_.begin(part); }
  void fail(const Rejection& rejection) override;
  void end() override;
  bool passed() const { return findings_ == 0; }
  /// @return UPSTREAM_UNVERIFIED whose object names the first check that failed, why, and how many findings
  /// there were.
  Result<void, Rejection> verdict() const;
  /// The first finding itself, for who has no secret at stake.
  Result<void, Rejection> first() const;
  /// Runs since the gate was made; what is no part of a check counts as everything else.
  const PartClock& clock() const { return clock_; }

 private:
  PartClock clock_;
  std::string name_;
  std::unique_ptr<Progress> progress_;
  std::uint64_t findings_ = 0;
  std::string first_check_;
  Rejection first_{};
};

/// The election of a record, or of a manifest's file, if its fingerprint is the one announced.
/// @return MANIFEST_FP_UNPINNED if `fingerprint` is empty; USAGE, MANIFEST_FP_MISMATCH and what else
/// Election::open says.
Result<Election, Rejection> open_pinned(ByteView signed_manifest, std::string_view fingerprint);
Result<Election, Rejection> open_record(const RecordReader& record, std::string_view fingerprint);

/// "0a1b…" of 64 digits, as --fingerprint takes it; blanks, dashes and colons between groups are left out.
/// @return USAGE.
Result<Digest256, Rejection> parse_fingerprint(std::string_view text);
/// The same in groups of four digits, four groups a line, for reading aloud.
std::string spoken_fingerprint(const Digest256& fingerprint);

}  // namespace psephos
