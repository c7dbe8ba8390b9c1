// From three mixes to the published result (A136, A137, A142, A150, A152, A167).
#include "tally/decryption.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <type_traits>

#include "mixnet/mixing.h"
#include "protocol/checks/result_text.h"
#include "protocol/labels.h"
#include "protocol/record_layout.h"
#include "tally/publication.h"
#include "tests/support/memory_record.h"

namespace psephos::test {
namespace {

void put(MemoryRecord& record, std::vector<NewFile> files) {
  for (NewFile& file : files) record.files[file.path] = std::move(file.bytes);
}

/// Takes the files of a stage into a record in memory.
FileSink into(MemoryRecord& record) {
  return [&record](const NewFile& file) -> Result<void, Rejection> {
    record.files[file.path] = file.bytes;
    return {};
  };
}

class DecryptionTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    e = new TestElection;
    TestLog log(*e);
    small_log(*e, log);
    mixed = new MemoryRecord;
    export_log(*mixed, *e, log);
    Findings findings;
    const Verification v{e->election(), *mixed, findings, &e->eid()};
    put(*mixed, prepare_lists(*verify_log(v)).value());
    for (std::uint64_t position = 1; position <= 3; ++position) {
      const auto before = verify_upstream(v, position - 1);
      ASSERT_TRUE(mix_lists(e->election(), before->lists, before->mixes.last, position,
                            e->mixers[position - 1], e->rng(), into(*mixed), [](std::uint64_t) {}));
    }
    upstream = new Upstream(*verify_upstream(v, 3));
    ASSERT_EQ(findings.first(), "");
    shared = new MemoryRecord(*mixed);
    for (std::uint64_t trustee = 1; trustee <= 3; ++trustee) share(trustee, *shared);
    published = new MemoryRecord(*shared);
    const auto combined = combine(e->election(), *shared, upstream->lists, upstream->mixes);
    ASSERT_TRUE(combined) << to_string(combined.error());
    put(*published, combined->plaintexts);
    put(*published, result_files(e->election(), *published).value());
    put(*published, index_files(e->election(), *published).value());
  }
  static void TearDownTestSuite() {
    delete published;
    delete shared;
    delete upstream;
    delete mixed;
    delete e;
  }
  static void share(std::uint64_t trustee, MemoryRecord& record) {
    ASSERT_TRUE(share_lists(e->election(), upstream->lists, upstream->mixes.last, trustee,
                            e->secret_shares[trustee - 1], e->trustees[trustee - 1], e->rng(), into(record),
                            [](std::uint64_t) {}));
  }
  /// All that an audit of the tier checks; its findings.
  static Findings audit(const MemoryRecord& record, Tier tier) {
    Findings findings;
    const Verification v{e->election(), record, findings, tier == Tier::kSworn ? &e->eid() : nullptr};
    const auto log = verify_log(v);
    auto lists = log ? verify_lists(v, *log) : std::nullopt;
    const auto mixes = lists ? verify_mixes(v, *lists, 3) : std::nullopt;
    const auto counted = mixes ? verify_decryption(v, *lists, *mixes) : std::nullopt;
    if (counted) verify_result(v, *lists, *counted);
    if (lists) {
      verify_index(v, Tier::kPublic, *log, *lists);
      if (tier == Tier::kSworn) verify_index(v, Tier::kSworn, *log, *lists);
    }
    return findings;
  }
  static Result<Combination, Rejection> combined(const MemoryRecord& record) {
    return combine(e->election(), record, upstream->lists, upstream->mixes);
  }

  static inline TestElection* e = nullptr;
  static inline MemoryRecord* mixed = nullptr;      ///< log, lists, three mixes
  static inline MemoryRecord* shared = nullptr;     ///< and shares of three trustees
  static inline MemoryRecord* published = nullptr;  ///< and everything else
  static inline Upstream* upstream = nullptr;
};

TEST_F(DecryptionTest, WholeRecordPassesInBothTiers) {
  const Findings sworn = audit(*published, Tier::kSworn);
  for (const auto& finding : sworn.all) ADD_FAILURE() << finding.check << " " << to_string(finding.rejection);
  EXPECT_EQ(sworn.checks.size(), 9U + 3U + 5U);
  MemoryRecord open = *published;
  std::erase_if(open.files, [](const auto& file) { return file.first.starts_with("sworn/"); });
  const Findings open_findings = audit(open, Tier::kPublic);
  for (const auto& finding : open_findings.all)
    ADD_FAILURE() << finding.check << " " << to_string(finding.rejection);
}

