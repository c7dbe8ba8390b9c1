#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/checks/admission.h"
#include "protocol/checks/tally.h"
#include "protocol/eid.h"
#include "protocol/record.h"

/// The checks of a whole record in their order (SPEC §11.8), over bytes that somebody else reads: mixers and
/// trustees run them before they touch a secret, auditors run the same ones after the count.
namespace psephos {

/// What keeps the bytes of a file of a record.
class RecordBytesKeeper {
 public:
  virtual ~RecordBytesKeeper() = default;
  /// Bytes `begin` to `end` will not be read soon: their memory may go, and comes back when they are.
  virtual void forget(std::size_t begin, std::size_t end) const = 0;
};

/// A file of a record; its bytes live as long as this object.
struct RecordBytes {
  ByteView view;
  std::shared_ptr<const RecordBytesKeeper> keeper;  ///< null if nothing has to be kept
  void forget(std::size_t begin, std::size_t end) const {
    if (keeper) keeper->forget(begin, end);
  }
};
/// SHA-256 of a file. Forgets what it has read, so that a large file does not have to fit into memory.
Digest256 sha256_of(const RecordBytes& file);

/// Where a record's files come from: a directory, or memory in tests. Thread-safe.
class RecordReader {
 public:
  virtual ~RecordReader() = default;
  /// @return EVIDENCE_FILE_MISSING with the path; FILE_UNREADABLE.
  virtual Result<RecordBytes, Rejection> read(const std::string& path) const = 0;
  /// Every file there is, sorted.
  virtual std::vector<std::string> paths() const = 0;
  bool has(const std::string& path) const;
};

/// Parts of checks whose time is of interest: what costs most, and grows with the ballots.
enum class CheckPart : std::uint8_t { kSignatures, kBallotProofs, kEverythingElse };
/// "signatures", "ballot proofs", "everything else".
std::string_view name_of(CheckPart part);

/// Told what is being checked and what was found. `advance` and `group_done` come from any thread, the rest
/// from one at a time.
class CheckObserver {
 public:
  virtual ~CheckObserver() = default;
  /// The check of that name begins; it will cover `total` things called `unit`.
  virtual void begin(std::string_view name, std::uint64_t total, std::string_view unit) = 0;
  virtual void advance(std::uint64_t n) = 0;
  /// From here on the check's work is this part of it, until the next one or `end`: for who measures time.
  virtual void part(CheckPart /*part*/) {}
  /// A finding of the check that has begun. No finding until `end`: it passed.
  virtual void fail(const Rejection& rejection) = 0;
  /// One group's part of the check is done; from any thread. What is never told of was not checked.
  virtual void group_done(bool /*passed*/) {}
  virtual void end() = 0;
};

/// What is checked, by whom and with what at hand.
struct Verification {
  const Election& election;
  const RecordReader& record;
  CheckObserver& observer;
  const EidVerifier* eid = nullptr;  ///< with it the sworn tier is checked, without it the public one alone
};

// Every function reports findings to the observer under the names given and returns what later checks stand
// on; nullopt if the findings leave nothing to stand on. A result does not mean that there were no findings.

/// The sealed log: "log.checkpoint" (quorum of witnesses, all entries, root), "log.phases" (every phase event
/// is opened, signed and in order; nothing stands in a phase that forbids it; sealed), and sworn "log.replay"
/// (every check on every entry). @return `state` in the sworn tier only.
struct VerifiedLog {
  Checkpoint checkpoint;
  std::uint64_t ballots = 0;                ///< entries of that type
  std::vector<std::uint64_t> phase_events;  ///< their indices
  std::optional<ElectionState> state;
};
std::optional<VerifiedLog> verify_log(const Verification& v);

/// The input lists: "lists.sheet" (numbers of every group, log head, every logged ballot accounted for),
/// sworn "lists.derived" (sheet and every list are exactly what the sealed log determines), and, where the
/// lists can be read, "lists.input" (hash, order, no randomness used twice).
struct VerifiedLists {
  Sheet sheet;
  Digest256 sheet_hash{};
  std::optional<std::vector<VerifiedList>> inputs;  ///< by group; absent for who may not see them
};
std::optional<VerifiedLists> verify_lists(const Verification& v, const VerifiedLog& log);

/// Mixes 1 … `positions`: "mix.1", "mix.2", …: signed by the mixer whose turn it is, over exactly these
/// files; the proof of every group. Of mix 1, who may not see the inputs checks all but the proof. Takes
/// lists.inputs, which are absent afterwards: of every group one list is in memory, decoded once.
struct VerifiedMixes {
  std::vector<VerifiedList> last;  ///< by group
};
std::optional<VerifiedMixes> verify_mixes(const Verification& v, VerifiedLists& lists,
                                          std::uint64_t positions);

/// All of the above: what a mixer at position `mixes` + 1, or a trustee after the last mix, verifies itself
/// before it uses a secret. Every list returned is what was verified, whoever writes to the record meanwhile:
/// a file is hashed, decoded and kept from one copy of it (SPEC §11.3). @pre whole.eid, since both are
/// of the sworn tier. Memory, besides that of the checks: the files of the mixes at work, 224 bytes a row.
struct Upstream {
  VerifiedLists lists;
  VerifiedMixes mixes;
};
std::optional<Upstream> verify_upstream(const Verification& whole, std::uint64_t mixes);

/// One trustee's shares of every group: "shares.2": signed by the trustee, over exactly these files and the
/// last mix; the proof of every group. @return the shares by group; nullopt if anything is wrong.
std::optional<std::vector<std::vector<Ristretto::Point>>> verify_shares(const Verification& v,
                                                                        const VerifiedLists& lists,
                                                                        const VerifiedMixes& mixes,
                                                                        std::uint64_t trustee);
/// Trustees, of all, whose statement is in the record.
std::vector<std::uint64_t> trustees_present(const Election& election, const RecordReader& record);

/// Shares, plaintexts and count: "shares.T" of every trustee present, "plaintexts" (a quorum's shares combine
/// to them), "count" (each is in its table). @return the result that the record must have.
std::optional<ElectionResult> verify_decryption(const Verification& v, const VerifiedLists& lists,
                                                const VerifiedMixes& mixes);

/// "result": the published result is `counted`, and JSON, CSV and HTML are its renderings, byte for byte.
void verify_result(const Verification& v, const VerifiedLists& lists, const ElectionResult& counted);

/// "index.public" or "index.sworn": the tier holds exactly the files that this election must have, no more
/// and no fewer (`expected_paths`), and each is as the index says.
void verify_index(const Verification& v, Tier tier, const VerifiedLog& log, const VerifiedLists& lists);
/// The paths of a finished record's tier without its index, sorted. `trustees`: whose shares are published.
std::vector<std::string> expected_paths(const Election& election, Tier tier, std::size_t groups,
                                        std::span<const std::uint64_t> phase_events,
                                        std::span<const std::uint64_t> trustees);
/// The index over those files. @return EVIDENCE_FILE_MISSING.
Result<RecordIndex, Rejection> make_index(const Election& election, const RecordReader& record, Tier tier,
                                          std::span<const std::string> paths);

/// Splits the file of sworn items, u32(|x|) ‖ LoggedItem x for every entry, as it is read in rising order.
class ItemCursor {
 public:
  explicit ItemCursor(ByteView file) : size_(file.size()), rest_(file) {}
  /// The next LoggedItem, encoded, where it lies. @return EVIDENCE_FILE_ALTERED if the file ends early.
  Result<ByteView, Rejection> next();
  bool at_end() const { return rest_.empty(); }
  /// Bytes of the file that are behind.
  std::size_t position() const { return size_ - rest_.size(); }

 private:
  std::size_t size_;
  ByteView rest_;
  bool cut_ = false;
};

}  // namespace psephos
