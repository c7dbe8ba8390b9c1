// Rolls, paper ballots and who has voted, from signed files to the lists that are mixed (SPEC §10.5).
#include "collector/register.h"

#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/json.hpp>
#include <chrono>
#include <iostream>
#include <random>
#include <set>

#include "collector/operator.h"
#include "crypto/secret/note_signer.h"
#include "protocol/checks/lists.h"
#include "protocol/labels.h"
#include "protocol/national_id.h"
#include "tally/documents.h"
#include "tally/import.h"
#include "tests/collector/collector_fixture.h"
#include "tests/support/test_election.h"
#include "tests/trust-services/test_ca/national_ids.h"

namespace psephos::test {
namespace {

using collector::Head;
using collector::Ledger;
using collector::Notice;
using collector::NoticeKind;

/// The log of a test as a store that is read.
class LogStore final : public collector::Store {
 public:
  explicit LogStore(const TestLog& log) : log_(log) {}
  Result<Head, Rejection> head() override { return Head{log_.tree.size(), log_.tree.root()}; }
  Result<collector::StoredEntry, Rejection> entry(std::uint64_t index) override {
    ++entries_read;
    const LoggedItem& item = log_.items.at(index);
    return collector::StoredEntry{index, log_.entries[index], item.salt, item.item, std::nullopt};
  }
  Result<Bytes, Rejection> entry_bytes(std::uint64_t from, std::uint64_t count) override {
    Bytes out;
    for (std::uint64_t i = from; i < from + count && i < log_.entries.size(); ++i)
      append(out, log_.entries[i]);
    return out;
  }
  Result<collector::Lease, Rejection> lease() override { return none(); }
  Result<bool, Rejection> take_lease(const std::string&, const std::string&,
                                     std::chrono::milliseconds) override {
    return none();
  }
  Result<bool, Rejection> renew_lease(std::chrono::milliseconds) override { return none(); }
  Result<void, Rejection> release_lease() override { return none(); }
  Result<void, Rejection> put_signed_head(const Head&) override { return none(); }
  Result<void, Rejection> for_each(
      std::uint64_t, const std::function<Result<void, Rejection>(const collector::StoredEntry&)>&) override {
    return none();
  }
  Result<void, Rejection> append(const Head&, std::span<const collector::NewEntry>, const Head&) override {
    return none();
  }
  Result<void, Rejection> put_checkpoint(const collector::StoredCheckpoint&) override { return none(); }
  Result<std::optional<collector::StoredCheckpoint>, Rejection> checkpoint_covering(std::uint64_t) override {
    return std::optional<collector::StoredCheckpoint>();
  }
  Result<std::optional<collector::StoredCheckpoint>, Rejection> latest_checkpoint() override {
    return std::optional<collector::StoredCheckpoint>();
  }
  Result<std::optional<collector::FetchRecord>, Rejection> fetch_record(const BallotId&) override {
    return std::optional<collector::FetchRecord>();
  }
  Result<bool, Rejection> count_fetch(const BallotId&, std::uint64_t) override { return false; }
  Result<void, Rejection> erase_fetch_secrets() override { return none(); }
  std::uint64_t entries_read = 0;

 private:
  static std::unexpected<Rejection> none() { return reject(Reason::kUsage, "a log that is only read"); }
  static void append(Bytes& out, const EntryBytes& entry) {
    out.insert(out.end(), entry.begin(), entry.end());
  }
  const TestLog& log_;
};

constexpr const char* kUnits[] = {"0101.1", "0102.1", "foreign.2"};
constexpr const char* kElectionId = "KOV_2027";

Options with_estonian_units() {
  Options options;
  options.smallest_group = 1;
  options.amend = [](Definition& d) {
    for (std::size_t i = 0; i < 3; ++i) d.units[i].id = {kUnits[i]};
  };
  return options;
}

/// One registrar for everything, who signs notes.
struct Registrar {
  SigningKey secret;
  NoteKey key;
  RegistrarKey checked;
  explicit Registrar(Rng& rng)
      : secret(SigningKey::generate(rng)),
        key(note_key("register", NoteKeyType::kLog, secret)),
        checked(RegistrarKey::parse(bytes_of(key.encode())).value()) {}
  SignedFile sign(const std::string& name, const std::string& text) const {
    SignedNote note{"psephos-1/registrar\n" + to_hex(sha256(bytes_of(text))) + "\n", {}};
    note.signatures.push_back({key.name, key.id(), copy_of(secret.sign(bytes_of(note.text)))});
    return {name, copy_of(bytes_of(text)), copy_of(bytes_of(note.encode()))};
  }
};

/// The whole office: registrar, commission and log of one election.
class Office {
 public:
  Office() : e(with_estonian_units()), registrar(e.rng()), log(e), rule(e.election().definition()) {}

  std::string id(std::uint64_t n) { return e.card(n).person.national_id; }

