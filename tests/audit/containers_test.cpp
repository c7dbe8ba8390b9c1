// Containers out of a record: what each refusal refuses, and that the README beside them tells the truth.
#include "audit/containers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <sstream>

#include "protocol/eid/ocsp.h"
#include "protocol/record_layout.h"
#include "tests/support/memory_record.h"
#include "tests/support/run_program.h"

namespace psephos::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class ContainersOfARecord : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    e = new TestElection;
    log = new TestLog(*e);
    log->open_casting({3});
    first = log->vote(1, {0, 1});
    second = log->vote(2, {1, 0});
    log->vote(1, {2, 2});
    log->close_and_seal();
    honest = new MemoryRecord;
    export_log(*honest, *e, *log);
  }
  static void TearDownTestSuite() {
    delete honest;
    delete log;
    delete e;
  }

  struct Taken {
    std::vector<LoggedContainer> containers;
    Result<std::uint64_t, Rejection> outcome;
    std::optional<Reason> refusal() const {
      if (outcome) return std::nullopt;
      return outcome.error().reason;
    }
  };
  static Taken take(const MemoryRecord& record, const WantedBallots& wanted) {
    Taken out{.containers = {}, .outcome = 0};
    out.outcome =
        take_containers(record, wanted, [&](const LoggedContainer& logged) -> Result<void, Rejection> {
          out.containers.push_back(logged);
          return {};
        });
    EXPECT_EQ(out.outcome.value_or(out.containers.size()), out.containers.size());
    return out;
  }
  /// The record with the opening of one entry replaced.
  static MemoryRecord with_opening(std::uint64_t index, const Bytes& opening) {
    MemoryRecord record = *honest;
    Bytes file;
    for (std::size_t i = 0; i < log->items.size(); ++i) {
      const Bytes one = i == index ? opening : encode(log->items[i]);
      append_u32be(file, static_cast<std::uint32_t>(one.size()));
      append(file, one);
    }
    record.files[layout::log_items()] = file;
    return record;
  }
  static ContainerReport check(ByteView container) {
    return check_container(e->election(), e->eid(), container);
  }
  static void expect_refused(ByteView container, std::string_view name, Reason reason) {
    const ContainerReport report = check(container);
    ASSERT_FALSE(report.accepted());
    EXPECT_EQ(report.checks.back().name, name);
    ASSERT_TRUE(report.checks.back().fault);
    EXPECT_EQ(report.checks.back().fault->reason, reason) << report.text();
    EXPECT_THAT(report.text(), testing::EndsWith("\nrefused\n"));
  }

  static constexpr std::uint64_t kFirst = 2, kSecond = 3;  // behind roll and opening
  static inline TestElection* e = nullptr;
  static inline TestLog* log = nullptr;
  static inline MemoryRecord* honest = nullptr;
  static inline BallotId first{}, second{};
};

TEST_F(ContainersOfARecord, AreWhatTheLogCommitsTo) {
  const Taken all = take(*honest, AllBallots{});
  ASSERT_TRUE(all.outcome) << to_string(all.outcome.error());
  ASSERT_EQ(all.containers.size(), 3U);
  for (const LoggedContainer& one : all.containers) {
    const auto item = decode<BallotItem>(log->items[static_cast<std::size_t>(one.index)].item);
    EXPECT_EQ(one.container, item->envelope.container);
    EXPECT_EQ(one.id, id_of(item->envelope));
    EXPECT_EQ(container_name(one), std::to_string(one.index) + "-" + to_hex(one.id).substr(0, 16) + ".asice");
    const ContainerReport report = check(one.container);
    EXPECT_TRUE(report.accepted()) << report.text();
    EXPECT_THAT(report.text(), HasSubstr("\naccepted: Given"));
    EXPECT_THAT(report.verdict, HasSubstr(to_hex(one.id)));
  }
  const Taken entry = take(*honest, kSecond);
  ASSERT_EQ(entry.containers.size(), 1U);
  EXPECT_EQ(entry.containers[0].id, second);
  const Taken ballot = take(*honest, first);
  ASSERT_EQ(ballot.containers.size(), 1U);
  EXPECT_EQ(ballot.containers[0].index, kFirst);
}

