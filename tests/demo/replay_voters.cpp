// Casts a whole plan of ballots through a running collector, with the client core that voters use.
#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <mutex>
#include <thread>
#include <unordered_map>

#include "protocol/eid/openssl_eid.h"
#include "protocol/files/program.h"
#include "protocol/files/progress.h"
#include "protocol/files/record_directory.h"
#include "tests/demo/plan.h"
#include "voter-client/core/https_client.h"
#include "voter-client/core/session.h"
#include "voter-client/file_signer.h"

namespace {

using namespace psephos;  // NOLINT(google-build-using-namespace)
using SteadyClock = std::chrono::steady_clock;

struct Options {
  std::string server, fingerprint, plan, cards;
  std::size_t connections = 4;
  std::uint64_t patience_s = 60;
};

/// What became of the ballots.
struct Tally {
  std::uint64_t accepted = 0, recast = 0, resent = 0, as_planned = 0, unexpected = 0;
  std::map<std::string, std::uint64_t> refused;
  std::vector<double> latencies_ms;  // of submissions that got their receipt
  std::string first_unexpected;
};

class Replay {
 public:
  Replay(const Options& options, ServerAddress server, const Election& election, const EidVerifier& eid,
         CardFile& cards, const std::vector<PlannedBallot>& plan)
      : options_(options),
        server_(std::move(server)),
        election_(election),
        eid_(eid),
        cards_(cards),
        plan_(plan),
        progress_("casting", plan.size(), "ballots") {}

  Tally run() {
    // All ballots of a voter on one connection, in the plan's order.
    std::unordered_map<std::string_view, std::size_t> shard_of;
    std::vector<std::vector<std::size_t>> shards(options_.connections);
    for (std::size_t i = 0; i < plan_.size(); ++i) {
      const auto [it, fresh] = shard_of.try_emplace(plan_[i].national_id, shard_of.size() % shards.size());
      shards[it->second].push_back(i);
    }
    {
      std::vector<std::jthread> threads;
      for (const auto& shard : shards) threads.emplace_back([this, &shard] { cast_all(shard); });
    }
    return std::move(tally_);
  }

 private:
  void cast_all(const std::vector<std::size_t>& shard) {
    HttpsClient transport(server_, election_.definition().collector.tls_certificate_sha256, {});
    HeadMemory heads;
    Session session(election_, eid_, transport, heads, rng_, ClientClock::system());
    for (const std::size_t i : shard) {
      const auto outcome = cast_one(session, plan_[i]);
      record(plan_[i], outcome);
      progress_.advance();
    }
  }

  struct One {
    std::uint64_t counter;
    double latency_ms;
    bool resent;
  };
  Result<One, Rejection> cast_one(Session& session, const PlannedBallot& ballot) {
    const auto card = cards_.card(ballot.national_id);
    if (!card) return reject(reason_of(card.error()), "card");
    auto authorisation = session.authenticate(**card);
    // A collector that is restarted forgets its challenges, and is back soon.
    const auto deadline = SteadyClock::now() + std::chrono::seconds(options_.patience_s);
    while (!authorisation && SteadyClock::now() < deadline &&
           (authorisation.error().reason == Reason::kServiceUnavailable ||
            authorisation.error().reason == Reason::kAuthChallengeUnknown)) {
      std::this_thread::sleep_for(std::chrono::milliseconds(500));
      authorisation = session.authenticate(**card);
    }
    if (!authorisation) return std::unexpected(authorisation.error());
    const auto choices =
        choices_for(election_, *election_.unit_index(authorisation->ticket.unit), ballot.choices);
    if (!choices) return std::unexpected(choices.error());
    const auto sealed = session.seal(*authorisation, *choices, **card);
    if (!sealed) return std::unexpected(sealed.error());
    bool resent = false;
    const auto begin = SteadyClock::now();
    const auto outcome = session.submit(*sealed, [&](const Rejection&) { resent = true; });
    const std::chrono::duration<double, std::milli> took = SteadyClock::now() - begin;
    if (!outcome) return std::unexpected(outcome.error());
    if (!outcome->recorded) return reject(Reason::kHeadUnwitnessed, "receipt still pending");
    return One{sealed->counter, took.count(), resent};
  }