  RollFile roll_file(std::vector<RollChange> changes) const {
    std::ranges::sort(changes, {}, &RollChange::national_id);
    return {.election = kElectionId,
            .changeset = book.version(),
            .from = "2027-01-01T00:00:00Z",
            .to = "2027-01-01T00:00:00Z",
            .changes = std::move(changes),
            .lines = {}};
  }
  Result<ImportedRoll, Rejection> try_import(const RollFile& file, Absent absent = Absent::kRefuse,
                                             ListForm form = ListForm::kTabs) {
    return import_roll(e.election(), book, registrar.checked,
                       registrar.sign("voters.utf", write_roll_file(file, form)), rule, kElectionId, absent);
  }
  /// From the registrar's file into the log.
  void change_roll(std::vector<RollChange> changes, ListForm form = ListForm::kTabs) {
    const auto imported = try_import(roll_file(std::move(changes)), Absent::kRefuse, form);
    ASSERT_TRUE(imported) << to_string(imported.error());
    const Bytes body = encode(imported->document);
    ASSERT_TRUE(check_signable(DocumentKind::kRoll, body, &e.election()));
    log.document(EntryType::kRoll, e.sign(labels::kSignRoll, body));
    ASSERT_TRUE(book.apply(imported->document, sha256(body)));
  }
  Result<ImportedPaper, Rejection> try_paper(const std::vector<std::vector<NationalId>>& stations,
                                             RevocationKind kind, ListForm form = ListForm::kTabs) {
    std::vector<SignedFile> files;
    for (const auto& voters : stations)
      files.push_back(registrar.sign("station-" + std::to_string(files.size() + 1),
                                     write_paper_list({kElectionId, kind, voters}, form)));
    return import_paper(e.election(), book, registrar.checked, files, kElectionId,
                        log.state.next_revocation());
  }
  /// From the stations' files into the log. @return whether there was anybody of the roll in them.
  bool paper(const std::vector<std::vector<NationalId>>& stations, RevocationKind kind) {
    const auto imported = try_paper(stations, kind);
    if (!imported) {
      EXPECT_EQ(to_string(imported.error()),
                "ROLL_FORMAT: a line of the list of voters cannot be read (no list has a "
                "voter of the roll)");
      return false;
    }
    log.document(EntryType::kRevocation, e.sign(labels::kSignRevocation, encode(imported->list)));
    return true;
  }
  void open() {
    log.document(EntryType::kPhase, e.phase(PhaseEventKind::kOpened, e.options().casting_begins_s));
  }

  void with_ledger(const std::function<void(const Ledger&, LogStore&)>& use) {
    Ledger ledger(e.election());
    ledger.state = log.state;
    ledger.tree = log.tree;
    LogStore store(log);
    use(ledger, store);
  }
  VotedList voted(std::uint64_t from = 0, std::optional<std::uint64_t> until = std::nullopt,
                  std::optional<Id> unit = std::nullopt) {
    VotedList out;
    with_ledger([&](const Ledger& ledger, LogStore& store) {
      auto answer = collector::voted_list(ledger, store, {kElectionId, from, until, std::move(unit)});
      ASSERT_TRUE(answer) << to_string(answer.error());
      EXPECT_EQ(answer->root, log.tree.root(answer->list.next));
      out = std::move(answer->list);
    });
    return out;
  }
  std::vector<Notice> notices(std::uint64_t since = 0) {
    std::vector<Notice> out;
    with_ledger([&](const Ledger& ledger, LogStore& store) {
      auto answer = collector::notices_since(ledger, store, since);
      ASSERT_TRUE(answer) << to_string(answer.error());
      EXPECT_EQ(answer->next, log.entries.size());
      out = std::move(answer->notices);
    });
    return out;
  }
  /// Units in which each voter's ballot stands in the lists that will be mixed. The log is sealed.
  std::multimap<NationalId, std::string> mixed(std::uint64_t persons) {
    std::multimap<NationalId, std::string> out;
    const auto groups = derive_lists(log.state);
    EXPECT_TRUE(groups) << to_string(groups.error());
    if (!groups) return out;
    std::map<Pseudonym, NationalId> names;
    for (std::uint64_t n = 1; n <= persons; ++n) names[e.pseudonym(n)] = id(n);
    for (std::uint64_t b = 0; b < log.state.ballots(); ++b) {
      const LoggedBallot& ballot = log.state.ballot(b);
      const EncodedCiphertext& first = log.state.ciphertext(ballot, 0);
      for (const GroupInput& group : *groups)
        for (std::size_t at = 0; at < group.rows().size(); at += first.size())
          if (equal(group.rows().subspan(at, first.size()), first))
            out.emplace(names.at(log.state.voter_of(ballot).pseudonym), group.sheet.units.at(0).text);
    }
    return out;
  }

