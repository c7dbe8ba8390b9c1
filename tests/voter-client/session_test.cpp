#include <gtest/gtest.h>

#include <filesystem>

#include "protocol/checks/verification.h"
#include "tests/voter-client/lying_collector.h"

namespace psephos {
namespace {

using test::LyingCollector;
using test::TestElection;
using test::TestSigner;

/// Voter 1 of a fresh election, and a collector that lies as the test says.
class SessionTest : public ::testing::Test {
 protected:
  TestElection e;
  LyingCollector collector{e};
  HeadMemory heads;
  ClientClock clock{[this] { return collector.now_s * 1000 + slept_ms; },
                    [this](std::uint64_t ms) { slept_ms += ms; }};
  Session session{e.election(), e.eid(), collector, heads, e.rng(), clock};
  std::uint64_t slept_ms = 0;
  const std::vector<std::size_t> choices{1, 2};

  SealedBallot sealed(std::uint64_t n = 1) {
    TestSigner card(e, n);
    const auto authorisation = session.authenticate(card);
    EXPECT_TRUE(authorisation) << to_string(authorisation.error());
    return session.seal(*authorisation, choices, card).value();
  }
  Rejection refused(std::uint64_t n = 1) {
    const auto outcome = session.submit(sealed(n));
    EXPECT_FALSE(outcome);
    return outcome ? Rejection{} : outcome.error();
  }
  Rejection not_authorised() {
    TestSigner card(e, 1);
    const auto outcome = session.authenticate(card);
    EXPECT_FALSE(outcome);
    return outcome ? Rejection{} : outcome.error();
  }
  std::size_t ballots_sent() const {
    return static_cast<std::size_t>(
        std::ranges::count(collector.requests, "/v1/ballot", &std::pair<std::string, Bytes>::first));
  }
};

TEST_F(SessionTest, CastRecastVerify) {
  const SealedBallot first = sealed();
  EXPECT_EQ(first.counter, 1U);
  const auto one = session.submit(first);
  ASSERT_TRUE(one) << to_string(one.error());
  ASSERT_TRUE(one->recorded);
  EXPECT_EQ(one->recorded->statement.ballot_id, first.code.ballot_id);
  EXPECT_EQ(heads.last()->size, collector.log.tree.size());

  const SealedBallot second = sealed();
  EXPECT_EQ(second.counter, 2U);
  ASSERT_TRUE(session.submit(second));
  EXPECT_TRUE(collector.log.replay().findings.empty());

  const auto answer = session.fetch_ballot(second.code);
  ASSERT_TRUE(answer) << to_string(answer.error());
  const auto verified =
      check_verification(e.election(), e.eid(), second.code, *answer, e.card(1).person.national_id);
  ASSERT_TRUE(verified) << to_string(verified.error());
  EXPECT_EQ(verified->choices, choices);
  EXPECT_EQ(verified->signer, e.card(1).person);
}

/// Sound for so many bytes, then stuck.
class StuckRng final : public Rng {
 public:
  StuckRng(Rng& source, std::size_t sound_bytes) : source_(source), left_(sound_bytes) {}
  void fill(std::span<std::uint8_t> out) override {
    source_.fill(out);
    const std::size_t sound = std::min(left_, out.size());
    std::ranges::fill(out.subspan(sound), std::uint8_t{0xa5});
    left_ -= sound;
  }