TEST_F(DecryptionTest, CountsWhatWasCast) {
  const auto result = decode<ElectionResult>(published->files.at(layout::result())).value();
  const auto votes = [&](std::size_t g) {
    std::vector<std::uint64_t> out;
    for (const ChoiceCount& count : result.groups[g].counts) out.push_back(count.votes);
    return out;
  };
  // u1: voter 1 recast {2, 3}, 2 revoked, 3 {3, 0}, 4 restored {0, 0}, 5 {0, 2}.
  EXPECT_EQ(votes(0), (std::vector<std::uint64_t>{2, 0, 1, 1}));
  EXPECT_EQ(votes(1), (std::vector<std::uint64_t>{2, 0, 1, 1}));
  // u2+u3: 7 {3, 2}, 8 {0, 2}, 9 {1, 2}, 11 {1, 1}.
  EXPECT_EQ(votes(2), (std::vector<std::uint64_t>{1, 2, 0, 1}));
  EXPECT_EQ(votes(3), (std::vector<std::uint64_t>{0, 1, 3, 0}));
  EXPECT_EQ(result.totals[0].counts[0].votes, 3U);
}

TEST_F(DecryptionTest, AnyQuorumGivesTheSamePlaintexts) {
  for (std::uint64_t absent = 1; absent <= 3; ++absent) {
    MemoryRecord two = *shared;
    two.files.erase(layout::share_statement(absent));
    const auto some = combined(two);
    ASSERT_TRUE(some);
    for (const NewFile& file : some->plaintexts) EXPECT_EQ(file.bytes, published->files.at(file.path));
  }
  MemoryRecord one = *shared;
  one.files.erase(layout::share_statement(1));
  one.files.erase(layout::share_statement(3));
  EXPECT_EQ(combined(one).error().reason, reason_of(Fault::kTallyInsufficientShares));
}

TEST_F(DecryptionTest, LastMixIsReadAsItsMixerSignedIt) {
  const auto read = read_last_mix_unproven(e->election(), *mixed, upstream->lists);
  ASSERT_TRUE(read);
  for (std::size_t g = 0; g < read->last.size(); ++g) {
    EXPECT_EQ(read->last[g].file_hash, upstream->mixes.last[g].file_hash);
    EXPECT_EQ(read->last[g].list.items, upstream->mixes.last[g].list.items);
    MemoryRecord swapped = *mixed;
    swapped.files[layout::mix(g, 3)] = mixed->files.at(layout::mix(g, 2));
    EXPECT_EQ(read_last_mix_unproven(e->election(), swapped, upstream->lists).error().reason,
              Reason::kChainHashMismatch);
  }
}

TEST_F(DecryptionTest, A136_A137_BadSharesAreNamedAndLeftOut) {
  MemoryRecord bad = *shared;
  Bytes& share = bad.files.at(layout::share(1, 2));
  // Another share of the same list in place of the right one: canonical, but not proved.
  std::copy(share.end() - 64, share.end() - 32, share.end() - 32);
  StageStatement lying =
      decode<StageStatement>(decode<SignedDocument>(bad.files.at(layout::share_statement(2)))->body).value();
  lying.groups[1].output = sha256(share);
  Bytes& proof = bad.files.at(layout::share_proof(1, 2));
  const ListFile proof_list = parse_list(proof, Stage::kShareProof, "proof").value();
  ListHeader header = proof_list.header;
  header.proven = sha256(share);
  proof = write_elements(header, copy_of(proof_list.elements));
  lying.groups[1].proof = sha256(proof);
  SignedDocument document{.body = encode(lying), .signatures = {}};
  document.signatures.push_back(
      {.signer = 2, .signature = e->trustees[1].sign_labelled(labels::kSignDecryption, document.body)});
  bad.files[layout::share_statement(2)] = encode(document);
  const auto without = combined(bad);
  ASSERT_TRUE(without) << to_string(without.error());
  EXPECT_EQ(without->used, (std::vector<std::uint64_t>{1, 3}));
  ASSERT_EQ(without->left_out.size(), 1U);
  EXPECT_EQ(without->left_out[0].first, 2U);
  EXPECT_EQ(without->left_out[0].second.reason, reason_of(Fault::kShareProofInvalid));
  for (const NewFile& file : without->plaintexts) EXPECT_EQ(file.bytes, published->files.at(file.path));

  bad.files.erase(layout::share_statement(3));
  const auto too_few = combined(bad);
  ASSERT_FALSE(too_few);
  EXPECT_EQ(too_few.error().reason, reason_of(Fault::kTallyInsufficientShares));
  EXPECT_NE(too_few.error().object.find("SHARE_PROOF_INVALID"), std::string::npos) << too_few.error().object;

  MemoryRecord unproved = *shared;
  unproved.files.erase(layout::share_proof(0, 1));
  EXPECT_EQ(combined(unproved)->left_out[0].second.reason, reason_of(Fault::kShareProofMissing));
  // Trustee 1 signs what trustee 3 made: right shares for the wrong key.
  MemoryRecord swapped = *shared;
  for (std::size_t g = 0; g < 4; ++g) {
    swapped.files[layout::share(g, 1)] = shared->files.at(layout::share(g, 3));
    swapped.files[layout::share_proof(g, 1)] = shared->files.at(layout::share_proof(g, 3));
  }
  EXPECT_EQ(combined(swapped)->left_out[0].first, 1U);
}

