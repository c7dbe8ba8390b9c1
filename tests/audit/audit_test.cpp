// What the audit refuses, by name, each beside the same thing done honestly (ATTACKS.md).
#include "audit/audit.h"

#include <gtest/gtest.h>

#include "crypto/secret/note_signer.h"
#include "protocol/labels.h"
#include "protocol/record_layout.h"
#include "protocol/signed.h"
#include "tests/support/test_record.h"

namespace psephos::test {
namespace {

using enum AuditCheckId;

/// One honest record for all; tests change copies.
class AuditTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    e = new TestElection;
    log = new TestLog(*e);
    small_log(*e, *log);
    honest = new TestRecord(*e, *log);
  }
  static void TearDownTestSuite() {
    delete honest;
    delete log;
    delete e;
  }

  static AuditReport audit(const MemoryRecord& record, bool public_only = false) {
    return audit_record(
        {.record = record, .fingerprint = e->election().fingerprint(), .public_only = public_only});
  }
  static AuditReport audit_with(std::vector<GivenFile> checkpoints, std::vector<GivenFile> receipts) {
    return audit_record({.record = honest->record,
                         .fingerprint = e->election().fingerprint(),
                         .checkpoints = std::move(checkpoints),
                         .receipts = std::move(receipts)});
  }
  static bool has(const AuditReport& report, AuditCheckId id, Reason reason) {
    const AuditCheck& check = report.check(id);
    return check.outcome == Outcome::kFailed &&
           std::ranges::any_of(check.findings, [&](const Rejection& r) { return r.reason == reason; });
  }
  /// Numbers of the failed checks.
  static std::vector<std::size_t> failed(const AuditReport& report) {
    std::vector<std::size_t> numbers;
    for (const AuditCheck& check : report.checks)
      if (check.outcome == Outcome::kFailed) numbers.push_back(check.number());
    return numbers;
  }
  static void expect_refused(const AuditReport& report, AuditCheckId id, Reason reason) {
    EXPECT_FALSE(report.accepted());
    EXPECT_TRUE(has(report, id, reason)) << name_of(reason) << " expected:\n" << report_text(report);
  }
  /// A head of size n and that root, signed by the log and two witnesses.
  static GivenFile head(std::uint64_t size, const Digest256& root, bool by_log = true) {
    const Checkpoint checkpoint{.origin = e->election().log_origin(), .size = size, .root = root};
    const SignedNote note = sign_checkpoint(checkpoint, e->collector[by_log ? 0 : 1]);
    return {"head of a phone", copy_of(bytes_of(note.encode()))};
  }
  static GivenFile receipt(std::uint64_t index, const EntryBytes& entry, const BallotId& id) {
    const ReceiptStatement statement{
        .fingerprint = e->election().fingerprint(), .ballot_id = id, .index = index, .entry = entry};
    ServiceSigned document{.body = encode(statement), .signature = {}};
    document.signature = e->collector[1].sign_labelled(labels::kSignReceipt, document.body);
    const Receipt receipt{
        .statement = document,
        .inclusion_proof = log->tree.inclusion_proof(std::min(index, log->tree.size() - 1), log->tree.size()),
        .checkpoint = copy_of(bytes_of(e->cosigned_checkpoint(log->tree).encode()))};
    return {"receipt", encode(receipt)};
  }
  /// The first ballot of the log.
  static std::pair<std::uint64_t, BallotId> first_ballot() {
    for (std::size_t i = 0; i < log->entries.size(); ++i)
      if (type_of(log->entries[i]) == EntryType::kBallot)
        return {i, id_of(decode<BallotItem>(log->items[i].item)->envelope)};
    return {};
  }

  static inline TestElection* e = nullptr;
  static inline TestLog* log = nullptr;
  static inline TestRecord* honest = nullptr;
};

TEST_F(AuditTest, HonestRecordIsAccepted) {
  const AuditReport report = audit(honest->record);
  EXPECT_TRUE(report.accepted()) << report_text(report);
  for (const AuditCheck& check : report.checks) EXPECT_EQ(check.outcome, Outcome::kPassed) << check.name;
  EXPECT_EQ(report.check(kMixes).proofs->expected, 3 * report.groups);
  EXPECT_EQ(report.check(kShares).proofs->expected, 2 * report.groups);
  EXPECT_EQ(report.check(kShares).proofs->failed(), 0U);
  EXPECT_TRUE(
      report_text(report).ends_with("VERDICT: ACCEPTED. Every check passed on both tiers of the record\n"));
}

