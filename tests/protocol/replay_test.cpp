#include <gtest/gtest.h>

#include "protocol/checks/receipt.h"
#include "protocol/labels.h"
#include "tests/support/test_election.h"

// An operator who holds every service key writes a log with one thing wrong; the replay that mixers, trustees
// and auditors make of it says which.
namespace psephos::test {
namespace {

class ReplayTest : public testing::Test {
 protected:
  ReplayTest() : log(e) {
    std::vector<RollChange> changes;
    for (std::uint64_t n = 1; n <= 8; ++n)
      changes.push_back({.kind = RollChangeKind::kAdd,
                         .national_id = e.card(n).person.national_id,
                         .unit = Id{n <= 4 ? "u1" : "u2"}});
    first_roll = e.roll(1, std::nullopt, changes);
    log.document(EntryType::kRoll, first_roll);
    log.document(EntryType::kPhase, e.phase(PhaseEventKind::kOpened, e.options().casting_begins_s));
  }
  std::uint64_t now_s() const { return e.options().casting_begins_s + 500; }
  BallotItem item(const CastTicket& ticket, std::uint64_t n, std::vector<std::size_t> choices = {0, 0}) {
    return e.cast(ticket, n, choices, now_s() * 1000);
  }
  Digest256 roll_hash() const { return sha256(decode<SignedDocument>(first_roll)->body); }
  /// The reasons of all findings, in order.
  std::vector<Reason> findings() const {
    std::vector<Reason> out;
    for (const ReplayFinding& finding : log.replay().findings) out.push_back(finding.rejection.reason);
    return out;
  }
  using Found = std::vector<Reason>;
  TestElection e;
  TestLog log;
  Bytes first_roll;
};

TEST_F(ReplayTest, AnHonestLogHasNoFinding) {
  log.vote(1, {0, 0});
  log.vote(1, {1, 1});
  log.document(EntryType::kRevocation,
               e.revocation(1, RevocationKind::kRevoke, {e.card(1).person.national_id}));
  log.close_and_seal();
  EXPECT_EQ(findings(), Found{});
}

TEST_F(ReplayTest, OrderOfRecasts) {
  // A31: the second ballot logged before the first.
  const CastTicket t1 = e.ticket(log.state, 1, now_s());
  const BallotItem b1 = item(t1, 1);
  CastTicket t2 = t1;
  t2.counter = 2;
  t2.previous = id_of(b1.envelope);
  const BallotItem b2 = item(t2, 1, {1, 1});
  log.force(EntryType::kBallot, encode(b2));
  log.force(EntryType::kBallot, encode(b1));
  EXPECT_EQ(findings(), Found{Reason::kRecastOrderConflict});
}

TEST_F(ReplayTest, AnOldBallotAgain) {
  // A32, K15: the first ballot's container once more after the second.
  log.vote(1, {0, 0});
  const LoggedItem first = log.items.back();
  log.vote(1, {1, 1});
  EXPECT_EQ(findings(), Found{});
  log.force(EntryType::kBallot, first.item);
  EXPECT_EQ(findings(), Found{Reason::kStaleCastCounter});
}

TEST_F(ReplayTest, TwoBallotsOnOneTicket) {
  const CastTicket ticket = e.ticket(log.state, 1, now_s());
  log.force(EntryType::kBallot, encode(item(ticket, 1)));
  EXPECT_EQ(findings(), Found{});
  log.force(EntryType::kBallot, encode(item(ticket, 1, {1, 1})));
  EXPECT_EQ(findings(), Found{Reason::kCastConflict});
}

TEST_F(ReplayTest, AHiddenPredecessor) {
  // K17: the collector hid the second ballot from the client of the third.
  log.vote(1, {0, 0});
  CastTicket hidden = e.ticket(log.state, 1, now_s());
  log.vote(1, {1, 1});
  hidden.counter = 3;
  log.force(EntryType::kBallot, encode(item(hidden, 1, {2, 2})));
  EXPECT_EQ(findings(), Found{Reason::kRecastChainBroken});
}

TEST_F(ReplayTest, StuffedBallots) {
  // A30: for somebody of no roll, for an abstainer by another's hand, without a signature.
  CastTicket ghost = e.ticket(log.state, 1, now_s());
  ghost.pseudonym = e.pseudonym(99);
  log.force(EntryType::kBallot, encode(item(ghost, 99)));
  const CastTicket ticket = e.ticket(log.state, 2, now_s());
  const Ballot ballot = make_ballot(e.election(), ticket, sha256(encode(ticket)),
                                    std::vector<std::size_t>{0, 0}, BallotSeed::random(e.rng()), e.rng());
  log.force(EntryType::kBallot, encode(e.logged(e.envelope(ballot, ticket, e.card(3)), now_s() * 1000)));
  BallotItem unsigned_item = item(ticket, 2);
  unsigned_item.envelope = without_signature(unsigned_item.envelope);
  log.force(EntryType::kBallot, encode(unsigned_item));
  EXPECT_EQ(findings(),
            (Found{Reason::kVoterNotOnRoll, Reason::kSignerNotPseudonym, Reason::kBallotSignatureMissing}));
  log.vote(2, {0, 0});
  EXPECT_EQ(findings().size(), 3U);
}

TEST_F(ReplayTest, AfterClosing) {
  const CastTicket ticket = e.ticket(log.state, 1, now_s());
  log.document(EntryType::kPhase, e.phase(PhaseEventKind::kCastingClosed, now_s()));
  log.force(EntryType::kBallot, encode(item(ticket, 1)));  // K22
  EXPECT_EQ(findings(), Found{Reason::kPhaseClosed});
  log.document(EntryType::kRevocation,
               e.revocation(1, RevocationKind::kRevoke, {e.card(2).person.national_id}));
  log.document(EntryType::kPhase, e.phase(PhaseEventKind::kLogSealed, now_s()));
  log.force(EntryType::kRevocation,
            e.revocation(2, RevocationKind::kRestore, {e.card(2).person.national_id}));
  EXPECT_EQ(findings(), (Found{Reason::kPhaseClosed, Reason::kPhaseClosed}));
}

TEST_F(ReplayTest, PhasesMoveForwardOnly) {
  log.force(EntryType::kPhase, e.phase(PhaseEventKind::kOpened, now_s()));
  log.force(EntryType::kPhase, e.phase(PhaseEventKind::kLogSealed, now_s()));
  log.force(EntryType::kPhase, e.sign(labels::kSignPhase,
                                      encode(PhaseEvent{.fingerprint = e.election().fingerprint(),
                                                        .kind = PhaseEventKind::kCastingClosed,
                                                        .time_s = 1}),
                                      {1}));
  EXPECT_EQ(findings(),
            (Found{Reason::kPhaseMoveForbidden, Reason::kPhaseMoveForbidden, Reason::kSignatureQuorum}));
}

TEST_F(ReplayTest, Rolls) {
  const auto change = [&](RollChangeKind kind, std::uint64_t n, const char* unit) {
    return RollChange{.kind = kind,
                      .national_id = e.card(n).person.national_id,
                      .unit = unit == nullptr ? std::nullopt : std::optional(Id{unit})};
  };
  // K08: set 3 follows set 1. Contradictions. The whole set falls with one change.
  log.force(EntryType::kRoll, e.roll(3, roll_hash(), {change(RollChangeKind::kMove, 1, "u2")}));
  log.force(EntryType::kRoll, e.roll(2, Digest256{}, {change(RollChangeKind::kMove, 1, "u2")}));
  log.force(EntryType::kRoll,
            e.roll(2, roll_hash(),
                   {change(RollChangeKind::kMove, 1, "u2"), change(RollChangeKind::kAdd, 2, "u2")}));
  log.force(EntryType::kRoll,
            e.roll(2, roll_hash(),
                   {change(RollChangeKind::kMove, 1, "u2"), change(RollChangeKind::kMove, 1, "u3")}));
  log.force(EntryType::kRoll, e.roll(2, roll_hash(), {change(RollChangeKind::kMove, 1, "u9")}));
  log.force(EntryType::kRoll, e.roll(2, roll_hash(), {change(RollChangeKind::kStrike, 50, nullptr)}));
  EXPECT_EQ(findings(),
            (Found{Reason::kRollChainGap, Reason::kRollChainGap, Reason::kRollChangeInvalid,
                   Reason::kRollChangeInvalid, Reason::kRollChangeInvalid, Reason::kRollChangeInvalid}));
  const Replay replay = log.replay();
  EXPECT_EQ(replay.state.roll_version(), 1U);
  EXPECT_EQ(replay.state.unit_now(*replay.state.find(e.pseudonym(1))), 0U);
}

// A175: a second pseudonym for a voter takes a second spelling of her identifier on the roll.
TEST_F(ReplayTest, A175_OnePersonOnePseudonym) {
  const std::string id = e.card(40).person.national_id;
  std::string lower = id;
  lower[0] = 'p';
  std::string wrong_digit = id;
  wrong_digit.back() = static_cast<char>('0' + (wrong_digit.back() - '0' + 1) % 10);
  Found expected;
  for (const std::string& other : {lower, id + " ", wrong_digit, "IDC" + id.substr(3), id.substr(6)}) {
    log.force(
        EntryType::kRoll,
        e.roll(2, roll_hash(), {{.kind = RollChangeKind::kAdd, .national_id = other, .unit = Id{"u1"}}}));
    expected.push_back(Reason::kPseudonymNotInjective);
  }
  EXPECT_EQ(findings(), expected);
  log.document(EntryType::kRoll,
               e.roll(2, roll_hash(), {{.kind = RollChangeKind::kAdd, .national_id = id, .unit = Id{"u1"}}}));
  EXPECT_EQ(findings(), expected);
}

TEST_F(ReplayTest, AMoveOutdatesAndAStrikeRevokes) {
  for (std::uint64_t n = 1; n <= 8; ++n) log.vote(n, {0, 0});
  const auto ids = [&](std::uint64_t n) { return e.card(n).person.national_id; };
  log.document(EntryType::kRoll,
               e.roll(2, roll_hash(),
                      {{.kind = RollChangeKind::kMove, .national_id = ids(1), .unit = Id{"u2"}},
                       {.kind = RollChangeKind::kStrike, .national_id = ids(5), .unit = std::nullopt}}));
  log.close_and_seal();
  const Replay replay = log.replay();
  EXPECT_TRUE(replay.findings.empty());
  const auto groups = derive_lists(replay.state).value();
  EXPECT_EQ(groups[0].sheet.group, "u1/mayor/0");
  EXPECT_EQ(groups[0].sheet.outdated, 1U);
  EXPECT_EQ(groups[0].sheet.counted, 3U);
  EXPECT_EQ(groups[2].sheet.revoked, 1U);
  EXPECT_EQ(groups[2].sheet.counted, 3U);
}

TEST_F(ReplayTest, Revocations) {
  const auto id = e.card(1).person.national_id;
  const auto list = [&](std::uint64_t number) { return e.revocation(number, RevocationKind::kRevoke, {id}); };
  log.document(EntryType::kRevocation, list(1));
  log.force(EntryType::kRevocation, list(1));  // A151, K25
  log.force(EntryType::kRevocation, list(3));
  RevocationList foreign{
      .fingerprint = Digest256{}, .number = 2, .kind = RevocationKind::kRevoke, .national_ids = {id}};
  log.force(EntryType::kRevocation, e.document(labels::kSignRevocation, foreign));
  SignedDocument longer = decode<SignedDocument>(list(2)).value();  // K24: an entry added after signing
  RevocationList added = decode<RevocationList>(longer.body).value();
  added.national_ids.push_back(e.card(2).person.national_id);
  std::sort(added.national_ids.begin(), added.national_ids.end());
  longer.body = encode(added);
  log.force(EntryType::kRevocation, encode(longer));
  log.force(EntryType::kRevocation,
            e.revocation(2, RevocationKind::kRevoke, {e.card(70).person.national_id}));
  EXPECT_EQ(findings(),
            (Found{Reason::kRevocationDuplicate, Reason::kRevocationMissing, Reason::kRevocationForeign,
                   Reason::kRevocationUnsigned, Reason::kVoterNotOnRoll}));
}

TEST_F(ReplayTest, RefusalsAreFounded) {
  const CastTicket ticket = e.ticket(log.state, 1, now_s());
  BallotItem broken = item(ticket, 1);
  Ballot ballot = ballot_of(broken.envelope);
  *(ballot.selections[0].proof.end() - 32) ^= 1;
  broken = e.logged(e.envelope(ballot, ticket, e.card(1)), broken.received_ms);
  const auto refusal = [](const BallotItem& i, Reason reason) {
    return encode(RefusalItem{
        .envelope = i.envelope, .received_ms = i.received_ms, .reason = static_cast<std::uint64_t>(reason)});
  };
  log.force(EntryType::kRefusal, refusal(broken, Reason::kBallotProofInvalid));
  EXPECT_EQ(findings(), Found{});
  log.force(EntryType::kRefusal, refusal(broken, Reason::kTicketExpired));  // another reason
  log.force(EntryType::kRefusal,
            refusal(item(ticket, 1), Reason::kSignerNotPseudonym));  // K33: a sound ballot
  EXPECT_EQ(findings(), (Found{Reason::kRefusalUnfounded, Reason::kRefusalUnfounded}));
}

/// What a replay says of a ballot whose evidence a service got wrong in that way.
struct WrongTimeStamp {
  trust::TsaFault fault;
  Reason reason;
  std::optional<std::int64_t> amount = {};
};
constexpr WrongTimeStamp kWrongTimeStamps[] = {
    {trust::TsaFault::kOtherImprint, Reason::kTstImprint},
    {trust::TsaFault::kSha1Imprint, Reason::kSigAlgForbidden},
    {trust::TsaFault::kNoNonce, Reason::kTstNonce},
    {trust::TsaFault::kWrongNonce, Reason::kTstNonce},
    {trust::TsaFault::kSignerIsCa, Reason::kTstSignerProfile},
    {trust::TsaFault::kSignerWithoutUsage, Reason::kTstSignerProfile},
    {trust::TsaFault::kSignerExtraUsage, Reason::kTstSignerProfile},
    {trust::TsaFault::kSignerUsageUncritical, Reason::kTstSignerProfile},
    {trust::TsaFault::kSignerExpired, Reason::kCertNotValidAtSigning},
    {trust::TsaFault::kSignerOfAnotherCa, Reason::kTstSignerUntrusted},
    {trust::TsaFault::kNoCertificate, Reason::kTstFormat},
    {trust::TsaFault::kClockSkew, Reason::kTimeEvidenceOrder, 3600},
    {trust::TsaFault::kRejection, Reason::kEvidenceMissing},
    {trust::TsaFault::kBadSignature, Reason::kTstSignature},
    {trust::TsaFault::kGarbage, Reason::kEvidenceMissing},
};
struct WrongStatus {
  trust::OcspFault fault;
  Reason reason;
};
constexpr WrongStatus kWrongStatuses[] = {
    {trust::OcspFault::kRevoked, Reason::kCertRevoked},
    {trust::OcspFault::kSuspended, Reason::kCertSuspended},
    {trust::OcspFault::kUnknown, Reason::kCertUnknown},
    {trust::OcspFault::kStale, Reason::kOcspStale},
    {trust::OcspFault::kOverdue, Reason::kOcspStale},
    {trust::OcspFault::kClockSkew, Reason::kTimeEvidenceOrder},
    {trust::OcspFault::kNoNonce, Reason::kOcspNonce},
    {trust::OcspFault::kWrongNonce, Reason::kOcspNonce},
    {trust::OcspFault::kResponderWithoutUsage, Reason::kOcspResponderUntrusted},
    {trust::OcspFault::kResponderExtraUsage, Reason::kOcspResponderUntrusted},
    {trust::OcspFault::kResponderExpired, Reason::kCertNotValidAtSigning},
    {trust::OcspFault::kResponderOfAnotherCa, Reason::kOcspResponderUntrusted},
    {trust::OcspFault::kNoResponderCertificate, Reason::kOcspResponderUntrusted},
    {trust::OcspFault::kNeighbourSerial, Reason::kOcspCertidMismatch},
    {trust::OcspFault::kOtherIssuer, Reason::kOcspCertidMismatch},
    {trust::OcspFault::kTwoStatuses, Reason::kOcspFormat},
    {trust::OcspFault::kBadSignature, Reason::kOcspSignature},
    {trust::OcspFault::kTryLater, Reason::kEvidenceUnavailable},
    {trust::OcspFault::kInternalError, Reason::kEvidenceUnavailable},
    {trust::OcspFault::kUnauthorized, Reason::kEvidenceUnavailable},
    {trust::OcspFault::kGarbage, Reason::kOcspFormat},
};

// A collector that does not look at what its services answer, or has services that lie.
TEST_F(ReplayTest, A178_EvidenceThatDoesNotHold) {
  Found expected;
  const auto force = [&](Reason reason) {
    log.force(EntryType::kBallot, encode(item(e.ticket(log.state, 1, now_s()), 1)));
    expected.push_back(reason);
  };
  for (const auto& wrong : kWrongTimeStamps) {
    e.trust().tsa.set_fault({wrong.fault, wrong.amount}, 1);
    force(wrong.reason);
  }
  for (const auto& wrong : kWrongStatuses) {
    e.trust().ocsp.set_fault({wrong.fault}, 1);
    force(wrong.reason);
  }
  EXPECT_EQ(findings(), expected);
  log.vote(1, {0, 0});
  EXPECT_EQ(findings(), expected);
}

// A75: the time-stamp against ticket, casting and receipt.
TEST_F(ReplayTest, A75_TimesThatDoNotFollow) {
  const auto logged = [&](std::uint64_t stamped_s, std::uint64_t received_s) {
    const CastTicket ticket = e.ticket(log.state, 1, e.options().casting_begins_s);
    BallotItem out = item(ticket, 1);
    SignedBallot signed_ballot = opened(out.envelope);
    signed_ballot.evidence = e.evidence(signed_ballot, static_cast<std::int64_t>(stamped_s)).value();
    out.envelope.container = write_container(signed_ballot);
    out.received_ms = received_s * 1000;
    const auto admitted = log.state.admit(out, e.eid());
    return admitted ? std::nullopt : std::optional(admitted.error().reason);
  };
  const std::uint64_t begins = e.options().casting_begins_s;
  const std::uint64_t expires = begins + 1800;
  EXPECT_EQ(logged(begins + 1000, begins + 1000), std::nullopt);
  EXPECT_EQ(logged(begins + 1000, begins + 100), std::nullopt);
  EXPECT_EQ(logged(begins + 1001, begins + 100), Reason::kTimeEvidenceOrder);
  EXPECT_EQ(logged(begins + 100, begins + 1000), std::nullopt);
  EXPECT_EQ(logged(begins + 99, begins + 1000), Reason::kTimeEvidenceOrder);
  EXPECT_EQ(logged(begins - 1, begins), Reason::kTimeEvidenceOrder);  // before casting began
  EXPECT_EQ(logged(begins, begins), std::nullopt);
  EXPECT_EQ(logged(expires - 1, expires - 1), std::nullopt);
  EXPECT_EQ(logged(expires, expires - 1), Reason::kTicketExpired);
}

// Evidence of another signature, and another authority's certificate beside it.
TEST_F(ReplayTest, EvidenceOfAnotherBallot) {
  const CastTicket ticket = e.ticket(log.state, 1, now_s());
  const BallotItem own = item(ticket, 1);
  const Evidence other = *opened(item(ticket, 1, {1, 1}).envelope).evidence;
  const auto with = [&](const auto& change) {
    BallotItem changed = own;
    changed.envelope = altered(own.envelope, change);
    const auto admitted = log.state.admit(changed, e.eid());
    return admitted ? std::nullopt : std::optional(admitted.error().reason);
  };
  EXPECT_EQ(with([](SignedBallot&) {}), std::nullopt);
  EXPECT_EQ(with([](SignedBallot& s) { s.evidence.reset(); }), Reason::kEvidenceMissing);
  EXPECT_EQ(with([&](SignedBallot& s) { s.evidence->time_stamp = other.time_stamp; }), Reason::kTstImprint);
  EXPECT_EQ(with([&](SignedBallot& s) { s.evidence->ocsp = other.ocsp; }), Reason::kOcspNonce);
  EXPECT_EQ(with([&](SignedBallot& s) { s.evidence = other; }), Reason::kTstImprint);
  EXPECT_EQ(with([&](SignedBallot& s) { s.evidence->issuer = e.trust().ca.root_der(); }),
            Reason::kSigTemplate);
  EXPECT_EQ(with([](SignedBallot& s) { s.scheme = SignatureScheme::kEcdsaSha256; }),
            Reason::kSigAlgForbidden);
}

// A76, A175: one key that was certified for two persons makes one of them vote for the other.
TEST_F(ReplayTest, A76_OneKeyOfTwoPersons) {
  Card twin = e.card(2);
  twin.signing = e.card(1).signing;
  twin.signing_certificate =
      e.trust().ca.issue(trust::card_fields(twin.person, KeyUse::kSigning, twin.signing.point,
                                            static_cast<std::int64_t>(e.options().casting_begins_s) - 3600),
                         e.rng());
  const auto cast_by_twin = [&] {
    const CastTicket ticket = e.ticket(log.state, 2, now_s());
    const Ballot ballot = make_ballot(e.election(), ticket, sha256(encode(ticket)),
                                      std::vector<std::size_t>{0, 0}, BallotSeed::random(e.rng()), e.rng());
    return e.logged(e.envelope(ballot, ticket, twin), now_s() * 1000);
  };
  EXPECT_TRUE(log.state.admit(cast_by_twin(), e.eid()));  // as long as the other has not voted
  log.vote(1, {0, 0});
  EXPECT_EQ(log.state.admit(cast_by_twin(), e.eid()).error().reason, Reason::kCertKeyShared);
  log.force(EntryType::kBallot, encode(cast_by_twin()));
  EXPECT_EQ(findings(), Found{Reason::kCertKeyShared});
  log.vote(1, {1, 1});  // her own key again
  log.vote(2, {1, 1});  // and hers, with the certificate of her own key
  EXPECT_EQ(findings(), Found{Reason::kCertKeyShared});
}

// A78: ballots under several certificates of one person are one voter's.
TEST_F(ReplayTest, A78_SeveralCertificatesOfOnePerson) {
  log.vote(1, {0, 0});
  const Card second = e.make_card(e.card(1).person);
  ASSERT_NE(second.signing_certificate, e.card(1).signing_certificate);
  const CastTicket ticket = e.ticket(log.state, 1, now_s());
  EXPECT_EQ(ticket.counter, 2U);
  const Ballot ballot = make_ballot(e.election(), ticket, sha256(encode(ticket)),
                                    std::vector<std::size_t>{1, 1}, BallotSeed::random(e.rng()), e.rng());
  log.ballot(e.logged(e.envelope(ballot, ticket, second), now_s() * 1000));
  EXPECT_EQ(log.state.last_ballot(*log.state.find(e.pseudonym(1)))->counter, 2U);
  EXPECT_EQ(log.state.ballots(), 2U);
  EXPECT_EQ(findings(), Found{});
}

TEST_F(ReplayTest, LeavesAndItems) {
  log.vote(1, {0, 0});
  log.vote(2, {0, 0});
  const std::size_t last = log.items.size() - 1;
  const Bytes kept = log.items[last].item;
  for (std::size_t bit = 0; bit < 34 * 8; ++bit) {  // A161: each bit of a stored leaf
    log.entries[last][bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    const Found found = findings();
    ASSERT_EQ(found.size(), 1U) << bit;
    // The first two bytes say what the rest commits to: read as something else, the item is refused as that.
    if (bit >= 16) EXPECT_EQ(found[0], Reason::kLogLeafMismatch) << bit;
    log.entries[last][bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
  }
  // K20: another ballot of the same voter, well signed, in the place of the logged one.
  const LoggedItem original = log.items[last];
  const Replay before = log.replay();
  EXPECT_TRUE(before.findings.empty());
  TestLog fork = log;
  log.items[last].item = log.items[last - 1].item;
  EXPECT_EQ(findings(), Found{Reason::kLogLeafMismatch});
  // An item that is gone.
  std::vector<Bytes> encoded;
  for (const LoggedItem& item : fork.items) encoded.push_back(encode(item));
  const auto replay = replay_log(
      e.election(), e.eid(), fork.entries,
      [&](std::uint64_t i) -> Result<ByteView, Rejection> {
        if (i == last) return reject(Reason::kEvidenceFileMissing, "item");
        return encoded[i];
      },
      nullptr);
  ASSERT_EQ(replay.findings.size(), 1U);
  EXPECT_EQ(replay.findings[0].rejection.reason, Reason::kBallotLost);
}

TEST_F(ReplayTest, Receipts) {
  const BallotId id = log.vote(1, {0, 0});
  const std::uint64_t index = log.entries.size() - 1;
  const BallotId other = log.vote(2, {0, 0});
  const auto sign = [&](const ReceiptStatement& statement) {
    ServiceSigned out{.body = encode(statement), .signature = {}};
    out.signature = e.collector[1].sign_labelled(labels::kSignReceipt, out.body);
    return out;
  };
  const auto note = [&](const SignedNote& n) { return copy_of(bytes_of(n.encode())); };
  const Receipt good{.statement = sign({.fingerprint = e.election().fingerprint(),
                                        .ballot_id = id,
                                        .index = index,
                                        .entry = log.entries[index]}),
                     .inclusion_proof = log.tree.inclusion_proof(index, log.tree.size()),
                     .checkpoint = note(e.cosigned_checkpoint(log.tree))};
  const auto refusal = [&](const Receipt& receipt, const BallotId& ballot) -> std::optional<Reason> {
    const auto checked = check_receipt(e.election(), receipt, ballot);
    if (checked) return std::nullopt;
    return checked.error().reason;
  };
  EXPECT_EQ(refusal(good, id), std::nullopt);
  EXPECT_EQ(refusal(good, other), Reason::kReceiptMismatch);  // A64: another valid ballot's receipt
  Receipt r = good;
  r.statement.signature[0] ^= 1;
  EXPECT_EQ(refusal(r, id), reason_of(Fault::kSigInvalid));
  r = good;
  r.inclusion_proof[0][5] ^= 1;
  EXPECT_EQ(refusal(r, id), reason_of(Fault::kLogProofInvalid));
  r = good;
  r.inclusion_proof.pop_back();
  EXPECT_EQ(refusal(r, id), reason_of(Fault::kLogProofDegenerate));
  r = good;
  r.checkpoint.clear();
  EXPECT_EQ(refusal(r, id), Reason::kHeadUnwitnessed);
  SignedNote unwitnessed = e.cosigned_checkpoint(log.tree);
  unwitnessed.signatures.pop_back();
  r.checkpoint = note(unwitnessed);
  EXPECT_NE(refusal(r, id), std::nullopt);
  // The entry commits to this item and no other.
  const BallotItem item = decode<BallotItem>(log.items[index].item).value();
  const auto statement = decode<ReceiptStatement>(good.statement.body).value();
  EXPECT_TRUE(check_entry(statement, log.items[index].salt, item));
  BallotItem later = item;
  ++later.received_ms;
  EXPECT_EQ(check_entry(statement, log.items[index].salt, later).error().reason, Reason::kReceiptMismatch);
}

TEST_F(ReplayTest, OpeningABallotWithItsSeed) {
  const BallotSeed seed = BallotSeed::random(e.rng());
  const CastTicket ticket = e.ticket(log.state, 1, now_s());
  const BallotItem good = e.cast(ticket, 1, std::vector<std::size_t>{2, 1}, now_s() * 1000, &seed);
  const Ballot ballot = ballot_of(good.envelope);
  EXPECT_EQ(open_ballot(e.election(), ballot, seed).value(), (std::vector<std::size_t>{2, 1}));
  EXPECT_EQ(open_ballot(e.election(), ballot, BallotSeed::random(e.rng())).error().reason,
            Reason::kRMismatch);
  Ballot garbage = ballot;  // A63: encrypts something that is no choice
  garbage.selections[1].beta = garbage.selections[1].beta + Ristretto::Point::generator();
  EXPECT_EQ(open_ballot(e.election(), garbage, seed).error().reason, Reason::kRMismatch);
}

}  // namespace
}  // namespace psephos::test
