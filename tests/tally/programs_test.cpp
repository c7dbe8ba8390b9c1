// The programs mixnet and tally on a record in a directory, every party with its own sealed key: what they
// write, what they refuse by which name and status, and that a refusal leaves nothing behind.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>

#include "crypto/secret/note_signer.h"
#include "protocol/files/record_directory.h"
#include "protocol/labels.h"
#include "protocol/record_layout.h"
#include "tally/trustee.h"
#include "tests/support/memory_record.h"
#include "tests/support/run_program.h"

namespace psephos::test {
namespace {

namespace fs = std::filesystem;

class ProgramsTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    std::string name = (fs::temp_directory_path() / "psephos-programs-XXXXXX").string();
    directory = ::mkdtemp(name.data());
    ::setenv("PSEPHOS_PASSPHRASE", "correct horse", 1);
    e = new TestElection;
    TestLog log(*e);
    small_log(*e, log);
    MemoryRecord exported;
    export_log(exported, *e, log);
    for (const auto& [path, bytes] : exported.files) ASSERT_TRUE(write_file(record() / path, bytes));
    const auto passphrase = read_passphrase(std::nullopt, "test", PassphraseUse::kOpen);
    SystemRng rng;
    for (std::size_t i = 0; i < 3; ++i) {
      const Definition& d = e->election().definition();
      ASSERT_TRUE(write_new_signing_key(key("mixer", i + 1), key_kinds::kMixer, d.mixers[i].name,
                                        e->mixers[i], *passphrase, kMinSealCost, rng));
      ASSERT_TRUE(write_new_signing_key(key("trustee", i + 1), key_kinds::kTrustee, d.trustees[i].name,
                                        e->trustees[i], *passphrase, kMinSealCost, rng));
      ASSERT_TRUE(
          write_new_share(key("share", i + 1), d.trustees[i].name,
                          {e->election().definition_hash(), e->secret_shares[i].clone(), std::nullopt},
                          {*passphrase, kMinSealCost, rng}));
    }
  }
  static void TearDownTestSuite() {
    delete e;
    fs::remove_all(directory);
  }
  static fs::path record() { return directory / "record"; }
  static std::string key(const char* kind, std::size_t i) {
    return (directory / (std::string(kind) + "-" + std::to_string(i))).string();
  }
  static std::string fingerprint() { return to_hex(e->election().fingerprint()); }
  static Ended mixnet(std::vector<std::string> words) {
    return run_program(PSEPHOS_MIXNET, std::move(words), directory);
  }
  static Ended tally(std::vector<std::string> words) {
    return run_program(PSEPHOS_TALLY, std::move(words), directory);
  }
  static Ended mix(std::size_t i) {
    return mixnet({"mix", record(), "--key", key("mixer", i), "--fingerprint", fingerprint()});
  }
  static Ended decrypt(std::size_t i) {
    return tally({"decrypt", record(), "--key", key("trustee", i), "--share", key("share", i),
                  "--fingerprint", fingerprint()});
  }
  /// Every file of the record with its bytes, to see that nothing was written.
  static std::map<std::string, Bytes> contents() {
    std::map<std::string, Bytes> out;
    for (const auto& entry : fs::recursive_directory_iterator(record()))
      if (entry.is_regular_file()) out[entry.path()] = read_file(entry.path(), 1U << 24U).value();
    return out;
  }
  static void change(const std::string& path, std::size_t from_end) {
    Bytes bytes = read_file(record() / path, 1U << 24U).value();
    bytes[bytes.size() - from_end] ^= 1;
    ASSERT_TRUE(write_file(record() / path, bytes));
  }

  static inline fs::path directory;
  static inline TestElection* e = nullptr;
};

#define EXPECT_REFUSED(run_, name)                                       \
  do {                                                                   \
    const auto before = contents();                                      \
    const Ended refused = (run_);                                        \
    EXPECT_EQ(refused.status, 1) << refused.err;                         \
    EXPECT_NE(refused.err.find(name), std::string::npos) << refused.err; \
    EXPECT_TRUE(contents() == before) << "something was written";        \
  } while (false)