TEST_F(AuditTest, PublicTierSaysWhatItCannotShow) {
  MemoryRecord open = honest->record;
  std::erase_if(open.files, [](const auto& file) { return file.first.starts_with("sworn/"); });
  for (const AuditReport& report : {audit(open), audit(honest->record, true)}) {
    EXPECT_TRUE(report.accepted()) << report_text(report);
    for (const AuditCheck& check : report.checks) {
      const bool sworn = check.id == kReplay || check.id == kDerived || check.id == kInputs;
      EXPECT_EQ(check.outcome, sworn ? Outcome::kNotCheckable : Outcome::kPassed) << check.name;
      EXPECT_EQ(check.not_covered.empty(), !(sworn || check.id == kMixes)) << check.name;
    }
    EXPECT_EQ(report.check(kMixes).proofs->expected, 2 * report.groups);
    EXPECT_NE(report_text(report).find("not checkable: 5 (replay), 6 (lists), 7 (inputs)"),
              std::string::npos);
  }
}

TEST_F(AuditTest, PublicInputsAreCheckedOnThePublicTier) {
  Options options;
  options.mix_inputs = MixInputs::kPublic;
  TestElection open_inputs(options);
  const TestRecord record(open_inputs);
  const AuditReport report = audit_record(
      {.record = record.record, .fingerprint = open_inputs.election().fingerprint(), .public_only = true});
  EXPECT_TRUE(report.accepted()) << report_text(report);
  EXPECT_EQ(report.check(kInputs).outcome, Outcome::kPassed);
  EXPECT_EQ(report.check(kMixes).proofs->expected, 3 * report.groups);
}

TEST_F(AuditTest, FailedCheckDoesNotHideOthers) {
  TestRecord r = *honest;
  r.file(layout::log_items())[200] ^= 1;
  r.file(layout::result_as("csv"))[0] ^= 1;
  const AuditReport report = audit(r.record);
  expect_refused(report, kRecord, Reason::kEvidenceFileAltered);
  expect_refused(report, kResult, Reason::kResultMismatch);
  EXPECT_EQ(report.check(kReplay).outcome, Outcome::kFailed);
  EXPECT_EQ(report.check(kMixes).outcome, Outcome::kPassed);
}

TEST_F(AuditTest, CheckThatStandsOnAFailedOneIsNeverPassed) {
  TestRecord r = *honest;
  r.record.files.erase(layout::mix(0, 2));
  const AuditReport report = audit(r.record);
  expect_refused(report, kMixes, Reason::kEvidenceFileMissing);
  for (const AuditCheckId id : {kShares, kPlaintexts, kResult}) {
    expect_refused(report, id, Reason::kAuditIncomplete);
  }
  EXPECT_EQ(report.check(kShares).findings[0].object, "cannot be made because check 8 failed");
  EXPECT_EQ(report.check(kShares).proofs->failed(), report.check(kShares).proofs->expected);
}

TEST_F(AuditTest, RecordWithoutManifestFailsEverything) {
  const AuditReport report = audit(MemoryRecord{});
  EXPECT_EQ(failed(report).size(), kAuditChecks);
  expect_refused(report, kManifest, Reason::kEvidenceFileMissing);
}

TEST_F(AuditTest, A42_CandidateNamesSwapped) {
  TestRecord r = *honest;
  Manifest manifest = e->election().manifest();
  std::swap(manifest.definition.contests[0].lists[0].choices[0].names,
            manifest.definition.contests[0].lists[0].choices[1].names);
  r.record.files[layout::manifest()] = e->signed_manifest(manifest);
  r.make(Step::kIndex);
  expect_refused(audit(r.record), kManifest, Reason::kManifestFpMismatch);
}

TEST_F(AuditTest, A177_WholeElectionOfSomebodyElse) {
  TestElection other;
  const TestRecord fake(other);
  // It agrees with itself, and is accepted by whoever was given its fingerprint.
  EXPECT_TRUE(
      audit_record({.record = fake.record, .fingerprint = other.election().fingerprint()}).accepted());
  const AuditReport unpinned = audit_record({.record = fake.record, .fingerprint = std::nullopt});
  expect_refused(unpinned, kManifest, Reason::kManifestFpUnpinned);
  EXPECT_EQ(failed(unpinned), std::vector<std::size_t>{2});
  expect_refused(audit(fake.record), kManifest, Reason::kManifestFpMismatch);
}

TEST_F(AuditTest, A117_ProofBringsParameters) {
  TestRecord r = *honest;
  r.change_header(layout::mix_proof(0, 2, MixInputs::kSworn),
                  [](ListHeader& header) { header.parameters = Bytes{1, 0}; });
  r.resign_mix(2);
  r.make(Step::kIndex);
  const AuditReport report = audit(r.record);
  expect_refused(report, kMixes, Reason::kParamFromProver);
  TestRecord share = *honest;
  share.change_header(layout::share_proof(1, 3), [](ListHeader& header) { header.parameters = Bytes{1, 0}; });
  share.resign_shares(3);
  share.make(Step::kIndex);
  expect_refused(audit(share.record), kShares, Reason::kParamFromProver);
  TestRecord same = *honest;  // accepted twin: written and signed anew without them
  same.change_header(layout::mix_proof(0, 2, MixInputs::kSworn), [](ListHeader&) {});
  same.resign_mix(2);
  same.make(Step::kIndex);
  EXPECT_TRUE(audit(same.record).accepted());
}