TEST_F(DecryptionTest, A142_TheSetIsBoundToElectionSheetAndEveryList) {
  const Digest256 set = decryption_set(e->election(), upstream->lists, upstream->mixes.last);
  EXPECT_EQ(decryption_set(e->election(), upstream->lists, upstream->mixes.last), set);
  for (std::size_t g = 0; g < upstream->mixes.last.size(); ++g) {
    auto other = upstream->mixes.last;
    other[g].file_hash[5] ^= 1;
    EXPECT_NE(decryption_set(e->election(), upstream->lists, other), set);
  }
  VerifiedLists sheet = upstream->lists;
  sheet.sheet_hash[0] ^= 1;
  EXPECT_NE(decryption_set(e->election(), sheet, upstream->mixes.last), set);
}

// A146: a plaintext that is no choice, in whatever row of a list, as if every check before had been fooled.
// It is named with its row, and nothing is published: a ballot is proved to hold a choice, so something
// upstream is unsound.
TEST_F(DecryptionTest, A146_PlaintextOutsideTheTableStopsPublication) {
  for (std::size_t row = 0; row < upstream->mixes.last[0].list.items.size(); ++row) {
    Upstream fooled = *upstream;
    auto& items = fooled.mixes.last[0].list.items;
    items[row].beta = items[row].beta + Ristretto::Point::generator();
    MemoryRecord record = *mixed;
    for (std::uint64_t trustee = 1; trustee <= 2; ++trustee)
      ASSERT_TRUE(share_lists(e->election(), fooled.lists, fooled.mixes.last, trustee,
                              e->secret_shares[trustee - 1], e->trustees[trustee - 1], e->rng(), into(record),
                              [](std::uint64_t) {}));
    const auto refused = combine(e->election(), record, fooled.lists, fooled.mixes);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().reason, Reason::kInvalidPlaintext);
    EXPECT_NE(refused.error().object.find("row " + std::to_string(row)), std::string::npos)
        << refused.error().object;
  }
  EXPECT_TRUE(combined(*shared));  // the twin: the lists as they were mixed

  MemoryRecord changed = *published;
  Bytes& plaintexts = changed.files.at(layout::plaintexts(0));
  const auto point = Ristretto::Point::generator().encode();
  std::copy(point.begin(), point.end(), plaintexts.end() - 32);
  EXPECT_EQ(result_files(e->election(), changed).error().reason, Reason::kInvalidPlaintext);
  EXPECT_TRUE(audit(changed, Tier::kPublic).has("plaintexts", Reason::kPlaintextMismatch));
}

/// The kinds of values that a message holds, those of the messages in it included.
struct Leaves {
  std::set<std::string> kinds;
  template <class T>
  void operator()(std::uint32_t /*number*/, const char* /*name*/, T& value, Bound = {}) {
    using Value = std::remove_const_t<T>;
    if constexpr (wire::IsVector<Value>::value) {
      for (auto& element : value) (*this)(0, "", element);
    } else if constexpr (wire::Message<Value>) {
      Value::fields(value, *this);
    } else if constexpr (std::is_same_v<Value, std::uint64_t>) {
      kinds.insert("number");
    } else if constexpr (std::is_same_v<Value, Id>) {
      kinds.insert("id");
    } else if constexpr (std::is_same_v<Value, Digest256>) {
      kinds.insert("fingerprint");
    } else if constexpr (std::is_same_v<Value, std::string>) {
      kinds.insert("group " + value);
    } else {
      kinds.insert("another");
    }
  }
};

// A48: what is published of the votes is how many each choice has. Who voted what, and in which order, does
// not show in a byte of it; and it holds no text that comes from a ballot.
TEST_F(DecryptionTest, A48_ResultsAreCountersOnly) {
  const auto result = decode<ElectionResult>(published->files.at(layout::result())).value();
  const auto sheet = decode<Sheet>(published->files.at(layout::sheet())).value();
  Leaves leaves;
  ElectionResult::fields(result, leaves);
  std::set<std::string> expected{"number", "id", "fingerprint"};
  for (const GroupSheet& group : sheet.groups) expected.insert("group " + group.group);
  EXPECT_EQ(leaves.kinds, expected);

  std::vector<GroupResult> others;
  for (std::size_t g = 0; g < sheet.groups.size(); ++g) {
    const Bytes& bytes = published->files.at(layout::plaintexts(g));
    const auto list = parse_list(bytes, Stage::kPlaintexts, "plaintexts").value();
    auto plaintexts = read_points(list, "plaintexts").value();
    std::ranges::sort(plaintexts);
    do {
      EXPECT_EQ(encode(*count_group(e->election(), sheet.groups[g], plaintexts)), encode(result.groups[g]));
    } while (std::ranges::next_permutation(plaintexts).found);
    others.push_back(*count_group(e->election(), sheet.groups[g], plaintexts));
  }
  // The texts are functions of sheet and counts: one vote for another shows, and so they do depend on these.
  const ElectionResult same = total(e->election(), sheet, others);
  EXPECT_EQ(result_json(e->election(), sheet, same), text_of(published->files.at(layout::result_as("json"))));
  std::swap(others[0].counts[0].votes, others[0].counts[1].votes);
  EXPECT_NE(result_json(e->election(), sheet, total(e->election(), sheet, others)),
            text_of(published->files.at(layout::result_as("json"))));
}

