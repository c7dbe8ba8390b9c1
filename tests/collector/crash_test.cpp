#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include <iostream>
#include <random>
#include <set>
#include <thread>

#include "collector/sqlite_store.h"
#include "tests/collector/process_world.h"

// The real program behind real TLS, with three witnesses over HTTP, killed at random moments under load
// (A91): no acknowledged ballot is ever missing, receipts still verify, the log stays one log.
namespace psephos::test {
namespace {

/// A ballot the collector acknowledged, as its client keeps it.
struct Acknowledged {
  std::uint64_t voter;
  BallotId id{};
  Envelope envelope;
  SubmitAnswer answer;
};

/// Voters who vote in turn, all of them at least once, and again until the load is to end. Whoever gets no
/// answer resends the same bytes.
class LoadClient {
 public:
  LoadClient(ProcessWorld& world, std::vector<std::uint64_t> voters, const std::atomic<bool>& end,
             const std::atomic<bool>& give_up)
      : world_(world), voters_(std::move(voters)), end_(end), give_up_(give_up) {}
  void run() {
    for (const std::uint64_t n : voters_) vote(n);
    while (!end_)
      for (std::size_t i = 0; i < voters_.size() && !end_; ++i) vote(voters_[i]);
  }
  std::vector<Acknowledged> acknowledged;
  std::vector<std::string> problems;

