// Contests of kind several: what a definition may say, what is refused in a ballot, and a whole election.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <set>

#include "audit/audit.h"
#include "crypto/proof/several_of_many.h"
#include "protocol/ballot_crypto.h"
#include "protocol/checks/ballot_proofs.h"
#include "protocol/checks/definition.h"
#include "protocol/record_layout.h"
#include "tests/adversary/marks_forger.h"
#include "tests/support/test_record.h"
#include "voter-client/ballot_text.h"

namespace psephos::test {
namespace {

/// The council is chosen by marking one or two of the three candidates and the blank vote.
Options council_of_several() {
  Options options;
  options.amend = [](Definition& d) { d.contests[1].several = SeveralRule{.min = 1, .max = 2}; };
  return options;
}

class SeveralTest : public testing::Test {
 protected:
  SeveralTest() : e(council_of_several()), log(e) { log.open_casting({4, 3, kVoters - 7}); }
  const Election& election() const { return e.election(); }
  const CandidateTable& council() const { return *election().ballot_slots(0)[1].table; }
  CastTicket ticket(std::uint64_t n) { return e.ticket(log.state, n, e.options().casting_begins_s + 1000); }
  /// Voter n's ballot: the mayor, then a mark or none for each of the council's four choices.
  Ballot ballot(std::uint64_t n, const std::vector<std::size_t>& choices) {
    const CastTicket t = ticket(n);
    return make_ballot(election(), t, sha256(encode(t)), choices, BallotSeed::random(e.rng()), e.rng());
  }
  /// The council's selections made anew.
  void mark(Ballot& b, const adversary::ForgedMarks& forged) {
    adversary::forge_marks(election(), b, council(), std::span(b.selections).subspan(1), forged, e.rng());
  }
  static void expect_invalid(const Result<void, Rejection>& found, const std::string& object) {
    ASSERT_FALSE(found) << object;
    EXPECT_EQ(found.error(), (Rejection{Reason::kBallotProofInvalid, object}));
  }

