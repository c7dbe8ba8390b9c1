// A record with any byte of any file changed, any file removed, duplicated, renamed or added is refused, and
// a check is named: with the index as it was, and with an index made anew so that only what is proved helps.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <random>

#include "audit/audit.h"
#include "protocol/record_layout.h"
#include "tests/support/test_record.h"

namespace psephos::test {
namespace {

namespace fs = std::filesystem;

bool every_byte() {
  return std::getenv("PSEPHOS_EVERY_BYTE") != nullptr;
}

class TamperedRecordTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    e = new TestElection;
    honest = new TestRecord(*e);
  }
  static void TearDownTestSuite() {
    delete honest;
    delete e;
  }

  /// Refused, with a finding that has a name and an object.
  static void expect_refused(const MemoryRecord& record, const std::string& what) {
    const AuditReport report = audit_record({.record = record, .fingerprint = e->election().fingerprint()});
    EXPECT_FALSE(report.accepted()) << what;
    ++audits;
    for (const AuditCheck& check : report.checks)
      if (check.outcome == Outcome::kFailed) {
        ASSERT_FALSE(check.findings.empty()) << what;
        EXPECT_NE(name_of(check.findings[0].reason), "UNKNOWN") << what;
      }
  }

  /// As an index may be made by who holds the files: over whatever there is.
  static MemoryRecord reindexed(const MemoryRecord& record) {
    TestRecord anew = *honest;
    anew.record = record;
    anew.make(Step::kIndex);
    return anew.record;
  }

  /// First, last and others spread over the file, at random within each stretch.
  static std::vector<std::size_t> positions(std::size_t size, std::mt19937_64& random) {
    const std::size_t wanted = every_byte() ? (size <= 512 ? size : 40) : 3;
    std::vector<std::size_t> out;
    if (wanted >= size) {
      for (std::size_t i = 0; i < size; ++i) out.push_back(i);
      return out;
    }
    out = {0, size - 1};
    for (std::size_t i = 0; i + 2 < wanted; ++i) out.push_back((i * size + random() % size) / (wanted - 2));
    return out;
  }

  static inline TestElection* e = nullptr;
  static inline TestRecord* honest = nullptr;
  static inline std::size_t audits = 0;
};

TEST_F(TamperedRecordTest, UntouchedIsAccepted) {
  for (const MemoryRecord& record : {honest->record, reindexed(honest->record)}) {
    const AuditReport report = audit_record({.record = record, .fingerprint = e->election().fingerprint()});
    EXPECT_TRUE(report.accepted()) << report_text(report);
  }
}

TEST_F(TamperedRecordTest, AnyByteChanged) {
  const std::uint64_t seed = std::random_device{}();
  std::cout << "seed " << seed << "\n";
  std::mt19937_64 random(seed);
  for (const auto& [path, bytes] : honest->record.files) {
    for (const std::size_t at : positions(bytes.size(), random)) {
      const bool first = at == 0;
      const auto mask = static_cast<std::uint8_t>(1 + random() % 255);
      const std::string what = path + " at " + std::to_string(at) + " ^ " + std::to_string(mask);
      MemoryRecord record = honest->record;
      record.files[path][at] ^= mask;
      const bool index = path == layout::index(Tier::kPublic) || path == layout::index(Tier::kSworn);
      if (index || first || every_byte()) expect_refused(record, what);
      if (!index) expect_refused(reindexed(record), what + ", index anew");
    }
  }
  std::cout << audits << " audits of " << honest->record.files.size() << " files\n";
}

TEST_F(TamperedRecordTest, AnyFileCutOrLengthened) {
  for (const auto& [path, bytes] : honest->record.files) {
    const bool index = path == layout::index(Tier::kPublic) || path == layout::index(Tier::kSworn);
    std::vector<std::size_t> sizes{bytes.size() - 1};
    if (every_byte()) sizes = {bytes.size() - 1, bytes.size() + 1, bytes.size() / 2, 0};
    for (const std::size_t size : sizes) {
      MemoryRecord record = honest->record;
      record.files[path].resize(size);
      if (index || every_byte()) expect_refused(record, path + " of " + std::to_string(size));
      if (!index) expect_refused(reindexed(record), path + " of " + std::to_string(size) + ", index anew");
    }
  }
}

