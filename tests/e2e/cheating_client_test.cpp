// Clients that cheat against the running collector, and a collector that logs their ballots all the same.
// Every ballot that the collector refuses is also put into the log where it came, by an operator who holds
// every key of the service: `mixnet prepare` and `audit verify` give it the same name (SPEC §9.4).
#include <gtest/gtest.h>

#include "collector/export.h"
#include "collector/operator.h"
#include "collector/sqlite_store.h"
#include "crypto/proof/one_of_many.h"
#include "protocol/ballot_crypto.h"
#include "protocol/record_layout.h"
#include "tests/adversary/marks_forger.h"
#include "tests/collector/collector_fixture.h"
#include "tests/support/run_program.h"
#include "tests/support/test_record.h"

namespace psephos::test {
namespace {

namespace fs = std::filesystem;

Options small_groups() {
  Options options;
  options.smallest_group = 1;
  return options;
}

class CheatingClientTest : public testing::Test {
 protected:
  using Cast = CollectorWorld::Cast;
  enum class Evidence : std::uint8_t {
    kLogged,  ///< well signed by a voter of the roll: the refusal is an entry of the log
    kNone,    ///< anybody could have sent it
  };
  /// What the collector refused, and where in the log it would have stood.
  struct Attempt {
    std::string what;
    std::uint64_t index;
    Bytes item;
    Reason reason;
  };

  /// `choices` are those that a voter casts of whom nothing else is said.
  explicit CheatingClientTest(const Options& options = small_groups(),
                              std::vector<std::size_t> choices = {0, 1})
      : w(options), e((w.start(), *w.e)), usual(std::move(choices)) {
    w.open(7);
  }

  std::uint64_t log_size() { return w.running->status().head.size; }
  const Election& election() const { return e.election(); }
  static CastTicket ticket_in(const ServiceSigned& ticket) { return decode<CastTicket>(ticket.body).value(); }
  static Ballot ballot_in(const Cast& cast) { return ballot_of(cast.submission.envelope); }
  Envelope signed_by(const Card& card, const Ballot& ballot, const ServiceSigned& ticket) {
    Envelope out = e.envelope(ballot, ticket_in(ticket), card);
    out.ticket = ticket;
    return out;
  }
  /// A ballot of voter n on a ticket of her own, changed before she signs it.
  template <class Change>
  Envelope changed(std::uint64_t n, Change change) {
    const ServiceSigned ticket = w.ticket(n).value();
    Ballot ballot = ballot_in(w.cast(n, ticket, usual));
    change(ballot);
    return signed_by(e.card(n), ballot, ticket);
  }
  /// A ballot of voter n on a ticket that the collector never issued, signed with its service key.
  template <class Change>
  Envelope on_forged_ticket(std::uint64_t n, Change change) {
    CastTicket ticket = ticket_in(w.ticket(n).value());
    change(ticket);
    return w.cast(n, e.sign_ticket(ticket), usual).submission.envelope;
  }

  void accepted(const Cast& cast) {
    w.expect_recorded(w.post("/v1/ballot", cast.body()), cast, SubmitOutcome::kAccepted);
  }
  Cast accepted(std::uint64_t n) { return accepted(n, usual); }
  Cast accepted(std::uint64_t n, const std::vector<std::size_t>& choices) {
    Cast cast = w.cast(n, choices);
    accepted(cast);
    return cast;
  }
  /// The collector refuses by that name, signed and for these bytes; logged if well signed.
  void refused(const std::string& what, const Envelope& envelope, Reason reason, Evidence evidence) {
    const std::uint64_t index = log_size();
    const std::uint64_t ballots = w.running->status().ballots;
    const Bytes body = encode(Submission{envelope, Digest256{}});
    const auto reply = w.post("/v1/ballot", body);
    EXPECT_NE(reply.status, 200) << what;
    EXPECT_EQ(w.reason_of_reply(reply, body), reason) << what;
    EXPECT_EQ(log_size(), index + (evidence == Evidence::kLogged ? 1 : 0)) << what;
    EXPECT_EQ(w.running->status().ballots, ballots) << what;
    founded += evidence == Evidence::kLogged ? 1 : 0;
    attempts.push_back({what, index, encode(e.logged(envelope, w.now_ms)), reason});
  }