  static constexpr std::uint64_t kVoters = 8;
  TestElection e;
  TestLog log;
};

/// Why the base election's definition is refused with the change made to it.
std::optional<Reason> refused(const std::function<void(Definition&)>& change) {
  static const TestElection base(council_of_several());
  Manifest manifest = base.election().manifest();
  change(manifest.definition);
  const auto ok = check_definition(manifest.definition);
  if (ok) return std::nullopt;
  return ok.error().reason;
}

TEST(SeveralDefinition, RulesAndTheirBorders) {
  const auto rule = [](std::uint64_t min, std::uint64_t max) {
    return refused([&](Definition& d) { d.contests[1].several = SeveralRule{min, max}; });
  };
  for (const auto& [min, max] : {std::pair{0U, 1U}, {1U, 1U}, {0U, 4U}, {4U, 4U}})
    EXPECT_EQ(rule(min, max), std::nullopt) << min << " " << max;
  EXPECT_EQ(rule(2, 1), Reason::kManifestInvalid);
  EXPECT_EQ(rule(0, 0), Reason::kManifestInvalid);
  EXPECT_EQ(rule(0, 5), Reason::kManifestInvalid);  // of four choices
  EXPECT_EQ(refused([](Definition& d) { d.contests[1].slots = 2; }), Reason::kManifestInvalid);
  EXPECT_EQ(refused([](Definition& d) { d.contests[0].slots = 2; }), std::nullopt);  // of kind one
  // A ballot holds 128 selections: here the mayor and 127 choices.
  const auto with_choices = [](std::size_t n) {
    return refused([n](Definition& d) {
      auto& choices = d.contests[1].lists[0].choices;
      while (choices.size() < n) {
        choices.push_back(choices.front());
        choices.back().id = Id{"x" + std::to_string(choices.size())};
      }
    });
  };
  EXPECT_EQ(with_choices(127), std::nullopt);
  EXPECT_EQ(with_choices(128), Reason::kManifestInvalid);
}

// The bytes, and so the hash, of a definition without such a contest are what they were before there were
// any.
TEST(SeveralDefinition, KindOneIsAbsentOnTheWire) {
  Contest contest{.id = {"c"}, .title = {{{"en"}, "C"}}, .slots = 1, .lists = {}};
  const Bytes before = encode(contest);
  contest.several = SeveralRule{.min = 0, .max = 1};
  const Bytes after = encode(contest);
  const Bytes added{0x2a, 0x02, 0x10, 0x01};  // field 5 of two bytes: field 2 is 1
  EXPECT_EQ(Bytes(after.begin(), after.begin() + static_cast<std::ptrdiff_t>(before.size())), before);
  EXPECT_EQ(Bytes(after.begin() + static_cast<std::ptrdiff_t>(before.size()), after.end()), added);
  EXPECT_EQ(decode<SeveralRule>(Bytes{0x08, 0x01}).error().reason, Reason::kWireMissingField);  // no max
}

TEST_F(SeveralTest, TablesFollowFromTheDefinition) {
  const auto P = mark_point(election().definition_hash(), Id{"council"});
  EXPECT_EQ(council().marks->P(), P);
  EXPECT_EQ(council().points[0], P);
  EXPECT_EQ(council().points[1], P + P);
  EXPECT_NE(P, mark_point(election().definition_hash(), Id{"mayor"}));
  EXPECT_NE(P, candidate_point(election().definition_hash(), Id{"council"}, council().list->choices[0].id));
  ASSERT_EQ(election().ballot_slots(0).size(), 5U);
  for (std::size_t k = 0; k < 4; ++k) EXPECT_EQ(election().ballot_slots(0)[1 + k].slot, k);
}

TEST_F(SeveralTest, EveryAllowedChoiceVerifiesOpensAndHasOneLength) {
  const CastTicket t = ticket(1);
  std::set<std::size_t> lengths;
  for (std::size_t bits = 0; bits < 16; ++bits) {
    std::vector<std::size_t> choices{1};
    std::size_t count = 0;
    for (std::size_t k = 0; k < 4; ++k) count += choices.emplace_back((bits >> k) & 1U);
    const BallotSeed seed = BallotSeed::random(e.rng());
    const Ballot b = make_ballot(election(), t, sha256(encode(t)), choices, seed, e.rng());
    lengths.insert(encode(b).size());
    EXPECT_TRUE(check_ballot_shape(election(), b));
    EXPECT_EQ(open_ballot(election(), b, seed).value(), choices);
    const auto ok = check_ballot_proofs(election(), b);
    EXPECT_EQ(ok.has_value(), count == 1 || count == 2) << bits;
    if (!ok) {
      EXPECT_EQ(ok.error().reason, Reason::kBallotProofInvalid);
    }
  }
  EXPECT_EQ(lengths.size(), 1U);
}

TEST_F(SeveralTest, EachFaultHasOneNameAloneAndInABatch) {
  const std::string first = "selections[1].proof";
  const std::string last = "selections[4].proof";
  const Ballot other = ballot(2, {0, 1, 0, 0, 0});
  struct Case {
    std::string what;
    std::function<void(Ballot&)> make;
    Reason reason;
    std::string object;
  };
  const std::size_t own =
      32 * 12;  // bytes of a mark's proof; what follows in the last selection is the count's
  const Reason invalid = Reason::kBallotProofInvalid;
  const Reason encoding = reason_of(Fault::kProofEncoding);
  const std::vector<Case> cases{
      {"sound", [](Ballot&) {}, {}, ""},
      {"sound, made by this test",
       [&](Ballot& b) { mark(b, {.marks = {0, 1, 1, 0}, .claimed = {0, 1, 1, 0}}); },
       {},
       ""},
      {"a choice marked twice", [&](Ballot& b) { mark(b, {.marks = {2, 0, 0, 0}, .claimed = {1, 0, 0, 0}}); },
       invalid, first + ", equation beta"},
      {"one less than none, to have another one more",
       [&](Ballot& b) { mark(b, {.marks = {-1, 1, 1, 1}, .claimed = {0, 1, 1, 0}}); }, invalid,
       first + ", equation beta"},
      {"too many", [&](Ballot& b) { mark(b, {.marks = {1, 1, 1, 0}, .claimed = {1, 1, 1, 0}, .max = 3}); },
       invalid, first + ", equation digits"},
      {"none",
       [&](Ballot& b) { mark(b, {.marks = {0, 0, 0, 0}, .claimed = {0, 0, 0, 0}, .min = 0, .max = 1}); },
       invalid, first + ", equation digits"},
      {"a count of another ballot",
       [&](Ballot& b) {
         const Bytes& theirs = other.selections[4].proof;
         std::copy(theirs.begin() + own, theirs.end(), b.selections[4].proof.begin() + own);
       },
       invalid, last + ", count, equation digits"},
      {"a mark of another ballot", [&](Ballot& b) { b.selections[2].proof = other.selections[2].proof; },
       invalid, "selections[2].proof, equation digits"},
      {"all proofs of another ballot",
       [&](Ballot& b) {
         for (std::size_t i = 1; i <= 4; ++i) b.selections[i].proof = other.selections[i].proof;
       },
       invalid, first + ", equation digits"},
      {"columns exchanged, proofs with them",
       [](Ballot& b) {
         std::swap(b.selections[1], b.selections[2]);
         std::swap(b.selections[1].slot, b.selections[2].slot);
       },
       invalid, first + ", equation digits"},
      {"no count", [&](Ballot& b) { b.selections[4].proof.resize(own); }, encoding, last},
      {"the count before its place",
       [&](Ballot& b) {
         Bytes& proof = b.selections[4].proof;
         b.selections[3].proof.insert(b.selections[3].proof.end(), proof.begin() + own, proof.end());
         proof.resize(own);
       },
       encoding, "selections[3].proof"},
      {"a byte more", [](Ballot& b) { b.selections[4].proof.push_back(0); }, encoding, last},
      {"a byte less", [](Ballot& b) { b.selections[1].proof.pop_back(); }, encoding, first},
      {"no proof", [](Ballot& b) { b.selections[3].proof.clear(); }, Reason::kBallotProofMissing,
       "selections[3].proof"},
      {"a mayor that fails before a council that cannot be read",
       [](Ballot& b) {
         *(b.selections[0].proof.end() - 32) ^= 1;
         b.selections[4].proof.pop_back();
       },
       invalid, "selections[0].proof, equation alpha"}};
  std::vector<Ballot> ballots;
  std::vector<const Ballot*> pointers;
  for (const Case& one : cases) {
    ballots.push_back(ballot(1, {0, 0, 1, 0, 1}));
    one.make(ballots.back());
  }
  for (const Ballot& one : ballots) pointers.push_back(&one);
  const auto batch = check_ballot_proofs_batch(election(), pointers);
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const auto alone = check_ballot_proofs(election(), ballots[i]);
    EXPECT_EQ(batch[i], alone) << cases[i].what;
    EXPECT_EQ(alone.has_value(), i < 2) << cases[i].what;
    if (alone) continue;
    EXPECT_EQ(alone.error(), (Rejection{cases[i].reason, cases[i].object})) << cases[i].what;
  }
}

// Marks within the rule that a voter makes who proves them and lies in the count alone.
TEST_F(SeveralTest, TheCountAloneIsRefused) {
  for (const std::vector<std::size_t>& marks : {std::vector<std::size_t>{0, 1, 1, 1, 0}, {0, 0, 0, 0, 0}}) {
    const auto found = check_ballot_proofs(election(), ballot(1, marks));
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().reason, Reason::kBallotProofInvalid);
    EXPECT_TRUE(found.error().object.starts_with("selections[4].proof, count, equation"))
        << found.error().object;
  }
}