TEST_F(ContainersOfARecord, WhatIsNotThereIsNamed) {
  EXPECT_EQ(take(*honest, std::uint64_t{0}).refusal(), Reason::kUsage);  // the roll
  EXPECT_EQ(take(*honest, std::uint64_t{log->entries.size()}).refusal(), Reason::kUsage);
  BallotId other = first;
  other[0] ^= 1;
  EXPECT_EQ(take(*honest, other).refusal(), Reason::kUsage);
  MemoryRecord public_only = *honest;
  public_only.files.erase(layout::log_items());
  EXPECT_EQ(take(public_only, AllBallots{}).refusal(), Reason::kEvidenceFileMissing);
}

TEST_F(ContainersOfARecord, AnOpeningThatIsNotTheEntrysIsRefusedAndTheOthersAreTaken) {
  LoggedItem altered = log->items[kFirst];
  altered.salt[0] ^= 1;
  const auto expect = [&](const MemoryRecord& record, Reason reason) {
    for (const WantedBallots& wanted : {WantedBallots(kFirst), WantedBallots(first)}) {
      const Taken one = take(record, wanted);
      EXPECT_EQ(one.refusal(), reason);
      EXPECT_TRUE(one.containers.empty());
    }
    const Taken all = take(record, AllBallots{});
    EXPECT_EQ(all.refusal(), reason);
    EXPECT_THAT(all.outcome.error().object, HasSubstr("entry 2"));
    EXPECT_EQ(all.containers.size(), 2U);
  };
  expect(with_opening(kFirst, encode(altered)), Reason::kLogLeafMismatch);
  expect(with_opening(kFirst, {}), Reason::kBallotLost);
  EXPECT_TRUE(take(with_opening(kFirst, encode(log->items[kFirst])), AllBallots{}).outcome);

  MemoryRecord cut = *honest;  // the file of openings ends with the roll's
  cut.files[layout::log_items()].resize(4 + encode(log->items[0]).size());
  const Taken all = take(cut, AllBallots{});
  EXPECT_EQ(all.refusal(), Reason::kBallotLost);
  EXPECT_EQ(all.outcome.error().object, "entry 2, and 2 more entries at fault");

  MemoryRecord unknown = *honest;
  unknown.files[layout::log_entries()][34 * kFirst + 1] = 9;
  EXPECT_EQ(take(unknown, kFirst).refusal(), Reason::kLogEntryUnknown);
  EXPECT_EQ(take(unknown, AllBallots{}).refusal(), Reason::kLogEntryUnknown);
  unknown.files[layout::log_entries()].pop_back();
  EXPECT_EQ(take(unknown, AllBallots{}).refusal(), Reason::kLogTruncated);
}

