#include <cstdio>
#include <filesystem>

#include "audit/audit.h"
#include "protocol/files/files.h"
#include "protocol/files/program.h"
#include "protocol/files/record_directory.h"

using namespace psephos;

namespace {

struct Options {
  std::string record;
  std::string fingerprint;
  std::vector<std::string> checkpoints;
  std::vector<std::string> receipts;
  std::vector<std::string> time_stamps;
  std::string json;
  bool public_only = false;
  bool quiet = false;
};

Result<std::vector<GivenFile>, Rejection> read_given(const std::vector<std::string>& paths,
                                                     std::uint64_t max_bytes) {
  std::vector<GivenFile> files;
  for (const std::string& path : paths) {
    auto bytes = read_file(path, max_bytes);
    if (!bytes) return reject(Reason::kUsage, to_string(bytes.error()));
    files.push_back({path, std::move(*bytes)});
  }
  return files;
}

/// The first finding that is not merely the consequence of another.
Rejection first_finding(const AuditReport& report) {
  const AuditCheck* chosen = nullptr;
  for (const AuditCheck& check : report.checks)
    if (check.outcome == Outcome::kFailed &&
        (chosen == nullptr || chosen->findings.front().reason == Reason::kAuditIncomplete))
      chosen = &check;
  const Rejection& finding = chosen->findings.front();
  return {finding.reason, "check " + std::to_string(chosen->number()) + ", " + std::string(chosen->name) +
                              ": " + finding.object};
}

Result<void, Rejection> verify(const Options& options) {
  if (!std::filesystem::is_directory(options.record))
    return reject(Reason::kUsage, options.record + " is not a directory");
  const RecordDirectory record(options.record);
  auto checkpoints = read_given(options.checkpoints, kMaxNoteBytes);
  if (!checkpoints) return std::unexpected(checkpoints.error());
  auto receipts = read_given(options.receipts, limits::kDocumentBytes);
  if (!receipts) return std::unexpected(receipts.error());
  auto time_stamps = read_given(options.time_stamps, limits::kDocumentBytes);
  if (!time_stamps) return std::unexpected(time_stamps.error());
  AuditRequest request{.record = record,
                       .fingerprint = std::nullopt,
                       .checkpoints = std::move(*checkpoints),
                       .receipts = std::move(*receipts),
                       .time_stamps = std::move(*time_stamps),
                       .public_only = options.public_only,
                       .progress = !options.quiet};
  if (!options.fingerprint.empty()) {
    const auto pinned = parse_fingerprint(options.fingerprint);
    if (!pinned) return std::unexpected(pinned.error());
    request.fingerprint = *pinned;
  }
  const AuditReport report = audit_record(request);
  if (!options.json.empty())
    if (auto ok = write_file(options.json, bytes_of(report_json(report))); !ok) return ok;
  std::fputs(report_text(report).c_str(), stdout);
  if (std::fflush(stdout) != 0) return reject(Reason::kFileUnreadable, "standard output cannot be written");
  if (!report.accepted()) return std::unexpected(first_finding(report));
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  Program program("audit", "Checks a published election from its record alone.");
  Options options;
  CLI::App& command = program.command(
      "verify",
      "Every check of a record by name, and a verdict. Exit status: 0 accepted, 1 refused, 2 usage.",
      [&] { return verify(options); });
  command.add_option("RECORD", options.record, "directory with public/ and, if you may see it, sworn/")
      ->required();
  command.add_option("--fingerprint", options.fingerprint,
                     "the election's fingerprint as the commission announced it (64 digits); without it the "
                     "verdict is refused");
  command.add_option("--checkpoint", options.checkpoints, "a checkpoint of the log that somebody was shown")
      ->allow_extra_args(false);
  command.add_option("--receipt", options.receipts, "a voter's receipt")->allow_extra_args(false);
  command
      .add_option("--time-stamps", options.time_stamps,
                  "a time-stamping authority's own list of what it stamped for this election: time, serial "
                  "number and imprint in hexadecimal, separated by tabs; compared with the log both ways")
      ->allow_extra_args(false);
  command.add_flag("--public-only", options.public_only, "check the public tier alone");
  command.add_option("--json", options.json, "write the report as JSON to this file, too");
  command.add_flag("--quiet", options.quiet, "no progress on standard error");
  return program.run(argc, argv);
}