TEST_F(SeveralTest, AnotherShapeIsRefused) {
  const auto shape = [&](const std::function<void(Ballot&)>& change) -> std::optional<Reason> {
    Ballot b = ballot(1, {0, 0, 1, 0, 0});
    change(b);
    const auto ok = check_ballot_shape(election(), b);
    return ok ? std::nullopt : std::optional(ok.error().reason);
  };
  EXPECT_EQ(shape([](Ballot&) {}), std::nullopt);
  EXPECT_EQ(shape([](Ballot& b) { b.selections.pop_back(); }), Reason::kBallotShape);
  EXPECT_EQ(shape([](Ballot& b) { b.selections.push_back(b.selections.back()); }), Reason::kBallotShape);
  EXPECT_EQ(shape([](Ballot& b) { std::swap(b.selections[1], b.selections[2]); }), Reason::kBallotShape);
  EXPECT_EQ(shape([](Ballot& b) { b.selections[1].slot = 4; }), Reason::kBallotShape);
}

// From ballots to an accepted record, in which no row holds more than one choice.
TEST_F(SeveralTest, AWholeElection) {
  log.vote(1, {0, 1, 1, 0, 0});
  log.vote(2, {1, 0, 0, 0, 1});
  log.vote(1, {2, 0, 1, 1, 0});  // again
  log.vote(3, {0, 0, 1, 0, 0});
  log.vote(4, {3, 1, 0, 1, 0});
  for (std::uint64_t n = 5; n <= 8; ++n) log.vote(n, {0, 1, 0, n % 2, 0});
  log.close_and_seal();
  EXPECT_TRUE(log.replay().findings.empty());
  TestRecord record(e, log);
  const Sheet sheet = record.sheet();
  std::vector<std::string> names;
  for (const GroupSheet& group : sheet.groups) names.push_back(group.group);
  EXPECT_EQ(names, (std::vector<std::string>{"u1/mayor/0", "u1/council/0", "u1/council/1", "u1/council/2",
                                             "u1/council/3", "u2+u3/mayor/0", "u2+u3/council/0",
                                             "u2+u3/council/1", "u2+u3/council/2", "u2+u3/council/3"}));
  const auto result = decode<ElectionResult>(record.file(layout::result())).value();
  const auto votes = [](const std::vector<ChoiceCount>& counts) {
    std::vector<std::uint64_t> out;
    for (const ChoiceCount& count : counts) out.push_back(count.votes);
    return out;
  };
  EXPECT_EQ(votes(result.totals[1].counts), (std::vector<std::uint64_t>{1, 2, 2, 1}));  // u1: voters 1 to 4
  EXPECT_EQ(votes(result.totals[2].counts), (std::vector<std::uint64_t>{4, 0, 2, 0}));  // u2 and u3: 5 to 8
  ASSERT_EQ(result.groups[3].counts.size(), 1U);
  EXPECT_EQ(result.groups[3].counts[0].choice, council().list->choices[2].id);
  const std::string csv(text_of(record.file(layout::result_as("csv"))));
  EXPECT_NE(csv.find("group,council,c1,2,\"u1/council/2\"," + council().list->choices[2].id.text), csv.npos);
  const std::string html(text_of(record.file(layout::result_as("html"))));
  EXPECT_NE(html.find("50.0&nbsp;%"), html.npos);  // two of four ballots
  EXPECT_NE(html.find("</h2>\n<p>Marks on a ballot: 1–2</p>\n<table>"), html.npos);
  const std::string json(text_of(record.file(layout::result_as("json"))));
  const std::string rule = R"("kind": "several",
      "min": 1,
      "max": 2,
      "list": "c1",)";
  EXPECT_NE(json.find(rule), json.npos) << json;
  EXPECT_NE(json.find("\"kind\": \"one\",\n      \"list\": \"mayor\","), json.npos) << json;

  const auto audited = [&](const TestRecord& r) {
    return audit_record({.record = r.record, .fingerprint = election().fingerprint()});
  };
  const AuditReport honest = audited(record);
  EXPECT_TRUE(honest.accepted()) << report_text(honest);

  // More votes than the rule allows, published with everything else as it was.
  TestRecord inflated = record;
  ElectionResult lie = result;
  for (ChoiceCount& count : lie.totals[1].counts) count.votes = 3;
  inflated.file(layout::result()) = encode(lie);
  const AuditReport refused = audited(inflated);
  const AuditCheck& balance = refused.check(AuditCheckId::kBalance);
  ASSERT_EQ(balance.findings.size(), 1U);
  EXPECT_EQ(balance.findings[0],
            (Rejection{Reason::kCountMismatch, "total of council/c1: 12 votes, not from 4 to 8"}));

  // Another rule than that of the definition, in the JSON alone.
  TestRecord misstated = record;
  std::string text = json;
  text.replace(text.find("\"max\": 2"), 8, "\"max\": 3");
  misstated.file(layout::result_as("json")) = copy_of(bytes_of(text));
  misstated.make(Step::kIndex);
  const AuditReport of_another_rule = audited(misstated);
  EXPECT_FALSE(of_another_rule.accepted());
  const AuditCheck& rendering = of_another_rule.check(AuditCheckId::kResult);
  ASSERT_EQ(rendering.findings.size(), 1U);
  EXPECT_EQ(rendering.findings[0].reason, Reason::kResultMismatch);

  // Two columns exchanged before the mix: every row is in the log, but under another choice.
  TestRecord exchanged = record;
  const auto a = exchanged.list(1, 0).list.items;
  exchanged.set_input(1, exchanged.list(2, 0).list.items);
  exchanged.set_input(2, a);
  exchanged.make_from(Step::kMix1);
  const AuditReport found = audited(exchanged);
  const AuditCheck& derived = found.check(AuditCheckId::kDerived);
  EXPECT_TRUE(std::ranges::any_of(derived.findings, [](const Rejection& r) {
    return r.reason == Reason::kBallotsetNotDerivable && r.object.starts_with("u1/council/0");
  })) << report_text(found);

  // A row that holds two marks of one choice is no vote: nothing is published.
  const auto P = council().marks->P();
  const auto count = [&](const Ristretto::Point& M) {
    return count_group(election(), sheet.groups[1], std::vector{P + P, M, P});
  };
  EXPECT_EQ(votes(count(P)->counts), (std::vector<std::uint64_t>{1}));
  EXPECT_EQ(count(P + P + P).error().reason, Reason::kInvalidPlaintext);
}