TEST_F(ContainersOfARecord, AContainerIsRefusedByTheCheckThatItFails) {
  const auto item = decode<BallotItem>(log->items[kFirst].item).value();
  const Envelope& sound = item.envelope;
  ASSERT_TRUE(check(sound.container).accepted());
  const auto changed = [&](const auto& change) { return altered(sound, change).container; };

  expect_refused({}, "container", Reason::kContainerTemplate);
  expect_refused(changed([](SignedBallot& s) { s.ballot.pop_back(); }), "ballot", Reason::kWireLimit);
  expect_refused(changed([](SignedBallot& s) { s.evidence.reset(); }), "evidence", Reason::kEvidenceMissing);
  expect_refused(changed([](SignedBallot& s) { s.evidence->time_stamp.back() ^= 1; }), "evidence",
                 Reason::kTstSignature);
  expect_refused(changed([](SignedBallot& s) {
                   s.evidence->ocsp.clear();
                   s.evidence->ocsp.push_back(0);
                 }),
                 "evidence", Reason::kOcspFormat);
  expect_refused(changed([](SignedBallot& s) { ++s.signing_time_s; }), "signature", Reason::kSigInvalid);

  // Another's card signed this very ballot, and has evidence for it; the twin is its voter's.
  const CastTicket ticket = decode<CastTicket>(sound.ticket.body).value();
  const auto signed_by = [&](std::uint64_t voter, const Bytes& ballot, std::uint64_t at_ms) {
    return e->logged(e->envelope(ballot, ticket, e->card(voter)), at_ms).envelope.container;
  };
  EXPECT_TRUE(check(signed_by(1, ballot_bytes(sound), item.received_ms)).accepted());
  expect_refused(signed_by(2, ballot_bytes(sound), item.received_ms), "voter", Reason::kSignerNotPseudonym);
  expect_refused(signed_by(1, ballot_bytes(sound), (e->options().grace_ends_s + 1) * 1000), "time",
                 Reason::kTimeEvidenceOrder);
  Ballot ballot = ballot_of(sound);
  std::swap(ballot.selections[0].proof, ballot.selections[1].proof);
  expect_refused(signed_by(1, encode(ballot), item.received_ms), "selections", Reason::kBallotProofInvalid);
  ballot.selections.pop_back();
  expect_refused(signed_by(1, encode(ballot), item.received_ms), "selections", Reason::kBallotShape);
  ballot.fingerprint[0] ^= 1;
  expect_refused(signed_by(1, encode(ballot), item.received_ms), "election", Reason::kElectionFpMismatch);
}

/// The program as people call it, and what it leaves.
class ContainerProgram : public ContainersOfARecord {
 protected:
  ContainerProgram() {
    std::string pattern = (fs::temp_directory_path() / "containers.XXXXXX").string();
    directory_ = ::mkdtemp(pattern.data());
    for (const auto& [path, bytes] : honest->files)
      EXPECT_TRUE(write_file(directory_ / "record" / path, bytes));
  }
  ~ContainerProgram() override { fs::remove_all(directory_); }
  Ended audit(std::vector<std::string> words) const {
    return run_program(AUDIT_PROGRAM, std::move(words), directory_);
  }
  std::string path(std::string_view name) const { return directory_ / name; }
  static std::string fingerprint() { return to_hex(e->election().fingerprint()); }
  fs::path directory_;
};

TEST_F(ContainerProgram, WritesContainersThatNobodyElseReads) {
  const Ended all =
      audit({"container", path("record"), "--all", "--out", path("out"), "--fingerprint", fingerprint()});
  EXPECT_EQ(all.status, 0) << all.err;
  EXPECT_THAT(all.err, HasSubstr("3 containers in "));
  std::size_t containers = 0;
  for (const auto& file : fs::directory_iterator(path("out"))) {
    EXPECT_EQ(fs::status(file).permissions(), fs::perms::owner_read | fs::perms::owner_write) << file;
    if (file.path().extension() != ".asice") continue;
    ++containers;
    const Ended checked = audit({"container-check", file.path(), "--manifest",
                                 path("record/" + layout::manifest()), "--fingerprint", fingerprint()});
    EXPECT_EQ(checked.status, 0) << checked.err;
    EXPECT_THAT(checked.out, HasSubstr("ok    evidence: time-stamped 20"));
  }
  EXPECT_EQ(containers, 3U);
}