  /// Closes, seals and exports; what the collector stored, entry by entry.
  void finish() {
    ASSERT_TRUE(
        run_operator_command(*w.running, "close", e.phase(PhaseEventKind::kCastingClosed, w.now_ms / 1000)));
    ASSERT_TRUE(
        run_operator_command(*w.running, "seal", e.phase(PhaseEventKind::kLogSealed, w.now_ms / 1000)));
    for (int i = 0; i < 100 && w.running->status().cosigned_size < log_size(); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    const auto store =
        collector::SqliteStore::open(collector::store_path(w.directory.path()), election().fingerprint(),
                                     collector::StoreAccess::kReadOnly);
    ASSERT_TRUE(collector::export_record(election(), **store, exported()));
    ASSERT_TRUE((*store)->for_each(0, [&](const collector::StoredEntry& one) -> Result<void, Rejection> {
      entries.push_back(one.entry);
      items.push_back({one.salt, one.item});
      return {};
    }));
  }
  fs::path exported() const { return w.directory.path() / "exported"; }

  /// The collector's log, with entries of an operator's choice at some places.
  TestLog log_with(const std::map<std::uint64_t, Bytes>& forged) {
    TestLog log(e);
    for (std::size_t i = 0; i < entries.size(); ++i) {
      if (const auto it = forged.find(i); it != forged.end()) log.force(EntryType::kBallot, it->second);
      log.entries.push_back(entries[i]);
      log.items.push_back(items[i]);
      log.tree.append(leaf_hash(entries[i]));
    }
    log.state = log.replay().state;
    return log;
  }
  Ended prepare(const fs::path& record) {
    return run_program(PSEPHOS_MIXNET, {"prepare", record, "--fingerprint", to_hex(election().fingerprint())},
                       w.directory.path());
  }
  Ended audit(const fs::path& record) {
    return run_program(PSEPHOS_AUDIT,
                       {"verify", record, "--quiet", "--fingerprint", to_hex(election().fingerprint())},
                       w.directory.path());
  }
  /// Lists, mixes, shares and count are honest; only the log holds what it must not.
  void expect_found(const std::string& what, const TestLog& log, Reason reason) {
    const fs::path record = w.directory.path() / "cheating";
    TestRecord(e, log).write_to(record);
    const std::string name(name_of(reason));
    const Ended audited = audit(record);
    EXPECT_EQ(audited.status, 1) << what;
    const std::size_t check = audited.out.find("  5. replay ");
    ASSERT_NE(check, std::string::npos) << audited.out << audited.err;
    const std::string replay = audited.out.substr(check, audited.out.find("  6. ", check) - check);
    const std::size_t finding = replay.find("       ! ");
    ASSERT_NE(finding, std::string::npos) << what << ": " << replay;
    EXPECT_TRUE(replay.substr(finding).starts_with("       ! " + name + ": ")) << what << ": " << replay;
    fs::remove(record / layout::sheet());
    const Ended prepared = prepare(record);
    EXPECT_EQ(prepared.status, 1) << what;
    EXPECT_NE(prepared.err.find("psephos mixnet: " + name + ":"), std::string::npos)
        << what << ": " << prepared.err;
    EXPECT_FALSE(fs::exists(record / layout::sheet())) << what;
    fs::remove_all(record);
  }
  /// The log as the collector kept it passes everywhere; with any refused ballot in it, it passes nowhere.
  void expect_the_same_answers() {
    finish();
    const TestLog honest = log_with({});
    const Replay replay = honest.replay();
    EXPECT_TRUE(replay.findings.empty());
    EXPECT_EQ(replay.refusals, founded);
    const Ended prepared = prepare(exported());
    EXPECT_EQ(prepared.status, 0) << prepared.err;
    TestRecord record(e, honest);
    for (const auto& file : fs::recursive_directory_iterator(exported()))
      if (file.is_regular_file())
        record.record.files[fs::relative(file.path(), exported())] =
            read_file(file.path(), limits::kDocumentBytes).value();
    record.make_from(Step::kMix1);
    record.write_to(w.directory.path() / "honest");
    const Ended audited = audit(w.directory.path() / "honest");
    EXPECT_EQ(audited.status, 0) << audited.err;
    for (const Attempt& attempt : attempts)
      expect_found(attempt.what, log_with({{attempt.index, attempt.item}}), attempt.reason);
  }

  CollectorWorld w;
  TestElection& e;
  std::vector<std::size_t> usual;
  std::vector<Attempt> attempts;
  std::uint64_t founded = 0;
  std::vector<EntryBytes> entries;
  std::vector<LoggedItem> items;
};

// A26, A27. Voters 1, 4 and 7 share unit u2.
TEST_F(CheatingClientTest, A26_A27_Copies) {
  const auto victim = w.cast(1);
  const auto selections = ballot_in(victim).selections;
  const auto take = [&](Ballot& ballot) { ballot.selections = selections; };
  const auto isolated = changed(4, take);
  refused("copied before the original", isolated, Reason::kBallotProofInvalid, Evidence::kLogged);
  accepted(victim);
  refused("copied, with its proof", isolated, Reason::kBallotDuplicateCiphertext, Evidence::kLogged);
  refused("one of its ciphertexts copied",
          changed(7, [&](Ballot& ballot) { ballot.selections[1] = selections[1]; }),
          Reason::kBallotDuplicateCiphertext, Evidence::kLogged);
  enum class Proof : std::uint8_t { kCopied, kRescaled, kAbsent };
  const auto re_randomised = [&](Proof proof) {
    return changed(4, [&](Ballot& ballot) {
      ballot.selections = selections;
      std::size_t at = 0;
      for (Selection& selection : ballot.selections) {
        const auto t = Ristretto::SecretScalar::random(e.rng());
        const auto again = re_encrypt<Ristretto>(election().Y(), selection.ciphertext(), t);
        // With z' = z + c^m·t, for the victim's challenge c, every equation of her proof holds again.
        const auto slot = election().ballot_slots(*election().unit_index(ballot.unit))[at++];
        const auto& table = slot.table->points;
        auto moved = OneOfManyProof<Ristretto>::decode(selection.proof, table.size()).value();
        const OneOfManyStatement<Ristretto> hers{election().Y(), selection.alpha, selection.beta, table};
        const OneOfManyStatement<Ristretto> related{election().Y(), again.alpha, again.beta, table};
        Transcript transcript = ballot_transcript(election(), ballot_in(victim), selection);
        append_statement(transcript, hers, election().digit_generators());
        one_of_many_detail::append_commitments(transcript, moved);
        const auto c = transcript.challenge_scalar<Ristretto>("c");
        auto shift = declassify(t);  // the cheater chose it
        for (std::size_t j = 0; j < table.digits(); ++j) shift = shift * c;
        moved.z = moved.z + shift;
        EXPECT_EQ(first_failing_equation_vartime(related, moved, c, election().digit_generators()),
                  OneOfManyEquation::kNone);
        selection.alpha = again.alpha;
        selection.beta = again.beta;
        if (proof == Proof::kRescaled) selection.proof = moved.encode();
        if (proof == Proof::kAbsent) selection.proof.clear();
      }
    });
  };
  refused("re-randomised, proof copied", re_randomised(Proof::kCopied), Reason::kBallotProofInvalid,
          Evidence::kLogged);
  refused("re-randomised, proof re-scaled", re_randomised(Proof::kRescaled), Reason::kBallotProofInvalid,
          Evidence::kLogged);
  refused("re-randomised, no proof", re_randomised(Proof::kAbsent), Reason::kBallotProofMissing,
          Evidence::kLogged);
  accepted(4);
  accepted(7);
  expect_the_same_answers();
}

// A63, A110, A149: ciphertexts that hold none of the slot's choices, each with the best proof that a client
// can make for it; A23: proofs of another shape.
TEST_F(CheatingClientTest, A23_A63_A110_A149_NoneOfTheChoices) {
  const auto victim = w.cast(7);
  const Ballot hers = ballot_in(victim);
  const auto encrypting = [&](const Ristretto::Point& M, const ChoiceTable<Ristretto>* proved_for) {
    return changed(4, [&](Ballot& ballot) {
      Selection& selection = ballot.selections[1];
      const auto& table = election().ballot_slots(*election().unit_index(ballot.unit))[1].table->points;
      const auto r = Ristretto::SecretScalar::random(e.rng());
      const auto c = encrypt<Ristretto>(election().Y(), M, r);
      selection.alpha = c.alpha;
      selection.beta = c.beta;
      Transcript transcript = ballot_transcript(election(), ballot, selection);
      const OneOfManyStatement<Ristretto> statement{election().Y(), c.alpha, c.beta,
                                                    proved_for != nullptr ? *proved_for : table};
      selection.proof =
          prove_one_of_many(statement, 1, r, transcript, election().digit_generators(), e.rng()).encode();
    });
  };
  const auto& own_slots = election().ballot_slots(*election().unit_index(ballot_in(w.cast(4)).unit));
  const auto& other_slots = election().ballot_slots(*election().unit_index({"u1"}));
  ASSERT_NE(own_slots[1].table, other_slots[1].table);
  const auto& own = own_slots[1].table->points;
  const auto& others = other_slots[1].table->points;
  refused("a point that stands for nobody", encrypting(own[1] + Ristretto::Point::generator(), nullptr),
          Reason::kBallotProofInvalid, Evidence::kLogged);
  refused("two candidates at once", encrypting(own[0] + own[1], nullptr), Reason::kBallotProofInvalid,
          Evidence::kLogged);
  refused("a candidate of another unit", encrypting(others[1], nullptr), Reason::kBallotProofInvalid,
          Evidence::kLogged);
  refused("a candidate of another unit, with a proof that holds there", encrypting(others[1], &others),
          Reason::kBallotProofInvalid, Evidence::kLogged);
  refused("another's ciphertext times three, under its proof",
          changed(4,
                  [&](Ballot& ballot) {
                    const auto three = Ristretto::Scalar::from_u64(3);
                    ballot.selections[1] = hers.selections[1];
                    ballot.selections[1].alpha = Ristretto::mul_vartime(three, hers.selections[1].alpha);
                    ballot.selections[1].beta = Ristretto::mul_vartime(three, hers.selections[1].beta);
                  }),
          Reason::kBallotProofInvalid, Evidence::kLogged);
  accepted(4);
  accepted(victim);
  refused("a proof with an element more",
          changed(1,
                  [](Ballot& ballot) {
                    append(ballot.selections[0].proof, Ristretto::Scalar::from_u64(1).encode());
                  }),
          reason_of(Fault::kProofEncoding), Evidence::kLogged);
  refused(
      "a proof that is no group elements",
      changed(
          1, [](Ballot& ballot) { std::fill_n(ballot.selections[0].proof.begin(), 32, std::uint8_t{0xff}); }),
      reason_of(Fault::kPointNoncanonical), Evidence::kLogged);
  accepted(1);
  expect_the_same_answers();
}

// A28: an election with the same joint key, generators of its own, the same people and the same collector.
TEST_F(CheatingClientTest, A28_BallotOfATwinElection) {
  Manifest manifest = election().manifest();
  manifest.builds = {{.program = {"audit"}, .sha256 = sha256(bytes_of("another build"))}};
  const Election twin = Election::open(e.signed_manifest(manifest), std::nullopt).value();
  ASSERT_NE(twin.fingerprint(), election().fingerprint());
  ASSERT_EQ(twin.Y(), election().Y());
  const auto& person = e.card(1).person;
  CastTicket ticket = ticket_in(w.ticket(1).value());
  ticket.fingerprint = twin.fingerprint();
  ticket.pseudonym = twin.pseudonym_of(person.national_id);
  const ServiceSigned signed_ticket = e.sign_ticket(ticket);
  const std::vector<std::size_t> choices{0, 1};
  const Ballot foreign =
      make_ballot(twin, ticket, sha256(signed_ticket.body), choices, BallotSeed::random(e.rng()), e.rng());
  const Envelope envelope = signed_by(e.card(1), foreign, signed_ticket);
  // There it counts.
  ElectionState state(twin);
  ASSERT_TRUE(state.apply_document(
      0, EntryType::kRoll,
      e.document(labels::kSignRoll,
                 RollDocument{.fingerprint = twin.fingerprint(),
                              .version = 1,
                              .previous = std::nullopt,
                              .changes = {{RollChangeKind::kAdd, person.national_id, ticket.unit}}})));
  ASSERT_TRUE(
      state.apply_document(1, EntryType::kPhase,
                           e.document(labels::kSignPhase, PhaseEvent{.fingerprint = twin.fingerprint(),
                                                                     .kind = PhaseEventKind::kOpened,
                                                                     .time_s = w.now_ms / 1000})));
  EXPECT_TRUE(state.admit(e.logged(envelope, w.now_ms), e.eid()));

  refused("as it is", envelope, Reason::kElectionFpMismatch, Evidence::kNone);
  refused("under this election's ticket, ciphertexts and proofs as they were",
          changed(1, [&](Ballot& ballot) { ballot.selections = foreign.selections; }),
          Reason::kBallotProofInvalid, Evidence::kLogged);
  Envelope half = changed(1, [](Ballot&) {});
  half.ticket = signed_ticket;
  refused("a ballot of this election on a ticket of the other", half, Reason::kElectionFpMismatch,
          Evidence::kLogged);
  accepted(1);
  expect_the_same_answers();
}

// A30: ballots for people who did not vote, also with the collector's own service key.
TEST_F(CheatingClientTest, A30_Stuffing) {
  const auto own = w.cast(1);
  refused("no signature", without_signature(own.submission.envelope), Reason::kBallotSignatureMissing,
          Evidence::kNone);
  refused("another voter's signature", signed_by(e.card(4), ballot_in(own), own.submission.envelope.ticket),
          Reason::kSignerNotPseudonym, Evidence::kNone);
  const Envelope exchanged = altered(own.submission.envelope,
                                     [&](SignedBallot& s) { s.certificate = e.card(4).signing_certificate; });
  refused("another voter's certificate", exchanged, Reason::kSigInvalid, Evidence::kNone);
  Card wrong_key = e.card(1);
  wrong_key.signing = wrong_key.authentication;
  wrong_key.signing_certificate = wrong_key.authentication_certificate;
  refused("signed with the authentication key",
          signed_by(wrong_key, ballot_in(own), own.submission.envelope.ticket), Reason::kCertKeyUsage,
          Evidence::kNone);
  CastTicket ghost = ticket_in(own.submission.envelope.ticket);
  ghost.pseudonym = e.pseudonym(77);
  refused("off the roll", w.cast(77, e.sign_ticket(ghost)).submission.envelope, Reason::kVoterNotOnRoll,
          Evidence::kNone);
  refused("a unit that is not hers", on_forged_ticket(4, [](CastTicket& t) { t.unit = {"u3"}; }),
          Reason::kDistrictMismatch, Evidence::kLogged);

  const auto others = w.ticket(4).value();
  refused("on another voter's ticket, in her name",
          signed_by(e.card(1), ballot_in(w.cast(4, others)), others), Reason::kSignerNotPseudonym,
          Evidence::kNone);
  Ballot borrowed = ballot_in(own);
  borrowed.ticket_hash = sha256(others.body);
  refused("on another voter's ticket, in one's own name", signed_by(e.card(1), borrowed, others),
          Reason::kTicketMismatch, Evidence::kLogged);
  Envelope home_made = own.submission.envelope;
  home_made.ticket.signature[0] ^= 1;
  refused("on a ticket that nobody issued", home_made, Reason::kAuthChallengeUnknown, Evidence::kLogged);
  accepted(own);
  accepted(4);
  expect_the_same_answers();
}

// A31, A32, two ballots on one ticket, held-back ballots: which of them counts is settled by the chain.
TEST_F(CheatingClientTest, A31_A32_OrderOfBallots) {
  // Two on one ticket; the loser again after a recast; and the first itself again, which changes nothing.
  const auto ticket = w.ticket(1).value();
  const auto first = w.cast(1, ticket, {0, 0});
  const auto second = w.cast(1, ticket, {1, 1});
  accepted(first);
  refused("a second ballot on one ticket", second.submission.envelope, Reason::kCastConflict,
          Evidence::kLogged);
  accepted(1, {2, 2});
  refused("it again, after a recast", second.submission.envelope, Reason::kStaleCastCounter,
          Evidence::kLogged);
  const std::uint64_t size = log_size();
  w.expect_recorded(w.post("/v1/ballot", first.body()), first, SubmitOutcome::kDuplicateIdempotent);
  EXPECT_EQ(log_size(), size);
  const Bytes again = encode(e.logged(first.submission.envelope, w.now_ms));
  attempts.push_back({"an old ballot logged once more", size, again, Reason::kStaleCastCounter});

  // Two tickets for one state: the ballot on the older is held back until the other is logged.
  const auto held_back = w.cast(4, w.ticket(4).value(), {0, 0});
  accepted(4, {1, 1});
  refused("held back until another was logged", held_back.submission.envelope, Reason::kCastConflict,
          Evidence::kLogged);

  // The second of a chain before the first, on a ticket forged for it. Then both in order.
  const auto one = w.cast(7, {0, 0});
  CastTicket after_one = ticket_in(w.ticket(7).value());
  after_one.counter = 2;
  after_one.previous = one.id;
  const auto two = w.cast(7, e.sign_ticket(after_one), {1, 1});
  refused("the second before the first", two.submission.envelope, Reason::kRecastOrderConflict,
          Evidence::kLogged);
  accepted(one);
  refused("a predecessor passed over",
          on_forged_ticket(7, [](CastTicket& t) { t.previous = sha256(bytes_of("another")); }),
          Reason::kRecastChainBroken, Evidence::kLogged);
  accepted(two);

  // Held back beyond the ticket's expiry, and just not.
  const auto late = w.cast(2);
  const auto in_time = w.cast(5);
  const std::uint64_t expires_s = ticket_in(late.submission.envelope.ticket).expires_s;
  ASSERT_EQ(ticket_in(in_time.submission.envelope.ticket).expires_s, expires_s);
  w.now_ms = expires_s * 1000 - 1;
  accepted(in_time);
  w.now_ms = expires_s * 1000;
  refused("held back until its ticket expired", late.submission.envelope, Reason::kTicketExpired,
          Evidence::kLogged);
  accepted(2);
  expect_the_same_answers();

  // An operator who exchanges the two ballots of voter 7 in the log.
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (type_of(entries[i]) != EntryType::kBallot) continue;
    const BallotId id = id_of(decode<BallotItem>(items[i].item)->envelope);
    if (id == one.id || id == two.id) places.push_back(i);
  }
  ASSERT_EQ(places.size(), 2U);
  std::swap(entries[places[0]], entries[places[1]]);
  std::swap(items[places[0]], items[places[1]]);
  expect_found("two ballots of one voter exchanged", log_with({}), Reason::kRecastOrderConflict);
}

// One encoding a ballot: bytes that say the same in another way are no ballot.
TEST_F(CheatingClientTest, OtherBytes) {
  const auto cast = w.cast(1);
  const auto resigned = [&](const Bytes& ballot) {
    Envelope out = e.envelope(ballot, ticket_in(cast.submission.envelope.ticket), e.card(1));
    out.ticket = cast.submission.envelope.ticket;
    return out;
  };
  Bytes longer = ballot_bytes(cast.submission.envelope);
  longer.push_back(0);
  refused("a byte behind the ballot", resigned(longer), Reason::kWireNoncanonical, Evidence::kNone);
  refused(
      "a group element that is none",
      [&] {
        Bytes out = ballot_bytes(cast.submission.envelope);
        const auto alpha = ballot_in(cast).selections[0].alpha.encode();
        std::fill_n(std::ranges::search(out, alpha).begin(), 32, std::uint8_t{0xFF});
        return resigned(out);
      }(),
      reason_of(Fault::kPointNoncanonical), Evidence::kNone);
  refused(
      "the identity as alpha",
      [&] {
        Bytes out = ballot_bytes(cast.submission.envelope);
        const auto alpha = ballot_in(cast).selections[0].alpha.encode();
        std::fill_n(std::ranges::search(out, alpha).begin(), 32, std::uint8_t{0});
        return resigned(out);
      }(),
      reason_of(Fault::kPointIdentity), Evidence::kNone);
  refused("a slot less", changed(1, [](Ballot& ballot) { ballot.selections.pop_back(); }),
          Reason::kBallotShape, Evidence::kLogged);
  refused("randomness used twice",
          changed(1, [](Ballot& ballot) { ballot.selections[1].alpha = ballot.selections[0].alpha; }),
          Reason::kBallotRReuse, Evidence::kLogged);
  accepted(cast);
  expect_the_same_answers();
}

/// The council is chosen by marking one or two of its four choices.
class CheatingSeveralTest : public CheatingClientTest {
 protected:
  CheatingSeveralTest() : CheatingClientTest(several(), {0, 0, 1, 0, 0}) {}
  static Options several() {
    Options options = small_groups();
    options.amend = [](Definition& d) { d.contests[1].several = SeveralRule{.min = 1, .max = 2}; };
    return options;
  }
  const CandidateTable& council_of(const Ballot& ballot) const {
    return *election().ballot_slots(*election().unit_index(ballot.unit))[1].table;
  }
  /// The next voter who cheats: of each five refusals are logged (SPEC §9.6).
  std::uint64_t cheat() const { return 2 + attempts.size() / 5; }
  Envelope forged(std::uint64_t n, const adversary::ForgedMarks& marks) {
    return changed(n, [&](Ballot& ballot) {
      adversary::forge_marks(election(), ballot, council_of(ballot), std::span(ballot.selections).subspan(1),
                             marks, e.rng());
    });
  }
};

// A63, A110 in a contest of kind several: marks that are none, more or fewer marks than the rule allows, each
// with the best proof that a client can make for it; and proofs moved.
TEST_F(CheatingSeveralTest, A16_A63_A110_MarksThatTheRuleForbids) {
  const std::size_t mark_size =
      12 * Ristretto::Point::kWidth;  // the count's proof stands behind the last mark's
  const auto refused_proof = [&](const std::string& what, const Envelope& envelope) {
    refused(what, envelope, Reason::kBallotProofInvalid, Evidence::kLogged);
  };
  refused_proof("one choice marked twice", forged(cheat(), {.marks = {2, 0, 0, 0}, .claimed = {1, 0, 0, 0}}));
  refused_proof("a vote taken from one choice, so that another may have two",
                forged(cheat(), {.marks = {-1, 2, 0, 0}, .claimed = {0, 1, 0, 0}}));
  refused_proof("a vote taken from one choice, so that three others may have one",
                forged(cheat(), {.marks = {-1, 1, 1, 1}, .claimed = {0, 1, 1, 0}}));
  refused_proof("three marks, as if two were allowed",
                forged(cheat(), {.marks = {1, 1, 1, 0}, .claimed = {1, 1, 1, 0}}));
  refused_proof("three marks, with a proof that holds where three are allowed",
                forged(cheat(), {.marks = {1, 1, 1, 0}, .claimed = {1, 1, 1, 0}, .max = 3}));
  refused_proof("no mark, as if one were needed",
                forged(cheat(), {.marks = {0, 0, 0, 0}, .claimed = {0, 0, 0, 0}}));
  refused_proof("no mark, with a proof that holds where none is needed",
                forged(cheat(), {.marks = {0, 0, 0, 0}, .claimed = {0, 0, 0, 0}, .min = 0}));

  const Ballot own = ballot_in(w.cast(cheat(), usual));
  refused_proof("three marks, with the count of a ballot that has one", changed(cheat(), [&](Ballot& ballot) {
                  const auto council = std::span(ballot.selections).subspan(1);
                  adversary::forge_marks(election(), ballot, council_of(ballot), council,
                                         {.marks = {1, 1, 1, 0}, .claimed = {1, 1, 1, 0}, .max = 3}, e.rng());
                  const Bytes& other = own.selections.back().proof;
                  Bytes& count = council.back().proof;
                  count.resize(mark_size);
                  count.insert(count.end(), other.begin() + mark_size, other.end());
                }));
  refused_proof("a mark and its proof moved to another choice", changed(cheat(), [](Ballot& ballot) {
                  for (const auto part : {&Selection::alpha, &Selection::beta})
                    std::swap(ballot.selections[1].*part, ballot.selections[2].*part);
                  std::swap(ballot.selections[1].proof, ballot.selections[2].proof);
                }));
  refused_proof("a mark times two, under its proof", changed(cheat(), [&](Ballot& ballot) {
                  // Two times alpha and beta − P hold the mark twice.
                  const auto two = Ristretto::Scalar::from_u64(2);
                  const auto& P = council_of(ballot).marks->P();
                  Selection& mark = ballot.selections[2];
                  mark.alpha = Ristretto::mul_vartime(two, mark.alpha);
                  mark.beta = Ristretto::mul_vartime(two, mark.beta - P) + P;
                }));

  const auto victim = w.cast(1, usual);
  const auto hers = ballot_in(victim).selections;
  const auto copy = changed(cheat(), [&](Ballot& ballot) {
    std::copy(hers.begin() + 1, hers.end(), ballot.selections.begin() + 1);
  });
  refused_proof("another's marks, copied before she cast them", copy);
  accepted(victim);
  refused("another's marks, copied after", copy, Reason::kBallotDuplicateCiphertext, Evidence::kLogged);
  refused("one randomness for all marks, with proofs that hold",
          forged(cheat(), {.marks = {0, 1, 0, 0}, .claimed = {0, 1, 0, 0}, .one_randomness = true}),
          Reason::kBallotRReuse, Evidence::kLogged);
  refused("a mark without its proof",
          changed(cheat(), [](Ballot& ballot) { ballot.selections[3].proof.clear(); }),
          Reason::kBallotProofMissing, Evidence::kLogged);
  refused("marks without their count",
          changed(cheat(), [&](Ballot& ballot) { ballot.selections.back().proof.resize(mark_size); }),
          reason_of(Fault::kProofEncoding), Evidence::kLogged);
  refused("a choice less", changed(cheat(), [](Ballot& ballot) { ballot.selections.pop_back(); }),
          Reason::kBallotShape, Evidence::kLogged);

  // What the rule allows, also by the cheat's own means.
  Cast cast = w.cast(2, usual);
  cast.submission.envelope = forged(2, {.marks = {0, 1, 0, 1}, .claimed = {0, 1, 0, 1}});
  cast.id = id_of(cast.submission.envelope);
  accepted(cast);
  accepted(7, {0, 1, 0, 0, 0});
  expect_the_same_answers();
}

}  // namespace
}  // namespace psephos::test