TEST_F(SeveralTest, WordsOfAVoter) {
  const auto choose = [&](const std::vector<std::string>& words) {
    std::vector<Choosing> chosen;
    for (const std::string& word : words) chosen.push_back(Choosing::parse(word).value());
    return choices_for(election(), 0, chosen);
  };
  const auto& choices = council().list->choices;
  const std::string mayor = "mayor=" + election().tables()[0].list->choices[1].id.text;
  const std::string one = "council=" + choices[0].id.text;
  const std::string two = "council=" + choices[2].id.text;
  const std::string three = "council=" + choices[1].id.text;
  const auto marked = choose({two, mayor, one});
  ASSERT_TRUE(marked);
  EXPECT_EQ(*marked, (std::vector<std::size_t>{1, 1, 0, 1, 0}));
  const std::string text = choices_text(election(), 0, *marked, {"en"});
  EXPECT_NE(text.find("(" + choices[0].id.text + ")"), text.npos);
  EXPECT_NE(text.find("(" + choices[2].id.text + ")"), text.npos);
  EXPECT_EQ(text.find("(" + choices[1].id.text + ")"), text.npos);
  EXPECT_TRUE(choices_text(election(), 0, {0, 0, 0, 0, 0}, {"en"}).ends_with("  Council: no choice\n"));
  EXPECT_NE(contests_text(election(), 0, {"en"}).find("choose from 1 to 2"), std::string::npos);
  for (const std::vector<std::string>& wrong :
       {std::vector{mayor}, {mayor, one, two, three}, {mayor, one, one}, {mayor, one, "council=nobody"}}) {
    const auto refused = choose(wrong);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().reason, Reason::kUsage);
    EXPECT_TRUE(refused.error().object.starts_with("contest council")) << refused.error().object;
  }
}

// Where no contest needs a choice, no words are a ballot: none is marked.
TEST(SeveralWords, NoChoiceAtAll) {
  Options options;
  options.amend = [](Definition& d) {
    d.contests.erase(d.contests.begin());
    for (Unit& unit : d.units) unit.contests.erase(unit.contests.begin());
    d.contests[0].several = SeveralRule{.min = 0, .max = 2};
  };
  const TestElection e(options);
  EXPECT_EQ(choices_for(e.election(), 0, {}).value(), (std::vector<std::size_t>{0, 0, 0, 0}));
  const TestElection base(council_of_several());
  EXPECT_EQ(choices_for(base.election(), 0, {}).error().object,
            "contest mayor needs a choice (a blank vote is a choice, too)");
}

}  // namespace
}  // namespace psephos::test