  TestElection e;
  Registrar registrar;
  TestLog log;
  UnitRule rule;
  RollBook book;
};

RollChange add(const NationalId& id, const char* unit) {
  return {RollChangeKind::kAdd, id, Id{unit}};
}
RollChange move(const NationalId& id, const char* unit) {
  return {RollChangeKind::kMove, id, Id{unit}};
}
RollChange strike(const NationalId& id) {
  return {RollChangeKind::kStrike, id, std::nullopt};
}

// ---- never both, never lost -------------------------------------------------------------------------------

/// What happened to a person, in words; judged by reading back from the end.
struct PlainPerson {
  std::vector<std::string> history;
  std::string last(const std::string& kind) const {
    for (auto it = history.rbegin(); it != history.rend(); ++it)
      if (it->starts_with(kind + " ")) return it->substr(kind.size() + 1);
    return "none";
  }
  bool on_paper() const { return last("paper") == "taken"; }
  bool on_roll() const { return last("roll") != "none" && last("roll") != "off"; }
  bool votes_online() const {
    return last("ballot") != "none" && on_roll() && last("ballot") == last("roll");
  }
};

TEST(Register, WhateverTheOrderNeverBothAndNeverLost) {
  constexpr std::uint64_t kPersons = 7;
  std::uint64_t ballots = 0, revocations = 0, stale = 0, counted = 0, on_paper = 0;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    const auto draw = [&](std::uint64_t below) { return random() % below; };
    Office office;
    std::vector<PlainPerson> people(kPersons + 1);
    std::vector<RollChange> first;
    for (std::uint64_t n = 1; n <= 5; ++n) {  // two are not on the roll yet
      const char* unit = kUnits[draw(3)];
      first.push_back(add(office.id(n), unit));
      people[n].history.push_back(std::string("roll ") + unit);
    }
    office.change_roll(first, seed % 2 == 0 ? ListForm::kTabs : ListForm::kJson);
    office.open();

    // Stations report everybody whose paper ballot they hold, again and again.
    const auto report_paper = [&] {
      std::vector<std::vector<NationalId>> stations(2);
      for (std::uint64_t n = 1; n <= kPersons; ++n)
        if (people[n].on_paper()) stations[draw(2)].push_back(office.id(n));
      if (stations[0].size() + stations[1].size() > 0)
        revocations += office.paper(stations, RevocationKind::kRevoke) ? 1U : 0U;
    };
    std::map<std::uint64_t, CastTicket> tickets;  // taken, not used yet
    bool casting = true;
    for (int step = 0; step < 40; ++step) {
      if (step == 34) {
        office.log.document(EntryType::kPhase, office.e.phase(PhaseEventKind::kCastingClosed,
                                                              office.e.options().casting_ends_s));
        casting = false;
      }
      const std::uint64_t n = 1 + draw(kPersons);
      const auto now = [&] {
        return office.log.now_s = std::max(office.log.now_s, office.e.options().casting_begins_s) + 1;
      };
      switch (draw(10)) {
        case 0:
        case 1:
        case 2:
          if (!casting || !people[n].on_roll()) break;
          office.log.vote(n, {draw(2), 0});
          people[n].history.push_back("ballot " + people[n].last("roll"));
          ++ballots;
          break;
        case 3:
        case 4:
          if (casting && people[n].on_roll()) tickets[n] = office.e.ticket(office.log.state, n, now());
          break;
        case 5:
        case 6: {  // a ticket from before, whatever has happened since
          if (!casting || !tickets.contains(n)) break;
          const CastTicket ticket = tickets[n];
          tickets.erase(n);
          const std::vector<std::size_t> choices{1, 0};
          const BallotItem item = office.e.cast(ticket, n, choices, now() * 1000);
          if (!office.log.state.admit(item, office.e.eid())) break;
          office.log.ballot(item);
          people[n].history.push_back("ballot " + ticket.unit.text);
          stale += ticket.unit.text == people[n].last("roll") ? 0U : 1U;
          ++ballots;
          break;
        }
        case 7:
          people[n].history.emplace_back("paper taken");
          if (draw(2) == 0) report_paper();
          break;
        case 8: {
          if (!people[n].on_paper()) break;
          people[n].history.emplace_back("paper back");
          if (office.book.knows(office.id(n))) {
            EXPECT_TRUE(office.paper({{office.id(n)}}, RevocationKind::kRestore));
          }
          break;
        }
        case 9: {
          std::vector<RollChange> changes;
          for (std::uint64_t k = 1; k <= kPersons; ++k) {
            if (draw(3) != 0) continue;
            const char* unit = kUnits[draw(3)];
            if (!people[k].on_roll())
              changes.push_back(add(office.id(k), unit));
            else if (draw(3) == 0)
              changes.push_back(strike(office.id(k)));
            else
              changes.push_back(move(office.id(k), unit));
            people[k].history.push_back("roll " + (changes.back().unit ? changes.back().unit->text : "off"));
          }
          if (!changes.empty()) office.change_roll(changes);
          break;
        }
        default:
          break;
      }
      if (testing::Test::HasFatalFailure()) return;
    }
    report_paper();  // the last before the seal, complete
    if (casting)
      office.log.document(EntryType::kPhase,
                          office.e.phase(PhaseEventKind::kCastingClosed, office.e.options().casting_ends_s));
    office.log.document(EntryType::kPhase,
                        office.e.phase(PhaseEventKind::kLogSealed, office.e.options().grace_ends_s));

    const auto mixed = office.mixed(kPersons);
    std::map<NationalId, std::string> expected;
    for (std::uint64_t n = 1; n <= kPersons; ++n) {
      const PlainPerson& person = people[n];
      EXPECT_LE(mixed.count(office.id(n)) + (person.on_paper() ? 1U : 0U), 1U)
          << "voter " << n << " counts twice";
      if (person.votes_online() && !person.on_paper()) expected[office.id(n)] = person.last("roll");
      on_paper += person.on_paper() ? 1U : 0U;
    }
    EXPECT_EQ((std::map<NationalId, std::string>(mixed.begin(), mixed.end())), expected);
    counted += expected.size();

    // The list for polling stations says the same; lists whose ends meet add up to it; so do notices.
    const std::uint64_t size = office.log.entries.size();
    std::map<NationalId, std::string> whole;
    for (const auto& line : office.voted().lines) whole[line.voter] = line.now->text;
    EXPECT_EQ(whole, expected);
    std::map<NationalId, std::string> pieced;
    for (std::uint64_t from = 0; from < size;) {
      const std::uint64_t until = from + 1 + draw(size - from);
      const auto read = read_voted_list(write_voted_list(office.voted(from, until), ListForm::kTabs));
      ASSERT_TRUE(read) << to_string(read.error());
      for (const auto& line : read->lines) {
        const auto at = pieced.find(line.voter);
        EXPECT_EQ(line.before.has_value(), at != pieced.end());
        if (line.before && at != pieced.end()) {
          EXPECT_EQ(line.before->text, at->second);
        }
        if (at != pieced.end()) pieced.erase(at);
        if (line.now) pieced[line.voter] = line.now->text;
      }
      from = until;
    }
    EXPECT_EQ(pieced, expected);
    std::map<NationalId, bool> told;
    std::uint64_t of_ballots = 0;
    for (const Notice& notice : office.notices()) {
      told[notice.voter] = notice.counts;
      of_ballots += notice.received_ms != 0 ? 1U : 0U;
    }
    EXPECT_EQ(of_ballots, office.log.state.ballots());
    for (const auto& [voter, counts] : told) EXPECT_EQ(counts, expected.contains(voter));
    for (const auto& [voter, unit] : expected) EXPECT_TRUE(told.contains(voter));
  }
  std::cout << "60 elections: " << ballots << " ballots, " << stale << " on a ticket of another unit, "
            << revocations << " revocation lists; " << counted << " voters counted online, " << on_paper
            << " on paper\n";
  EXPECT_GT(ballots, 300U);
  EXPECT_GT(stale, 0U);
  EXPECT_GT(revocations, 10U);
  EXPECT_GT(counted, 10U);
  EXPECT_GT(on_paper, 10U);
}

// ---- one thing at a time ----------------------------------------------------------------------------------

class RegisterTest : public testing::Test {
 protected:
  void SetUp() override {
    office.change_roll({add(office.id(1), kUnits[0]), add(office.id(2), kUnits[0]),
                        add(office.id(3), kUnits[1]), add(office.id(4), kUnits[2])});
    office.open();
  }
  std::string voted_of(std::uint64_t n) {
    for (const auto& line : office.voted().lines)
      if (line.voter == office.id(n)) return line.now->text;
    return "no";
  }
  /// Kinds of the notices from an entry on, with + if the ballot counts.
  std::string told(std::uint64_t since) {
    std::string out;
    for (const Notice& notice : office.notices(since))
      out += std::string(out.empty() ? "" : " ") + std::string(collector::name_of(notice.kind)) +
             (notice.counts ? "+" : "-");
    return out;
  }
  Office office;
};

TEST_F(RegisterTest, APaperBallotPrevailsWhicheverCameFirst) {
  office.log.vote(1, {0, 0});
  EXPECT_EQ(voted_of(1), kUnits[0]);
  ASSERT_TRUE(office.paper({{office.id(1), office.id(3)}}, RevocationKind::kRevoke));
  EXPECT_EQ(voted_of(1), "no");
  office.log.vote(3, {0, 0});  // after her paper ballot
  EXPECT_EQ(voted_of(3), "no");
  ASSERT_TRUE(office.paper({{office.id(3)}}, RevocationKind::kRestore));
  EXPECT_EQ(voted_of(3), kUnits[1]);
  office.log.close_and_seal();
  const auto mixed = office.mixed(4);
  EXPECT_EQ(mixed.count(office.id(1)), 0U);
  EXPECT_EQ(mixed.count(office.id(3)), 1U);
}

TEST_F(RegisterTest, TheListOfVotersTellsNothingOfRepeatedBallots) {
  office.log.vote(1, {0, 0});
  const std::uint64_t cut = office.log.entries.size();
  const std::string before = write_voted_list(office.voted(0, cut), ListForm::kTabs);
  office.log.vote(1, {1, 0});
  EXPECT_TRUE(office.voted(cut).lines.empty());
  EXPECT_EQ(write_voted_list(office.voted(0, cut), ListForm::kTabs), before);  // asked again, the same bytes
  office.log.vote(2, {1, 0});
  EXPECT_EQ(office.voted(0, std::nullopt, Id{kUnits[0]}).lines.size(), 2U);
  EXPECT_TRUE(office.voted(0, std::nullopt, Id{kUnits[1]}).lines.empty());
  office.with_ledger([&](const Ledger& ledger, LogStore& store) {
    const auto refused = [&](collector::VotedQuery query) {
      const auto answer = collector::voted_list(ledger, store, query);
      return answer ? std::nullopt : std::optional(answer.error().reason);
    };
    const std::uint64_t size = office.log.entries.size();
    EXPECT_EQ(refused({kElectionId, size, std::nullopt, std::nullopt}), std::nullopt);
    EXPECT_EQ(refused({kElectionId, size + 1, std::nullopt, std::nullopt}), Reason::kUsage);
    EXPECT_EQ(refused({kElectionId, 0, size + 1, std::nullopt}), Reason::kUsage);
    EXPECT_EQ(refused({kElectionId, 2, 1, std::nullopt}), Reason::kUsage);
    EXPECT_EQ(refused({kElectionId, 0, std::nullopt, Id{"u9"}}), Reason::kUsage);
    // Ballots are not read for the list: documents only.
    store.entries_read = 0;
    EXPECT_EQ(refused({kElectionId, 0, std::nullopt, std::nullopt}), std::nullopt);
    EXPECT_EQ(store.entries_read, 1U);
  });
}

TEST_F(RegisterTest, A50_EveryBallotGivesItsVoterANotice) {
  const std::uint64_t start = office.log.entries.size();
  office.log.vote(1, {0, 0});
  const std::uint64_t second = office.log.entries.size();
  office.log.vote(1, {1, 0});  // not by her hand, perhaps: she is told
  EXPECT_EQ(told(start), "voted+ voted-again+");
  const auto again = office.notices(second);
  ASSERT_EQ(again.size(), 1U);
  EXPECT_EQ(again[0].voter, office.id(1));
  EXPECT_EQ(again[0].entry, second);
  EXPECT_EQ(again[0].received_ms, office.log.now_s * 1000);
  EXPECT_TRUE(office.notices(office.log.entries.size()).empty());

  const std::uint64_t documents = office.log.entries.size();
  ASSERT_TRUE(
      office.paper({{office.id(1), office.id(2)}}, RevocationKind::kRevoke));  // 2 has no ballot: no notice
  EXPECT_EQ(told(documents), "revoked-by-paper-ballot-");
  ASSERT_TRUE(office.paper({{office.id(1)}}, RevocationKind::kRevoke));  // again: nothing new
  EXPECT_EQ(told(documents), "revoked-by-paper-ballot-");
  office.log.vote(1, {0, 0});  // accepted, and she hears that it does not count
  ASSERT_TRUE(office.paper({{office.id(1)}}, RevocationKind::kRestore));
  office.change_roll({move(office.id(1), kUnits[1])});
  office.change_roll({move(office.id(1), kUnits[0])});
  office.change_roll({move(office.id(1), kUnits[0])});  // a new name
  office.change_roll({strike(office.id(1))});
  office.change_roll({add(office.id(1), kUnits[0])});
  EXPECT_EQ(told(documents),
            "revoked-by-paper-ballot- voted-again- restored+ moved- reinstated+ struck-off- reinstated+");
}

TEST_F(RegisterTest, A37_RollChangedBetweenTicketAndBallot) {
  // She asks while she lives in the first unit, and casts after the register has moved her.
  const std::uint64_t now_s = office.e.options().casting_begins_s + 1;
  const std::vector<std::size_t> choices{0, 0};
  const CastTicket old_ticket = office.e.ticket(office.log.state, 1, now_s);
  office.change_roll({move(office.id(1), kUnits[1])});
  const std::uint64_t cast_at = office.log.entries.size();
  office.log.ballot(office.e.cast(old_ticket, 1, choices, now_s * 1000));
  // It is never counted in the unit that she has left, and she is told at once.
  EXPECT_EQ(voted_of(1), "no");
  EXPECT_EQ(told(cast_at), "voted-");
  // Asking anew she sees her unit; a ballot for it counts.
  const CastTicket fresh = office.e.ticket(office.log.state, 1, now_s);
  EXPECT_EQ(fresh.unit.text, kUnits[1]);
  EXPECT_EQ(fresh.roll_version, 2U);
  // A ticket that speaks of another version than its unit is refused, and one of a version that is not there.
  CastTicket mixed_up = fresh;
  mixed_up.unit = Id{kUnits[0]};
  const auto refusal = [&](const CastTicket& ticket) {
    const auto admitted =
        office.log.state.admit(office.e.cast(ticket, 1, choices, now_s * 1000), office.e.eid());
    return admitted ? std::nullopt : std::optional(admitted.error().reason);
  };
  EXPECT_EQ(refusal(mixed_up), Reason::kDistrictMismatch);
  CastTicket unknown = fresh;
  unknown.roll_version = 3;
  EXPECT_EQ(refusal(unknown), Reason::kRollVersionStale);
  EXPECT_EQ(refusal(fresh), std::nullopt);
  office.log.vote(1, {1, 0});
  EXPECT_EQ(voted_of(1), kUnits[1]);
  office.log.close_and_seal();
  const auto mixed = office.mixed(4);
  ASSERT_EQ(mixed.count(office.id(1)), 1U);
  EXPECT_EQ(mixed.find(office.id(1))->second, kUnits[1]);
}

TEST_F(RegisterTest, A175_NoSecondPseudonymForAVoter) {
  // A pseudonym is a hash of the identifier: whoever names another is on no roll, or is not the signer.
  office.log.vote(1, {0, 0});
  const std::uint64_t now_s = office.log.now_s + 1;
  const std::vector<std::size_t> choices{0, 0};
  CastTicket second = office.e.ticket(office.log.state, 1, now_s);
  second.counter = 1;
  second.previous.reset();
  second.pseudonym = sha256(bytes_of("a second one for voter 1"));
  const auto refusal = [&](const CastTicket& ticket, std::uint64_t card) {
    const auto admitted =
        office.log.state.admit(office.e.cast(ticket, card, choices, now_s * 1000), office.e.eid());
    return admitted ? std::nullopt : std::optional(admitted.error().reason);
  };
  EXPECT_EQ(refusal(second, 1), Reason::kVoterNotOnRoll);
  second.pseudonym = office.e.pseudonym(2);  // of somebody who has not voted
  EXPECT_EQ(refusal(second, 1), Reason::kSignerNotPseudonym);
  EXPECT_EQ(refusal(second, 2), std::nullopt);
  // No document brings in a second spelling: the commission's members do not sign it.
  const auto signable = [&](const NationalId& id) {
    RollDocument roll{office.e.election().fingerprint(), 2, office.book.hash(), {add(id, kUnits[0])}};
    RevocationList list{office.e.election().fingerprint(), 1, RevocationKind::kRevoke, {id}};
    const auto as_roll = check_signable(DocumentKind::kRoll, encode(roll), &office.e.election());
    const auto as_list = check_signable(DocumentKind::kRevocation, encode(list), &office.e.election());
    EXPECT_EQ(as_roll.has_value(), as_list.has_value());
    return as_roll ? std::nullopt : std::optional(as_roll.error().reason);
  };
  EXPECT_EQ(signable(office.id(1)), std::nullopt);
  std::string lower = office.id(1);
  lower.replace(0, 5, "pnoee");
  for (const std::string& spelling :
       {lower, office.id(1) + " ", office.id(1).substr(6), "PNOEE" + office.id(1).substr(6)})
    EXPECT_EQ(signable(spelling), Reason::kVoterIdFormat) << spelling;
}

// ---- imports ----------------------------------------------------------------------------------------------

TEST_F(RegisterTest, ImportsOfRollsAreJudgedWhole) {
  const auto verdict = [](const auto& result) {
    return result ? std::string("accepted")
                  : std::string(name_of(result.error().reason)) + " " + result.error().object;
  };
  const RollFile good = office.roll_file({move(office.id(1), kUnits[1]), move(office.id(2), kUnits[0]),
                                          strike(office.id(3)), add(office.id(5), kUnits[1])});
  const auto imported = office.try_import(good);
  ASSERT_TRUE(imported) << to_string(imported.error());
  EXPECT_EQ(imported->document.version, 2U);
  EXPECT_EQ(imported->document.previous, office.book.hash());
  EXPECT_EQ(imported->document.changes.size(), 4U);
  const std::string source = write_roll_file(good, ListForm::kTabs);
  EXPECT_NE(imported->minutes.find(to_hex(sha256(bytes_of(source)))), std::string::npos);
  EXPECT_NE(imported->minutes.find(
                "0101.1                       0         0         0         1         1         1"),
            std::string::npos)
      << imported->minutes;
  EXPECT_NE(imported->minutes.find(
                "all                          1         1         1         1         1         4"),
            std::string::npos)
      << imported->minutes;
  for (std::uint64_t n = 1; n <= 5; ++n)
    EXPECT_EQ(imported->minutes.find(office.id(n).substr(6)), std::string::npos)
        << "a personal code in the minutes";
  EXPECT_EQ(office.try_import(good, Absent::kRefuse, ListForm::kJson)->document.changes.size(), 4U);

  const auto refused = [&](const RollFile& file) { return verdict(office.try_import(file)); };
  RollFile other = good;
  other.election = "RK_2027";
  EXPECT_EQ(refused(other).substr(0, 12), "ROLL_FOREIGN");
  other = good;
  other.changeset = 2;
  EXPECT_EQ(refused(other).substr(0, 14), "ROLL_CHAIN_GAP");
  other.changeset = 0;
  EXPECT_EQ(refused(other).substr(0, 11), "ROLL_FORMAT");  // change set 0 only adds
  EXPECT_EQ(refused(office.roll_file({add(office.id(1), kUnits[0])})),
            "ROLL_CHANGE_INVALID voters.utf, line 5: adds somebody who is on the roll already");
  EXPECT_EQ(
      refused(office.roll_file({strike(office.id(6))})),
      "ROLL_CHANGE_INVALID voters.utf, line 5: removes somebody who is not on the roll; see --skip-absent");
  // As the public interface has it: the line is left out, and the minutes say so.
  const auto skipped = office.try_import(
      office.roll_file({strike(office.id(6)), move(office.id(7), kUnits[0]), strike(office.id(3))}),
      Absent::kSkip);
  ASSERT_TRUE(skipped) << to_string(skipped.error());
  ASSERT_EQ(skipped->document.changes.size(), 2U);
  for (const RollChange& change : skipped->document.changes)
    EXPECT_EQ(change.kind,
              change.national_id == office.id(3) ? RollChangeKind::kStrike : RollChangeKind::kAdd);
  EXPECT_NE(skipped->minutes.find("2 removals of somebody who is not on the roll"), std::string::npos);
  EXPECT_EQ(verdict(office.try_import(office.roll_file({strike(office.id(6))}), Absent::kSkip)).substr(0, 19),
            "ROLL_CHANGE_INVALID");

  SignedFile file = office.registrar.sign("voters.utf", source);
  file.bytes.back() ^= 1;
  EXPECT_EQ(verdict(import_roll(office.e.election(), office.book, office.registrar.checked, file, office.rule,
                                kElectionId, Absent::kRefuse)),
            "SIG_INVALID voters.utf");
}

TEST_F(RegisterTest, ImportsOfPaperListsTakeEveryVoterOfTheRollOnce) {
  const std::vector<NationalId> first{office.id(4), office.id(1)};
  const std::vector<NationalId> second{office.id(2), office.id(4), office.id(6)};
  for (const ListForm form : {ListForm::kTabs, ListForm::kJson}) {
    const auto imported = office.try_paper({first, second, {}}, RevocationKind::kRevoke, form);
    ASSERT_TRUE(imported) << to_string(imported.error());
    std::vector<NationalId> expected{office.id(1), office.id(2), office.id(4)};
    std::ranges::sort(expected);
    EXPECT_EQ(imported->list.national_ids, expected);
    EXPECT_NE(imported->minutes.find("station-2, person 2: also in station-1: two paper ballots?"),
              std::string::npos)
        << imported->minutes;
    EXPECT_NE(imported->minutes.find("station-2, person 3: never on the roll"), std::string::npos);
    for (std::uint64_t n = 1; n <= 6; ++n)
      EXPECT_EQ(imported->minutes.find(office.id(n).substr(6)), std::string::npos);
  }
  EXPECT_EQ(office.try_paper({{office.id(6)}}, RevocationKind::kRevoke).error().reason, Reason::kRollFormat);
  std::vector<SignedFile> both{
      office.registrar.sign("a",
                            write_paper_list({kElectionId, RevocationKind::kRevoke, first}, ListForm::kTabs)),
      office.registrar.sign(
          "b", write_paper_list({kElectionId, RevocationKind::kRestore, first}, ListForm::kTabs))};
  const auto import = [&] {
    const auto done =
        import_paper(office.e.election(), office.book, office.registrar.checked, both, kElectionId, 1);
    return done ? std::nullopt : std::optional(done.error().reason);
  };
  EXPECT_EQ(import(), Reason::kRollFormat);
  both.pop_back();
  EXPECT_EQ(import(), std::nullopt);
  both[0].signature.back() ^= 1;
  EXPECT_EQ(import(), Reason::kSigInvalid);
  both[0] = office.registrar.sign(
      "a", write_paper_list({"RK_2027", RevocationKind::kRevoke, first}, ListForm::kTabs));
  EXPECT_EQ(import(), Reason::kRollForeign);
}

// ---- a list and its signature -----------------------------------------------------------------------------

TEST_F(RegisterTest, AStationChecksItsListWithTheManifestAlone) {
  office.log.vote(1, {0, 0});
  const Election& election = office.e.election();
  const VotedList list = office.voted();
  const std::string text = write_voted_list(list, ListForm::kTabs);
  VotedStatement statement{election.fingerprint(), list.from, list.next, office.log.tree.root(),
                           sha256(bytes_of(text))};
  const NoteKey key = voted_note_key(election);
  const auto sign = [&](const VotedStatement& s, const SigningKey& secret) {
    SignedNote note{s.encode(), {}};
    note.signatures.push_back({key.name, key.id(), copy_of(secret.sign(bytes_of(note.text)))});
    return note.encode();
  };
  const SigningKey& service = office.e.collector[1];
  const std::string note = sign(statement, service);
  const auto verdict = [&](const std::string& l, const std::string& n) {
    const auto checked = check_voted_list(election, l, n);
    return checked ? std::nullopt : std::optional(checked.error().reason);
  };
  EXPECT_EQ(verdict(text, note), std::nullopt);
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string other = text;
    other[i] = static_cast<char>(other[i] ^ 1);
    EXPECT_NE(verdict(other, note), std::nullopt) << i;
  }
  for (std::size_t i = 0; i < note.size(); ++i) {
    std::string other = note;
    other[i] = static_cast<char>(other[i] ^ 1);
    EXPECT_NE(verdict(text, other), std::nullopt) << i;
  }
  EXPECT_EQ(verdict(text, sign(statement, office.e.collector[0])), Reason::kSigInvalid);  // the log's key
  EXPECT_EQ(verdict(write_voted_list(list, ListForm::kJson), note), Reason::kEvidenceFileAltered);
  VotedStatement other = statement;
  other.fingerprint[0] ^= 1;
  EXPECT_EQ(verdict(text, sign(other, service)), Reason::kElectionFpMismatch);
  other = statement;
  ++other.next;
  EXPECT_EQ(verdict(text, sign(other, service)), Reason::kEvidenceFileAltered);
  const std::string online = write_online_voters(list, Districts::kLocal).value();
  other = statement;
  other.list_hash = sha256(bytes_of(online));
  EXPECT_EQ(verdict(online, sign(other, service)), std::nullopt);
}