  void record(const PlannedBallot& ballot, const Result<One, Rejection>& outcome) {
    const std::lock_guard lock(mutex_);
    const std::string name = outcome ? std::string() : std::string(name_of(outcome.error().reason));
    if (outcome) {
      ++tally_.accepted;
      if (outcome->counter > 1) ++tally_.recast;
      if (outcome->resent) ++tally_.resent;
      tally_.latencies_ms.push_back(outcome->latency_ms);
    } else {
      ++tally_.refused[name];
    }
    if (name == ballot.refusal) {
      if (!outcome) ++tally_.as_planned;
      return;
    }
    if (tally_.unexpected++ == 0)
      tally_.first_unexpected =
          fmt::format("line {} of the plan: {}", ballot.line,
                      outcome ? "accepted, not " + ballot.refusal : psephos::to_string(outcome.error()));
  }

  const Options& options_;
  const ServerAddress server_;
  const Election election_;
  const EidVerifier& eid_;
  CardFile& cards_;
  const std::vector<PlannedBallot>& plan_;
  SystemRng rng_;
  Progress progress_;
  std::mutex mutex_;
  Tally tally_;
};

double percentile(std::vector<double>& values, double p) {
  if (values.empty()) return 0;
  const auto at = static_cast<std::size_t>(p * static_cast<double>(values.size() - 1));
  std::ranges::nth_element(values, values.begin() + static_cast<std::ptrdiff_t>(at));
  return values[at];
}

Result<void, Rejection> replay(const Options& options) {
  const auto fingerprint = parse_fingerprint(options.fingerprint);
  if (!fingerprint) return std::unexpected(fingerprint.error());
  const auto server = ServerAddress::parse(options.server);
  if (!server) return std::unexpected(server.error());
  const auto plan = read_plan(options.plan);
  if (!plan) return std::unexpected(plan.error());
  HttpsClient anybody = HttpsClient::unpinned(*server, {});
  const auto election = fetch_election(anybody, *fingerprint);
  if (!election) return std::unexpected(election.error());
  const auto eid = OpensslEidVerifier::create(election->definition().eid);
  if (!eid) return reject(eid.error(), "eID profile of the definition");
  const auto cards = CardFile::open(options.cards, election->definition().mode);
  if (!cards) return reject(reason_of(cards.error()), options.cards);

  const auto begin = SteadyClock::now();
  Tally tally = Replay(options, *server, *election, **eid, **cards, *plan).run();
  const std::chrono::duration<double> seconds = SteadyClock::now() - begin;
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  fmt::print("{} ballots cast, each receipt verified; {} replaced an earlier one", tally.accepted,
             tally.recast);
  if (tally.resent > 0) fmt::print("; {} sent more than once", tally.resent);
  for (const auto& [name, count] : tally.refused) fmt::print("; {} refused as {}", count, name);
  fmt::print(
      "\n{:.1f} s, {:.0f} ballots/s over {} connections; submission to receipt p50 {:.1f} ms, p99 {:.1f} ms; "
      "peak memory {:.0f} MB\n",
      seconds.count(), static_cast<double>(tally.accepted) / seconds.count(), options.connections,
      percentile(tally.latencies_ms, 0.50), percentile(tally.latencies_ms, 0.99),
      static_cast<double>(usage.ru_maxrss) / 1024);
  if (tally.unexpected > 0)
    return reject(Reason::kCountMismatch, fmt::format("{} ballots did not fare as planned; first: {}",
                                                      tally.unexpected, tally.first_unexpected));
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  Program program("replay-voters", "Cast a plan of ballots with software cards through a running collector.");
  program.app().add_option("--server", options.server, "the collector, HOST:PORT")->required();
  program.app().add_option("--fingerprint", options.fingerprint, "the election's")->required();
  program.app()
      .add_option("--plan", options.plan,
                  "a line a ballot: national id, tab, contest=choice[,…]; perhaps tab, expected refusal")
      ->required();
  program.app().add_option("--cards", options.cards, "software cards of test-ca")->required();
  program.app()
      .add_option("--connections", options.connections, "in parallel")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  program.app()
      .add_option("--patience", options.patience_s, "seconds to wait for a collector that is gone")
      ->capture_default_str();
  program.run_as([&] { return replay(options); });
  return program.run(argc, argv);
}
