#include <gtest/gtest.h>

#include "tests/support/test_election.h"

// The life of an election's log in memory: what is admitted, what is refused by which name, and what the
// lists then hold.
namespace psephos::test {
namespace {

class ElectionTest : public testing::Test {
 protected:
  ElectionTest() : log(e) { log.open_casting({6, 4, 2}); }
  /// The reason why the item is not admitted to the log as it stands.
  std::optional<Reason> refusal(const BallotItem& item) const {
    const auto admitted = log.state.admit(item, e.eid());
    if (admitted) return std::nullopt;
    return admitted.error().reason;
  }
  std::uint64_t now_s() const { return e.options().casting_begins_s + 1000; }
  BallotItem item(std::uint64_t n, std::vector<std::size_t> choices = {0, 1}) {
    return e.cast(e.ticket(log.state, n, now_s()), n, choices, now_s() * 1000);
  }
  TestElection e;
  TestLog log;
};

TEST_F(ElectionTest, CountsTheLastUnrevokedBallotOfEachVoter) {
  log.vote(1, {0, 1});
  log.vote(2, {1, 1});
  log.vote(1, {2, 3});  // recast
  log.vote(3, {3, 0});
  log.vote(4, {0, 0});
  for (std::uint64_t n = 7; n <= 9; ++n) log.vote(n, {n % 4, 2});
  log.vote(11, {1, 1});  // u3 stays below three: merged with u2
  log.document(
      EntryType::kRevocation,
      e.revocation(1, RevocationKind::kRevoke, {e.card(2).person.national_id, e.card(4).person.national_id}));
  log.document(EntryType::kRevocation,
               e.revocation(2, RevocationKind::kRestore, {e.card(4).person.national_id}));
  log.close_and_seal();

  const Replay replay = log.replay();
  for (const auto& finding : replay.findings) ADD_FAILURE() << to_string(finding.rejection);
  const auto groups = derive_lists(replay.state);
  ASSERT_TRUE(groups) << to_string(groups.error());
  // mayor and council of u1; mayor and council of u2 with u3.
  ASSERT_EQ(groups->size(), 4U);
  EXPECT_EQ((*groups)[0].sheet.group, "u1/mayor/0");
  EXPECT_EQ((*groups)[1].sheet.group, "u1/council/0");
  EXPECT_EQ((*groups)[2].sheet.group, "u2+u3/mayor/0");
  const GroupSheet& u1 = (*groups)[0].sheet;
  EXPECT_EQ(u1.logged, 5U);
  EXPECT_EQ(u1.counted, 3U);
  EXPECT_EQ(u1.superseded, 1U);
  EXPECT_EQ(u1.revoked, 1U);
  const Sheet sheet = make_sheet(e.election(), log.tree.size(), log.tree.root(), *groups);
  EXPECT_TRUE(check_sheet(e.election(), sheet));

  // Mixed three times, decrypted by trustees 1 and 3, counted.
  const Generators generators = derive_generators_for(e.election(), sheet);
  std::vector<GroupResult> results;
  for (const GroupInput& group : *groups) {
    EXPECT_TRUE(check_input_list(replay.state, group, group.file));
    auto list = check_input(e.election(), group.sheet, group.file);
    ASSERT_TRUE(list) << to_string(list.error());
    for (std::uint64_t position = 1; position <= 3; ++position) {
      const auto [output, proof] = mix(e, generators, group.sheet, position, position, *list);
      list = check_mix(e.election(), generators, group.sheet, position, position, *list, output, proof);
      ASSERT_TRUE(list) << to_string(list.error());
    }
    std::vector<GroupShares> shares;
    for (const std::uint64_t trustee : {1U, 3U}) {
      const auto [file, proof] = decrypt(e, group.sheet, trustee, *list);
      auto checked = check_shares(e.election(), group.sheet, trustee, *list, file, proof);
      ASSERT_TRUE(checked) << to_string(checked.error());
      shares.push_back({trustee, std::move(*checked)});
    }
    const auto plaintexts = combine_shares(e.election(), group.sheet, *list, shares);
    ASSERT_TRUE(plaintexts);
    const auto result = count_group(e.election(), group.sheet, *plaintexts);
    ASSERT_TRUE(result) << to_string(result.error());
    results.push_back(*result);
  }
  const ElectionResult result = total(e.election(), sheet, results);
  // Mayor, all units: voter 1 → choice 2, 3 → 3, 4 → 0, 7 → 3, 8 → 0, 9 → 1, 11 → 1.
  std::vector<std::uint64_t> votes;
  for (const auto& count : result.totals[0].counts) votes.push_back(count.votes);
  EXPECT_EQ(votes, (std::vector<std::uint64_t>{2, 2, 1, 2}));
  EXPECT_TRUE(check_result(result, result));
  ElectionResult other = result;
  ++other.totals[0].counts[1].votes;
  EXPECT_EQ(check_result(result, other).error().reason, Reason::kResultMismatch);
}

TEST_F(ElectionTest, OrderRulesOfTheChain) {
  const CastTicket first = e.ticket(log.state, 1, now_s());
  const BallotItem a = e.cast(first, 1, std::vector<std::size_t>{0, 0}, now_s() * 1000);
  const BallotItem b = e.cast(first, 1, std::vector<std::size_t>{1, 0}, now_s() * 1000);
  log.ballot(a);
  EXPECT_EQ(refusal(b), Reason::kCastConflict);      // two ballots on one ticket: the first logged wins
  EXPECT_EQ(refusal(a), Reason::kStaleCastCounter);  // the same again is no second entry
  const BallotItem second = item(1);
  log.ballot(second);
  EXPECT_EQ(refusal(a), Reason::kStaleCastCounter);
  EXPECT_EQ(refusal(b), Reason::kStaleCastCounter);
  CastTicket skipped = e.ticket(log.state, 1, now_s());
  ++skipped.counter;
  EXPECT_EQ(refusal(e.cast(skipped, 1, std::vector<std::size_t>{0, 0}, now_s() * 1000)),
            Reason::kRecastOrderConflict);
  CastTicket hidden = e.ticket(log.state, 1, now_s());
  hidden.previous = id_of(a.envelope);
  EXPECT_EQ(refusal(e.cast(hidden, 1, std::vector<std::size_t>{0, 0}, now_s() * 1000)),
            Reason::kRecastChainBroken);
  EXPECT_EQ(refusal(item(1)), std::nullopt);
}

TEST_F(ElectionTest, ForgedBallotsAreRefusedByName) {
  EXPECT_EQ(refusal(item(1)), std::nullopt);
  const auto now_ms = now_s() * 1000;
  const std::vector<std::size_t> choices{0, 1};
  const CastTicket ticket = e.ticket(log.state, 1, now_s());
  const auto honest = [&] {
    return make_ballot(e.election(), ticket, sha256(encode(ticket)), choices, BallotSeed::random(e.rng()),
                       e.rng());
  };
  const auto sealed = [&](const Ballot& ballot) {
    return e.logged(e.envelope(ballot, ticket, e.card(1)), now_ms);
  };
  EXPECT_EQ(refusal(sealed(honest())), std::nullopt);

  {  // A30: no signature; another voter's signature; a voter of no roll.
    BallotItem none = sealed(honest());
    none.envelope = without_signature(none.envelope);
    EXPECT_EQ(refusal(none), Reason::kBallotSignatureMissing);
    EXPECT_EQ(refusal(e.logged(e.envelope(honest(), ticket, e.card(2)), now_ms)),
              Reason::kSignerNotPseudonym);
    CastTicket ghost = ticket;
    ghost.pseudonym = e.pseudonym(77);
    EXPECT_EQ(refusal(e.cast(ghost, 77, choices, now_ms)), Reason::kVoterNotOnRoll);
  }
  {  // A26: another voter's ciphertext, first in isolation with the proof copied, then after the original was
     // logged.
    const BallotItem victim = e.cast(e.ticket(log.state, 2, now_s()), 2, choices, now_ms);
    Ballot copy = honest();
    copy.selections = ballot_of(victim.envelope).selections;
    EXPECT_EQ(refusal(sealed(copy)), Reason::kBallotProofInvalid);
    // A27: re-randomised, with the proof copied and absent.
    const auto s = Ristretto::SecretScalar::random(e.rng());
    Ballot again = copy;
    for (Selection& selection : again.selections) {
      const auto c = re_encrypt<Ristretto>(e.election().Y(), selection.ciphertext(),
                                           Ristretto::SecretScalar::random(e.rng()));
      selection.alpha = c.alpha;
      selection.beta = c.beta;
    }
    EXPECT_EQ(refusal(sealed(again)), Reason::kBallotProofInvalid);
    again.selections[0].proof.clear();
    EXPECT_EQ(refusal(sealed(again)), Reason::kBallotProofMissing);
    log.ballot(victim);
    EXPECT_EQ(refusal(sealed(copy)), Reason::kBallotDuplicateCiphertext);
  }
  {  // A28: a ballot of another election with the same people.
    Ballot foreign = honest();
    foreign.fingerprint[0] ^= 1;
    EXPECT_EQ(refusal(sealed(foreign)), Reason::kElectionFpMismatch);
  }
  {  // Changed after signing; changed and signed by the voter, but not proved for this context.
    BallotItem changed = sealed(honest());
    Ballot moved = honest();
    changed.envelope = altered(changed.envelope, [&](SignedBallot& s) { s.ballot = encode(moved); });
    EXPECT_EQ(refusal(changed), Reason::kSigInvalid);
    std::swap(moved.selections[0].alpha, moved.selections[1].alpha);
    std::swap(moved.selections[0].beta, moved.selections[1].beta);
    std::swap(moved.selections[0].proof, moved.selections[1].proof);
    EXPECT_EQ(refusal(sealed(moved)), Reason::kBallotProofInvalid);
    std::swap(moved.selections[0], moved.selections[1]);
    EXPECT_EQ(refusal(sealed(moved)), Reason::kBallotShape);
    Ballot twice = honest();
    twice.selections[1].alpha = twice.selections[0].alpha;
    EXPECT_EQ(refusal(sealed(twice)), Reason::kBallotRReuse);
  }
  {  // Tickets: not issued here, said otherwise, expired; periods.
    BallotItem own = sealed(honest());
    own.envelope.ticket.signature[3] ^= 1;
    EXPECT_EQ(refusal(own), Reason::kAuthChallengeUnknown);
    Ballot other_unit = honest();
    other_unit.unit = {"u2"};
    EXPECT_EQ(refusal(sealed(other_unit)), Reason::kTicketMismatch);
    BallotItem late = sealed(honest());
    late.received_ms = ticket.expires_s * 1000;
    EXPECT_EQ(refusal(late), Reason::kTicketExpired);
    BallotItem early = sealed(honest());
    early.received_ms = e.options().casting_begins_s * 1000 - 1;
    EXPECT_EQ(refusal(early), Reason::kPhaseNotOpen);
    BallotItem after = sealed(honest());
    after.received_ms = e.options().grace_ends_s * 1000;
    EXPECT_EQ(refusal(after), Reason::kPhaseClosed);
    CastTicket wrong_unit = ticket;
    wrong_unit.unit = {"u2"};
    EXPECT_EQ(refusal(e.cast(wrong_unit, 1, choices, now_ms)), Reason::kDistrictMismatch);
    CastTicket future = ticket;
    future.roll_version = 9;
    EXPECT_EQ(refusal(e.cast(future, 1, choices, now_ms)), Reason::kRollVersionStale);
  }
}

TEST_F(ElectionTest, ListsInAnotherOrderOrTooSmall) {
  for (std::uint64_t n = 1; n <= 4; ++n) log.vote(n, {n % 4, 0});
  log.close_and_seal();
  const Replay replay = log.replay();
  const auto groups = derive_lists(replay.state).value();
  const GroupInput& group = groups[0];
  EXPECT_TRUE(check_input_list(replay.state, group, group.file));
  const ListFile sorted = parse_list(group.file, Stage::kInput, "").value();
  std::vector<Ciphertext<Ristretto>> turned = read_ciphertexts(sorted, "")->items;
  std::ranges::reverse(turned);
  const Bytes reversed = write_ciphertexts(sorted.header, turned);
  EXPECT_EQ(check_input_list(replay.state, group, reversed).error().reason, Reason::kListNotSorted);
  EXPECT_EQ(check_input(e.election(), group.sheet, reversed).error().reason, Reason::kListNotSorted);
  // A list below k, said on the sheet; the sheet as it is holds.
  Sheet sheet = make_sheet(e.election(), log.tree.size(), log.tree.root(), groups);
  EXPECT_TRUE(check_sheet(e.election(), sheet));
  sheet.groups[0].superseded += sheet.groups[0].counted - 2;
  sheet.groups[0].counted = 2;
  EXPECT_EQ(check_sheet(e.election(), sheet).error().reason, Reason::kUnitBelowK);
}

TEST_F(ElectionTest, AListBelowKWithoutAPartnerIsNotMixed) {
  log.vote(1, {0, 0});  // u1 alone has its council list
  log.vote(2, {0, 0});
  log.close_and_seal();
  EXPECT_EQ(derive_lists(log.replay().state).error().reason, Reason::kUnitBelowK);
}

}  // namespace
}  // namespace psephos::test