TEST_F(DecryptionTest, A150_A152_ChangedResultsAreFound) {
  MemoryRecord counter = *published;
  ElectionResult result = decode<ElectionResult>(counter.files.at(layout::result())).value();
  ++result.groups[0].counts[0].votes;
  counter.files[layout::result()] = encode(result);
  EXPECT_TRUE(audit(counter, Tier::kPublic).has("result", Reason::kResultMismatch));
  for (const char* extension : {"json", "csv", "html"}) {
    MemoryRecord text = *published;
    text.files.at(layout::result_as(extension))[200] ^= 1;
    const Findings findings = audit(text, Tier::kPublic);
    EXPECT_TRUE(findings.has("result", Reason::kResultMismatch)) << extension;
    EXPECT_TRUE(findings.has("index.public", Reason::kEvidenceFileAltered)) << extension;
  }
}

TEST_F(DecryptionTest, IndexKnowsEveryFile) {
  MemoryRecord extra = *published;
  extra.files["public/groups/0000/mix-4"] = {1};
  EXPECT_TRUE(audit(extra, Tier::kPublic).has("index.public", Reason::kEvidenceFileExtra));
  EXPECT_EQ(index_files(e->election(), extra).error().reason, Reason::kEvidenceFileExtra);
  MemoryRecord missing = *published;
  missing.files.erase(layout::result_as("csv"));
  EXPECT_TRUE(audit(missing, Tier::kPublic).has("index.public", Reason::kEvidenceFileMissing));
  EXPECT_EQ(index_files(e->election(), missing).error().reason, Reason::kEvidenceFileMissing);
  // Shares of a trustee whose statement is gone are files that this election cannot have.
  MemoryRecord orphan = *published;
  orphan.files.erase(layout::share_statement(3));
  EXPECT_TRUE(audit(orphan, Tier::kPublic).has("index.public", Reason::kEvidenceFileExtra));
}

TEST_F(DecryptionTest, TextsAreRenderedSafely) {
  const std::string html(text_of(published->files.at(layout::result_as("html"))));
  EXPECT_EQ(html.find("<script"), std::string::npos);
  EXPECT_EQ(html.find("http:"), std::string::npos);
  EXPECT_EQ(html.find("https:"), std::string::npos);
  EXPECT_NE(html.find("Blank vote"), std::string::npos);
  EXPECT_NE(html.find("Tühi hääl"), std::string::npos);
  EXPECT_NE(html.find(to_hex(e->election().fingerprint())), std::string::npos);
  const std::string csv(text_of(published->files.at(layout::result_as("csv"))));
  EXPECT_NE(csv.find("total,mayor,mayor,,\"\",mayor-101,candidate,\"Ada\",3\r\n"), std::string::npos) << csv;
  EXPECT_NE(csv.find("group,mayor,mayor,0,\"u2+u3/mayor/0\",mayor-102,candidate,\"Bo\",2\r\n"),
            std::string::npos);

  Options options;
  options.amend = [](Definition& d) {
    d.contests[0].lists[0].choices[0].names[0].text = "<img src=x onerror=\"alert('&')\">";
  };
  const TestElection hostile(options);
  const Sheet sheet{
      .fingerprint = hostile.election().fingerprint(), .log_size = 1, .log_root = {}, .groups = {}};
  const ElectionResult result = total(hostile.election(), sheet, {});
  const std::string page = result_html(hostile.election(), sheet, result);
  EXPECT_EQ(page.find("<img"), std::string::npos);
  EXPECT_NE(page.find("&lt;img src=x onerror=&quot;alert(&#39;&amp;&#39;)&quot;&gt;"), std::string::npos);
  EXPECT_NE(result_json(hostile.election(), sheet, result).find("onerror=\\\"alert('&')\\\""),
            std::string::npos);
  EXPECT_NE(result_csv(hostile.election(), sheet, result).find("onerror=\"\"alert('&')\"\">\""),
            std::string::npos);
}

}  // namespace
}  // namespace psephos::test