// A113: a proof of another type, above all one that checks half of the rows (randomised partial checking). A
// proof's file has no word for its type but its stage, and its elements are counted.
TEST_F(AuditTest, A113_ProofOfAnotherType) {
  const std::string path = layout::mix_proof(0, 2, MixInputs::kSworn);
  const auto with = [&](const std::function<void(TestRecord&, Bytes&)>& change) {
    TestRecord r = *honest;
    change(r, r.file(path));
    r.resign_mix(2);
    r.make(Step::kIndex);
    return audit(r.record);
  };
  const auto refused = [&](const std::function<void(TestRecord&, Bytes&)>& change, Reason reason) {
    expect_refused(with(change), kMixes, reason);
  };
  EXPECT_TRUE(with([](TestRecord&, Bytes&) {}).accepted());
  const auto stage = [&](int number) {
    return [&path, number](TestRecord& r, Bytes&) {
      r.change_header(path, [number](ListHeader& header) { header.stage = static_cast<Stage>(number); });
    };
  };
  refused(stage(7), reason_of(Fault::kProofParse));  // no such stage
  refused(stage(static_cast<int>(Stage::kShareProof)), Reason::kChainHashMismatch);
  // A flag that asks for spot checks, in a field that nobody knows and in the one where parameters would be.
  for (const std::uint32_t number : {10U, 14U, 15U}) {
    const bool of_parameters = number == 15;
    refused(
        [&](TestRecord&, Bytes& file) {
          const std::size_t length = read_u32be(ByteView(file).subspan(8, 4));
          Bytes header = copy_of(ByteView(file).subspan(12, length));
          wire::write_tag(header, number, of_parameters ? 2 : 0);
          if (of_parameters) wire::write_varint(header, 1);
          wire::write_varint(header, 1);
          Bytes out = copy_of(ByteView(file).first(8));
          append_u32be(out, static_cast<std::uint32_t>(header.size()));
          append(out, header);
          append(out, ByteView(file).subspan(12 + length));
          file = out;
        },
        of_parameters ? Reason::kParamFromProver : reason_of(Fault::kProofParse));
  }
  // What such a mixer would publish: for every second row where it went, and with which randomness, 64 bytes.
  // And the same with as many elements as our proof has.
  const auto half_of_the_links = [&](bool filled_up) {
    return [filled_up](TestRecord&, Bytes& file) {
      const std::size_t begin = 12 + read_u32be(ByteView(file).subspan(8, 4));
      const std::size_t size = file.size();
      file.resize(begin);
      for (std::uint64_t row = 0; row < 2; ++row) {
        append(file, Ristretto::Scalar::from_u64(3 - row).encode());
        append(file, Ristretto::Scalar::from_wide(sha512(u64be(row))).encode());
      }
      if (filled_up) file.resize(size);
    };
  };
  refused(half_of_the_links(false), reason_of(Fault::kProofParse));
  refused(half_of_the_links(true), reason_of(Fault::kShuffleDegenerate));
  refused([](TestRecord&, Bytes& file) { file.clear(); }, reason_of(Fault::kProofParse));
}

// Nobody but the mixers and trustees of the manifest, each with the key that stands there. Files, proofs and
// everything after are the honest ones, so that only the author is wrong.
TEST_F(AuditTest, A123_StageByNobodyOfTheRoster) {
  const SigningKey stranger = SigningKey::generate(e->rng());
  const auto mixed_by = [&](std::uint64_t author, std::uint64_t signer, const SigningKey& key) {
    TestRecord r = *honest;
    StageStatement statement = r.mix_statement(2);
    statement.author = author;
    r.sign_mix(statement, 2, signer, key);
    r.make(Step::kIndex);
    return audit(r.record);
  };
  expect_refused(mixed_by(4, 4, stranger), kMixes, Reason::kMixerNotInRoster);
  expect_refused(mixed_by(4, 2, e->mixers[1]), kMixes, Reason::kMixerNotInRoster);
  expect_refused(mixed_by(2, 2, stranger), kMixes, Reason::kSigInvalid);
  expect_refused(mixed_by(2, 2, e->mixers[0]), kMixes, Reason::kSigInvalid);
  EXPECT_TRUE(mixed_by(2, 2, e->mixers[1]).accepted());

  const auto shared_by = [&](std::uint64_t author, const SigningKey& key) {
    TestRecord r = *honest;
    StageStatement statement = r.share_statement(3);
    statement.author = author;
    r.sign_shares(statement, 3, author, key);
    r.make(Step::kIndex);
    return audit(r.record);
  };
  expect_refused(shared_by(4, stranger), kShares, reason_of(Fault::kShareTrustee));
  expect_refused(shared_by(3, stranger), kShares, Reason::kSigInvalid);
  expect_refused(shared_by(2, e->trustees[1]), kShares, Reason::kProofSetMismatch);
  EXPECT_TRUE(shared_by(3, e->trustees[2]).accepted());
}