 private:
  /// Asks until there is an answer.
  std::optional<HttpReply> ask(const std::string& target, const Bytes& body) {
    while (!give_up_) {
      if (!client_) client_.emplace(world_.client());
      auto reply = client_->exchange("POST", target, body, 1U << 20U);
      if (reply && reply->status != 503) return std::move(*reply);
      client_.reset();
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return std::nullopt;
  }
  std::optional<ServiceSigned> ticket(std::uint64_t n) {
    while (!give_up_) {
      const auto challenge = ask("/v1/challenge", {});
      if (!challenge) break;
      const Card& card = world_.e->card(n);
      const Bytes body = encode(Authentication{
          challenge->body, card.authentication_certificate,
          sign_r_s(card.authentication, signed_bytes(labels::kEidAuthenticate, challenge->body), rng_)});
      const auto reply = ask("/v1/ticket", body);
      // A collector that was killed in between knows nothing of its earlier challenge: a new one is asked
      // for.
      if (reply && reply->status == 200) return decode<ServiceSigned>(reply->body).value();
      if (reply && reply->status == 429) break;  // enough tickets for now: another voter's turn
    }
    return std::nullopt;
  }
  void vote(std::uint64_t n) {
    const auto signed_ticket = ticket(n);
    if (!signed_ticket) return;
    const auto ticket = decode<CastTicket>(signed_ticket->body).value();
    const Ballot ballot = make_ballot(world_.e->election(), ticket, sha256(signed_ticket->body),
                                      std::vector<std::size_t>{n % 4, n % 3}, BallotSeed::random(rng_), rng_);
    Submission submission{world_.e->envelope(ballot, ticket, world_.e->card(n)), sha256({})};
    submission.envelope.ticket = *signed_ticket;
    const BallotId id = id_of(submission.envelope);
    const auto reply = ask("/v1/ballot", encode(submission));
    if (!reply) return;
    auto answer = decode<SubmitAnswer>(reply->body);
    if (reply->status != 200 || !answer) {
      problems.push_back("voter " + std::to_string(n) + ": status " + std::to_string(reply->status));
      return;
    }
    acknowledged.push_back({n, id, submission.envelope, std::move(*answer)});
  }
  ProcessWorld& world_;
  const std::vector<std::uint64_t> voters_;
  const std::atomic<bool>& end_;
  const std::atomic<bool>& give_up_;
  SystemRng rng_;
  std::optional<HttpsClient> client_;
};

/// `voters` vote and recast while the collector is killed `kills` times.
void kill_under_load(std::uint64_t voters, int kills, std::chrono::milliseconds longest_life) {
  const std::uint64_t seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  ProcessWorld world(voters);
  if (testing::Test::HasFatalFailure()) return;

  constexpr std::size_t kClients = 8;
  std::atomic<bool> end{false}, give_up{false};
  std::vector<std::unique_ptr<LoadClient>> clients;
  for (std::size_t c = 0; c < kClients; ++c) {
    std::vector<std::uint64_t> mine;
    for (std::uint64_t n = 1 + c; n <= voters; n += kClients) mine.push_back(n);
    clients.push_back(std::make_unique<LoadClient>(world, mine, end, give_up));
  }
  std::vector<std::jthread> threads;
  for (auto& client : clients) threads.emplace_back([&client = *client] { client.run(); });
  for (int i = 0; i < kills && !testing::Test::HasFatalFailure(); ++i) {
    const auto life = std::uniform_int_distribution<std::int64_t>(1, longest_life.count())(random);
    std::this_thread::sleep_for(std::chrono::milliseconds(life));
    world.process->send(SIGKILL);
    EXPECT_EQ(world.process->wait(), -SIGKILL);
    world.start();
  }
  end = true;
  give_up = testing::Test::HasFatalFailure();
  threads.clear();
  ASSERT_FALSE(give_up);

  // A graceful stop, then what the disk says.
  world.process->send(SIGTERM);
  EXPECT_EQ(world.process->wait(), 0) << world.log();
  const Election& election = world.e->election();
  const auto store = collector::SqliteStore::open(collector::store_path(world.directory.path()),
                                                  election.fingerprint(), collector::StoreAccess::kReadOnly);
  ASSERT_TRUE(store);
  collector::Ledger ledger(election);
  const auto replayed = replay_store(**store, ledger);
  ASSERT_TRUE(replayed) << to_string(replayed.error());

  std::size_t acknowledged = 0;
  std::set<std::uint64_t> indices;
  for (const auto& client : clients) {
    EXPECT_TRUE(client->problems.empty()) << client->problems.front();
    for (const Acknowledged& a : client->acknowledged) {
      ++acknowledged;
      const auto recorded = check_receipt(election, a.answer.receipt, a.id);
      ASSERT_TRUE(recorded) << to_string(recorded.error());
      EXPECT_TRUE(check_entry(recorded->statement, a.answer.salt, logged_as(a.envelope, a.answer)));
      EXPECT_EQ(ledger.state.index_of(a.id), recorded->statement.index);
      EXPECT_TRUE(indices.insert(recorded->statement.index).second);
      // One log: the tree that the receipt was proved in is the beginning of the one on disk.
      ASSERT_LE(recorded->checkpoint.size, ledger.tree.size());
      EXPECT_EQ(ledger.tree.root(recorded->checkpoint.size), recorded->checkpoint.root);
    }
  }
  // Everybody was answered in the end, so the log holds these ballots and no other.
  EXPECT_EQ(ledger.state.ballots(), acknowledged);
  EXPECT_GE(acknowledged, voters);
  std::cout << acknowledged << " ballots acknowledged over " << kills << " kills\n";
  for (const auto& witness : world.witnesses) {
    EXPECT_TRUE(witness->witness.store.equivocations()->empty());
    const auto last = witness->witness.store.last(election.log_origin()).value();
    ASSERT_TRUE(last);
    ASSERT_LE(last->size, ledger.tree.size());
    EXPECT_EQ(ledger.tree.root(last->size), last->root);
  }
  const std::string log = world.log();
  for (const auto& client : clients)
    for (const Acknowledged& a : client->acknowledged) {
      EXPECT_EQ(log.find(world.e->card(a.voter).person.national_id), std::string::npos);
      EXPECT_EQ(log.find(to_hex(world.e->pseudonym(a.voter))), std::string::npos);
      EXPECT_EQ(log.find(to_hex(a.id)), std::string::npos);
    }
}

TEST(CollectorProcessTest, A91_killed_under_load_it_loses_nothing_acknowledged) {
  kill_under_load(PSEPHOS_CRASH_VOTERS, PSEPHOS_CRASH_KILLS,
                  std::chrono::milliseconds(PSEPHOS_CRASH_LIFE_MS));
}

}  // namespace
}  // namespace psephos::test