TEST_F(TamperedRecordTest, AnyFileRemovedDuplicatedRenamed) {
  for (const auto& [path, bytes] : honest->record.files) {
    const bool index = path == layout::index(Tier::kPublic) || path == layout::index(Tier::kSworn);
    MemoryRecord removed = honest->record;
    removed.files.erase(path);
    MemoryRecord duplicated = honest->record;
    duplicated.files[path + ".copy"] = bytes;
    MemoryRecord renamed = removed;
    renamed.files[path + "~"] = bytes;
    for (const auto& [record, what] : {std::pair(&removed, "removed"), std::pair(&duplicated, "duplicated"),
                                       std::pair(&renamed, "renamed")}) {
      if (index || every_byte()) expect_refused(*record, path + " " + what);
      if (!index) expect_refused(reindexed(*record), path + " " + what + ", index anew");
    }
  }
}

TEST_F(TamperedRecordTest, FileAdded) {
  for (const char* path : {"public/x", "public/log/events/00000001", "public/groups/0000/share-2",
                           "public/groups/0099/mix-1", "public/statements/mix-4", "sworn/x",
                           "sworn/log/entries", "README", "other/public/manifest", "public/manifest/x"}) {
    MemoryRecord record = honest->record;
    record.files[path] = Bytes{1};
    expect_refused(record, path);
    expect_refused(reindexed(record), std::string(path) + ", index anew");
  }
}

/// Two files of one kind change places.
TEST_F(TamperedRecordTest, FilesExchanged) {
  const auto exchange = [](const std::string& a, const std::string& b) {
    MemoryRecord record = honest->record;
    std::swap(record.files.at(a), record.files.at(b));
    expect_refused(record, a + " <-> " + b);
    expect_refused(reindexed(record), a + " <-> " + b + ", index anew");
  };
  exchange(layout::mix(0, 1), layout::mix(0, 2));
  exchange(layout::mix(0, 1), layout::mix(1, 1));
  exchange(layout::share(0, 1), layout::share(0, 3));
  exchange(layout::share_proof(0, 1), layout::share_proof(0, 3));
  exchange(layout::plaintexts(0), layout::plaintexts(2));
  exchange(layout::mix_statement(1), layout::mix_statement(2));
  exchange(layout::share_statement(1), layout::share_statement(3));
  exchange(layout::log_entries(), layout::log_items());
}

/// The program itself: exit status, last line, JSON.
class AuditProgramTest : public TamperedRecordTest {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "psephos-audit-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    directory_ = name;
    honest->write_to(record());
  }
  void TearDown() override { fs::remove_all(directory_); }
  fs::path record() const { return directory_ / "record"; }

  struct Run {
    int status = -1;
    std::string last_line;
    std::string out;
    std::string json;
  };
  Run run(const std::string& arguments) const {
    const fs::path out = directory_ / "out";
    const fs::path json = directory_ / "json";
    fs::remove(json);
    const std::string command = std::string(AUDIT_PROGRAM) + " verify " + record().string() +
                                " --quiet --json " + json.string() + " " + arguments + " > " + out.string() +
                                " 2> /dev/null";
    const int status = std::system(command.c_str());
    Run result;
    result.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    result.out = slurp(out);
    result.json = slurp(json);
    std::string trimmed = result.out;
    while (trimmed.ends_with('\n')) trimmed.pop_back();
    result.last_line = trimmed.substr(trimmed.rfind('\n') + 1);
    return result;
  }
  static std::string slurp(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  static std::string pinned() { return "--fingerprint " + to_hex(e->election().fingerprint()); }
  void expect_refused_by_program(const std::string& arguments, const std::string& reason) const {
    const Run refused = run(arguments);
    EXPECT_EQ(refused.status, 1) << reason;
    EXPECT_TRUE(refused.last_line.starts_with("VERDICT: REFUSED")) << refused.out;
    EXPECT_NE(refused.out.find(reason), std::string::npos) << refused.out;
    EXPECT_NE(refused.json.find("\"verdict\":\"refused\""), std::string::npos);
    EXPECT_NE(refused.json.find(reason), std::string::npos);
  }

  fs::path directory_;
};