TEST_F(AuditTest, A124_MixSkippedReorderedRepeated) {
  // Mixer 3 mixes what mixer 1 put out, and stands in place of mixer 2; or the two change places.
  TestRecord skipped = *honest;
  for (std::size_t g = 0; g < honest->sheet().groups.size(); ++g) {
    skipped.file(layout::mix(g, 2)) = honest->record.files.at(layout::mix(g, 3));
    skipped.file(layout::mix_proof(g, 2, MixInputs::kSworn)) =
        honest->record.files.at(layout::mix_proof(g, 3, MixInputs::kSworn));
  }
  skipped.file(layout::mix_statement(2)) = honest->record.files.at(layout::mix_statement(3));
  skipped.make(Step::kIndex);
  expect_refused(audit(skipped.record), kMixes, Reason::kMixChainGap);

  TestRecord reordered = *honest;
  StageStatement second = honest->mix_statement(2);
  second.author = 3;
  reordered.sign_mix(second, 2, 3);
  reordered.make(Step::kIndex);
  expect_refused(audit(reordered.record), kMixes, Reason::kMixChainGap);

  TestRecord repeated = *honest;
  StageStatement again = honest->mix_statement(2);
  again.author = 1;
  repeated.sign_mix(again, 2, 1);
  repeated.make(Step::kIndex);
  expect_refused(audit(repeated.record), kMixes, Reason::kMixerDuplicate);

  TestRecord anew = *honest;
  anew.make_from(Step::kMix2);
  EXPECT_TRUE(audit(anew.record).accepted());
}

TEST_F(AuditTest, A125_ValidProofOfAnotherFile) {
  // Mix 2 was done twice. The files of one, everything after on the other.
  TestRecord other = *honest;
  other.make(Step::kMix2);
  other.make(Step::kIndex);
  expect_refused(audit(other.record), kMixes, Reason::kChainHashMismatch);
  // The output alone exchanged, and signed for.
  TestRecord swapped = *honest;
  swapped.file(layout::mix(0, 2)) = other.file(layout::mix(0, 2));
  swapped.resign_mix(2);
  swapped.make_from(Step::kMix3);
  const AuditReport report = audit(swapped.record);
  expect_refused(report, kMixes, Reason::kChainHashMismatch);
  EXPECT_EQ(report.check(kMixes).proofs->failed(), 1 + report.groups);  // mix 3 cannot be reached
}

TEST_F(AuditTest, A137_SharesWithoutProof) {
  const std::string path = layout::share_proof(1, 3);
  TestRecord missing = *honest;
  missing.record.files.erase(path);
  missing.make(Step::kIndex);
  const AuditReport report = audit(missing.record);
  expect_refused(report, kShares, reason_of(Fault::kShareProofMissing));
  expect_refused(report, kRecord, Reason::kEvidenceFileMissing);
  EXPECT_EQ(report.check(kShares).proofs->failed(), 1U);

  TestRecord empty = *honest;  // a proof file without a proof, signed for
  const Bytes& proof = honest->record.files.at(path);
  empty.file(path) = Bytes(proof.begin(), proof.end() - 64);
  empty.resign_shares(3);
  empty.make(Step::kIndex);
  expect_refused(audit(empty.record), kShares, reason_of(Fault::kShareProofMissing));

  TestRecord third = *honest;  // accepted twin: with a third trustee's shares and proofs
  third.trustees = {1, 2, 3};
  third.make_from(Step::kShares);
  EXPECT_TRUE(audit(third.record).accepted());
}

TEST_F(AuditTest, SharesBelowTheQuorum) {
  TestRecord r = *honest;
  std::erase_if(r.record.files, [](const auto& file) {
    return file.first.ends_with("share-3") || file.first.ends_with("share-3.proof");
  });
  r.make(Step::kIndex);
  const AuditReport report = audit(r.record);
  expect_refused(report, kShares, reason_of(Fault::kTallyInsufficientShares));
  EXPECT_EQ(report.check(kRecord).outcome, Outcome::kPassed);
}