// ---- the running collector --------------------------------------------------------------------------------

TEST(RegisterOfARunningCollector, AnOperatorAsksByNameAndNothingIsLogged) {
  std::ostringstream logged;
  const auto before = spdlog::default_logger();
  const auto sink = std::make_shared<spdlog::sinks::ostream_sink_mt>(logged);
  spdlog::set_default_logger(std::make_shared<spdlog::logger>("test", sink));
  {
    CollectorWorld world;
    world.start();
    world.open(3);
    const auto ask = [&](const std::string& command, const std::string& question) {
      return collector::run_operator_command(*world.running, command, copy_of(bytes_of(question)));
    };
    const auto cast = [&](std::uint64_t n) {
      const auto sent = world.cast(n);
      EXPECT_EQ(world.post("/v1/ballot", sent.body()).status, 200);
    };
    cast(1);
    cast(2);
    cast(1);
    const auto answer = ask("voted", R"({"from": 0, "election": "RK_2027"})");
    ASSERT_TRUE(answer) << to_string(answer.error());
    const auto told = boost::json::parse(*answer).as_object();
    EXPECT_EQ(told.at("additions").to_number<int>(), 2);
    EXPECT_EQ(told.at("next").to_number<int>(), 5);
    const std::string text(told.at("list").as_string());
    const auto statement =
        check_voted_list(world.e->election(), text, std::string_view(told.at("note").as_string()));
    ASSERT_TRUE(statement) << to_string(statement.error());
    EXPECT_EQ(statement->next, 5U);
    const auto list = read_voted_list(text);
    ASSERT_TRUE(list) << to_string(list.error());
    ASSERT_EQ(list->lines.size(), 2U);
    std::set<NationalId> listed{list->lines[0].voter, list->lines[1].voter};
    EXPECT_EQ(listed, (std::set<NationalId>{world.e->card(1).person.national_id,
                                            world.e->card(2).person.national_id}));
    // A paper ballot takes her off the list at once.
    ASSERT_TRUE(ask("revoke", std::string(text_of(world.e->revocation(
                                  1, RevocationKind::kRevoke, {world.e->card(1).person.national_id})))));
    const auto since = boost::json::parse(ask("voted", R"({"from": 5})").value()).as_object();
    EXPECT_EQ(since.at("additions").to_number<int>(), 0);
    EXPECT_EQ(since.at("removals").to_number<int>(), 1);
    const auto json = boost::json::parse(ask("voted", R"({"from": 0, "form": "json"})").value()).as_object();
    EXPECT_EQ(boost::json::parse(json.at("list").as_string()).at("voters").as_array().size(), 1U);

    const auto notices = boost::json::parse(ask("notices", R"({"since": 2})").value()).as_object();
    EXPECT_EQ(notices.at("next").to_number<int>(), 6);
    ASSERT_EQ(notices.at("notices").as_array().size(), 4U);
    const auto& third = notices.at("notices").at(2).as_object();
    EXPECT_EQ(third.at("kind").as_string(), "voted-again");
    EXPECT_EQ(third.at("person_code").as_string(), code_of_national_id(world.e->card(1).person.national_id));
    EXPECT_EQ(third.at("time").as_string(), "2030-03-17T18:03:20Z");
    EXPECT_TRUE(third.at("counts").as_bool());
    EXPECT_EQ(notices.at("notices").at(3).at("kind").as_string(), "revoked-by-paper-ballot");

    const auto refused = [&](const std::string& command, const std::string& question) {
      const auto out = ask(command, question);
      return out ? std::nullopt : std::optional(out.error().reason);
    };
    EXPECT_EQ(refused("voted", "x"), Reason::kUsage);
    EXPECT_EQ(refused("voted", R"({"from": 7})"), Reason::kUsage);
    EXPECT_EQ(refused("voted", R"({"unit": "nowhere"})"), Reason::kUsage);
    EXPECT_EQ(refused("voted", R"({"unit": "u1"})"), std::nullopt);
    EXPECT_EQ(refused("voted", R"({"form": "xml"})"), Reason::kUsage);
    EXPECT_EQ(refused("voted", R"({"form": "online-local"})"), Reason::kUsage);  // units are not named for it
    EXPECT_EQ(refused("voted", R"q({"election": "$(id)"})q"), Reason::kUsage);
    EXPECT_EQ(refused("notices", R"({"since": 7})"), Reason::kUsage);
    for (std::uint64_t n = 1; n <= 3; ++n)
      EXPECT_EQ(logged.str().find(code_of_national_id(world.e->card(n).person.national_id)),
                std::string::npos);
    EXPECT_NE(logged.str().find("event="), std::string::npos);  // something was logged
  }
  spdlog::set_default_logger(before);
}

