#include "tests/demo/bulk_caster.h"

#include <map>

#include "collector/sqlite_store.h"
#include "tests/collector/collector_fixture.h"
#include "tests/trust-services/test_ca/cards.h"

namespace psephos::test {
namespace {

class BulkCasterTest : public ::testing::Test {
 protected:
  static constexpr std::uint64_t kVoters = 30;
  void SetUp() override {
    w.start();
    w.open(kVoters);
    std::vector<trust::RollVoter> voters;
    for (std::uint64_t n = 1; n <= kVoters; ++n) voters.push_back({w.e->card(n).person, "u"});
    const auto path = w.directory.path() / "cards";
    const auto now = static_cast<std::int64_t>(w.now_ms / 1000) - 3600;
    ASSERT_TRUE(trust::write_cards(w.e->ca(), voters, path, now, w.e->rng()));
    cards = CardFile::open(path, Mode::kTest).value();
  }

  /// A line of a plan for voter n.
  std::string line(std::uint64_t n, std::size_t mayor) {
    const Election& election = w.e->election();
    const std::size_t unit = *election.unit_index(Id{"u" + std::to_string(1 + n % 3)});
    std::string out = w.e->card(n).person.national_id;
    for (const BallotSlot& slot : election.ballot_slots(unit)) {
      const std::size_t choice = slot.table->contest->id.text == "mayor" ? mayor : 0;
      out += (out.find('\t') == std::string::npos ? "\t" : ",") + slot.table->contest->id.text + "=" +
             slot.table->list->choices[choice].id.text;
    }
    return out + "\n";
  }
  PlanReader plan(const std::string& text) {
    const auto path = w.directory.path() / "plan";
    std::ofstream(path) << "# who, what\n" << text;
    return PlanReader::open(path).value();
  }

  /// A run of the program: the collector is stopped, its store is opened and replayed anew.
  Result<BulkReport, Rejection> run(const std::string& text) {
    w.running.reset();
    w.connect_trust_services();
    const auto store =
        collector::SqliteStore::open(collector::store_path(w.directory.path()), w.e->election().fingerprint(),
                                     collector::StoreAccess::kReadWrite);
    EXPECT_TRUE((*store)->take_lease("bulk-cast", "", std::chrono::milliseconds(0)).value());
    collector::Ledger ledger(w.e->election());
    EXPECT_TRUE(replay_store(**store, ledger));
    collector::Sequencer sequencer(
        ledger, **store, w.e->eid(), w.e->rng(),
        {.committed = [](const collector::Head&) {}, .broken = [](const Rejection&) { FAIL(); }});
    const collector::CollectorKeys keys = w.keys();
    auto caster = BulkCaster::open(ledger, sequencer, keys.service_key, w.e->eid(), *w.evidence, w.e->rng(),
                                   [this] { return w.now_ms.load(); });
    if (!caster) return std::unexpected(caster.error());
    auto reader = plan(text);
    auto report = caster->cast(reader, *cards, (*store)->latest_checkpoint().value()->note,
                               [this](std::uint64_t n) { progressed += n; });
    sequencer.stop();
    return report;
  }

  /// The log as an auditor replays it.
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
  std::unique_ptr<CardFile> cards;
  std::uint64_t progressed = 0;
};

TEST_F(BulkCasterTest, BallotsPassEveryCheckOfAnAudit) {
  std::string text;
  for (std::uint64_t n = 1; n <= kVoters; n += 2) text += line(n, 0);
  for (std::uint64_t n = 1; n <= kVoters; ++n) text += line(n, 1);
  text += line(7, 2);
  const auto report = run(text);
  ASSERT_TRUE(report) << to_string(report.error());
  EXPECT_EQ(report->cast, kVoters / 2 + kVoters + 1);
  EXPECT_EQ(report->recast, kVoters / 2 + 1);
  EXPECT_EQ(progressed, report->cast);

  const Replay audit = replay();
  for (const auto& finding : audit.findings) ADD_FAILURE() << to_string(finding.rejection);
  EXPECT_EQ(audit.state.ballots(), report->cast);
  EXPECT_EQ(audit.state.find(w.e->pseudonym(7))->ballots, 3U);
  EXPECT_EQ(audit.state.find(w.e->pseudonym(8))->ballots, 1U);

  // The collector goes on from there: its witnesses co-sign the head, and a voter votes again over HTTPS.
  w.start();
  const auto again = w.cast(7);
  w.expect_recorded(w.post("/v1/ballot", again.body()), again, SubmitOutcome::kAccepted);
  EXPECT_TRUE(replay().findings.empty());
}

TEST_F(BulkCasterTest, RunAgainItGoesOnWhereItWas) {
  const std::string first = line(1, 0) + line(2, 0) + line(1, 1);
  const std::string rest = line(3, 0) + line(1, 2) + line(2, 1);
  ASSERT_TRUE(run(first));
  const auto report = run(first + rest);
  ASSERT_TRUE(report) << to_string(report.error());
  EXPECT_EQ(report->logged_before, 3U);
  EXPECT_EQ(report->cast, 3U);
  const auto third = run(first + rest);
  ASSERT_TRUE(third);
  EXPECT_EQ(third->cast, 0U);
  const Replay audit = replay();
  EXPECT_TRUE(audit.findings.empty());
  EXPECT_EQ(audit.state.ballots(), 6U);
}

TEST_F(BulkCasterTest, WhatIsRefusedIsNamedAndNotLogged) {
  const auto stranger = run(line(1, 0) + line(kVoters + 1, 0));
  EXPECT_EQ(stranger.error().reason, reason_of(SignerError::kCardUnknown));
  EXPECT_NE(stranger.error().object.find("line 3"), std::string::npos) << stranger.error().object;
  EXPECT_EQ(run("no plan\n").error().reason, Reason::kUsage);
  w.now_ms = w.e->options().casting_ends_s * 1000;
  EXPECT_EQ(run(line(1, 0)).error().reason, Reason::kPhaseClosed);
  EXPECT_EQ(replay().state.ballots(), 0U);
}

// A39
TEST(BulkCaster, ElectionsInProductionKnowNoBulk) {
  for (const Mode mode : {Mode::kProduction, Mode::kTest}) {
    Options options;
    options.mode = mode;
    CollectorWorld w(options);
    const auto store =
        collector::SqliteStore::open(collector::store_path(w.directory.path()), w.e->election().fingerprint(),
                                     collector::StoreAccess::kReadWrite);
    collector::Ledger ledger(w.e->election());
    collector::Sequencer sequencer(ledger, **store, w.e->eid(), w.e->rng(), {});
    const collector::CollectorKeys keys = w.keys();
    w.connect_trust_services();
    const auto caster = BulkCaster::open(ledger, sequencer, keys.service_key, w.e->eid(), *w.evidence,
                                         w.e->rng(), [&] { return w.now_ms.load(); });
    if (mode == Mode::kTest)
      EXPECT_TRUE(caster);
    else
      EXPECT_EQ(caster.error().reason, Reason::kTestModeForbidden);
    EXPECT_EQ(BulkCaster::open(ledger, sequencer, keys.log_key, w.e->eid(), *w.evidence, w.e->rng(), {})
                  .error()
                  .reason,
              mode == Mode::kTest ? Reason::kManifestInvalid : Reason::kTestModeForbidden);
  }
}

}  // namespace
}  // namespace psephos::test