TEST_F(AuditTest, A150_CountsThatDoNotAddUp) {
  for (const int by : {-1, 1}) {
    for (std::uint64_t GroupSheet::* number :
         {&GroupSheet::logged, &GroupSheet::counted, &GroupSheet::superseded, &GroupSheet::revoked}) {
      TestRecord r = *honest;
      Sheet sheet = r.sheet();
      std::uint64_t& n = sheet.groups[0].*number;
      if (n == 0 && by < 0) continue;
      n += static_cast<std::uint64_t>(by);
      r.set_sheet(sheet);
      for (std::uint64_t p = 1; p <= 3; ++p) r.resign_mix(p);
      for (const std::uint64_t t : r.trustees) r.resign_shares(t);
      r.make(Step::kIndex);
      expect_refused(audit(r.record), kSheet, Reason::kCountMismatch);
    }
    for (const std::string& path :
         {layout::mix(1, 2), layout::share(1, 3), layout::plaintexts(1), honest->list_path(1, 0)}) {
      TestRecord r = *honest;  // one row more or less, and the header says so
      r.change_header(path, [&](ListHeader& header) { header.count += static_cast<std::uint64_t>(by); });
      Bytes& bytes = r.file(path);
      const std::size_t row = path.ends_with("input") || path.ends_with("mix-2") ? 64 : 32;
      const Bytes last(bytes.end() - static_cast<std::ptrdiff_t>(row), bytes.end());
      if (by > 0)
        append(bytes, last);
      else
        bytes.resize(bytes.size() - row);
      r.make(Step::kIndex);
      expect_refused(audit(r.record), kBalance, Reason::kCountMismatch);
    }
    for (const bool in_total : {false, true}) {
      TestRecord r = *honest;
      ElectionResult result = decode<ElectionResult>(r.file(layout::result())).value();
      auto& counts = in_total ? result.totals[0].counts : result.groups[0].counts;
      const auto some = std::ranges::find_if(counts, [](const ChoiceCount& c) { return c.votes > 0; });
      some->votes += static_cast<std::uint64_t>(by);
      r.file(layout::result()) = encode(result);
      r.make(Step::kIndex);
      expect_refused(audit(r.record), kBalance, Reason::kCountMismatch);
    }
  }
  TestRecord r = *honest;  // counts whose sum is right modulo 2^64
  ElectionResult result = decode<ElectionResult>(r.file(layout::result())).value();
  for (auto* counts : {&result.groups[0].counts, &result.totals[0].counts}) {
    (*counts)[0].votes += 1ULL << 63U;
    (*counts)[1].votes += 1ULL << 63U;
  }
  r.file(layout::result()) = encode(result);
  r.make(Step::kIndex);
  expect_refused(audit(r.record), kBalance, Reason::kCountMismatch);
}

TEST_F(AuditTest, SheetOfMoreBallotsThanMemory) {
  TestRecord r = *honest;
  Sheet sheet = r.sheet();
  sheet.groups[0].logged += 1ULL << 39U;
  sheet.groups[0].counted += 1ULL << 39U;
  r.set_sheet(sheet);
  r.make(Step::kIndex);
  for (const bool public_only : {false, true}) {
    const AuditReport report = audit(r.record, public_only);
    expect_refused(report, kSheet, Reason::kCountMismatch);
    expect_refused(report, kMixes, Reason::kAuditIncomplete);
  }
}

TEST_F(AuditTest, A152_ResultThatIsNotTheCount) {
  TestRecord moved = *honest;  // a vote moved: the sums stay
  ElectionResult result = decode<ElectionResult>(moved.file(layout::result())).value();
  auto& counts = result.totals[0].counts;
  const auto from = std::ranges::find_if(counts, [](const ChoiceCount& c) { return c.votes > 0; });
  --from->votes;
  ++(from == counts.begin() ? counts.back() : counts.front()).votes;
  moved.file(layout::result()) = encode(result);
  moved.make(Step::kIndex);
  const AuditReport report = audit(moved.record);
  expect_refused(report, kResult, Reason::kResultMismatch);
  EXPECT_EQ(failed(report), std::vector<std::size_t>{11});

  for (const char* extension : {"json", "csv", "html"}) {
    TestRecord swapped = *honest;  // names of two candidates change places on the page
    std::string text(text_of(swapped.file(layout::result_as(extension))));
    const std::size_t ada = text.find("Ada");
    const std::size_t eno = text.find("Eno");
    ASSERT_NE(ada, std::string::npos) << extension;
    ASSERT_NE(eno, std::string::npos) << extension;
    text.replace(ada, 3, "Eno").replace(eno, 3, "Ada");
    swapped.file(layout::result_as(extension)) = copy_of(bytes_of(text));
    swapped.make(Step::kIndex);
    const AuditReport refused = audit(swapped.record);
    expect_refused(refused, kResult, Reason::kResultMismatch);
    EXPECT_EQ(failed(refused), std::vector<std::size_t>{11});
  }
}

