#pragma once
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "protocol/ballot.h"
#include "protocol/eid.h"
#include "protocol/election.h"
#include "protocol/log_entry.h"
#include "protocol/phase.h"
#include "protocol/roll.h"

namespace psephos {

struct ByteHash {
  std::size_t operator()(
      const ByteArray<32>& value) const;  ///< the first eight bytes: keys are hashes or group elements
};

/// A ballot in the log.
struct LoggedBallot {
  std::uint64_t index = 0;  ///< of its entry
  BallotId id{};
  std::size_t unit = 0;  ///< for which it was signed, by position in the definition
  std::uint64_t counter = 0;
  std::optional<BallotId> previous;
  std::vector<Ciphertext<Ristretto>> ciphertexts;  ///< by slot of the unit
};

/// A voter of the roll, and her ballots in log order.
struct Voter {
  NationalId national_id;
  /// Roll versions at which her unit changed; nullopt: struck off. Never empty.
  std::vector<std::pair<std::uint64_t, std::optional<std::size_t>>> units;
  std::vector<LoggedBallot> ballots;
  bool revoked = false;
  std::optional<std::size_t> unit_at(std::uint64_t roll_version) const;
  std::optional<std::size_t> unit_now() const { return units.back().second; }
};

/// A ballot item decoded once, on its way through the checks.
struct Admission {
  Ballot ballot;
  CastTicket ticket;
  BallotId id{};
  std::size_t unit = 0;
};

/// The election as the log tells it: a deterministic machine that collector, mixers, trustees and auditors
/// run alike (SPEC §9.4, §10). Entries are applied in index order. Not thread-safe, except that const
/// functions may run at the same time.
class ElectionState {
 public:
  explicit ElectionState(const Election& election) : election_(election) {}

  /// The checks of SPEC §9.4 in their order. `check_cheap` (1 to 13) needs the state and no group operation;
  /// `check_signature` (14 to 16) and check_ballot_proofs (17) need no state and may run on any thread;
  /// `check_again` repeats what may have changed in between. `admit` is 1 to 17.
  Result<Admission, Rejection> check_cheap(const BallotItem& item) const;
  static Result<void, Rejection> check_signature(const Election& election, const BallotItem& item,
                                                 const Ballot& ballot, const EidVerifier& eid);
  Result<void, Rejection> check_again(const Admission& admission) const;
  Result<Admission, Rejection> admit(const BallotItem& item, const EidVerifier& eid) const;
  /// @pre the admission passed all checks on this very state.
  void record_ballot(std::uint64_t index, const Admission& admission);

  /// Documents: phase events, rolls, revocations. Checks signatures, sequence and phase, then applies whole
  /// or not at all.
  Result<void, Rejection> apply_document(std::uint64_t index, EntryType type, ByteView item);
  /// The same checks without the effect.
  Result<void, Rejection> check_document(EntryType type, ByteView item) const;

  Phase phase() const { return phase_; }
  std::uint64_t roll_version() const { return roll_version_; }
  const std::optional<Digest256>& roll_hash() const { return roll_hash_; }
  std::uint64_t next_revocation() const { return revocations_ + 1; }
  const Voter* find(const Pseudonym& pseudonym) const;
  const std::map<Pseudonym, Voter>& voters() const { return voters_; }
  std::uint64_t ballots() const { return ballots_; }
  /// Index of the entry of a ballot id; nullopt if it is not logged.
  std::optional<std::uint64_t> index_of(const BallotId& id) const;
  const Election& election() const { return election_; }

 private:
  Result<void, Rejection> check_chain(const Admission& admission, const Voter& voter) const;
  Result<void, Rejection> check_signers(const SignedDocument& document, std::string_view label,
                                        Reason missing, const std::string& at) const;
  Result<void, Rejection> apply_phase(const SignedDocument& document, const std::string& at);
  Result<void, Rejection> apply_roll(const SignedDocument& document, const std::string& at);
  Result<void, Rejection> apply_revocation(const SignedDocument& document, const std::string& at);
  Election election_;
  Phase phase_ = Phase::kPrepared;
  std::uint64_t roll_version_ = 0;
  std::optional<Digest256> roll_hash_;
  std::uint64_t revocations_ = 0;
  std::uint64_t ballots_ = 0;
  std::map<Pseudonym, Voter> voters_;
  std::unordered_map<BallotId, std::uint64_t, ByteHash> ids_;
  std::unordered_set<ByteArray<32>, ByteHash> alphas_;
};

/// Replays a whole log: entry i opens to item_at(i), which is asked in rising order; checks leaves, runs
/// every check on every entry and collects all findings instead of stopping at the first. Costly checks run
/// on all cores, proofs of ballots in batches. `progress(done)` is called now and then from one thread at a
/// time.
struct ReplayFinding {
  std::uint64_t index;
  Rejection rejection;
};
struct Replay {
  ElectionState state;
  std::vector<ReplayFinding> findings;
  std::uint64_t refusals = 0;
};
Replay replay_log(const Election& election, const EidVerifier& eid, std::span<const EntryBytes> entries,
                  const std::function<Result<LoggedItem, Rejection>(std::uint64_t index)>& item_at,
                  const std::function<void(std::uint64_t done)>& progress);

}  // namespace psephos