// ---- size -------------------------------------------------------------------------------------------------

/// A country: a million voters, of whom so many voted. Ballots are put into the state without their checks.
TEST(RegisterOfACountry, AMillionVotersInSeconds) {
  constexpr std::uint64_t kVoters = 1'000'000, kBallots = 50'000;
  Office office;
  std::vector<RollChange> changes;
  for (std::uint64_t n = 1; n <= kVoters; ++n)
    changes.push_back(add(trust::artificial_national_id(n), kUnits[n % 3]));
  auto seconds = [start = std::chrono::steady_clock::now()]() mutable {
    const auto now = std::chrono::steady_clock::now();
    const std::chrono::duration<double> took = now - std::exchange(start, now);
    return took.count();
  };
  const auto imported = office.try_import(office.roll_file(changes));
  ASSERT_TRUE(imported) << to_string(imported.error());
  std::cout << imported->minutes << "imported, signature and file included, in " << seconds() << " s\n";
  const Bytes body = encode(imported->document);
  office.log.document(EntryType::kRoll, office.e.sign(labels::kSignRoll, body));
  office.open();
  seconds();
  const Ristretto::Point G = Ristretto::Point::generator();
  Ristretto::Point next = G;
  for (std::uint64_t n = 1; n <= kBallots; ++n) {
    Admission admission;
    admission.ballot.pseudonym = office.e.election().pseudonym_of(trust::artificial_national_id(n * 7));
    admission.ballot.counter = 1;
    admission.unit = (n * 7) % 3;
    admission.id = sha256(u64be(n));
    admission.ballot.selections.resize(office.e.election().ballot_slots(admission.unit).size());
    for (Selection& selection : admission.ballot.selections)
      selection.alpha = selection.beta = next = next + G;
    office.log.state.record_ballot(office.log.entries.size(), admission);
    office.log.force(EntryType::kBallot, copy_of(u64be(n)));
  }
  seconds();
  const VotedList list = office.voted();
  EXPECT_EQ(list.lines.size(), kBallots);
  std::cout << "who has voted, " << kBallots << " of " << kVoters << " voters: " << seconds() << " s\n";
  EXPECT_EQ(office.voted(office.log.entries.size() - 10).lines.size(), 10U);
  const double again = seconds();
  std::cout << "the last ten of them: " << again << " s\n";
  EXPECT_LT(again, 30);
}

}  // namespace
}  // namespace psephos::test