TEST_F(AuditTest, A158_TwoHeads) {
  const std::uint64_t size = log->tree.size();
  Digest256 other = log->tree.root();
  other[0] ^= 1;
  // Heads that were shown before and are of this log.
  for (std::uint64_t n = 0; n <= size; n += 4)
    EXPECT_TRUE(audit_with({head(n, log->tree.root(n))}, {}).accepted()) << n;
  for (const std::uint64_t n : {size, size - 1, std::uint64_t{1}}) {
    const AuditReport report = audit_with({head(n, other)}, {});
    expect_refused(report, kLog, Reason::kLogEquivocation);
    ASSERT_EQ(report.equivocations.size(), 1U);
    EXPECT_EQ(report.equivocations[0][0], text_of(honest->file(layout::log_checkpoint())));
    EXPECT_EQ(report.equivocations[0][1], text_of(head(n, other).bytes));
    EXPECT_NE(report_json(report).find("LOG_EQUIVOCATION"), std::string::npos);
  }
  expect_refused(audit_with({head(size + 1, other)}, {}), kLog, Reason::kLogTruncated);
  // A head that the log did not sign says nothing about it, and is not passed over either.
  expect_refused(audit_with({head(size, other, false)}, {}), kLog, reason_of(Fault::kSigInvalid));
  expect_refused(audit_with({{"rubbish", Bytes{1, 2, 3}}}, {}), kLog, reason_of(Fault::kNoteFormat));
}

TEST_F(AuditTest, ReceiptsAgainstTheLog) {
  const auto [index, id] = first_ballot();
  const EntryBytes entry = log->entries[index];
  EXPECT_TRUE(audit_with({}, {receipt(index, entry, id)}).accepted());
  EntryBytes other = entry;
  other[33] ^= 1;
  expect_refused(audit_with({}, {receipt(index, other, id)}), kLog, Reason::kReceiptNotInLog);
  expect_refused(audit_with({}, {receipt(index + 1, entry, id)}), kLog, Reason::kReceiptNotInLog);
  expect_refused(audit_with({}, {receipt(log->tree.size(), entry, id)}), kLog, Reason::kReceiptNotInLog);
  BallotId another = id;
  another[0] ^= 1;  // the entry is in the log, but it is not that ballot: the sworn tier shows it
  expect_refused(audit_with({}, {receipt(index, entry, another)}), kLog, Reason::kReceiptNotInLog);
  GivenFile forged = receipt(index, entry, id);
  forged.bytes[20] ^= 1;
  expect_refused(audit_with({}, {forged}), kLog, reason_of(Fault::kSigInvalid));
}

// The registration that the authority keeps against the log, both ways.
TEST_F(AuditTest, TimeStampsAgainstTheLog) {
  std::string stamped;
  for (std::size_t i = 0; i < log->entries.size(); ++i) {
    if (type_of(log->entries[i]) != EntryType::kBallot) continue;
    const SignedBallot ballot = opened(decode<BallotItem>(log->items[i].item)->envelope);
    stamped +=
        "1900000000\t0" + std::to_string(i) + "\t" + to_hex(sha256(signature_value(ballot.signature))) + "\n";
  }
  const auto with = [&](const std::string& list, bool public_only = false) {
    return audit_record({.record = honest->record,
                         .fingerprint = e->election().fingerprint(),
                         .time_stamps = {{"journal", copy_of(bytes_of(list))}},
                         .public_only = public_only});
  };
  const AuditReport honest_report = with(stamped);
  EXPECT_TRUE(honest_report.accepted()) << report_text(honest_report);
  EXPECT_EQ(honest_report.compared_time_stamps, honest_report.ballots);
  EXPECT_TRUE(with(stamped + stamped).accepted());  // asked twice
  const std::string dropped =
      "1900000000\tff\t" + to_hex(sha256(bytes_of("a ballot that was dropped"))) + "\n";
  expect_refused(with(stamped + dropped), kLog, Reason::kEvidenceUnlogged);
  expect_refused(with(stamped.substr(stamped.find('\n') + 1)), kLog, Reason::kEvidenceMissing);
  expect_refused(with(stamped + "rubbish\n"), kLog, Reason::kFileUnreadable);
  expect_refused(with(stamped, true), kLog, Reason::kAuditIncomplete);
}

