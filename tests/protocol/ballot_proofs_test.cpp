// The proofs in ballots: what is refused, by which name, and the same alone, in a batch and in the replay.
#include "protocol/checks/ballot_proofs.h"

#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "crypto/proof/one_of_many.h"
#include "protocol/ballot_crypto.h"
#include "tests/support/test_election.h"

namespace psephos::test {
namespace {

class BallotProofsTest : public testing::Test {
 protected:
  BallotProofsTest() : log(e) { log.open_casting({kVoters}); }
  const Election& election() const { return e.election(); }
  std::uint64_t now_s() const { return e.options().casting_begins_s + 1000; }
  /// The one ticket of voter n.
  const CastTicket& ticket(std::uint64_t n) {
    const auto known = tickets.find(n);
    return known != tickets.end() ? known->second
                                  : tickets.emplace(n, e.ticket(log.state, n, now_s())).first->second;
  }
  Ballot ballot(std::uint64_t n, const std::vector<std::size_t>& choices = {0, 1}) {
    const CastTicket& t = ticket(n);
    return make_ballot(election(), t, sha256(encode(t)), choices, BallotSeed::random(e.rng()), e.rng());
  }
  /// Selection i encrypts M instead, with the proof of a voter who claims entry l of `table`.
  void encrypt_other(Ballot& b, std::size_t i, const Ristretto::Point& M, const ChoiceTable<Ristretto>& table,
                     std::size_t l) {
    Selection& s = b.selections[i];
    const auto r = Ristretto::SecretScalar::random(e.rng());
    const auto c = encrypt<Ristretto>(election().Y(), M, r);
    s.alpha = c.alpha;
    s.beta = c.beta;
    Transcript transcript = ballot_transcript(election(), b, s);
    const OneOfManyStatement<Ristretto> statement{election().Y(), c.alpha, c.beta, table};
    s.proof = prove_one_of_many(statement, l, r, transcript, election().digit_generators(), e.rng()).encode();
  }
  const CandidateTable& table(std::size_t i) const { return *election().ballot_slots(0)[i].table; }

