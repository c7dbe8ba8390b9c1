#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <thread>

#include "collector/export.h"
#include "collector/operator.h"
#include "collector/sqlite_store.h"
#include "crypto/proof/one_of_many.h"
#include "protocol/files/files.h"
#include "protocol/record_layout.h"
#include "tests/collector/collector_fixture.h"
#include "tests/collector/wrapped_store.h"

namespace psephos::test {
namespace {

class ServiceTest : public testing::Test {
 protected:
  void SetUp() override { w.start(); }
  void expect_refused(const std::string& target, const Bytes& body, Reason reason, int status) {
    const auto reply = w.post(target, body);
    EXPECT_EQ(reply.status, status);
    EXPECT_EQ(w.reason_of_reply(reply, body), reason) << name_of(reason);
  }
  void expect_ballot_refused(const Submission& submission, Reason reason, int status) {
    expect_refused("/v1/ballot", encode(submission), reason, status);
  }
  std::uint64_t log_size() { return w.running->status().head.size; }
  /// Takes a ballot apart, lets `change` at it, and signs what comes out with voter n's card.
  template <class Change>
  Submission resigned(const CollectorWorld::Cast& cast, std::uint64_t n, Change change) {
    Submission out = cast.submission;
    Ballot ballot = ballot_of(out.envelope);
    change(ballot);
    const ServiceSigned ticket = out.envelope.ticket;
    out.envelope = w.e->envelope(ballot, decode<CastTicket>(ticket.body).value(), w.e->card(n));
    out.envelope.ticket = ticket;
    return out;
  }
  /// The log as an auditor replays it: every check of every entry, refusals included.
  Replay replay() {
    const auto store =
        collector::SqliteStore::open(collector::store_path(w.directory.path()), w.e->election().fingerprint(),
                                     collector::StoreAccess::kReadOnly);
    std::vector<EntryBytes> entries;
    std::vector<LoggedItem> items;
    EXPECT_TRUE((*store)->for_each(0, [&](const collector::StoredEntry& stored) -> Result<void, Rejection> {
      entries.push_back(stored.entry);
      items.push_back({stored.salt, stored.item});
      return {};
    }));
    return replay_items(*w.e, entries, items);
  }
  CollectorWorld w;
};

/// A store that lets a test look on at every entry.
class WatchedStore final : public WrappedStore {
 public:
  WatchedStore(Store& inner, std::function<void()> look) : WrappedStore(inner), look_(std::move(look)) {}
  Result<void, Rejection> for_each(std::uint64_t from, const Visit& visit) override {
    return inner_.for_each(from, [&](const collector::StoredEntry& stored) {
      look_();
      return visit(stored);
    });
  }