 private:
  Rng& source_;
  std::size_t left_;
};

// A16: a client whose generator is stuck makes no ballot, or throws it away before the card signs.
TEST_F(SessionTest, A16_StuckGenerator) {
  TestSigner card(e, 1);
  const auto authorisation = session.authenticate(card);
  ASSERT_TRUE(authorisation) << to_string(authorisation.error());
  const int signatures = card.signatures;
  const auto seal = [&](std::size_t sound_bytes) {
    StuckRng rng(e.rng(), sound_bytes);
    return seal_ballot(e.election(), *authorisation, choices, card, rng, collector.now_s);
  };
  const Rejection none{reason_of(Fault::kRngHealth), "before a ballot was made"};
  const Rejection thrown_away{reason_of(Fault::kRngHealth), "the ballot was thrown away"};
  EXPECT_EQ(seal(0).error(), none);
  EXPECT_EQ(seal(1000).error(), none);
  EXPECT_EQ(seal(1024).error(), thrown_away);       // from the seed on
  EXPECT_EQ(seal(1024 + 48).error(), thrown_away);  // from the first nonce on
  EXPECT_EQ(card.signatures, signatures);
  EXPECT_EQ(ballots_sent(), 0U);

  const auto sound = seal(SIZE_MAX);
  ASSERT_TRUE(sound) << to_string(sound.error());
  EXPECT_EQ(card.signatures, signatures + 1);
  EXPECT_TRUE(session.submit(*sound));
}

TEST_F(SessionTest, ManifestMustBeTheAnnouncedOne) {
  EXPECT_TRUE(fetch_election(collector, e.election().fingerprint()));
  // A42: two names of the candidate list swapped. A60: another manifest with good signatures of its own.
  Manifest swapped = e.election().manifest();
  auto& list = swapped.definition.contests[0].lists[0].choices;
  std::swap(list[0].names, list[1].names);
  collector.manifest = e.signed_manifest(swapped);
  EXPECT_EQ(fetch_election(collector, e.election().fingerprint()).error().reason,
            Reason::kManifestFpMismatch);
  const TestElection other;
  collector.manifest = other.election().signed_manifest();
  EXPECT_TRUE(fetch_election(collector, other.election().fingerprint()));
  EXPECT_EQ(fetch_election(collector, e.election().fingerprint()).error().reason,
            Reason::kManifestFpMismatch);
  // Without an announced fingerprint nothing is even asked.
  const std::size_t before = collector.requests.size();
  EXPECT_EQ(fetch_election(collector, std::nullopt).error().reason, Reason::kManifestFpUnpinned);
  EXPECT_EQ(collector.requests.size(), before);
}

TEST_F(SessionTest, ManifestWithoutItsSignaturesIsRefused) {
  auto document = decode<SignedDocument>(collector.manifest).value();
  document.signatures.pop_back();
  collector.manifest = encode(document);
  EXPECT_EQ(fetch_election(collector, e.election().fingerprint()).error().reason, Reason::kManifestSignature);
}

TEST_F(SessionTest, ChallengeOfAnotherElectionOrPlaceIsNotSigned) {
  TestSigner card(e, 1);
  collector.about_challenge = [](Challenge& c) { c.fingerprint[0] ^= 1; };
  EXPECT_EQ(session.authenticate(card).error().reason, Reason::kElectionFpMismatch);
  collector.about_challenge = [](Challenge& c) { c.origin = "elsewhere.example/log"; };
  EXPECT_EQ(session.authenticate(card).error().reason, Reason::kElectionFpMismatch);
  EXPECT_EQ(card.signatures, 0);
}

TEST_F(SessionTest, TicketMustBeOnesOwn) {
  collector.about_ticket = [](CastTicket& t) { t.fingerprint[0] ^= 1; };
  EXPECT_EQ(not_authorised().reason, Reason::kElectionFpMismatch);
  collector.about_ticket = [this](CastTicket& t) { t.pseudonym = e.pseudonym(2); };
  EXPECT_EQ(not_authorised(), (Rejection{Reason::kTicketMismatch, "pseudonym"}));
  collector.about_ticket = [](CastTicket& t) { t.unit = {"u9"}; };
  EXPECT_EQ(not_authorised(), (Rejection{Reason::kTicketMismatch, "unit"}));
  collector.about_ticket = [](CastTicket& t) { t.counter = 2; };
  EXPECT_EQ(not_authorised(), (Rejection{Reason::kTicketMismatch, "counter"}));
  collector.about_ticket = [this](CastTicket& t) { t.expires_s = collector.now_s; };
  EXPECT_EQ(not_authorised().reason, Reason::kTicketExpired);
  collector.about_ticket = nullptr;
  e.collector[1] = SigningKey::generate(e.rng());
  EXPECT_EQ(not_authorised(), (Rejection{Reason::kSigInvalid, "ticket"}));
}

TEST_F(SessionTest, ReceiptOfAnotherBallot) {  // A64
  const SealedBallot others = sealed(2);
  const auto other = session.submit(others);
  ASSERT_TRUE(other);
  collector.about_receipt = [&](SubmitAnswer& a) { a = other->answer; };
  EXPECT_EQ(refused(), (Rejection{Reason::kReceiptMismatch, "ballot"}));
  // Another ballot's entry under the right ballot id.
  collector.about_receipt = [&](SubmitAnswer& a) {
    auto statement = decode<ReceiptStatement>(a.receipt.statement.body).value();
    a.receipt = collector.receipt(other->statement.index, statement.ballot_id);
  };
  EXPECT_EQ(refused(), (Rejection{Reason::kReceiptMismatch, "entry"}));
  collector.about_receipt = [](SubmitAnswer& a) { a.salt[0] ^= 1; };
  EXPECT_EQ(refused(), (Rejection{Reason::kReceiptMismatch, "entry"}));
  collector.about_receipt = nullptr;
  EXPECT_TRUE(session.submit(sealed()));
}

TEST_F(SessionTest, ForgedReceipt) {  // A49
  collector.about_receipt = [](SubmitAnswer& a) { a.receipt.statement.signature[7] ^= 1; };
  EXPECT_EQ(refused().reason, Reason::kAckUnverifiable);
  collector.about_receipt = [](SubmitAnswer& a) { a.received_ms += 1; };
  EXPECT_EQ(refused(), (Rejection{Reason::kReceiptMismatch, "entry"}));
  collector.about_receipt = [](SubmitAnswer& a) { a.receipt.inclusion_proof[0][0] ^= 1; };
  EXPECT_EQ(refused().reason, Reason::kLogProofInvalid);
  collector.about_receipt = [](SubmitAnswer& a) { a.receipt.inclusion_proof.pop_back(); };
  EXPECT_EQ(refused().reason, Reason::kLogProofDegenerate);
}

TEST_F(SessionTest, MissingCosignatures) {
  collector.about_receipt = [this](SubmitAnswer& a) {
    SignedNote note = e.cosigned_checkpoint(collector.log.tree);
    note.signatures.pop_back();
    a.receipt.checkpoint = copy_of(bytes_of(note.encode()));
  };
  EXPECT_EQ(refused().reason, Reason::kHeadUnwitnessed);
}

TEST_F(SessionTest, LogThatGoesBackOrForks) {
  ASSERT_TRUE(session.submit(sealed(2)));
  MerkleTree shorter;
  shorter.append(collector.log.tree.leaf(0));
  collector.about_ticket = [&](CastTicket& t) {
    t.checkpoint = copy_of(bytes_of(e.cosigned_checkpoint(shorter).encode()));
  };
  EXPECT_EQ(not_authorised().reason, Reason::kLogHeadRegression);
  collector.about_ticket = [](CastTicket& t) { t.checkpoint.clear(); };
  EXPECT_EQ(not_authorised().reason, Reason::kLogHeadRegression);
  MerkleTree forked;
  for (std::uint64_t i = 0; i < heads.last()->size; ++i) forked.append(leaf_hash(u64be(i)));
  collector.about_ticket = [&](CastTicket& t) {
    t.checkpoint = copy_of(bytes_of(e.cosigned_checkpoint(forked).encode()));
  };
  EXPECT_EQ(not_authorised().reason, Reason::kLogEquivocation);
  collector.about_ticket = nullptr;
  EXPECT_TRUE(session.submit(sealed()));
}

TEST_F(SessionTest, LostAnswersResendTheSameBytes) {  // A58
  const SealedBallot ballot = sealed();
  const std::size_t entries = collector.log.entries.size();
  collector.lose_answers = 3;
  std::vector<Reason> waited;
  const auto outcome = session.submit(ballot, [&](const Rejection& why) { waited.push_back(why.reason); });
  ASSERT_TRUE(outcome) << to_string(outcome.error());
  EXPECT_EQ(outcome->answer.outcome, SubmitOutcome::kDuplicateIdempotent);
  EXPECT_EQ(collector.log.entries.size(), entries + 1);
  EXPECT_EQ(waited, std::vector<Reason>(3, Reason::kServiceUnavailable));
  EXPECT_EQ(ballots_sent(), 4U);
  for (const auto& [target, body] : collector.requests)
    if (target == "/v1/ballot") EXPECT_EQ(body, ballot.submission);
}

TEST_F(SessionTest, PendingReceiptIsPolled) {
  collector.pending_receipts = 2;
  const auto outcome = session.submit(sealed());
  ASSERT_TRUE(outcome) << to_string(outcome.error());
  EXPECT_TRUE(outcome->recorded);
  EXPECT_EQ(ballots_sent(), 3U);
}

TEST_F(SessionTest, GivesUpWhenTheTicketExpires) {
  const SealedBallot ballot = sealed();
  collector.pending_receipts = 1'000'000;
  const auto pending = session.submit(ballot);
  ASSERT_TRUE(pending) << to_string(pending.error());
  EXPECT_FALSE(pending->recorded);
  EXPECT_LT(collector.now_s * 1000 + slept_ms, ballot.expires_s * 1000);
  slept_ms = 0;
  collector.lose_answers = 1'000'000;
  EXPECT_EQ(session.submit(ballot).error().reason, Reason::kAckUnverifiable);
}

TEST_F(SessionTest, RefusalsAreSignedForThisRequest) {
  collector.refuse_ballots = Reason::kPhaseClosed;
  EXPECT_EQ(refused().reason, Reason::kPhaseClosed);
  const SealedBallot ballot = sealed();
  e.collector[1] = SigningKey::generate(e.rng());
  const auto outcome = session.submit(ballot);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().reason, Reason::kAckUnverifiable);
}

TEST_F(SessionTest, VerificationNamesWhatIsWrong) {
  const SealedBallot ballot = sealed();
  ASSERT_TRUE(session.submit(ballot));
  const SealedBallot others = sealed(2);
  ASSERT_TRUE(session.submit(others));
  const auto answer = session.fetch_ballot(ballot.code).value();
  const auto checked = [&](const VerificationCode& code, const VerifyAnswer& a,
                           std::optional<std::string_view> voter = std::nullopt) {
    const auto outcome = check_verification(e.election(), e.eid(), code, a, voter);
    return outcome ? std::string("accepted") : std::string(name_of(outcome.error().reason));
  };
  const auto with_seed = [&](const BallotSeed& seed) {
    VerificationCode code;
    code.fingerprint = ballot.code.fingerprint;
    code.ballot_id = ballot.code.ballot_id;
    code.seed = BallotSeed::copy_from(seed.expose());
    code.fetch_secret = SecretBytes<16>::copy_from(ballot.code.fetch_secret.expose());
    return code;
  };
  EXPECT_EQ(checked(ballot.code, answer), "accepted");
  EXPECT_EQ(checked(ballot.code, answer, e.card(2).person.national_id), "VOTER_MISMATCH");
  EXPECT_EQ(checked(with_seed(BallotSeed::random(e.rng())), answer), "R_MISMATCH");
  EXPECT_EQ(checked(ballot.code, session.fetch_ballot(others.code).value()), "NOT_RECORDED");
  VerifyAnswer lie = answer;
  lie.receipt.statement.signature[0] ^= 1;
  EXPECT_EQ(checked(ballot.code, lie), "NOT_RECORDED");
  lie = answer;
  lie.receipt.checkpoint.clear();
  EXPECT_EQ(checked(ballot.code, lie), "NOT_RECORDED");
  lie = answer;
  lie.salt[0] ^= 1;
  EXPECT_EQ(checked(ballot.code, lie), "NOT_RECORDED");
  VerificationCode elsewhere = with_seed(ballot.code.seed);
  elsewhere.fingerprint[0] ^= 1;
  EXPECT_EQ(checked(elsewhere, answer), "ELECTION_FP_MISMATCH");

  VerificationCode wrong = with_seed(ballot.code.seed);
  wrong.fetch_secret = SecretBytes<16>::random(e.rng());
  EXPECT_EQ(session.fetch_ballot(wrong).error().reason, Reason::kVerifyUnknown);
}

TEST_F(SessionTest, HeadMemorySurvivesTheProcess) {
  const std::filesystem::path directory =
      std::filesystem::path(::testing::TempDir()) / ("psephos-heads-" + to_hex(e.election().fingerprint()));
  const Bytes small = copy_of(bytes_of(e.cosigned_checkpoint(collector.log.tree).encode()));
  ASSERT_TRUE(session.submit(sealed()));
  const Bytes large = copy_of(bytes_of(e.cosigned_checkpoint(collector.log.tree).encode()));
  auto first = HeadMemory::in(directory, e.election()).value();
  EXPECT_TRUE(first.see(e.election(), small));
  EXPECT_TRUE(first.see(e.election(), large));
  auto second = HeadMemory::in(directory, e.election()).value();
  EXPECT_EQ(second.see(e.election(), small).error().reason, Reason::kLogHeadRegression);
  EXPECT_TRUE(second.see(e.election(), large));
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace psephos