TEST_F(ContainerProgram, SaysWhatIsWrong) {
  const auto refused = [&](std::vector<std::string> words, int status, std::string_view says) {
    const Ended ended = audit(std::move(words));
    EXPECT_EQ(ended.status, status) << ended.err;
    EXPECT_THAT(ended.err, HasSubstr(says));
  };
  const std::string record = path("record");
  const std::string out = path("out");
  const std::string manifest = path("record/" + layout::manifest());
  refused({"container", record, "--out", out}, 2, "--entry");
  refused({"container", record, "--all", "--entry", "2", "--out", out}, 2, "--entry");
  refused({"container", record, "--ballot", "12", "--out", out}, 2, "64 lower-case");
  refused({"container", record, "--entry", "0", "--out", out}, 2, "entry 0 is a roll, not a ballot");
  refused({"container", record, "--entry", "99", "--out", out}, 2, "numbered from 0");
  refused({"container", path("none"), "--all", "--out", out}, 2, "not a directory");
  refused({"container", record, "--all", "--out", record}, 2, "not an empty directory");
  refused({"container", record, "--all", "--out", out, "--fingerprint", std::string(64, '0')}, 1,
          "MANIFEST_FP_MISMATCH");
  refused({"container", record, "--ballot", std::string(64, '0'), "--out", out}, 2, "no entry of the log");
  EXPECT_FALSE(fs::exists(out));
  refused({"container-check", path("none"), "--manifest", manifest, "--fingerprint", fingerprint()}, 1,
          "FILE_UNREADABLE");
  refused({"container-check", manifest, "--manifest", manifest, "--fingerprint", fingerprint()}, 1,
          "CONTAINER_");
  refused({"container-check", manifest, "--manifest", path("none"), "--fingerprint", fingerprint()}, 2,
          "FILE_UNREADABLE");
  refused({"container-check", manifest, "--manifest", manifest, "--fingerprint", std::string(64, '0')}, 1,
          "MANIFEST_FP_MISMATCH");
  refused({"container-check", manifest, "--manifest", manifest}, 2, "--fingerprint");
}

// Every indented line of README.txt, in a shell, as somebody who has never seen this system would type them.
TEST_F(ContainerProgram, ItsReadmeTellsHowOthersCheckThem) {
  const Ended written = audit({"container", path("record"), "--entry", "3", "--out", path("out"), "--quiet"});
  ASSERT_EQ(written.status, 0) << written.err;
  EXPECT_EQ(written.err, "");
  const std::string readme(text_of(read_file(path("out/README.txt"), 1U << 16U).value()));
  for (const std::string_view left : {"@TITLE@", "@FINGERPRINT@", "@EXAMPLE@", "@ROOTS@"})
    EXPECT_THAT(readme, testing::Not(HasSubstr(left)));
  std::string script = "set -eu\ncd '" + path("out") + "'\n";
  std::istringstream lines(readme);
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with("    ")) script += line + "\n";
  ASSERT_TRUE(write_file(path("commands"), bytes_of(script)));
  const Ended ran = run_program("/bin/sh", {path("commands")}, directory_);
  EXPECT_EQ(ran.status, 0) << ran.err << "; ./psephos setup installs what is missing";
  const std::string said = ran.out + ran.err;
  for (const std::string_view expected : {"No errors detected", "serialNumber=PNOEE-", "Verification: OK",
                                          "SignedInfo References (ok/all): 2/2", "Response verify OK",
                                          "signer.pem: good", "Produced At: ", "This Update: "})
    EXPECT_THAT(said, HasSubstr(expected));
  EXPECT_THAT(said, HasSubstr(to_hex(second) + "  ballot.bin"));
  // Steps 6 and 7 show digits twice; here a program compares them.
  const SignedBallot ballot = opened(decode<BallotItem>(log->items[kSecond].item)->envelope);
  std::string asked = to_hex(ocsp_nonce(ballot.evidence->time_stamp));
  EXPECT_THAT(said, HasSubstr(asked + "  -"));
  std::ranges::transform(asked, asked.begin(), [](unsigned char c) { return std::toupper(c); });
  EXPECT_THAT(said, HasSubstr("0420" + asked));

  // And the second implementation, with these anchors.
  std::string file;
  for (const auto& each : fs::directory_iterator(path("out")))
    if (each.path().extension() == ".asice") file = each.path();
  const Ended node =
      run_program("/usr/bin/env",
                  {"node", PSEPHOS_SOURCE_DIR "/tests/evidence/verify_container.mjs", file, "--anchor",
                   path("out/voters-ca.pem"), "--tsa-anchor", path("out/time-stamp-ca.pem")},
                  directory_);
  EXPECT_EQ(node.status, 0) << node.out << node.err;
  EXPECT_THAT(node.out, HasSubstr("accepted: Given2 Family PNOEE-"));
}

}  // namespace
}  // namespace psephos::test
