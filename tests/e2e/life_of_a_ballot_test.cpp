#include <gtest/gtest.h>

#include "protocol/checks/receipt.h"
#include "protocol/checks/signed_ballot.h"
#include "protocol/labels.h"
#include "tests/support/test_election.h"

// docs/life-of-a-ballot.md, told in code with the same step names: one voter's ballot among a few others,
// from her choice to the audit. Every step is made by its party with its own key and checked by who checks it
// there. The processes, sockets and files around it are in ./psephos demo.
namespace psephos::test {
namespace {

TEST(LifeOfABallot, FromChoiceToAudit) {
  TestElection e;
  const Election& election = e.election();
  TestLog log(e);
  std::vector<RollChange> changes;
  for (std::uint64_t n = 1; n <= 5; ++n)
    changes.push_back(
        {.kind = RollChangeKind::kAdd, .national_id = e.card(n).person.national_id, .unit = Id{"u1"}});
  log.document(EntryType::kRoll, e.roll(1, std::nullopt, changes));
  log.document(EntryType::kPhase, e.phase(PhaseEventKind::kOpened, e.options().casting_begins_s));
  const std::uint64_t now_s = e.options().casting_begins_s + 60;

  // choose: one entry of each contest's table; only the voter's client knows.
  const std::vector<std::size_t> choice{1, 2};

  // encrypt: a fresh seed, from which all randomness follows; a proof with each ciphertext.
  const CastTicket ticket = e.ticket(log.state, 1, now_s);
  const BallotSeed seed = BallotSeed::random(e.rng());
  const Ballot ballot = make_ballot(election, ticket, sha256(encode(ticket)), choice, seed, e.rng());
  ASSERT_EQ(ballot.selections.size(), 2U);

  // sign: with the card's signing key, in a container that holds the canonical bytes. Their hash is the
  // ballot's id.
  const Envelope envelope = e.envelope(ballot, ticket, e.card(1));
  const BallotId id = id_of(envelope);

  // submit, accept or reject: with evidence added, and the same bytes with one changed are refused by name.
  const BallotItem item = e.logged(envelope, now_s * 1000);
  BallotItem changed = item;
  changed.envelope.container[changed.envelope.container.size() / 2] ^= 1;
  EXPECT_FALSE(log.state.admit(changed, e.eid()).has_value());
  const auto admission = log.state.admit(item, e.eid());
  ASSERT_TRUE(admission) << to_string(admission.error());

  // record: an entry that commits to the item; witnesses co-sign the head; the receipt proves the place.
  log.ballot(item);
  const std::uint64_t index = log.entries.size() - 1;
  ReceiptStatement statement{
      .fingerprint = election.fingerprint(), .ballot_id = id, .index = index, .entry = log.entries[index]};
  Receipt receipt{
      .statement = {.body = encode(statement), .signature = {}}, .inclusion_proof = {}, .checkpoint = {}};
  receipt.statement.signature = e.collector[1].sign_labelled(labels::kSignReceipt, receipt.statement.body);
  receipt.inclusion_proof = log.tree.inclusion_proof(index, log.tree.size());
  receipt.checkpoint = copy_of(bytes_of(e.cosigned_checkpoint(log.tree).encode()));

  // publish: anybody reads the log; the entry says nothing about voter or choice.
  EXPECT_EQ(type_of(log.entries[index]), EntryType::kBallot);

  // verify: another device opens the ballot from its seed and checks signature, entry and receipt.
  EXPECT_EQ(open_ballot(election, ballot_of(item.envelope), seed).value(), choice);
  const auto recorded = check_receipt(election, receipt, id);
  ASSERT_TRUE(recorded) << to_string(recorded.error());
  EXPECT_TRUE(check_entry(recorded->statement, log.items[index].salt, item));
  const auto signer = check_signer(e.eid(), opened(item.envelope), static_cast<std::int64_t>(now_s));
  ASSERT_TRUE(signer);
  EXPECT_TRUE(check_evidence(e.eid(), opened(item.envelope)));
  EXPECT_EQ(election.pseudonym_of(signer->person.national_id), ballot.pseudonym);

  log.vote(2, {0, 0});
  log.vote(3, {1, 3});
  log.vote(4, {3, 3});
  log.close_and_seal();

  // mix: the last ballot of each voter, without names, permuted and re-encrypted three times, each time
  // proved.
  const Replay replay = log.replay();
  ASSERT_TRUE(replay.findings.empty());
  const auto groups = derive_lists(replay.state).value();
  const Sheet sheet = make_sheet(election, log.tree.size(), log.tree.root(), groups);
  ASSERT_TRUE(check_sheet(election, sheet));
  const Generators generators = derive_generators_for(election, sheet);
  std::vector<GroupResult> results;
  for (const GroupInput& group : groups) {
    VerifiedList list = check_input(election, group.sheet, group.file).value();
    const CiphertextList<Ristretto> before = list.list;
    for (std::uint64_t mixer = 1; mixer <= 3; ++mixer) {
      const auto [output, proof] = mix(e, generators, group.sheet, mixer, mixer, list);
      auto checked = check_mix(election, generators, group.sheet, mixer, mixer, list, output, proof);
      ASSERT_TRUE(checked) << to_string(checked.error());
      list = std::move(*checked);
    }
    for (const auto& c : list.list.items)  // no ciphertext of hers is left
      EXPECT_EQ(std::count(before.items.begin(), before.items.end(), c), 0);

    // decrypt: two of three trustees, each with its share and a proof.
    std::vector<GroupShares> shares;
    for (const std::uint64_t trustee : {2U, 3U}) {
      const auto [file, proof] = decrypt(e, group.sheet, trustee, list);
      shares.push_back({trustee, check_shares(election, group.sheet, trustee, list, file, proof).value()});
    }
    EXPECT_EQ(combine_shares(election, group.sheet, list, std::span(shares).first(1)).error().reason,
              reason_of(Fault::kTallyInsufficientShares));

    // count: every plaintext is an entry of the table.
    const auto plaintexts = combine_shares(election, group.sheet, list, shares).value();
    results.push_back(count_group(election, group.sheet, plaintexts).value());
  }
  const ElectionResult result = total(election, sheet, results);
  const auto votes = [&](std::size_t l) {
    std::vector<std::uint64_t> out;
    for (const ChoiceCount& count : result.totals[l].counts) out.push_back(count.votes);
    return out;
  };
  EXPECT_EQ(votes(0), (std::vector<std::uint64_t>{1, 2, 0, 1}));
  EXPECT_EQ(votes(1), (std::vector<std::uint64_t>{1, 0, 1, 2}));

  // audit: the same lists, the same result, from the log again; a result with one vote moved is refused.
  const auto again = derive_lists(log.replay().state).value();
  for (std::size_t g = 0; g < groups.size(); ++g)
    EXPECT_TRUE(check_input_list(replay.state, again[g], groups[g].file));
  ElectionResult moved = result;
  --moved.groups[0].counts[1].votes;
  ++moved.groups[0].counts[0].votes;
  EXPECT_TRUE(check_result(result, result));
  EXPECT_EQ(check_result(result, moved).error().reason, Reason::kResultMismatch);
}

}  // namespace
}  // namespace psephos::test