TEST_F(AuditTest, HeadWithALineOfNobody) {
  TestRecord r = *honest;
  SignedNote note = SignedNote::parse(text_of(r.file(layout::log_checkpoint()))).value();
  const SigningKey stranger = SigningKey::generate(e->rng());
  note.signatures.push_back(cosign(note.text, "stranger.example/w", stranger, 1'900'000'000));
  r.file(layout::log_checkpoint()) = copy_of(bytes_of(note.encode()));
  r.make(Step::kIndex);
  expect_refused(audit(r.record), kLog, reason_of(Fault::kSigInvalid));
}

TEST_F(AuditTest, A161_EveryBitOfAStoredLeaf) {
  const auto [index, id] = first_ballot();
  for (std::size_t bit = 0; bit < 34 * 8; bit += bit < 16 ? 5 : 37) {
    TestRecord r = *honest;
    r.file(layout::log_entries())[index * 34 + bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    r.make(Step::kIndex);
    const AuditReport sworn = audit(r.record);
    expect_refused(sworn, kLog, Reason::kLogRootMismatch);
    if (bit >= 16) expect_refused(sworn, kReplay, Reason::kLogLeafMismatch);
    EXPECT_EQ(sworn.check(kReplay).outcome, Outcome::kFailed) << bit;
    expect_refused(audit(r.record, true), kLog, Reason::kLogRootMismatch);
  }
}

TEST_F(AuditTest, A161_EveryBitAgainstTheReplay) {
  const auto [index, id] = first_ballot();
  for (std::size_t bit = 16; bit < 34 * 8; ++bit) {
    std::vector<EntryBytes> entries(log->entries.begin(),
                                    log->entries.begin() + static_cast<std::ptrdiff_t>(index) + 1);
    entries[index][bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    const Replay replay = replay_items(*e, entries, std::span(log->items).first(entries.size()));
    ASSERT_EQ(replay.findings.size(), 1U) << bit;
    EXPECT_EQ(replay.findings[0].rejection.reason, Reason::kLogLeafMismatch) << bit;
  }
}

TEST_F(AuditTest, A166_ProofThatCannotBeReadHasFailed) {
  const std::size_t groups = honest->sheet().groups.size();
  for (std::size_t g = 0; g < groups; ++g) {
    for (std::uint64_t position = 1; position <= 3; ++position) {
      const std::string path = layout::mix_proof(g, position, MixInputs::kSworn);
      const Bytes& proof = honest->record.files.at(path);
      // Truncated, empty, and a list where a proof should be.
      for (const Bytes& bytes : {Bytes(proof.begin(), proof.end() - 32),
                                 Bytes(proof.begin(), proof.end() - 1), Bytes{0}, Bytes(40, 0xFF)}) {
        TestRecord r = *honest;
        r.file(path) = bytes;
        r.resign_mix(position);
        r.make_from(position == 3 ? Step::kShares : position == 2 ? Step::kMix3 : Step::kMix2);
        const AuditReport report = audit(r.record);
        expect_refused(report, kMixes, reason_of(Fault::kProofParse));
        const ProofCount& proofs = *report.check(kMixes).proofs;
        EXPECT_EQ(proofs.expected, 3 * groups);
        // Of this mix all others were verified; those after it were not reached.
        EXPECT_EQ(proofs.verified, position * groups - 1);
        EXPECT_EQ(proofs.verified + proofs.failed(), proofs.expected);
        if (g != 0) break;
      }
    }
    for (const std::uint64_t trustee : honest->trustees) {
      TestRecord r = *honest;
      r.file(layout::share_proof(g, trustee)) = Bytes(40, 0xFF);
      r.resign_shares(trustee);
      r.make(Step::kIndex);
      const AuditReport report = audit(r.record);
      expect_refused(report, kShares, reason_of(Fault::kProofParse));
      EXPECT_EQ(report.check(kShares).proofs->expected, 2 * groups);
      EXPECT_EQ(report.check(kShares).proofs->verified, 2 * groups - 1);
    }
  }
}

TEST_F(AuditTest, A167_ProofsOfAnotherSet) {
  // Shares of mix 2's lists, or of another group, with valid proofs and a signature.
  TestRecord other = *honest;
  const Sheet sheet = honest->sheet();
  auto [shares, proof] = decrypt(*e, sheet.groups[0], 3, honest->list(0, 2));
  other.file(layout::share(0, 3)) = shares;
  other.file(layout::share_proof(0, 3)) = proof;
  other.resign_shares(3);
  other.make(Step::kIndex);
  expect_refused(audit(other.record), kShares, Reason::kChainHashMismatch);

  TestRecord author = *honest;  // trustee 2's shares in the place of trustee 3's
  auto [foreign, foreign_proof] = decrypt(*e, sheet.groups[0], 2, honest->list(0, 3));
  author.file(layout::share(0, 3)) = foreign;
  author.file(layout::share_proof(0, 3)) = foreign_proof;
  author.resign_shares(3);
  author.make(Step::kIndex);
  expect_refused(audit(author.record), kShares, Reason::kProofSetMismatch);

  for (const bool more : {false, true}) {  // a statement over a group less, or one twice
    TestRecord r = *honest;
    StageStatement statement = r.mix_statement(3);
    if (more)
      statement.groups.push_back(statement.groups.back());
    else
      statement.groups.pop_back();
    r.sign_mix(statement, 3, 3);
    r.make(Step::kIndex);
    expect_refused(audit(r.record), kMixes, Reason::kProofSetMismatch);
  }
  TestRecord anew = *honest;
  anew.make_from(Step::kShares);
  EXPECT_TRUE(audit(anew.record).accepted());
}

TEST_F(AuditTest, A168_BallotReplacedAddedRemoved) {
  const auto items = honest->list(0, 0).list.items;
  const CandidateTable& table = e->election().tables()[0];
  const auto fresh =
      encrypt<Ristretto>(e->election().Y(), table.points[0], Ristretto::SecretScalar::random(e->rng()));
  auto replaced = items;
  replaced[1] = fresh;
  auto added = items;
  added.push_back(fresh);
  auto removed = items;
  removed.pop_back();
  for (const auto& list : {replaced, added, removed}) {
    TestRecord r = *honest;
    r.set_input(0, list);
    r.make_from(Step::kMix1);  // mixes, decryption and count are honest
    const AuditReport report = audit(r.record);
    expect_refused(report, kDerived, Reason::kBallotsetNotDerivable);
    // A ballot that counts in one contest alone shows in the numbers too.
    const bool numbers = list.size() != items.size();
    EXPECT_EQ(failed(report), numbers ? (std::vector<std::size_t>{4, 6}) : std::vector<std::size_t>{6})
        << report_text(report);
  }
  TestRecord twin = *honest;
  twin.set_input(0, items);
  twin.make_from(Step::kMix1);
  EXPECT_TRUE(audit(twin.record).accepted());
}

TEST_F(AuditTest, BallotCountedInOneContestAloneShowsOnThePublicTier) {
  TestRecord r = *honest;  // u1: mayor as derived, council without one of the ballots
  auto council = honest->list(1, 0).list.items;
  council.pop_back();
  r.set_input(1, council);
  r.make_from(Step::kMix1);
  expect_refused(audit(r.record, true), kSheet, Reason::kCountMismatch);

  // Counted in both, or in neither: only the log's items tell.
  auto mayor = honest->list(0, 0).list.items;
  mayor.pop_back();
  r.set_input(0, mayor);
  r.make_from(Step::kMix1);
  EXPECT_TRUE(audit(r.record, true).accepted());
  expect_refused(audit(r.record), kDerived, Reason::kBallotsetNotDerivable);
}

TEST_F(AuditTest, SheetThatLeavesOutBallotsOfUnitsWithoutACommonContest) {
  Options options;  // no contest stands on every ballot
  options.amend = [](Definition& d) {
    d.units[0].contests.erase(d.units[0].contests.begin());
    d.units[1].contests.pop_back();
    d.units[2].contests.pop_back();
  };
  TestElection apart(options);
  TestLog votes(apart);
  votes.open_casting({4, 4});
  for (std::uint64_t n = 1; n <= 8; ++n) votes.vote(n, {n % 3});
  votes.close_and_seal();
  const TestRecord all(apart, votes);
  const auto look = [&](const TestRecord& r) {
    return audit_record(
        {.record = r.record, .fingerprint = apart.election().fingerprint(), .public_only = true});
  };
  EXPECT_TRUE(look(all).accepted()) << report_text(look(all));

  TestRecord r = all;
  r.set_input(0, {});
  Sheet sheet = r.sheet();
  sheet.groups[0].superseded = sheet.groups[0].logged = 0;  // as if nobody had voted in u1
  r.set_sheet(sheet);
  r.make_from(Step::kMix1);
  expect_refused(look(r), kSheet, Reason::kCountMismatch);
}

TEST_F(AuditTest, CastingOpenedWithoutARollShowsOnThePublicTier) {
  TestLog votes(*e);
  for (const PhaseEventKind kind :
       {PhaseEventKind::kOpened, PhaseEventKind::kCastingClosed, PhaseEventKind::kLogSealed})
    votes.force(EntryType::kPhase, e->phase(kind, e->options().casting_begins_s));
  MemoryRecord record;
  export_log(record, *e, votes);
  expect_refused(audit(record, true), kLog, Reason::kPhaseMoveForbidden);
}

TEST_F(AuditTest, A165_ReportSaysRefusedEverywhere) {
  TestRecord r = *honest;  // one bad proof among all
  Bytes& proof = r.file(layout::share_proof(0, 3));
  proof.back() ^= 1;
  r.resign_shares(3);
  r.make(Step::kIndex);
  const AuditReport report = audit(r.record);
  EXPECT_FALSE(report.accepted());
  const std::string text = report_text(report);
  const std::string last = text.substr(text.rfind('\n', text.size() - 2) + 1);
  EXPECT_TRUE(last.starts_with("VERDICT: REFUSED")) << last;
  EXPECT_NE(last.find("9 (shares)"), std::string::npos) << last;
  const std::string json = report_json(report);
  EXPECT_NE(json.find("\"verdict\":\"refused\""), std::string::npos);
  EXPECT_NE(json.find("\"accepted\":false"), std::string::npos);
  EXPECT_EQ(text.find("ACCEPTED"), std::string::npos);
}

}  // namespace
}  // namespace psephos::test