TEST_F(ProgramsTest, FromTheSealedLogToThePublishedResult) {
  // prepare
  EXPECT_REFUSED(mixnet({"prepare", record()}), "MANIFEST_FP_UNPINNED");
  EXPECT_REFUSED(mixnet({"prepare", record(), "--fingerprint", std::string(64, 'a')}),
                 "MANIFEST_FP_MISMATCH");
  EXPECT_EQ(mixnet({"prepare", record(), "--fingerprint", "xyz"}).status, 2);
  change(layout::log_items(), 100);
  EXPECT_REFUSED(mixnet({"prepare", record(), "--fingerprint", fingerprint()}), "LOG_LEAF_MISMATCH");
  change(layout::log_items(), 100);
  EXPECT_REFUSED(mix(1), "UPSTREAM_UNVERIFIED");
  const Ended prepared = mixnet({"prepare", record(), "--fingerprint", fingerprint()});
  ASSERT_EQ(prepared.status, 0) << prepared.err;

  // mix
  EXPECT_REFUSED(mix(2), "mix.1: EVIDENCE_FILE_MISSING");
  EXPECT_EQ(
      mixnet({"mix", record(), "--key", key("mixer", 1), "--fingerprint", fingerprint(), "--position", "2"})
          .status,
      2);
  EXPECT_REFUSED(mixnet({"mix", record(), "--key", key("trustee", 1), "--fingerprint", fingerprint()}),
                 "MIXER_NOT_IN_ROSTER");
  ASSERT_EQ(mix(1).status, 0);
  change(layout::mix(2, 1), 40);
  EXPECT_REFUSED(mix(2), "UPSTREAM_UNVERIFIED");
  change(layout::mix(2, 1), 40);
  ::setenv("PSEPHOS_PASSPHRASE", "wrong", 1);
  EXPECT_REFUSED(mix(2), "SECRET_UNREADABLE");
  ::setenv("PSEPHOS_PASSPHRASE", "correct horse", 1);
  EXPECT_REFUSED(decrypt(1),
                 "mix.2: EVIDENCE_FILE_MISSING");  // nothing is decrypted before the last mix (A142)
  ASSERT_EQ(mix(2).status, 0);
  ASSERT_EQ(mix(3).status, 0);
  EXPECT_EQ(mixnet({"verify", record(), "--fingerprint", fingerprint()}).status, 0);

  // decrypt: anything wrong upstream, and the share file stays as it was, to the byte
  const Bytes share = read_file(key("share", 1), 10'000).value();
  change(layout::mix_proof(0, 2, MixInputs::kSworn), 64);
  EXPECT_REFUSED(decrypt(1), "UPSTREAM_UNVERIFIED");
  EXPECT_REFUSED(mixnet({"verify", record(), "--fingerprint", fingerprint()}), "CHAIN_HASH_MISMATCH");
  change(layout::mix_proof(0, 2, MixInputs::kSworn), 64);
  EXPECT_EQ(read_file(key("share", 1), 10'000).value(), share);
  EXPECT_REFUSED(tally({"decrypt", record(), "--key", key("trustee", 1), "--share", key("share", 2),
                        "--fingerprint", fingerprint()}),
                 "SHARE_TRUSTEE");
  ASSERT_EQ(decrypt(1).status, 0);
  EXPECT_REFUSED(tally({"combine", record()}), "TALLY_INSUFFICIENT_SHARES");
  ASSERT_EQ(decrypt(3).status, 0);
  ASSERT_EQ(decrypt(3).status, 0);  // the same set again

  // Another valid cascade over the same lists: honest trustees have decrypted once (DECRYPTION_TWICE).
  const fs::path kept = directory / "kept";
  fs::copy(record(), kept, fs::copy_options::recursive);
  ASSERT_EQ(mix(3).status, 0);
  EXPECT_REFUSED(decrypt(1), "DECRYPTION_TWICE");
  ASSERT_EQ(decrypt(2).status, 0) << "trustee 2 has not decrypted before";
  fs::remove_all(record());
  fs::rename(kept, record());

  // combine, with a trustee whose shares are wrong: named, left out, kept as evidence
  ASSERT_EQ(tally({"decrypt", record(), "--key", key("trustee", 1), "--share", key("share", 1),
                   "--fingerprint", fingerprint()})
                .status,
            0);
  EXPECT_REFUSED(decrypt(2), "DECRYPTION_TWICE");
  fs::copy(record() / layout::share_statement(1), record() / layout::share_statement(2));
  const Ended combined = tally({"combine", record()});
  ASSERT_EQ(combined.status, 0) << combined.err;
  EXPECT_NE(combined.err.find("trustee 2"), std::string::npos) << combined.err;
  EXPECT_FALSE(fs::exists(record() / layout::share_statement(2)));
  EXPECT_TRUE(fs::exists(directory / "record.set-aside" / layout::share_statement(2)));

  // publish
  const Ended published = tally({"publish", record(), "--fingerprint", fingerprint()});
  ASSERT_EQ(published.status, 0) << published.err;
  const RecordDirectory reader(record());
  for (const Tier tier : {Tier::kPublic, Tier::kSworn}) EXPECT_TRUE(reader.has(layout::index(tier)));
  const auto result = decode<ElectionResult>(reader.read(layout::result())->view);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->totals[0].counts[0].votes, 3U);
  change(layout::plaintexts(0), 5);
  EXPECT_REFUSED(tally({"publish", record()}), "");
}

TEST_F(ProgramsTest, DocumentsAreMadeSignedAndChecked) {
  const fs::path work = directory / "work";
  const auto passphrase = read_passphrase(std::nullopt, "test", PassphraseUse::kOpen);
  SystemRng rng;
  for (std::size_t i = 0; i < 2; ++i)
    ASSERT_TRUE(write_new_signing_key(key("member", i + 1), key_kinds::kCommission,
                                      e->election().definition().commission[i].name, e->commission[i],
                                      *passphrase, kMinSealCost, rng));
  const fs::path manifest = work / "manifest";
  ASSERT_TRUE(write_file(manifest,
                         encode(SignedDocument{.body = encode(e->election().manifest()), .signatures = {}})));
  for (std::size_t i = 1; i <= 2; ++i) {
    const Ended signing = tally({"sign", "--key", key("member", i), "--kind", "manifest", manifest});
    ASSERT_EQ(signing.status, 0) << signing.err;
  }
  ASSERT_TRUE(Election::open(read_file(manifest, 1U << 24U).value(), e->election().fingerprint()));
  EXPECT_NE(tally({"fingerprint", manifest}).out.find(fingerprint()), std::string::npos);
  EXPECT_EQ(tally({"log-key", manifest}).out, e->election().log_key().encode() + "\n");

  const std::string id = e->card(1).person.national_id;
  ASSERT_TRUE(write_file(work / "roll.tsv", bytes_of(id + "\tu1\tMari\tMaasikas\n")));
  const auto document = [&](std::vector<std::string> words) {
    words.insert(words.begin(), "document");
    words.insert(words.end(), {"--manifest", manifest, "--fingerprint", fingerprint()});
    return tally(std::move(words));
  };
  ASSERT_EQ(document({"roll", "--in", work / "roll.tsv", "--version", "1", "--out", work / "roll-1"}).status,
            0);
  for (std::size_t i = 1; i <= 2; ++i)
    ASSERT_EQ(
        tally({"sign", "--key", key("member", i), "--kind", "roll", "--manifest", manifest, work / "roll-1"})
            .status,
        0);
  ASSERT_TRUE(write_file(work / "change.tsv", bytes_of("move\t" + id + "\tu2\n")));
  EXPECT_EQ(
      document({"roll", "--in", work / "change.tsv", "--version", "2", "--out", work / "roll-2"}).status, 2);
  ASSERT_EQ(document({"roll", "--in", work / "change.tsv", "--version", "2", "--previous", work / "roll-1",
                      "--out", work / "roll-2"})
                .status,
            0);
  ASSERT_EQ(
      tally({"sign", "--key", key("member", 1), "--kind", "roll", "--manifest", manifest, work / "roll-2"})
          .status,
      0);
  ASSERT_EQ(
      tally({"sign", "--key", key("member", 2), "--kind", "roll", "--manifest", manifest, work / "roll-2"})
          .status,
      0);
  EXPECT_NE(
      tally({"sign", "--key", key("member", 2), "--kind", "phase", "--manifest", manifest, work / "roll-2"})
          .status,
      0);
  ASSERT_EQ(document({"phase", "--event", "opened", "--time", "1900000001", "--out", work / "opened"}).status,
            0);
  ASSERT_EQ(
      tally({"sign", "--key", key("member", 1), "--kind", "phase", "--manifest", manifest, work / "opened"})
          .status,
      0);
  ElectionState state(e->election());
  EXPECT_TRUE(state.apply_document(0, EntryType::kRoll, read_file(work / "roll-1", 1U << 24U).value()));
  EXPECT_TRUE(state.apply_document(1, EntryType::kRoll, read_file(work / "roll-2", 1U << 24U).value()));
  const Bytes opened = read_file(work / "opened", 1U << 24U).value();
  EXPECT_EQ(state.apply_document(2, EntryType::kPhase, opened).error().reason, Reason::kSignatureQuorum);
  EXPECT_EQ(state.unit_now(*state.find(e->pseudonym(1))), 1U);
  EXPECT_EQ(document({"roll", "--in", work / "absent", "--version", "1", "--out", work / "x"}).status, 1);
  EXPECT_FALSE(fs::exists(work / "x"));
}

/// What a registrar signs, as files: a list and its signed note.
class ImportTest : public ProgramsTest {
 protected:
  void SetUp() override {
    work = directory / "imports";
    fs::remove_all(work);
    ASSERT_TRUE(write_file(work / "manifest", e->election().signed_manifest()));
    ASSERT_TRUE(write_file(work / "register.vkey", bytes_of(vkey.encode() + "\n")));
    ASSERT_TRUE(write_file(work / "units", bytes_of("*\t1\tu1\n*\t2\tu2\nFOREIGN\t1\tu3\n")));
  }
  std::string code(std::uint64_t n) { return e->card(n).person.national_id.substr(6); }
  void put(const std::string& name, const std::string& text) const {
    ASSERT_TRUE(write_file(work / name, bytes_of(text)));
    SignedNote note{"psephos-1/registrar\n" + to_hex(sha256(bytes_of(text))) + "\n", {}};
    note.signatures.push_back({vkey.name, vkey.id(), copy_of(secret.sign(bytes_of(note.text)))});
    ASSERT_TRUE(write_file(work / (name + ".sig"), bytes_of(note.encode())));
  }
  Ended import(const std::string& what, std::vector<std::string> words) const {
    words.insert(words.begin(), {"document", what, "--manifest", work / "manifest", "--registrar-key",
                                 work / "register.vkey", "--election-id", "KOV_2027"});
    return tally(std::move(words));
  }
  Ended import_roll(const std::string& name, std::vector<std::string> more) const {
    more.insert(more.end(), {"--in", work / name, "--signature", work / (name + ".sig"), "--units",
                             work / "units", "--out", work / ("document-" + name)});
    return import("import-roll", std::move(more));
  }
  SystemRng rng;
  SigningKey secret = SigningKey::generate(rng);
  NoteKey vkey = note_key("register", NoteKeyType::kLog, secret);
  fs::path work;
};

TEST_F(ImportTest, FromSignedFilesToDocuments) {
  put("roll-0", "2\nKOV_2027\n0\n2027-01-01T00:00:00Z\t2027-01-01T00:00:00Z\nlisamine\t" + code(1) +
                    "\tMARI MAASIKAS\t0101\t1\nlisamine\t" + code(2) + "\tJAAN TAMM\tFOREIGN\t1\n");
  put("roll-1", "2\nKOV_2027\n1\n2027-01-01T00:00:00Z\t2027-01-02T00:00:00Z\nkustutamine\t" + code(1) +
                    "\nlisamine\t" + code(1) + "\tMARI MAASIKAS\t0102\t2\nlisamine\t" + code(3) +
                    "\tUUS VALIJA\t0102\t1\n");
  const Ended dry = import_roll("roll-0", {"--dry-run"});
  ASSERT_EQ(dry.status, 0) << dry.err;
  EXPECT_FALSE(fs::exists(work / "document-roll-0"));
  const Ended first = import_roll("roll-0", {});
  ASSERT_EQ(first.status, 0) << first.err;
  EXPECT_TRUE(first.out.starts_with(dry.out)) << first.out;
  const std::string hash = to_hex(sha256(read_file(work / "roll-0", 1U << 20U).value()));
  EXPECT_NE(first.out.find(hash), std::string::npos) << first.out;
  EXPECT_EQ(first.out.find(code(1)), std::string::npos);
  const Ended second = import_roll("roll-1", {"--previous", work / "document-roll-0"});
  ASSERT_EQ(second.status, 0) << second.err;
  put("a.tsv", "2\nKOV_2027\ntühistus\n" + code(3) + "\n");
  put("b.json", "{\"election\": \"KOV_2027\", \"type\": \"revoke\", \"persons\": [\"" + code(1) + "\"]}");
  const auto paper = [&](std::vector<std::string> words) {
    words.insert(words.end(), {"--number", "1", "--out", work / "revocation"});
    return import("import-paper", std::move(words));
  };
  const Ended stations = paper({work / "a.tsv", work / "b.json", "--roll", work / "document-roll-0", "--roll",
                                work / "document-roll-1"});
  ASSERT_EQ(stations.status, 0) << stations.err;

  // What came out is what the log takes, once the commission has signed.
  ElectionState state(e->election());
  const auto signed_by_all = [&](std::string_view label, const char* name) {
    const auto document = decode<SignedDocument>(read_file(work / name, 1U << 20U).value()).value();
    return e->sign(label, document.body);
  };
  ASSERT_TRUE(state.apply_document(0, EntryType::kRoll, signed_by_all(labels::kSignRoll, "document-roll-0")));
  ASSERT_TRUE(state.apply_document(1, EntryType::kRoll, signed_by_all(labels::kSignRoll, "document-roll-1")));
  ASSERT_TRUE(state.apply_document(2, EntryType::kPhase, e->phase(PhaseEventKind::kOpened, 1)));
  ASSERT_TRUE(
      state.apply_document(3, EntryType::kRevocation, signed_by_all(labels::kSignRevocation, "revocation")));
  EXPECT_EQ(state.unit_now(*state.find(e->pseudonym(1))), 1U);
  EXPECT_EQ(state.unit_now(*state.find(e->pseudonym(2))), 2U);
  EXPECT_EQ(state.unit_now(*state.find(e->pseudonym(3))), 0U);
  EXPECT_TRUE(state.find(e->pseudonym(1))->revoked);
  EXPECT_FALSE(state.find(e->pseudonym(2))->revoked);
  EXPECT_TRUE(state.find(e->pseudonym(3))->revoked);

  // One thing wrong at a time.
  const auto refused = [&](const Ended& ended, const std::string& name) {
    EXPECT_EQ(ended.status, name == "USAGE" ? 2 : 1) << ended.out;
    EXPECT_NE(ended.err.find(name), std::string::npos) << ended.err;
  };
  fs::remove(work / "document-roll-1");
  refused(import_roll("roll-1", {}), "ROLL_CHAIN_GAP");
  refused(import_roll("roll-1", {"--election-id", "RK_2027"}), "USAGE");  // twice
  refused(import_roll("roll-1", {"--previous", work / "a.tsv"}), "WIRE_");
  ASSERT_TRUE(write_file(work / "units", bytes_of("*\t1\tu1\nFOREIGN\t1\tu3\n")));
  refused(import_roll("roll-1", {"--previous", work / "document-roll-0"}),
          "ROLL_CHANGE_INVALID: a roll change contradicts the roll (roll-1, line 6, column");
  ASSERT_TRUE(write_file(work / "units", bytes_of("*\t1\tu9\n")));
  refused(import_roll("roll-1", {"--previous", work / "document-roll-0"}), "ROLL_CHANGE_INVALID");
  fs::remove(work / "units");
  refused(import_roll("roll-1", {"--previous", work / "document-roll-0"}), "FILE_UNREADABLE");
  EXPECT_FALSE(fs::exists(work / "document-roll-1"));
  put("c.tsv", "2\nKOV_2027\ntühistus\n" + code(3) + "\n");
  ASSERT_TRUE(write_file(work / "c.tsv", bytes_of("2\nKOV_2027\ntühistus\n" + code(2) + "\n")));
  refused(paper({work / "c.tsv", "--roll", work / "document-roll-0"}), "SIG_INVALID");
  fs::remove(work / "c.tsv.sig");
  refused(paper({work / "c.tsv", "--roll", work / "document-roll-0"}), "FILE_UNREADABLE");
  ASSERT_TRUE(write_file(work / "register.vkey", bytes_of("nothing")));
  refused(paper({work / "a.tsv", "--roll", work / "document-roll-0"}), "FILE_UNREADABLE");
}

}  // namespace
}  // namespace psephos::test
