// What mixers and trustees are given to work on, with one thing wrong: the programs say UPSTREAM_UNVERIFIED
// and the cause before any secret is opened (A126, A142). A wrong passphrase tells: it is not even noticed.
#include <gtest/gtest.h>
#include <stdlib.h>

#include "protocol/checks/lists.h"
#include "protocol/files/keys.h"
#include "protocol/record_layout.h"
#include "tally/trustee.h"
#include "tests/support/run_program.h"
#include "tests/support/test_record.h"

namespace psephos::test {
namespace {

namespace fs = std::filesystem;

class UpstreamAttacksTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    std::string name = (fs::temp_directory_path() / "psephos-upstream-XXXXXX").string();
    directory = ::mkdtemp(name.data());
    e = new TestElection;
    honest = new TestRecord(*e);
    passphrase("right");
    const auto right = read_passphrase(std::nullopt, "test", PassphraseUse::kOpen);
    SystemRng rng;
    const Definition& d = e->election().definition();
    for (std::size_t i = 0; i < 3; ++i)
      ASSERT_TRUE(write_new_signing_key(key("mixer", i + 1), key_kinds::kMixer, d.mixers[i].name,
                                        e->mixers[i], *right, kMinSealCost, rng));
    ASSERT_TRUE(write_new_signing_key(key("trustee", 1), key_kinds::kTrustee, d.trustees[0].name,
                                      e->trustees[0], *right, kMinSealCost, rng));
    ASSERT_TRUE(write_new_share(key("share", 1), d.trustees[0].name,
                                {e->election().definition_hash(), e->secret_shares[0].clone(), std::nullopt},
                                {*right, kMinSealCost, rng}));
  }
  static void TearDownTestSuite() {
    delete honest;
    delete e;
    fs::remove_all(directory);
  }
  static std::string key(const char* kind, std::size_t i) {
    return (directory / (std::string(kind) + "-" + std::to_string(i))).string();
  }
  static void passphrase(const char* text) { ::setenv("PSEPHOS_PASSPHRASE", text, 1); }
  static Ended mix(std::size_t i) {
    return run_program(PSEPHOS_MIXNET,
                       {"mix", record(), "--key", key("mixer", i), "--fingerprint", fingerprint()},
                       directory);
  }
  static Ended decrypt() {
    return run_program(PSEPHOS_TALLY,
                       {"decrypt", record(), "--key", key("trustee", 1), "--share", key("share", 1),
                        "--fingerprint", fingerprint()},
                       directory);
  }
  static fs::path record() { return directory / "record"; }
  static std::string fingerprint() { return to_hex(e->election().fingerprint()); }

  /// A record as it lies before the mixer at `position`, or before the trustees if that is 4.
  static void lay(const TestRecord& r, std::uint64_t position) {
    fs::remove_all(record());
    r.write_to(record());
    for (const auto& file : fs::recursive_directory_iterator(record())) {
      const std::string path = file.path().filename().string();
      bool later = path.starts_with("share") || path.starts_with("plain") || path.starts_with("result") ||
                   path.starts_with("index");
      for (std::uint64_t p = position; p <= 3; ++p)
        later = later || path.find("mix-" + std::to_string(p)) != std::string::npos;
      if (later && file.is_regular_file()) fs::remove(file.path());
    }
  }
  static std::map<std::string, Bytes> contents() {
    std::map<std::string, Bytes> out;
    for (const auto& file : fs::recursive_directory_iterator(directory))
      if (file.is_regular_file() && !file.path().filename().string().starts_with("std"))
        out[file.path()] = read_file(file.path(), 1U << 24U).value();
    return out;
  }
  /// Refused for that cause by every mixer from `position` on and by the trustee, although the passphrase of
  /// no secret is right; no file is written, no secret's file is touched.
  static void expect_unverified(const TestRecord& r, std::uint64_t position, const std::string& cause) {
    passphrase("wrong");
    for (std::uint64_t p = position; p <= 4; ++p) {
      lay(r, p);
      const auto before = contents();
      const Ended ended = p <= 3 ? mix(p) : decrypt();
      EXPECT_EQ(ended.status, 1) << p;
      EXPECT_NE(ended.err.find(": UPSTREAM_UNVERIFIED: "), std::string::npos) << p << ": " << ended.err;
      EXPECT_NE(ended.err.find(cause), std::string::npos) << p << ": " << ended.err;
      EXPECT_TRUE(contents() == before) << p << ": something was written";
    }
  }
  static Ciphertext<Ristretto> re_randomised(const Ciphertext<Ristretto>& c) {
    return re_encrypt<Ristretto>(e->election().Y(), c, Ristretto::SecretScalar::random(e->rng()));
  }
  /// The output of mix `position` for group 0 replaced, its statement signed for it, and an honest cascade
  /// after it. The proof is the one there was.
  static TestRecord with_output(std::uint64_t position, const std::vector<Ciphertext<Ristretto>>& items) {
    TestRecord r = *honest;
    const std::string path = layout::mix(0, position);
    const ListHeader header = parse_list(r.file(path), Stage::kMixed, "mix").value().header;
    r.file(path) = write_ciphertexts(header, items);
    const Digest256 hash = sha256(r.file(path));
    r.change_header(layout::mix_proof(0, position, MixInputs::kSworn),
                    [&](ListHeader& proof) { proof.proven = hash; });
    r.resign_mix(position);
    for (std::uint64_t next = position + 1; next <= 3; ++next) r.make(next == 2 ? Step::kMix2 : Step::kMix3);
    return r;
  }

