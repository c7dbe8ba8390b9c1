#pragma once
#include <functional>

#include "collector/evidence.h"
#include "collector/ledger.h"
#include "collector/sequencer.h"
#include "crypto/secret/signing_key.h"
#include "tests/demo/plan.h"
#include "voter-client/file_signer.h"

namespace psephos {

/// Where the time of casting in bulk went, in seconds of wall clock.
struct BulkReport {
  std::uint64_t cast = 0;
  std::uint64_t recast = 0;         ///< of these, replaced an earlier ballot of the same voter
  std::uint64_t logged_before = 0;  ///< ballots of the plan that an earlier run had logged
  double making_s = 0;              ///< tickets, encryption, proofs, signatures
  double checking_s = 0;            ///< the collector's checks
  double proving_s = 0;             ///< time-stamps and certificate status
  double logging_s = 0;             ///< its log, durable
};

/// Casts the ballots of a plan for its voters, without network and authentication, straight through the
/// collector's own checks and sequencer into its store: what enters the log is what the same voters would
/// have made with the same cards over HTTPS, tickets, evidence, salts and all. For rehearsals of national
/// size. It holds the collector's service key and the voters' keys at once, which no election allows but one
/// in test mode.
class BulkCaster {
 public:
  using Clock = std::function<std::uint64_t()>;  // milliseconds since 1970

  /// All are kept by reference. @return kTestModeForbidden unless the election is in test mode (A39);
  /// kManifestInvalid if the service key is not the election's.
  static Result<BulkCaster, Rejection> open(collector::Ledger& ledger, collector::Sequencer& sequencer,
                                            const SigningKey& service_key, const EidVerifier& eid,
                                            collector::EvidenceSource& evidence, Rng& rng, Clock clock);

  /// Every ballot of the plan, in its order, on all cores and in batches: memory does not grow with the plan.
  /// Ballots that are logged already are passed over, of each voter as many as she has: a run that was
  /// interrupted is taken up by running it again. `checkpoint`: for the tickets, the latest co-signed one.
  /// `progress(n)`: n more ballots of the plan are in the log.
  /// @return what refuses a ballot, with the plan's line, and then the log ends before its batch;
  /// kUsage, kFileUnreadable for the plan.
  Result<BulkReport, Rejection> cast(PlanReader& plan, CardFile& cards, const std::string& checkpoint,
                                     const std::function<void(std::uint64_t n)>& progress);

 private:
  struct One;
  BulkCaster(collector::Ledger& ledger, collector::Sequencer& sequencer, const SigningKey& service_key,
             const EidVerifier& eid, collector::EvidenceSource& evidence, Rng& rng, Clock clock)
      : ledger_(ledger),
        sequencer_(sequencer),
        service_key_(service_key),
        eid_(eid),
        evidence_(evidence),
        rng_(rng),
        clock_(std::move(clock)) {}
  Result<void, Rejection> make(One& one, CardFile& cards, const std::string& checkpoint) const;
  Result<void, Rejection> check(One& one) const;
  Result<void, Rejection> prove(std::vector<One>& batch);
  Result<void, Rejection> log(std::vector<One>& batch);
  Result<void, Rejection> cast_batch(std::vector<One>& batch, CardFile& cards, const std::string& checkpoint,
                                     BulkReport& report);

  collector::Ledger& ledger_;
  collector::Sequencer& sequencer_;
  const SigningKey& service_key_;
  const EidVerifier& eid_;
  collector::EvidenceSource& evidence_;
  Rng& rng_;
  Clock clock_;
};

}  // namespace psephos