TEST_F(AuditProgramTest, AcceptsAnHonestRecord) {
  const Run accepted = run(pinned());
  EXPECT_EQ(accepted.status, 0) << accepted.out;
  EXPECT_TRUE(accepted.last_line.starts_with("VERDICT: ACCEPTED")) << accepted.out;
  EXPECT_NE(accepted.json.find("\"verdict\":\"accepted\""), std::string::npos);
  EXPECT_EQ(run(pinned() + " --public-only").status, 0);
  fs::remove_all(record() / "sworn");
  EXPECT_EQ(run(pinned()).status, 0);
}

TEST_F(AuditProgramTest, A165_A177_RefusesWithStatusOne) {
  expect_refused_by_program("", "MANIFEST_FP_UNPINNED");
  expect_refused_by_program("--fingerprint " + std::string(64, '0'), "MANIFEST_FP_MISMATCH");
  std::ofstream(record() / "public" / "note.txt") << "hello";
  expect_refused_by_program(pinned(), "EVIDENCE_FILE_EXTRA");
  fs::remove(record() / "public" / "note.txt");
  // A link to the very bytes is not the file.
  const fs::path sheet = record() / layout::sheet();
  fs::rename(sheet, directory_ / "sheet");
  fs::create_symlink(directory_ / "sheet", sheet);
  expect_refused_by_program(pinned(), "FILE_UNREADABLE");
  fs::remove(sheet);
  expect_refused_by_program(pinned(), "EVIDENCE_FILE_MISSING");
  fs::rename(directory_ / "sheet", sheet);
  {
    std::fstream share(record() / layout::share(0, 1), std::ios::in | std::ios::out | std::ios::binary);
    share.seekp(-1, std::ios::end);
    share.put('\x7F');
  }
  expect_refused_by_program(pinned(), "EVIDENCE_FILE_ALTERED");
}

// A173: a file that only claims to be large, and a path without end. Links: A165_A177 above; a list of 10^9
// rows: AuditTest.SheetOfMoreBallotsThanMemory.
TEST_F(AuditProgramTest, A173_RecordsMadeToExhaustTheAuditor) {
  for (const std::string& path : {layout::log_items(), layout::mix(0, 1)}) {
    const std::string kept = slurp(record() / path);
    fs::resize_file(record() / path, limits::kRecordFileBytes + 1);  // takes no room on the disk
    expect_refused_by_program(pinned(), "AUDIT_INPUT_LIMIT");
    std::ofstream(record() / path, std::ios::binary | std::ios::trunc) << kept;
  }
  fs::path deep = record() / "public";
  for (int i = 0; i < 50; ++i) deep /= "d";
  fs::create_directories(deep);
  std::ofstream(deep / "file") << "x";
  expect_refused_by_program(pinned(), "EVIDENCE_FILE_EXTRA");
  fs::remove_all(record() / "public" / "d");
  EXPECT_EQ(run(pinned()).status, 0);
}

TEST_F(AuditProgramTest, WrongUseIsStatusTwo) {
  EXPECT_EQ(run("--fingerprint 12").status, 2);
  EXPECT_EQ(run("--no-such-option").status, 2);
  EXPECT_EQ(run(pinned() + " --checkpoint /no/such/file").status, 2);
  fs::remove_all(record());
  EXPECT_EQ(run(pinned()).status, 2);
}

}  // namespace
}  // namespace psephos::test