  static inline fs::path directory;
  static inline TestElection* e = nullptr;
  static inline TestRecord* honest = nullptr;
};

// The accepted twin: upstream verifies, and only then the passphrase matters.
TEST_F(UpstreamAttacksTest, HonestRecordOpensTheSecret) {
  for (std::uint64_t p = 1; p <= 4; ++p) {
    lay(*honest, p);
    passphrase("wrong");
    const Ended wrong = p <= 3 ? mix(p) : decrypt();
    EXPECT_EQ(wrong.status, 1);
    EXPECT_NE(wrong.err.find(": SECRET_UNREADABLE: "), std::string::npos) << p << ": " << wrong.err;
    passphrase("right");
    const Ended right = p <= 3 ? mix(p) : decrypt();
    EXPECT_EQ(right.status, 0) << p << ": " << right.err;
  }
  // A trustee has decrypted this set. Another honest cascade is another set.
  const Bytes share = read_file(key("share", 1), 1U << 20U).value();
  TestRecord second = *honest;
  second.make_from(Step::kMix1);
  lay(second, 4);
  const Ended twice = decrypt();
  EXPECT_EQ(twice.status, 1);
  EXPECT_NE(twice.err.find(": DECRYPTION_TWICE: "), std::string::npos) << twice.err;
  EXPECT_FALSE(fs::exists(record() / layout::share_statement(1)));
  EXPECT_EQ(read_file(key("share", 1), 1U << 20U).value(), share);
  lay(*honest, 4);
  EXPECT_EQ(decrypt().status, 0);  // the same set again
}

TEST_F(UpstreamAttacksTest, A126_A142_ListsThatTheLogDoesNotDetermine) {
  const auto items = honest->list(0, 0).list.items;
  auto with_re_randomised = items;
  with_re_randomised[0] = re_randomised(items[0]);
  auto with_raw = items;  // a ciphertext out of another group's ballots
  with_raw[0] = honest->list(2, 0).list.items[0];
  std::vector<Ciphertext<Ristretto>> victims;  // one voter's ballot, over and over
  for (std::size_t i = 0; i < items.size(); ++i) victims.push_back(re_randomised(items[0]));
  auto without = items;
  without.pop_back();
  for (const auto& list : {with_re_randomised, with_raw, victims, without}) {
    TestRecord r = *honest;
    r.set_input(0, list);
    if (list.size() <
        items.size()) {  // a ballot left out is left out of both its contests: the numbers agree
      auto council = honest->list(1, 0).list.items;
      council.pop_back();
      r.set_input(1, council);
    }
    r.make_from(Step::kMix1);  // sheet, mixes and their proofs agree with it
    expect_unverified(r, 1, "lists.derived: BALLOTSET_NOT_DERIVABLE");
  }
}

TEST_F(UpstreamAttacksTest, A126_A142_MixesThatProveNothing) {
  const auto outputs = honest->list(0, 1).list.items;
  auto one_again = outputs;  // mixer 1 passes a victim's ballot twice, for another that is lost
  one_again[1] = re_randomised(outputs[0]);
  expect_unverified(with_output(1, one_again), 2, "mix.1: SHUFFLE_PROOF_INVALID");
  // The last mixer hands the trustees a raw ballot, or one that it re-randomised itself, with the rest.
  auto last = honest->list(0, 3).list.items;
  last[0] = re_randomised(honest->list(0, 0).list.items[0]);
  expect_unverified(with_output(3, last), 4, "mix.3: SHUFFLE_PROOF_INVALID");
  last[0] = honest->list(0, 0).list.items[0];
  expect_unverified(with_output(3, last), 4, "mix.3: SHUFFLE_PROOF_INVALID");
  // What went in comes out: nothing is mixed.
  expect_unverified(with_output(3, honest->list(0, 2).list.items), 4, "mix.3: MIX_OUTPUT_UNCHANGED");
  // The last mix is missing, and the list before it lies in its place.
  TestRecord unmixed = *honest;
  unmixed.file(layout::mix(0, 3)) = honest->record.files.at(layout::mix(0, 2));
  expect_unverified(unmixed, 4, "mix.3: CHAIN_HASH_MISMATCH");
  unmixed.record.files.erase(layout::mix_statement(3));
  expect_unverified(unmixed, 4, "mix.3: EVIDENCE_FILE_MISSING");
}

TEST_F(UpstreamAttacksTest, A126_A142_HeadsThatNobodyWitnessed) {
  TestRecord lonely = *honest;
  SignedNote note = SignedNote::parse(text_of(lonely.file(layout::log_checkpoint()))).value();
  note.signatures.pop_back();
  lonely.file(layout::log_checkpoint()) = copy_of(bytes_of(note.encode()));
  expect_unverified(lonely, 1, "log.checkpoint: HEAD_UNWITNESSED");
  // A whole log of the operator's own, signed by its log key alone: everything after it is in order.
  TestLog own(*e);
  small_log(*e, own);
  TestRecord fork(*e, own);
  SignedNote forked = SignedNote::parse(text_of(fork.file(layout::log_checkpoint()))).value();
  forked.signatures.resize(1);
  fork.file(layout::log_checkpoint()) = copy_of(bytes_of(forked.encode()));
  expect_unverified(fork, 1, "log.checkpoint: HEAD_UNWITNESSED");
}

}  // namespace
}  // namespace psephos::test