  static constexpr std::uint64_t kVoters = 16;
  TestElection e;
  TestLog log;
  std::map<std::uint64_t, CastTicket> tickets;
};

struct Fault {
  std::string what;
  std::function<void(Ballot&)> make;
  Reason reason;
  std::string object;
};

TEST_F(BallotProofsTest, A63_A149_EachFaultHasOneNameAloneInABatchAndInTheReplay) {
  const auto stranger = hash_to_group<Ristretto>("test", bytes_of("no candidate"));
  const CandidateTable& other_unit = *election().ballot_slots(1)[1].table;
  ASSERT_EQ(other_unit.contest->id, table(1).contest->id);
  ASSERT_NE(other_unit.list->id, table(1).list->id);
  ASSERT_EQ(other_unit.points.digits(), table(1).points.digits());
  const std::string first = "selections[0].proof";
  const std::string second = "selections[1].proof";
  const std::vector<Fault> faults{
      {"sound", [](Ballot&) {}, {}, ""},
      {"no proof", [](Ballot& b) { b.selections[1].proof.clear(); }, Reason::kBallotProofMissing, second},
      {"a byte less", [](Ballot& b) { b.selections[0].proof.pop_back(); },
       reason_of(psephos::Fault::kProofEncoding), first},
      {"a byte more", [](Ballot& b) { b.selections[0].proof.push_back(0); },
       reason_of(psephos::Fault::kProofEncoding), first},
      {"the proof of a longer table", [](Ballot& b) { b.selections[1].proof.resize(32 * 17, 1); },
       reason_of(psephos::Fault::kProofEncoding), second},
      {"no element", [](Ballot& b) { std::fill_n(b.selections[0].proof.begin(), 32, std::uint8_t{0xff}); },
       reason_of(psephos::Fault::kPointNoncanonical), first},
      {"the identity", [](Ballot& b) { std::fill_n(b.selections[0].proof.begin(), 32, std::uint8_t{0}); },
       reason_of(psephos::Fault::kPointIdentity), first},
      {"a scalar not reduced",
       [](Ballot& b) { std::fill_n(b.selections[1].proof.end() - 32, 32, std::uint8_t{0xff}); },
       reason_of(psephos::Fault::kScalarNoncanonical), second},
      {"another response", [](Ballot& b) { *(b.selections[1].proof.end() - 32) ^= 1; },
       Reason::kBallotProofInvalid, second + ", equation alpha"},
      {"no candidate", [&](Ballot& b) { encrypt_other(b, 0, stranger, table(0).points, 2); },
       Reason::kBallotProofInvalid, first + ", equation beta"},
      {"a candidate of another unit",
       [&](Ballot& b) { encrypt_other(b, 1, other_unit.points[0], table(1).points, 0); },
       Reason::kBallotProofInvalid, second + ", equation beta"},
      {"a candidate of another unit, proved for that unit",
       [&](Ballot& b) { encrypt_other(b, 1, other_unit.points[0], other_unit.points, 0); },
       Reason::kBallotProofInvalid, second + ", equation digits"},
      {"a candidate of another contest",
       [&](Ballot& b) { encrypt_other(b, 0, table(1).points[0], table(1).points, 0); },
       Reason::kBallotProofInvalid, first + ", equation digits"},
      {"proofs exchanged", [](Ballot& b) { std::swap(b.selections[0].proof, b.selections[1].proof); },
       Reason::kBallotProofInvalid, first + ", equation digits"},
      {"one that fails before one that is missing",
       [](Ballot& b) {
         *(b.selections[0].proof.end() - 32) ^= 1;
         b.selections[1].proof.clear();
       },
       Reason::kBallotProofInvalid, first + ", equation alpha"},
      {"one that is missing before one that fails",
       [](Ballot& b) {
         b.selections[0].proof.clear();
         *(b.selections[1].proof.end() - 32) ^= 1;
       },
       Reason::kBallotProofMissing, first}};
  ASSERT_EQ(faults.size(), kVoters);

  std::vector<Ballot> ballots;
  std::vector<const Ballot*> pointers;
  for (std::uint64_t n = 1; n <= kVoters; ++n) {
    ballots.push_back(ballot(n));
    faults[n - 1].make(ballots.back());
  }
  for (const Ballot& one : ballots) pointers.push_back(&one);
  const auto batch = check_ballot_proofs_batch(election(), pointers);
  ASSERT_EQ(batch.size(), kVoters);
  for (std::size_t i = 0; i < kVoters; ++i) {
    const Fault& fault = faults[i];
    const auto alone = check_ballot_proofs(election(), ballots[i]);
    EXPECT_EQ(batch[i], alone) << fault.what;
    EXPECT_EQ(alone.has_value(), i == 0) << fault.what;
    if (alone) continue;
    EXPECT_EQ(alone.error(), (Rejection{fault.reason, fault.object})) << fault.what;
  }
  EXPECT_TRUE(check_ballot_proofs_batch(election(), {}).empty());

  // A collector that logs them all the same. The replay finds each, by the name that it has at the door.
  std::map<std::uint64_t, Rejection> expected;
  for (std::uint64_t n = 1; n <= kVoters; ++n) {
    const BallotItem item = e.logged(e.envelope(ballots[n - 1], ticket(n), e.card(n)), now_s() * 1000);
    const auto admitted = log.state.admit(item, e.eid());
    EXPECT_EQ(admitted.has_value(), n == 1) << faults[n - 1].what;
    if (!admitted) {
      EXPECT_EQ(admitted.error().reason, faults[n - 1].reason) << faults[n - 1].what;
      expected.emplace(log.entries.size(), admitted.error());
    }
    log.force(EntryType::kBallot, encode(item));
  }
  const Replay replay = log.replay();
  ASSERT_EQ(replay.findings.size(), expected.size());
  for (const auto& finding : replay.findings) {
    const Rejection& at_the_door = expected.at(finding.index);
    EXPECT_EQ(finding.rejection.reason, at_the_door.reason);
    EXPECT_EQ(finding.rejection.object, "entry " + std::to_string(finding.index) + ", " + at_the_door.object);
  }
}

// A55: as many bytes for every choice in every contest.
TEST_F(BallotProofsTest, A55_EveryBallotOfAUnitHasOneLength) {
  std::set<std::size_t> sizes;
  for (std::size_t mayor = 0; mayor < table(0).points.size(); ++mayor)
    for (std::size_t council = 0; council < table(1).points.size(); ++council)
      sizes.insert(encode(ballot(1, {mayor, council})).size());
  EXPECT_EQ(sizes.size(), 1U);
}

// Every generator and every table of an election is its own.
TEST_F(BallotProofsTest, GeneratorsComeFromTheFingerprint) {
  const auto derived = DigitGenerators<Ristretto>::derive("psephos-1/digit-generator",
                                                          election().fingerprint(), 4, election().Y());
  ASSERT_TRUE(derived);
  EXPECT_EQ(election().digit_generators().H(), derived->H());
  EXPECT_TRUE(std::ranges::equal(election().digit_generators().digits(1), derived->digits(1)));
  Options options;
  options.seed = "another election";
  const TestElection other(options);
  EXPECT_NE(other.election().digit_generators().H(), derived->H());
}

}  // namespace
}  // namespace psephos::test