 private:
  std::function<void()> look_;
};

TEST_F(ServiceTest, A_ballot_is_recorded_with_a_receipt_that_verifies) {
  w.open(3);
  const auto cast = w.cast(1);
  w.expect_recorded(w.post("/v1/ballot", cast.body()), cast, SubmitOutcome::kAccepted);
  EXPECT_EQ(w.running->status().ballots, 1U);
  EXPECT_TRUE(replay().findings.empty());
}

TEST_F(ServiceTest, The_public_log_gives_the_root_of_its_checkpoint) {
  EXPECT_EQ(w.ask("GET", "/v1/checkpoint").status, 503);
  w.open(20);
  for (std::uint64_t n = 1; n <= 20; ++n) {
    const auto cast = w.cast(n);
    w.expect_recorded(w.post("/v1/ballot", cast.body()), cast, SubmitOutcome::kAccepted);
  }
  const auto note = w.ask("GET", "/v1/checkpoint");
  const auto checkpoint = w.e->election().check_checkpoint(text_of(note.body));
  ASSERT_TRUE(checkpoint);
  EXPECT_EQ(checkpoint->size, 22U);
  MerkleTree tree;
  for (const auto* range : {"0/10", "10/10000"}) {
    const auto bytes = w.ask("GET", std::string("/v1/log/entries/") + range).body;
    ASSERT_EQ(bytes.size() % 34, 0U);
    for (std::size_t at = 0; at < bytes.size(); at += 34)
      tree.append(leaf_hash(ByteView(bytes).subspan(at, 34)));
  }
  EXPECT_EQ(tree.size(), checkpoint->size);
  EXPECT_EQ(tree.root(), checkpoint->root);
  EXPECT_TRUE(w.ask("GET", "/v1/log/entries/22/1").body.empty());
  EXPECT_EQ(w.ask("GET", "/v1/log/entries/0/10001").status, 400);
  EXPECT_EQ(w.ask("GET", "/v1/log/entries/0").status, 404);
  EXPECT_EQ(w.ask("GET", "/v1/manifest").body, w.e->election().signed_manifest());
}

TEST_F(ServiceTest, Requests_nobody_knows_and_bytes_nobody_reads_are_refused) {
  w.open(1);
  for (const auto& [method, target] :
       std::vector<std::pair<std::string, std::string>>{{"GET", "/"},
                                                        {"GET", "/v1/ballot"},
                                                        {"POST", "/v1/manifest"},
                                                        {"PUT", "/v1/ballot"},
                                                        {"POST", "/v2/ballot"}}) {
    const auto reply = w.ask(method, target);
    EXPECT_EQ(reply.status, 404);
    EXPECT_EQ(w.reason_of_reply(reply, {}), Reason::kRequestUnknown);
  }
  for (const auto* target : {"/v1/ticket", "/v1/ballot", "/v1/verify"})
    expect_refused(target, {0x00}, Reason::kWireMissingField, 400);
  expect_refused("/v1/verify", Bytes(1000), Reason::kWireLimit, 400);
  expect_refused("/v1/ballot", Bytes(limits::kSubmissionBytes), Reason::kWireLimit, 400);
  Bytes longer = w.cast(1).body();
  longer.push_back(0);
  expect_refused("/v1/ballot", longer, Reason::kWireNoncanonical, 400);
}

TEST_F(ServiceTest, Tickets_are_issued_while_casting_is_open_and_ballots_taken_until_grace_ends) {
  const auto& periods = w.e->election().definition().periods;
  const auto refused = [&](Reason reason) {
    const Bytes body = w.authentication(1, w.post("/v1/challenge").body);
    expect_refused("/v1/ticket", body, reason, 403);
  };
  refused(Reason::kPhaseNotOpen);
  w.open(2);
  w.now_ms = periods.casting_begins_s * 1000 - 1;
  refused(Reason::kPhaseNotOpen);
  w.now_ms = periods.casting_begins_s * 1000;
  EXPECT_TRUE(w.ticket(1));
  w.now_ms = periods.casting_ends_s * 1000 - 1;
  const auto last = w.cast(1);
  const auto late = w.cast(2);
  w.now_ms = periods.casting_ends_s * 1000;
  refused(Reason::kPhaseClosed);
  w.now_ms = periods.grace_ends_s * 1000 - 1;
  w.expect_recorded(w.post("/v1/ballot", last.body()), last, SubmitOutcome::kAccepted);
  w.now_ms = periods.grace_ends_s * 1000;
  expect_ballot_refused(late.submission, Reason::kPhaseClosed, 403);
}

TEST_F(ServiceTest, A_ticket_says_what_the_log_says_of_its_voter) {
  w.open(3);
  const auto first = w.cast(1);
  w.expect_recorded(w.post("/v1/ballot", first.body()), first, SubmitOutcome::kAccepted);
  const auto ticket = decode<CastTicket>(w.ticket(1)->body).value();
  EXPECT_EQ(ticket.fingerprint, w.e->election().fingerprint());
  EXPECT_EQ(ticket.pseudonym, w.e->pseudonym(1));
  EXPECT_EQ(ticket.unit.text, "u2");
  EXPECT_EQ(ticket.roll_version, 1U);
  EXPECT_EQ(ticket.counter, 2U);
  EXPECT_EQ(ticket.previous, first.id);
  EXPECT_EQ(ticket.expires_s, w.now_ms / 1000 + 30 * 60);
  EXPECT_EQ(w.e->election().check_checkpoint(text_of(ticket.checkpoint))->size, 3U);
  const auto fresh = decode<CastTicket>(w.ticket(2)->body).value();
  EXPECT_EQ(fresh.counter, 1U);
  EXPECT_EQ(fresh.previous, std::nullopt);
  EXPECT_NE(fresh.nonce, ticket.nonce);
}

TEST_F(ServiceTest, A_challenge_serves_once_for_a_while_and_here_only) {
  w.open(2);
  const Bytes bytes = w.post("/v1/challenge").body;
  const Bytes body = w.authentication(1, bytes);
  EXPECT_EQ(w.post("/v1/ticket", body).status, 200);
  expect_refused("/v1/ticket", body, Reason::kAuthChallengeUnknown, 403);
  expect_refused("/v1/ticket", w.authentication(2, bytes), Reason::kAuthChallengeUnknown, 403);

  const auto challenge = decode<Challenge>(w.post("/v1/challenge").body).value();
  Challenge forged = challenge;
  forged.nonce[31] ^= 1;
  expect_refused("/v1/ticket", w.authentication(1, encode(forged)), Reason::kAuthChallengeUnknown, 403);
  forged = challenge;
  forged.expires_s += 1;
  expect_refused("/v1/ticket", w.authentication(1, encode(forged)), Reason::kAuthChallengeUnknown, 403);
  forged = challenge;
  forged.origin = "elsewhere.example";
  expect_refused("/v1/ticket", w.authentication(1, encode(forged)), Reason::kAuthChallengeUnknown, 403);
  forged = challenge;
  forged.fingerprint[0] ^= 1;
  expect_refused("/v1/ticket", w.authentication(1, encode(forged)), Reason::kElectionFpMismatch, 403);

  w.now_ms = challenge.expires_s * 1000;
  expect_refused("/v1/ticket", w.authentication(1, encode(challenge)), Reason::kAuthChallengeUnknown, 403);
  w.now_ms = challenge.expires_s * 1000 - 1;
  EXPECT_EQ(w.post("/v1/ticket", w.authentication(1, encode(challenge))).status, 200);
}

TEST_F(ServiceTest, Only_the_voter_herself_gets_a_ticket) {
  w.open(2);
  const Bytes challenge = w.post("/v1/challenge").body;
  auto wrong = decode<Authentication>(w.authentication(1, challenge)).value();
  wrong.signature[5] ^= 1;
  expect_refused("/v1/ticket", encode(wrong), Reason::kSigInvalid, 403);
  wrong = decode<Authentication>(w.authentication(1, challenge)).value();
  wrong.certificate = w.e->card(2).authentication_certificate;
  expect_refused("/v1/ticket", encode(wrong), Reason::kSigInvalid, 403);
  const Card& card = w.e->card(1);
  const Bytes with_signing_key = encode(
      Authentication{challenge, card.signing_certificate,
                     sign_r_s(card.signing, signed_bytes(labels::kEidAuthenticate, challenge), w.e->rng())});
  expect_refused("/v1/ticket", with_signing_key, Reason::kCertKeyUsage, 403);
  EXPECT_EQ(w.post("/v1/ticket", w.authentication(1, challenge)).status, 200);  // none of these spent it
  const Bytes stranger = w.authentication(77, w.post("/v1/challenge").body);
  expect_refused("/v1/ticket", stranger, Reason::kVoterNotOnRoll, 403);
}

TEST_F(ServiceTest, A_voter_gets_so_many_tickets_and_no_more) {
  w.open(2);
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(w.ticket(1)) << i;
  expect_refused("/v1/ticket", w.authentication(1, w.post("/v1/challenge").body), Reason::kRateLimited, 429);
  EXPECT_TRUE(w.ticket(2));
  w.now_ms += 60'000;
  EXPECT_TRUE(w.ticket(1));
  EXPECT_FALSE(w.ticket(1));
}

// A98: signatures and proofs are the dear checks, and a ticket is good for any number of ballots: so many are
// looked at.
TEST_F(ServiceTest, A98_a_voter_gets_so_many_ballots_looked_at_and_no_more) {
  w.open(3);
  const auto honest = w.cast(1), other = w.cast(2);
  Submission unsound = honest.submission;
  unsound.envelope = altered(unsound.envelope, [](SignedBallot& s) { s.signature[7] ^= 1; });
  for (int i = 0; i < 60; ++i) expect_ballot_refused(unsound, Reason::kSigInvalid, 403);
  expect_ballot_refused(unsound, Reason::kRateLimited, 429);
  expect_ballot_refused(honest.submission, Reason::kRateLimited, 429);
  w.expect_recorded(w.post("/v1/ballot", other.body()), other, SubmitOutcome::kAccepted);
  w.now_ms += 2'000;
  w.expect_recorded(w.post("/v1/ballot", honest.body()), honest, SubmitOutcome::kAccepted);
  // What is logged already costs nothing, and is answered as often as it is asked for.
  for (int i = 0; i < 100; ++i)
    EXPECT_EQ(decode<SubmitAnswer>(w.post("/v1/ballot", honest.body()).body)->outcome,
              SubmitOutcome::kDuplicateIdempotent);
}

// A105: whatever the services that bear witness do, nothing is logged without their word.
TEST_F(ServiceTest, A105_no_evidence_no_entry) {
  w.open(3);
  const std::uint64_t size = log_size();
  auto& services = w.e->trust();
  const auto unavailable = [&](std::string_view what) {
    const auto cast = w.cast(1);
    expect_ballot_refused(cast.submission, Reason::kEvidenceUnavailable, 503);
    EXPECT_EQ(log_size(), size) << what;
    w.now_ms += 60'000;  // so that she may try so often
    services.ocsp.reset();
    services.tsa.reset();
  };
  w.trust_services_up = false;
  unavailable("both are down");
  w.trust_services_up = true;
  for (const auto& [fault, name, amount, unit] : trust::kTsaFaults) {
    if (fault == trust::TsaFault::kNone || fault >= trust::TsaFault::kSlow) continue;
    services.tsa.set_fault({fault});
    unavailable(name);
  }
  for (const auto& [fault, name, amount, unit] : trust::kOcspFaults) {
    if (fault <= trust::OcspFault::kUnknown || fault >= trust::OcspFault::kSlow) continue;
    services.ocsp.set_fault({fault});
    unavailable(name);
  }
  services.ocsp.set_fault({trust::OcspFault::kClockSkew, -1});  // a second behind the time-stamp
  unavailable("clocks disagree");
  // One answer that is of no use is asked for again.
  services.tsa.set_fault({trust::TsaFault::kGarbage}, 1);
  services.ocsp.set_fault({trust::OcspFault::kTryLater}, 2);
  const auto cast = w.cast(1);
  w.expect_recorded(w.post("/v1/ballot", cast.body()), cast, SubmitOutcome::kAccepted);
  EXPECT_TRUE(replay().findings.empty());
}

// A70: what the authority says of the certificate at the time of signing decides, and is kept.
TEST_F(ServiceTest, A70_revoked_suspended_and_unknown_certificates) {
  w.open(3);
  auto& responder = w.e->trust().ocsp;
  const auto certificate = parse_certificate(w.e->card(1).signing_certificate).value();
  const auto set = [&](trust::CertificateStatus status) {
    responder.set_status(certificate.serial_number, status, static_cast<std::int64_t>(w.now_ms / 1000) - 60);
  };
  std::uint64_t entries = log_size();
  for (const auto& [status, reason] :
       {std::pair{trust::CertificateStatus::kSuspended, Reason::kCertSuspended},
        {trust::CertificateStatus::kRevoked, Reason::kCertRevoked},
        {trust::CertificateStatus::kUnknown, Reason::kCertUnknown}}) {
    set(status);
    expect_ballot_refused(w.cast(1).submission, reason, 403);
    EXPECT_EQ(log_size(), ++entries) << "a refusal with the evidence for it";
  }
  const auto other = w.cast(2);
  w.expect_recorded(w.post("/v1/ballot", other.body()), other, SubmitOutcome::kAccepted);
  set(trust::CertificateStatus::kGood);  // revived
  const auto cast = w.cast(1);
  w.expect_recorded(w.post("/v1/ballot", cast.body()), cast, SubmitOutcome::kAccepted);
  EXPECT_TRUE(replay().findings.empty());
}

// Evidence is the collector's to add.
TEST_F(ServiceTest, Submitted_containers_have_no_evidence) {
  w.open(3);
  const auto cast = w.cast(1);
  Submission complete = cast.submission;
  complete.envelope = w.e->logged(complete.envelope, w.now_ms).envelope;
  expect_ballot_refused(complete, Reason::kSigTemplate, 400);
  w.expect_recorded(w.post("/v1/ballot", cast.body()), cast, SubmitOutcome::kAccepted);
}

// A58: a client without an answer sends the same bytes again.
TEST_F(ServiceTest, A58_a_resent_ballot_gets_the_same_receipt_and_no_second_entry) {
  w.open(3);
  const auto cast = w.cast(1);
  const auto first = decode<SubmitAnswer>(w.post("/v1/ballot", cast.body()).body).value();
  const auto other = w.cast(2);
  w.expect_recorded(w.post("/v1/ballot", other.body()), other, SubmitOutcome::kAccepted);
  const std::uint64_t size = log_size();
  const auto expect_same = [&](const Bytes& body) {
    const auto again = decode<SubmitAnswer>(w.post("/v1/ballot", body).body).value();
    EXPECT_EQ(again.outcome, SubmitOutcome::kDuplicateIdempotent);
    EXPECT_EQ(encode(again.receipt), encode(first.receipt));
    EXPECT_EQ(again.salt, first.salt);
    EXPECT_EQ(again.received_ms, first.received_ms);
    EXPECT_EQ(log_size(), size);
  };
  w.now_ms += 1000;
  expect_same(cast.body());
  w.now_ms += 3'600'000;  // long after the ticket's expiry
  expect_same(cast.body());
  // The same ballot in another container: the first stands.
  Submission rewrapped = resigned(cast, 1, [](Ballot&) {});
  ASSERT_EQ(id_of(rewrapped.envelope), cast.id);
  rewrapped.fetch_secret_hash[0] ^= 1;
  expect_same(encode(rewrapped));
  w.restart();
  expect_same(cast.body());
}

TEST_F(ServiceTest, Many_copies_at_once_make_one_entry) {
  w.open(3);
  const auto cast = w.cast(1);
  const std::uint64_t before = log_size();
  std::vector<collector::Reply> replies(16);
  {
    std::vector<std::jthread> threads;
    for (auto& reply : replies) threads.emplace_back([&] { reply = w.post("/v1/ballot", cast.body()); });
  }
  EXPECT_EQ(log_size(), before + 1);
  std::set<Bytes> receipts;
  int accepted = 0;
  for (const auto& reply : replies) {
    const auto answer = decode<SubmitAnswer>(reply.body).value();
    receipts.insert(encode(answer.receipt));
    accepted += answer.outcome == SubmitOutcome::kAccepted ? 1 : 0;
  }
  EXPECT_EQ(receipts.size(), 1U);
  EXPECT_EQ(accepted, 1);
}

TEST_F(ServiceTest, Of_two_ballots_on_one_ticket_the_first_logged_wins) {
  w.open(3);
  const auto ticket = w.ticket(1).value();
  const auto one = w.cast(1, ticket, {0, 0});
  const auto two = w.cast(1, ticket, {1, 1});
  w.expect_recorded(w.post("/v1/ballot", one.body()), one, SubmitOutcome::kAccepted);
  expect_ballot_refused(two.submission, Reason::kCastConflict, 409);
  // The refusal is in the log, and an auditor's replay finds it founded.
  const Replay audit = replay();
  EXPECT_TRUE(audit.findings.empty());
  EXPECT_EQ(audit.refusals, 1U);
  EXPECT_EQ(audit.state.ballots(), 1U);
}

TEST_F(ServiceTest, Racing_ballots_on_one_ticket_leave_one_winner) {
  w.open(3);
  for (int round = 0; round < 5; ++round) {
    const auto ticket = w.ticket(1).value();
    std::vector<CollectorWorld::Cast> casts;
    for (int i = 0; i < 6; ++i) casts.push_back(w.cast(1, ticket, {static_cast<std::size_t>(i) % 3, 0}));
    std::vector<collector::Reply> replies(casts.size());
    {
      std::vector<std::jthread> threads;
      for (std::size_t i = 0; i < casts.size(); ++i)
        threads.emplace_back([&, i] { replies[i] = w.post("/v1/ballot", casts[i].body()); });
    }
    int accepted = 0;
    for (std::size_t i = 0; i < casts.size(); ++i) {
      if (replies[i].status == 200) {
        ++accepted;
        w.expect_recorded(replies[i], casts[i], SubmitOutcome::kAccepted);
      } else {
        EXPECT_EQ(w.reason_of_reply(replies[i], casts[i].body()), Reason::kCastConflict);
      }
    }
    EXPECT_EQ(accepted, 1);
  }
  const Replay audit = replay();
  EXPECT_TRUE(audit.findings.empty());
  EXPECT_EQ(audit.state.ballots(), 5U);
  EXPECT_EQ(audit.refusals, collector::Log::kMaxRefusals);  // of one voter, no more are logged
}

TEST_F(ServiceTest, Logged_refusals_are_counted_over_a_restart) {
  w.open(3);
  const auto ticket = w.ticket(1).value();
  const auto winner = w.cast(1, ticket);
  w.expect_recorded(w.post("/v1/ballot", winner.body()), winner, SubmitOutcome::kAccepted);
  const std::uint64_t size = log_size();
  for (int i = 0; i < 4; ++i) expect_ballot_refused(w.cast(1, ticket).submission, Reason::kCastConflict, 409);
  EXPECT_EQ(log_size(), size + 4);
  w.restart();
  for (int i = 0; i < 4; ++i) expect_ballot_refused(w.cast(1, ticket).submission, Reason::kCastConflict, 409);
  EXPECT_EQ(log_size(), size + 5);
}

// A32: an earlier ballot again, after a later one.
TEST_F(ServiceTest, A32_an_old_ballot_does_not_undo_a_recast) {
  w.open(3);
  const auto first_ticket = w.ticket(1).value();
  const auto first = w.cast(1, first_ticket, {0, 0});
  w.expect_recorded(w.post("/v1/ballot", first.body()), first, SubmitOutcome::kAccepted);
  const auto second = w.cast(1, {1, 1});
  w.expect_recorded(w.post("/v1/ballot", second.body()), second, SubmitOutcome::kAccepted);
  // Another ballot on the first ticket, and a replay with the id changed by a fresh proof.
  expect_ballot_refused(w.cast(1, first_ticket, {2, 2}).submission, Reason::kStaleCastCounter, 409);
  // The very same ballot is no new one: it is answered, and changes nothing.
  w.expect_recorded(w.post("/v1/ballot", first.body()), first, SubmitOutcome::kDuplicateIdempotent);
  const Replay audit = replay();
  EXPECT_TRUE(audit.findings.empty());
  EXPECT_EQ(audit.state.last_ballot(*audit.state.find(w.e->pseudonym(1)))->id, second.id);
}

// A26, A27: somebody else's ciphertext, as it is and re-randomised.
TEST_F(ServiceTest, A26_A27_a_copied_ciphertext_is_refused) {
  w.open(4);  // voters 1 and 4 share unit u2
  const auto victim = w.cast(1);
  const auto copy_of_victim = [&](bool re_randomise) {
    const auto source = ballot_of(victim.submission.envelope);
    return resigned(w.cast(4), 4, [&](Ballot& ballot) {
      for (std::size_t i = 0; i < ballot.selections.size(); ++i) {
        Selection& s = ballot.selections[i];
        s.alpha = source.selections[i].alpha;
        s.beta = source.selections[i].beta;
        s.proof = source.selections[i].proof;
        if (!re_randomise) continue;
        const auto r = Ristretto::SecretScalar::random(w.e->rng());
        const auto again = re_encrypt<Ristretto>(w.e->election().Y(), s.ciphertext(), r);
        s.alpha = again.alpha;
        s.beta = again.beta;
      }
    });
  };
  expect_ballot_refused(copy_of_victim(false), Reason::kBallotProofInvalid, 403);  // seen first, in isolation
  w.expect_recorded(w.post("/v1/ballot", victim.body()), victim, SubmitOutcome::kAccepted);
  expect_ballot_refused(copy_of_victim(false), Reason::kBallotDuplicateCiphertext, 409);
  expect_ballot_refused(copy_of_victim(true), Reason::kBallotProofInvalid, 403);
  auto without_proof = resigned(w.cast(4), 4, [](Ballot& ballot) { ballot.selections[1].proof.clear(); });
  expect_ballot_refused(without_proof, Reason::kBallotProofMissing, 403);
  const auto honest = w.cast(4);
  w.expect_recorded(w.post("/v1/ballot", honest.body()), honest, SubmitOutcome::kAccepted);
  EXPECT_TRUE(replay().findings.empty());
}

// A28: a ballot of another election.
TEST_F(ServiceTest, A28_a_ballot_of_another_election_is_refused) {
  w.open(3);
  CollectorWorld other;
  other.start();
  other.open(3);
  expect_ballot_refused(other.cast(1).submission, Reason::kElectionFpMismatch, 403);
  const auto own = w.cast(1);
  w.expect_recorded(w.post("/v1/ballot", own.body()), own, SubmitOutcome::kAccepted);
}

// A30: ballots of people who did not vote.
TEST_F(ServiceTest, A30_nobody_else_casts_for_a_voter) {
  w.open(3);
  const auto cast = w.cast(1);
  Submission stuffed = cast.submission;
  stuffed.envelope = without_signature(stuffed.envelope);
  expect_ballot_refused(stuffed, Reason::kBallotSignatureMissing, 403);
  expect_ballot_refused(resigned(cast, 2, [](Ballot&) {}), Reason::kSignerNotPseudonym, 403);
  Submission wrong_key = cast.submission;
  wrong_key.envelope =
      altered(wrong_key.envelope, [&](SignedBallot& s) { s.certificate = w.e->card(2).signing_certificate; });
  expect_ballot_refused(wrong_key, Reason::kSigInvalid, 403);
  const std::uint64_t size = log_size();
  EXPECT_EQ(size, 2U) << "only well-signed ballots make a refusal entry";
  // A ticket for somebody off the roll, forged with the service key itself.
  CastTicket ticket = decode<CastTicket>(cast.submission.envelope.ticket.body).value();
  ticket.pseudonym = w.e->pseudonym(77);
  expect_ballot_refused(w.cast(77, w.e->sign_ticket(ticket)).submission, Reason::kVoterNotOnRoll, 403);
  w.expect_recorded(w.post("/v1/ballot", cast.body()), cast, SubmitOutcome::kAccepted);
}

TEST_F(ServiceTest, Without_a_quorum_of_witnesses_the_receipt_is_pending_and_completed_later) {
  w.open(3);
  w.witnesses[0]->up = false;
  w.witnesses[1]->up = false;
  const auto cast = w.cast(1);
  const auto pending = decode<SubmitAnswer>(w.post("/v1/ballot", cast.body()).body).value();
  EXPECT_EQ(pending.outcome, SubmitOutcome::kAccepted);
  EXPECT_TRUE(pending.receipt.checkpoint.empty());
  EXPECT_TRUE(pending.receipt.inclusion_proof.empty());
  EXPECT_TRUE(check_receipt_statement(w.e->election(), pending.receipt, cast.id));
  EXPECT_EQ(check_receipt(w.e->election(), pending.receipt, cast.id).error().reason,
            Reason::kHeadUnwitnessed);
  EXPECT_EQ(w.running->status().ballots, 1U);
  EXPECT_EQ(w.running->status().witnesses_reachable, 1U);
  w.witnesses[0]->up = true;
  for (int i = 0; i < 100 && w.running->status().cosigned_size < 3; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  w.expect_recorded(w.post("/v1/ballot", cast.body()), cast, SubmitOutcome::kDuplicateIdempotent);
}

TEST_F(ServiceTest, A_slow_or_dead_witness_does_not_hold_up_the_quorum) {
  w.witnesses[2]->up = false;
  w.witnesses[1]->delay_ms = 30;
  w.open(6);
  for (std::uint64_t n = 1; n <= 6; ++n) {
    const auto cast = w.cast(n);
    w.expect_recorded(w.post("/v1/ballot", cast.body()), cast, SubmitOutcome::kAccepted);
  }
}

TEST_F(ServiceTest, A_witness_that_missed_checkpoints_and_a_collector_that_forgot_sizes_meet_again) {
  w.witnesses[1]->up = false;
  w.open(6);
  const auto one = w.cast(1);
  w.expect_recorded(w.post("/v1/ballot", one.body()), one, SubmitOutcome::kAccepted);
  w.restart();  // guesses the stored size for all; the second witness knows none of it
  w.witnesses[1]->up = true;
  w.witnesses[0]->up = false;
  const auto two = w.cast(2);
  w.expect_recorded(w.post("/v1/ballot", two.body()), two, SubmitOutcome::kAccepted);
}

TEST_F(ServiceTest, The_voter_sees_her_ballot_so_often_for_so_long_and_nobody_else_does) {
  w.open(3);
  const auto cast = w.cast(1, {1, 2});
  w.expect_recorded(w.post("/v1/ballot", cast.body()), cast, SubmitOutcome::kAccepted);
  const VerifyRequest request{w.e->election().fingerprint(), cast.id, cast.fetch_secret};
  VerifyRequest wrong = request;
  wrong.fetch_secret[15] ^= 1;
  VerifyRequest unknown = request;
  unknown.ballot_id[0] ^= 1;
  expect_refused("/v1/verify", encode(wrong), Reason::kVerifyUnknown, 404);
  expect_refused("/v1/verify", encode(unknown), Reason::kVerifyUnknown, 404);
  for (int i = 0; i < 3; ++i) {
    const auto reply = w.post("/v1/verify", encode(request));
    ASSERT_EQ(reply.status, 200);
    const auto answer = decode<VerifyAnswer>(reply.body).value();
    const auto recorded = check_receipt(w.e->election(), answer.receipt, cast.id);
    ASSERT_TRUE(recorded);
    EXPECT_TRUE(check_entry(recorded->statement, answer.salt, answer.item));
    const auto ballot = ballot_of(answer.item.envelope);
    EXPECT_EQ(open_ballot(w.e->election(), ballot, cast.seed), (std::vector<std::size_t>{1, 2}));
    EXPECT_EQ(answer.status, BallotStatus::kCurrent);
    if (i == 1) w.restart();  // what was spent stays spent
  }
  expect_refused("/v1/verify", encode(request), Reason::kVerifyUnknown, 404);

  const auto late = w.cast(2);
  w.expect_recorded(w.post("/v1/ballot", late.body()), late, SubmitOutcome::kAccepted);
  w.now_ms += 30 * 60'000;
  expect_refused("/v1/verify",
                 encode(VerifyRequest{w.e->election().fingerprint(), late.id, late.fetch_secret}),
                 Reason::kVerifyUnknown, 404);
  w.now_ms -= 1;
  EXPECT_EQ(
      w.post("/v1/verify", encode(VerifyRequest{w.e->election().fingerprint(), late.id, late.fetch_secret}))
          .status,
      200);
}

TEST_F(ServiceTest, A_shown_ballot_is_proved_under_no_older_head_than_one_shown_before) {
  w.open(3);
  const auto early = w.cast(1);
  w.expect_recorded(w.post("/v1/ballot", early.body()), early, SubmitOutcome::kAccepted);
  const auto late = w.cast(2);
  w.expect_recorded(w.post("/v1/ballot", late.body()), late, SubmitOutcome::kAccepted);
  // One device checks both: what it saw with the first may not look like a regression with the second.
  std::uint64_t seen = 0;
  for (const auto* cast : {&late, &early}) {
    const auto reply = w.post(
        "/v1/verify", encode(VerifyRequest{w.e->election().fingerprint(), cast->id, cast->fetch_secret}));
    const auto answer = decode<VerifyAnswer>(reply.body).value();
    const auto recorded = check_receipt(w.e->election(), answer.receipt, cast->id);
    ASSERT_TRUE(recorded) << to_string(recorded.error());
    EXPECT_GE(recorded->checkpoint.size, seen);
    seen = recorded->checkpoint.size;
  }
}

TEST_F(ServiceTest, The_status_of_a_ballot_follows_recasts_revocations_and_restorations) {
  w.open(3);
  const auto one = w.cast(1);
  w.expect_recorded(w.post("/v1/ballot", one.body()), one, SubmitOutcome::kAccepted);
  const auto status_of = [&](const CollectorWorld::Cast& cast) {
    return decode<VerifyAnswer>(w.post("/v1/verify", encode(VerifyRequest{w.e->election().fingerprint(),
                                                                          cast.id, cast.fetch_secret}))
                                    .body)
        .value()
        .status;
  };
  const auto two = w.cast(1);
  w.expect_recorded(w.post("/v1/ballot", two.body()), two, SubmitOutcome::kAccepted);
  EXPECT_EQ(status_of(one), BallotStatus::kSuperseded);
  EXPECT_EQ(status_of(two), BallotStatus::kCurrent);
  const NationalId id = w.e->card(1).person.national_id;
  ASSERT_TRUE(run_operator_command(*w.running, "revoke", w.e->revocation(1, RevocationKind::kRevoke, {id})));
  EXPECT_EQ(status_of(two), BallotStatus::kRevoked);
  ASSERT_TRUE(
      run_operator_command(*w.running, "restore", w.e->revocation(2, RevocationKind::kRestore, {id})));
  EXPECT_EQ(status_of(two), BallotStatus::kCurrent);
}

TEST(ServicePolicyTest, A_hidden_status_is_undisclosed) {
  Options options;
  options.amend = [](Definition& d) { d.policy.superseded = SupersededStatus::kHidden; };
  CollectorWorld w(options);
  w.start();
  w.open(2);
  const auto one = w.cast(1);
  w.expect_recorded(w.post("/v1/ballot", one.body()), one, SubmitOutcome::kAccepted);
  const auto reply =
      w.post("/v1/verify", encode(VerifyRequest{w.e->election().fingerprint(), one.id, one.fetch_secret}));
  EXPECT_EQ(decode<VerifyAnswer>(reply.body).value().status, BallotStatus::kUndisclosed);
}

TEST_F(ServiceTest, Operators_documents_are_for_their_command_signed_and_in_order) {
  const auto run = [&](const std::string& command, const Bytes& document) {
    const std::uint64_t before = log_size();
    const auto done = run_operator_command(*w.running, command, document);
    EXPECT_EQ(log_size(), before + (done ? 1 : 0));
    return done ? std::optional<Reason>() : std::optional(done.error().reason);
  };
  const auto& e = *w.e;
  const std::uint64_t now = w.now_ms / 1000;
  const Bytes roll =
      e.roll(1, std::nullopt, {{RollChangeKind::kAdd, w.e->card(1).person.national_id, Id{"u1"}}});
  const Bytes opening = e.phase(PhaseEventKind::kOpened, now);
  EXPECT_EQ(run("open", opening), Reason::kPhaseMoveForbidden);  // no roll yet
  EXPECT_EQ(run("load", {1, 2, 3}), Reason::kWireMissingField);
  const RollDocument unsigned_roll{e.election().fingerprint(),
                                   1,
                                   std::nullopt,
                                   {{RollChangeKind::kAdd, w.e->card(1).person.national_id, Id{"u1"}}}};
  EXPECT_EQ(run("load", e.sign(labels::kSignRoll, encode(unsigned_roll), {2})), Reason::kSignatureQuorum);
  EXPECT_EQ(run("load", e.roll(2, std::nullopt, unsigned_roll.changes)), Reason::kRollChainGap);
  EXPECT_EQ(run("load", roll), std::nullopt);
  EXPECT_EQ(run("load", roll), Reason::kRollChainGap);
  EXPECT_EQ(run("close", opening), Reason::kUsage);
  EXPECT_EQ(run("seal", opening), Reason::kUsage);
  EXPECT_EQ(run("close", e.phase(PhaseEventKind::kCastingClosed, now)), Reason::kPhaseMoveForbidden);
  EXPECT_EQ(run("open", opening), std::nullopt);
  EXPECT_EQ(run("open", opening), Reason::kPhaseMoveForbidden);
  const NationalId id = w.e->card(1).person.national_id;
  EXPECT_EQ(run("restore", e.revocation(1, RevocationKind::kRevoke, {id})), Reason::kUsage);
  EXPECT_EQ(run("revoke", e.revocation(2, RevocationKind::kRevoke, {id})), Reason::kRevocationMissing);
  EXPECT_EQ(run("revoke", e.revocation(1, RevocationKind::kRevoke, {id})), std::nullopt);
  EXPECT_EQ(run("revoke", e.revocation(1, RevocationKind::kRevoke, {id})), Reason::kRevocationDuplicate);
  EXPECT_EQ(run("shutdown", {}), Reason::kUsage);
  const std::string status = run_operator_command(*w.running, "status", {}).value();
  EXPECT_NE(status.find("phase        casting"), std::string::npos) << status;
  EXPECT_EQ(status.find(id), std::string::npos);
}

TEST_F(ServiceTest, A_sealed_log_is_exported_and_replays_without_a_finding) {
  w.open(4);
  std::vector<CollectorWorld::Cast> casts;
  for (std::uint64_t n = 1; n <= 4; ++n) {
    casts.push_back(w.cast(n));
    w.expect_recorded(w.post("/v1/ballot", casts.back().body()), casts.back(), SubmitOutcome::kAccepted);
  }
  const auto record = w.directory.path() / "record";
  const auto try_export = [&]() -> std::optional<Reason> {
    const auto store =
        collector::SqliteStore::open(collector::store_path(w.directory.path()), w.e->election().fingerprint(),
                                     collector::StoreAccess::kReadOnly);
    const auto sworn = w.directory.path() / "record.unfinished" / layout::tier_dir(Tier::kSworn);
    WatchedStore watched(**store, [&] {  // nobody else reads the names while they are written
      std::error_code absent;
      const auto status = std::filesystem::status(sworn, absent);
      if (std::filesystem::exists(status)) EXPECT_EQ(status.permissions(), std::filesystem::perms::owner_all);
    });
    const auto done = collector::export_record(w.e->election(), watched, record);
    return done ? std::nullopt : std::optional(done.error().reason);
  };
  EXPECT_EQ(try_export(), Reason::kPhaseNotClosed);
  ASSERT_TRUE(
      run_operator_command(*w.running, "close", w.e->phase(PhaseEventKind::kCastingClosed, w.now_ms / 1000)));
  expect_refused("/v1/ballot", w.cast(1, casts[0].submission.envelope.ticket).body(), Reason::kPhaseClosed,
                 403);
  for (auto& witness : w.witnesses) witness->up = false;
  ASSERT_TRUE(
      run_operator_command(*w.running, "seal", w.e->phase(PhaseEventKind::kLogSealed, w.now_ms / 1000)));
  EXPECT_EQ(try_export(), Reason::kHeadUnwitnessed);
  EXPECT_FALSE(std::filesystem::exists(record));
  for (auto& witness : w.witnesses) witness->up = true;
  for (int i = 0; i < 100 && w.running->status().cosigned_size < log_size(); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  // Sealed: nobody's code shows a ballot any more.
  expect_refused("/v1/verify",
                 encode(VerifyRequest{w.e->election().fingerprint(), casts[0].id, casts[0].fetch_secret}),
                 Reason::kVerifyUnknown, 404);

  std::filesystem::create_directories(record / "something");
  EXPECT_EQ(try_export(), Reason::kFileUnreadable);
  std::filesystem::remove(record / "something");
  ASSERT_EQ(try_export(), std::nullopt);
  EXPECT_EQ(try_export(), Reason::kFileUnreadable);

  const auto read = [&](const std::string& path) {
    return read_file(record / path, limits::kDocumentBytes).value();
  };
  EXPECT_EQ(read(layout::manifest()), w.e->election().signed_manifest());
  const auto checkpoint = w.e->election().check_checkpoint(text_of(read(layout::log_checkpoint()))).value();
  const Bytes entry_file = read(layout::log_entries());
  std::vector<EntryBytes> entries(entry_file.size() / 34);
  MerkleTree tree;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    std::copy_n(entry_file.begin() + static_cast<std::ptrdiff_t>(34 * i), 34, entries[i].begin());
    tree.append(leaf_hash(entries[i]));
  }
  EXPECT_EQ(checkpoint.size, entries.size());
  EXPECT_EQ(checkpoint.root, tree.root());
  const Bytes item_file = read(layout::log_items());
  ByteView rest = item_file;
  std::vector<LoggedItem> items;
  while (!rest.empty()) {
    const std::uint32_t size = read_u32be(rest);
    items.push_back(decode<LoggedItem>(rest.subspan(4, size)).value());
    rest = rest.subspan(4 + size);
  }
  ASSERT_EQ(items.size(), entries.size());
  const Replay audit = replay_items(*w.e, entries, items);
  EXPECT_TRUE(audit.findings.empty());
  EXPECT_EQ(audit.state.phase(), Phase::kSealed);
  std::vector<std::string> events;
  for (const auto& event : std::filesystem::directory_iterator(record / "public/log/events"))
    events.push_back(event.path().filename());
  std::ranges::sort(events);
  EXPECT_EQ(events, (std::vector<std::string>{"00000001", "00000006", "00000007"}));
  EXPECT_EQ(read(layout::log_event(6)), encode(items[6]));
}

TEST_F(ServiceTest, A_graceful_stop_answers_all_and_loses_nothing) {
  w.open(30);
  std::vector<CollectorWorld::Cast> casts;
  for (std::uint64_t n = 1; n <= 30; ++n) casts.push_back(w.cast(n));
  std::mutex mutex;
  std::map<std::size_t, collector::Reply> replies;
  for (std::size_t i = 0; i < casts.size(); ++i)
    w.running->service().handle({"POST", "/v1/ballot", casts[i].body()}, [&, i](collector::Reply reply) {
      const std::lock_guard lock(mutex);
      replies[i] = std::move(reply);
    });
  w.running->stop();
  ASSERT_EQ(replies.size(), casts.size());
  for (const auto& [i, reply] : replies) w.expect_recorded(reply, casts[i], SubmitOutcome::kAccepted);
  EXPECT_EQ(w.post("/v1/ballot", casts[0].body()).status, 503);
  w.restart();
  EXPECT_EQ(w.running->status().ballots, 30U);
  for (const auto& cast : casts)
    w.expect_recorded(w.post("/v1/ballot", cast.body()), cast, SubmitOutcome::kDuplicateIdempotent);
}

TEST_F(ServiceTest, Another_election_or_other_keys_do_not_open_this_store) {
  w.open(2);
  w.running.reset();
  CollectorWorld other;
  const auto open = [&](const CollectorWorld& of) {
    return collector::SqliteStore::open(collector::store_path(w.directory.path()),
                                        of.e->election().fingerprint(), collector::StoreAccess::kReadWrite);
  };
  EXPECT_EQ(open(other).error().reason, Reason::kElectionFpMismatch);
  const auto mixed = collector::Collector::open(w.e->election(), open(w).value(), other.keys(), {},
                                                w.e->eid(), *w.evidence, w.e->rng(),
                                                {.clock = [] { return std::uint64_t{1}; },
                                                 .limits = {},
                                                 .timing = {},
                                                 .broken = [](const Rejection&) {}});
  ASSERT_FALSE(mixed);
  EXPECT_EQ(mixed.error().reason, Reason::kManifestInvalid);
}

}  // namespace
}  // namespace psephos::test
