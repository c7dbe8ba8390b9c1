#include "tests/demo/bulk_caster.h"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <set>
#include <shared_mutex>
#include <unordered_map>

#include "collector/ticket.h"
#include "crypto/parallel.h"
#include "protocol/checks/ballot_proofs.h"
#include "protocol/checks/signed_ballot.h"
#include "voter-client/core/session.h"

namespace psephos {

namespace {

constexpr std::size_t kBatch = 1024;

/// Adds the time it lives to a sum.
class Stopwatch {
 public:
  explicit Stopwatch(double& seconds) : seconds_(seconds) {}
  Stopwatch(const Stopwatch&) = delete;
  Stopwatch& operator=(const Stopwatch&) = delete;
  ~Stopwatch() {
    seconds_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
  }

 private:
  double& seconds_;
  const std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

}  // namespace

/// One ballot on its way into the log.
struct BulkCaster::One {
  PlannedBallot planned;
  Pseudonym pseudonym{};
  BallotItem item;
  Digest256 fetch_secret_hash{};
  std::optional<Admission> admission;
  std::optional<Rejection> refused;
};

Result<BulkCaster, Rejection> BulkCaster::open(collector::Ledger& ledger, collector::Sequencer& sequencer,
                                               const SigningKey& service_key, const EidVerifier& eid,
                                               collector::EvidenceSource& evidence, Rng& rng, Clock clock) {
  if (ledger.election.definition().mode != Mode::kTest)
    return reject(Reason::kTestModeForbidden, "casting in bulk");
  if (service_key.verify_key() != ledger.election.service_key())
    return reject(Reason::kManifestInvalid, "collector.service_key is not this collector's");
  return BulkCaster(ledger, sequencer, service_key, eid, evidence, rng, std::move(clock));
}

Result<BulkReport, Rejection> BulkCaster::cast(PlanReader& plan, CardFile& cards,
                                               const std::string& checkpoint,
                                               const std::function<void(std::uint64_t n)>& progress) {
  BulkReport report;
  std::unordered_map<Pseudonym, std::uint32_t, ByteHash> to_pass_over;  // of voters with ballots in the log
  const bool resumes = ledger_.state.ballots() > 0;
  std::vector<One> batch;
  std::set<Pseudonym> in_batch;
  const auto finish_batch = [&]() -> Result<void, Rejection> {
    auto done = cast_batch(batch, cards, checkpoint, report);
    if (done) progress(batch.size());
    batch.clear();
    in_batch.clear();
    return done;
  };
  for (;;) {
    auto planned = plan.next();
    if (!planned) return std::unexpected(planned.error());
    if (!*planned) break;
    One one;
    one.pseudonym = ledger_.election.pseudonym_of((*planned)->national_id);
    one.planned = std::move(**planned);
    // Her next ballot names the one before: that one is logged first.
    if (in_batch.contains(one.pseudonym) || batch.size() == kBatch)
      if (auto ok = finish_batch(); !ok) return std::unexpected(ok.error());
    if (resumes) {
      const Voter* voter = ledger_.state.find(one.pseudonym);
      const auto [left, first] =
          to_pass_over.try_emplace(one.pseudonym, voter == nullptr ? 0 : voter->ballots);
      if (left->second > 0) {
        --left->second;
        ++report.logged_before;
        progress(1);
        continue;
      }
    }
    in_batch.insert(one.pseudonym);
    batch.push_back(std::move(one));
  }
  if (auto ok = finish_batch(); !ok) return std::unexpected(ok.error());
  return report;
}

Result<void, Rejection> BulkCaster::cast_batch(std::vector<One>& batch, CardFile& cards,
                                               const std::string& checkpoint, BulkReport& report) {
  const auto refused = [](const One& one, const Rejection& why) {
    return reject(why.reason, "line " + std::to_string(one.planned.line) + " of the plan, " + why.object);
  };
  const auto for_all = [&](const auto& step) -> Result<void, Rejection> {
    parallel_for(batch.size(), 8, [&](std::size_t i) {
      if (auto ok = step(batch[i]); !ok) batch[i].refused = ok.error();
    });
    for (const One& one : batch)
      if (one.refused) return refused(one, *one.refused);
    return {};
  };
  {
    const Stopwatch watch(report.making_s);
    if (auto ok = for_all([&](One& one) { return make(one, cards, checkpoint); }); !ok) return ok;
  }
  {
    const Stopwatch watch(report.checking_s);
    if (auto ok = for_all([&](One& one) { return check(one); }); !ok) return ok;
    std::vector<const Ballot*> ballots;
    for (const One& one : batch) ballots.push_back(&one.admission->ballot);
    auto proved = check_ballot_proofs_batch(ledger_.election, ballots);
    for (std::size_t i = 0; i < batch.size(); ++i)
      if (!proved[i]) return refused(batch[i], proved[i].error());
  }
  {
    const Stopwatch watch(report.proving_s);
    if (auto ok = prove(batch); !ok) return ok;
  }
  for (const One& one : batch) report.recast += one.admission->ballot.counter > 1 ? 1 : 0;
  const Stopwatch watch(report.logging_s);
  if (auto ok = log(batch); !ok) return ok;
  report.cast += batch.size();
  return {};
}

// Nothing changes the ledger while ballots are made and checked: the sequencer has no work then.

Result<void, Rejection> BulkCaster::make(One& one, CardFile& cards, const std::string& checkpoint) const {
  const auto card = cards.card(one.planned.national_id);
  if (!card) return reject(reason_of(card.error()), "card");
  const std::uint64_t now_s = clock_() / 1000;
  if (auto open = collector::check_issuing(ledger_.state, now_s); !open) return open;
  auto ticket = collector::make_ticket(ledger_.state, one.pseudonym, checkpoint, now_s, rng_);
  if (!ticket) return std::unexpected(ticket.error());
  auto signed_ticket = collector::sign_ticket(*ticket, service_key_);
  const Digest256 hash = sha256(signed_ticket.body);
  const Authorisation authorisation{std::move(*ticket), std::move(signed_ticket), hash};
  const Election& election = ledger_.election;
  const auto choices =
      choices_for(election, *election.unit_index(authorisation.ticket.unit), one.planned.choices);
  if (!choices) return std::unexpected(choices.error());
  auto sealed = seal_ballot(election, authorisation, *choices, **card, rng_, now_s);
  if (!sealed) return std::unexpected(sealed.error());
  one.item.envelope = {write_container(sealed->signed_ballot), std::move(sealed->ticket)};
  one.fetch_secret_hash = sha256(sealed->code.fetch_secret.expose());
  return {};
}

Result<void, Rejection> BulkCaster::check(One& one) const {
  one.item.received_ms = clock_();
  auto admission = ledger_.state.check_cheap(one.item);
  if (!admission) return std::unexpected(admission.error());
  one.admission = std::move(*admission);
  return ElectionState::check_signature(ledger_.election, *one.admission, one.item.received_ms, eid_);
}

Result<void, Rejection> BulkCaster::prove(std::vector<One>& batch) {
  std::mutex mutex;
  std::condition_variable changed;
  std::size_t left = batch.size();
  for (One& one : batch)
    evidence_.obtain(one.admission->signed_ballot, [&](Result<collector::ObtainedEvidence, Rejection> got) {
      if (!got) {
        one.refused = got.error();
      } else if (got->status) {
        one.refused = Rejection{*got->status, "certificate"};
      } else {
        one.admission->signed_ballot.evidence = std::move(got->evidence);
        one.item.envelope.container = write_container(one.admission->signed_ballot);
        if (auto timely = check_times(ledger_.election, got->stamped_unix_s, one.item.received_ms,
                                      one.admission->ticket.expires_s);
            !timely)
          one.refused = timely.error();
      }
      const std::lock_guard lock(mutex);
      if (--left == 0) changed.notify_one();
    });
  std::unique_lock lock(mutex);
  changed.wait(lock, [&] { return left == 0; });
  for (const One& one : batch)
    if (one.refused) return reject(one.refused->reason, one.refused->object);
  return {};
}

Result<void, Rejection> BulkCaster::log(std::vector<One>& batch) {
  std::mutex mutex;
  std::condition_variable changed;
  std::size_t left = batch.size();
  std::optional<Rejection> refused;
  for (One& one : batch)
    sequencer_.ballot(one.item, std::move(*one.admission), one.fetch_secret_hash,
                      [&](const Result<collector::Recorded, Rejection>& recorded) {
                        const std::lock_guard lock(mutex);
                        if (!recorded && !refused) refused = recorded.error();
                        if (--left == 0) changed.notify_one();
                      });
  std::unique_lock lock(mutex);
  changed.wait(lock, [&] { return left == 0; });
  if (refused) return std::unexpected(*refused);
  return {};
}

}  // namespace psephos
