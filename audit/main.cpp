#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "audit/audit.h"
#include "audit/containers.h"
#include "protocol/eid/openssl_eid.h"
#include "protocol/files/files.h"
#include "protocol/files/program.h"
#include "protocol/files/progress.h"
#include "protocol/files/record_directory.h"
#include "protocol/record_layout.h"

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

struct ContainerOptions {
  std::string record;
  std::optional<std::uint64_t> entry;
  std::string ballot;
  bool all = false;
  std::string out;
  std::string file;
  std::string manifest;
  std::string fingerprint;
  bool quiet = false;
};

Result<void, Rejection> containers(const ContainerOptions& options) {
  namespace fs = std::filesystem;
  WantedBallots wanted = AllBallots{};
  if (options.entry) wanted = *options.entry;
  if (!options.ballot.empty()) {
    const auto id = from_hex(options.ballot);
    if (!id || id->size() != std::tuple_size_v<BallotId>)
      return reject(Reason::kUsage, "a ballot id has 64 lower-case hexadecimal digits");
    std::ranges::copy(*id, wanted.emplace<BallotId>().begin());
  }
  if (!fs::is_directory(options.record))
    return reject(Reason::kUsage, options.record + " is not a directory");
  std::error_code error;
  if (fs::exists(options.out, error) &&
      (!fs::is_directory(options.out, error) || !fs::is_empty(options.out, error)))
    return reject(Reason::kUsage, options.out + " is there already, and not an empty directory");
  const RecordDirectory record(options.record);
  const auto manifest = record.read(layout::manifest());
  if (!manifest) return std::unexpected(manifest.error());
  std::optional<Digest256> pinned;
  if (!options.fingerprint.empty()) {
    const auto given = parse_fingerprint(options.fingerprint);
    if (!given) return std::unexpected(given.error());
    pinned = *given;
  }
  const auto election = Election::open(manifest->view, pinned);
  if (!election) return std::unexpected(election.error());

  const fs::path out = options.out;
  std::string example;
  std::uint64_t written = 0;
  std::optional<Progress> progress;
  const auto taken = take_containers(
      record, wanted,
      [&](const LoggedContainer& logged) -> Result<void, Rejection> {
        const std::string name = container_name(logged);
        if (example.empty()) example = name;
        if (auto ok = add_secret_file(out / name, logged.container); !ok) return ok;
        ++written;
        return {};
      },
      [&](std::uint64_t done, std::uint64_t total) {
        if (options.quiet) return;
        if (!progress) progress.emplace("containers", total, "entries");
        progress->at(done);
      });
  progress.reset();
  if (written > 0) {
    std::vector<NewFile> companions = container_companions(*election, example);
    const NewFile readme = std::move(companions.back());  // comes last: where it is, the rest is
    companions.pop_back();
    for (const NewFile& file : companions)
      if (auto ok = add_secret_file(out / file.path, file.bytes); !ok) return ok;
    if (auto ok = sync_files(out); !ok) return ok;
    if (auto ok = write_secret_file(out / readme.path, readme.bytes); !ok) return ok;
    if (!options.quiet)
      std::fprintf(stderr, "%llu containers in %s; README.txt there says how to check one\n",
                   static_cast<unsigned long long>(written), options.out.c_str());
  }
  if (!taken) return std::unexpected(taken.error());
  return {};
}

Result<void, Rejection> check_file(const ContainerOptions& options) {
  const auto manifest = read_file(options.manifest, limits::kDocumentBytes);
  if (!manifest) return reject(Reason::kUsage, to_string(manifest.error()));
  const auto election = open_pinned(*manifest, options.fingerprint);
  if (!election) return std::unexpected(election.error());
  const auto container = read_file(options.file, limits::kContainerBytes);
  if (!container) return std::unexpected(container.error());
  const auto eid = OpensslEidVerifier::create(election->definition().eid);
  if (!eid) return reject(eid.error(), "eID profile of the definition");
  const ContainerReport report = check_container(*election, **eid, *container);
  std::fputs(report.text().c_str(), stdout);
  if (std::fflush(stdout) != 0) return reject(Reason::kFileUnreadable, "standard output cannot be written");
  if (!report.accepted()) return std::unexpected(*report.checks.back().fault);
  return {};
}

void add_container_commands(Program& program, ContainerOptions& options) {
  CLI::App& take = program.command(
      "container",
      "Containers (ASiC-E) of logged ballots as files of their own, with what it takes to check them by "
      "software that is not ours. They name people: readable by you alone.",
      [&] { return containers(options); });
  take.add_option("RECORD", options.record, "directory with public/ and sworn/")->required();
  CLI::Option_group* const which = take.add_option_group("which");
  which->add_option("--entry", options.entry, "the ballot of this entry of the log");
  which->add_option("--ballot", options.ballot, "the ballot with this id (64 digits)");
  which->add_flag("--all", options.all, "every ballot in the log");
  which->require_option(1);
  take.add_option("--out", options.out, "directory to make, or an empty one")->required();
  take.add_option("--fingerprint", options.fingerprint,
                  "refuse a record of another election than the one with this fingerprint (64 digits)");
  take.add_flag("--quiet", options.quiet, "no progress on standard error");

  CLI::App& check = program.command(
      "container-check",
      "Every check of one container that needs no log: who signed, when it was time-stamped, that the "
      "certificate was good. Exit status: 0 accepted, 1 refused, 2 usage.",
      [&] { return check_file(options); });
  check.add_option("FILE", options.file, "the container")->required();
  check.add_option("--manifest", options.manifest, "the election's manifest: public/manifest of its record")
      ->required();
  check
      .add_option("--fingerprint", options.fingerprint,
                  "the election's fingerprint as the commission announced it (64 digits)")
      ->required();
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
  ContainerOptions container_options;
  add_container_commands(program, container_options);
  return program.run(argc, argv);
}
