// Casts a whole plan of ballots straight into the store of a collector that does not serve now.
#include <fmt/format.h>
#include <sys/resource.h>

#include <chrono>
#include <fstream>

#include "collector/collector.h"
#include "collector/directory_lock.h"
#include "collector/keys.h"
#include "collector/sqlite_store.h"
#include "collector/trust_client.h"
#include "protocol/eid/openssl_eid.h"
#include "protocol/files/files.h"
#include "protocol/files/program.h"
#include "protocol/files/progress.h"
#include "protocol/files/record_directory.h"
#include "tests/demo/bulk_caster.h"

namespace {

using namespace psephos;  // NOLINT(google-build-using-namespace)

struct Options {
  std::string directory, manifest, fingerprint, plan, cards;
  std::optional<std::string> passphrase_file;
  collector::TrustAddresses trust;
};

std::uint64_t now_ms() {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                        std::chrono::system_clock::now().time_since_epoch())
                                        .count());
}

/// Ballots in the plan, for the progress: lines that are no comments.
std::uint64_t count_ballots(const std::string& path) {
  std::ifstream in(path);
  std::uint64_t ballots = 0;
  for (std::string line; std::getline(in, line);) ballots += line.empty() || line.front() == '#' ? 0 : 1;
  return ballots;
}

Result<void, Rejection> bulk_cast(const Options& options) {
  const auto manifest = read_file(options.manifest, limits::kManifestBytes);
  if (!manifest) return std::unexpected(manifest.error());
  const auto election = open_pinned(*manifest, options.fingerprint);
  if (!election) return std::unexpected(election.error());
  // Before anything secret is touched: opening the cards asks for test mode, and so does the caster.
  const auto cards = CardFile::open(options.cards, election->definition().mode);
  if (!cards) return reject(reason_of(cards.error()), options.cards);
  auto plan = PlanReader::open(options.plan);
  if (!plan) return std::unexpected(plan.error());
  const auto lock = collector::DirectoryLock::take(options.directory);
  if (!lock) return std::unexpected(lock.error());
  const auto passphrase =
      read_passphrase(options.passphrase_file, "the collector's keys", PassphraseUse::kOpen);
  if (!passphrase) return std::unexpected(passphrase.error());
  const auto keys = collector::load_keys(options.directory, *passphrase);
  if (!keys) return std::unexpected(keys.error());
  const auto eid = OpensslEidVerifier::create(election->definition().eid);
  if (!eid) return reject(eid.error(), "eID profile of the definition");

  const auto store = collector::SqliteStore::open(
      collector::store_path(options.directory), election->fingerprint(), collector::StoreAccess::kReadWrite);
  if (!store) return std::unexpected(store.error());
  // The directory's lock keeps collectors away; a new epoch is all it needs.
  const auto taken = (*store)->take_lease("bulk-cast", "", std::chrono::milliseconds(0));
  if (!taken) return std::unexpected(taken.error());
  if (!*taken)
    return reject(Reason::kNotSequencing, "a collector stopped a moment ago: try again in 5 seconds");
  collector::Ledger ledger(*election);
  if (auto ok = replay_store(**store, ledger); !ok) return ok;
  const auto latest = (*store)->latest_checkpoint();
  if (!latest) return std::unexpected(latest.error());
  SystemRng rng;
  collector::Sequencer sequencer(
      ledger, **store, **eid, rng,
      {.committed = [](const collector::Head&) {}, .broken = [](const Rejection&) {}});
  const auto connect = collector::http_trust(options.trust);
  if (!connect) return std::unexpected(connect.error());
  // The simulated services keep up with a batch on a few connections.
  collector::EvidenceSource evidence(**eid, *connect);
  auto caster = BulkCaster::open(ledger, sequencer, keys->service_key, **eid, evidence, rng, now_ms);
  if (!caster) return std::unexpected(caster.error());

  const auto begin = std::chrono::steady_clock::now();
  const auto report = [&] {
    Progress progress("cast", count_ballots(options.plan), "ballots");
    return caster->cast(*plan, **cards, *latest ? (*latest)->note : std::string(),
                        [&](std::uint64_t n) { progress.advance(n); });
  }();
  sequencer.stop();
  if (!report) return std::unexpected(report.error());
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  fmt::print("{} ballots cast in bulk; {} replaced an earlier one", report->cast, report->recast);
  if (report->logged_before > 0) fmt::print("; {} were in the log already", report->logged_before);
  fmt::print(
      "\n{:.1f} s, {:.0f} ballots/s: making them {:.1f} s, checking {:.1f} s, evidence {:.1f} s, "
      "logging {:.1f} s; peak memory "
      "{:.0f} MB\n",
      seconds.count(), static_cast<double>(report->cast) / seconds.count(), report->making_s,
      report->checking_s, report->proving_s, report->logging_s, static_cast<double>(usage.ru_maxrss) / 1024);
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  Program program(
      "bulk-cast",
      "Cast a plan of ballots with software cards straight into the store of a collector that is "
      "stopped: the same ballots through the same checks as over HTTPS, for rehearsals of national "
      "size. Elections in test mode only. Interrupted, it goes on where it was when run again.");
  program.app().add_option("--dir", options.directory, "the collector's directory")->required();
  program.app().add_option("--manifest", options.manifest, "the signed manifest")->required();
  program.app().add_option("--fingerprint", options.fingerprint, "the election's")->required();
  program.app()
      .add_option("--plan", options.plan, "a line a ballot: national id, tab, contest=choice[,…]")
      ->required();
  program.app().add_option("--cards", options.cards, "software cards of test-ca")->required();
  program.app().add_option(
      "--passphrase-file", options.passphrase_file,
      "file with the passphrase of the collector's keys (else PSEPHOS_PASSPHRASE, or ask)");
  program.app().add_option("--time-stamp", options.trust.time_stamps, "as of 'collector serve'")->required();
  program.app().add_option("--ocsp", options.trust.statuses, "as of 'collector serve'")->required();
  program.run_as([&] { return bulk_cast(options); });
  return program.run(argc, argv);
}
