#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/checks/upstream.h"

/// `audit verify`: every check of a published record, by number and name (SPEC §11.9), and one verdict. The
/// checks themselves are those of protocol/checks, which mixers and trustees run before they use a secret.
namespace psephos {

/// Numbers are fixed: reports of different versions can be compared.
enum class AuditCheckId : std::uint8_t {
  kRecord = 1,
  kManifest,
  kLog,
  kSheet,
  kReplay,
  kDerived,
  kInputs,
  kMixes,
  kShares,
  kPlaintexts,
  kResult,
  kBalance,
};
inline constexpr std::size_t kAuditChecks = 12;

enum class Outcome : std::uint8_t { kPassed, kFailed, kNotCheckable };

/// Proofs of one check: how many there must be, known before any is read, and what became of them. A proof
/// that cannot be read, or was not reached, has failed: verified + failed = expected.
struct ProofCount {
  std::uint64_t expected = 0;
  std::uint64_t verified = 0;
  std::uint64_t failed() const { return expected - verified; }
};

struct AuditCheck {
  AuditCheckId id{};
  std::string_view name;    ///< "mixes"
  std::string_view covers;  ///< one sentence
  Outcome outcome = Outcome::kFailed;
  std::vector<Rejection> findings;  ///< empty unless it failed
  std::string not_covered;          ///< what the tier at hand cannot show, and why; often empty
  std::optional<ProofCount> proofs;
  double seconds = 0;
  /// Of `seconds`, by part; empty where it is all one.
  std::vector<std::pair<CheckPart, double>> parts;
  std::size_t number() const { return static_cast<std::size_t>(id); }
};

/// Something that was given to the audit beside the record.
struct GivenFile {
  std::string name;
  Bytes bytes;
};

struct AuditReport {
  std::array<AuditCheck, kAuditChecks> checks;
  bool sworn = false;  ///< both tiers were checked
  std::string title;   ///< of the election, in its first language; empty if there is no readable manifest
  std::optional<Digest256> fingerprint;  ///< the record's own
  bool pinned = false;                   ///< and it is the one that was given from outside
  std::uint64_t log_size = 0;
  std::uint64_t ballots = 0;  ///< logged
  std::size_t groups = 0;
  std::size_t compared_checkpoints = 0;
  std::size_t compared_receipts = 0;
  std::size_t compared_time_stamps = 0;
  /// Two signed notes that convict the log, for each LOG_EQUIVOCATION.
  std::vector<std::array<std::string, 2>> equivocations;

  /// No check failed. Those that the tier cannot show do not count against the record.
  bool accepted() const;
  const AuditCheck& check(AuditCheckId id) const { return checks[static_cast<std::size_t>(id) - 1]; }
};

struct AuditRequest {
  const RecordReader& record;
  std::optional<Digest256> fingerprint{};  ///< as announced; without it the verdict is *refused*
  std::vector<GivenFile> checkpoints{};    ///< signed notes that others were shown
  std::vector<GivenFile> receipts{};       ///< canonical Receipts
  /// The time-stamping authorities' own lists of what they stamped for this election: a line a token, time,
  /// serial number and imprint (hexadecimal) separated by tabs.
  std::vector<GivenFile> time_stamps{};
  bool public_only = false;  ///< do not look at the sworn tier
  bool progress = false;     ///< on standard error
};

/// Runs every check that can be run. A check that stands on a failed one and so cannot be made has failed:
/// AUDIT_INCOMPLETE with the number of the other. Never refuses to report. SPEC §11.9.
/// Cost: that of the proofs; memory: the decoded lists of two stages.
AuditReport audit_record(const AuditRequest& request);

/// The report as people read it; its last line is the verdict.
std::string report_text(const AuditReport& report);
/// The same for programs.
std::string report_json(const AuditReport& report);

}  // namespace psephos
