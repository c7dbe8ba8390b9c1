#pragma once
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "protocol/ballot.h"
#include "protocol/checks/compact.h"
#include "protocol/container.h"
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

/// alpha ‖ beta as they stand on the wire.
using EncodedCiphertext = ByteArray<64>;

/// A ballot in the log. Positions are those of ElectionState's lists.
struct LoggedBallot {
  BallotId id{};
  std::uint64_t index = 0;  ///< of its entry
  std::uint32_t voter = 0;
  std::uint32_t counter = 0;
  std::optional<std::uint32_t> previous;  ///< the same voter's ballot before
  std::uint32_t unit = 0;                 ///< for which it was signed, by position in the definition
  std::uint32_t ciphertexts = 0;          ///< position of the first; one for each slot of the unit
};

/// A voter of the roll.
struct Voter {
  Pseudonym pseudonym{};
  std::uint32_t ballots = 0;          ///< logged
  std::optional<std::uint32_t> last;  ///< the last of them
  std::uint32_t first_version = 0;    ///< of the roll that added her, with
  std::uint32_t first_unit = 0;       ///< this unit
  bool changed = false;               ///< a later version moved her, or struck her off
  bool revoked = false;
};

/// Check 2 of SPEC §9.4. @return WIRE_LIMIT, before any group element is decoded, for more selections than
/// the largest ballot of the election has; otherwise as decode. Cost: decodes two group elements a selection.
Result<Ballot, Rejection> decode_ballot(const Election& election, ByteView bytes);

/// A ballot item decoded once, on its way through the checks.
struct Admission {
  SignedBallot signed_ballot;
  Ballot ballot;
  CastTicket ticket;
  BallotId id{};
  std::size_t unit = 0;
  Digest256 key{};  ///< by which the signing key is told from others, once check_signature has passed
};

/// What a ballot's bytes alone say, found on any thread: the refusals that the checks of SPEC §9.4 with these
/// numbers will give when their turn comes.
struct Examined {
  Admission admission;                        ///< as far as `bytes` and `ticket` say that it could be read
  std::optional<Rejection> bytes;             ///< 1 to 3
  std::optional<Rejection> ticket_signature;  ///< 5, by verify_ticket
  std::optional<Rejection> ticket;            ///< 6 to 8
  std::optional<Rejection> shape;             ///< 13, and 14 within the ballot
};

/// What a document of the commission will change once it is in force.
struct PhaseChange {
  Phase phase;
};
struct RollUpdate {
  struct One {
    Pseudonym pseudonym;
    std::optional<std::uint32_t> voter;  ///< absent for one who was never on the roll
    std::optional<std::uint32_t> unit;   ///< absent for one who is struck off
  };
  std::uint64_t version;
  Digest256 hash;
  std::vector<One> changes;
};
struct RevocationUpdate {
  std::uint64_t number;
  bool revoked;
  std::vector<std::uint32_t> voters;
};
using DocumentEffect = std::variant<PhaseChange, RollUpdate, RevocationUpdate>;

/// The election as the log tells it: a deterministic machine that collector, mixers, trustees and auditors
/// run alike (SPEC §9.4, §10). Entries are applied in index order. Not thread-safe, except that const
/// functions may run at the same time. Memory: about 90 bytes a voter, and for each ballot about 90 and 72
/// for each of its ciphertexts; for each key that signed one, 50.
class ElectionState {
 public:
  explicit ElectionState(const Election& election) : election_(election) {}

  /// The checks of SPEC §9.4 in their order. `check_cheap` (1 to 14) needs the state and no group operation;
  /// `check_signature` (15, 16), `check_evidence` (17) and check_ballot_proofs (19) need no state and may run
  /// on any thread; `check_key` (18) and `check_again`, which repeats what may have changed in between, need
  /// it. `admit` is 1 to 19.
  Result<Admission, Rejection> check_cheap(const BallotItem& item) const;
  static Result<void, Rejection> check_signature(const Election& election, Admission& admission,
                                                 std::uint64_t received_ms, const EidVerifier& eid);
  static Result<void, Rejection> check_evidence(const Election& election, const Admission& admission,
                                                std::uint64_t received_ms, const EidVerifier& eid);
  /// 18: no other voter's ballot was signed with this key.
  Result<void, Rejection> check_key(const Admission& admission) const;
  Result<void, Rejection> check_again(const Admission& admission) const;
  Result<Admission, Rejection> admit(const BallotItem& item, const EidVerifier& eid) const;
  /// @pre the admission passed all checks on this very state.
  void record_ballot(std::uint64_t index, const Admission& admission);

  /// The parts of `check_cheap`: what needs no state may run before, on any thread. `examine` decodes and
  /// compares; `verify_ticket` adds the one signature. A caller that leaves it out says why.
  static Examined examine(const Election& election, const BallotItem& item);
  static void verify_ticket(const Election& election, const BallotItem& item, Examined& examined);
  Result<Admission, Rejection> check_cheap(const BallotItem& item, Examined&& examined) const;

  /// Documents: phase events, rolls, revocations. Checks signatures, sequence and phase, then applies whole
  /// or not at all.
  Result<void, Rejection> apply_document(std::uint64_t index, EntryType type, ByteView item);
  /// The same in two steps: all checks, for an entry at `index`; and the effect. @pre of `apply`: the effect
  /// was found on this very state.
  Result<DocumentEffect, Rejection> check_document(std::uint64_t index, EntryType type, ByteView item) const;
  void apply(const DocumentEffect& effect);

  Phase phase() const { return phase_; }
  std::uint64_t roll_version() const { return roll_version_; }
  const std::optional<Digest256>& roll_hash() const { return roll_hash_; }
  std::uint64_t next_revocation() const { return revocations_ + 1; }
  std::uint64_t voters_on_roll() const;
  const Voter* find(const Pseudonym& pseudonym) const;
  std::optional<std::size_t> unit_at(const Voter& voter, std::uint64_t roll_version) const;
  /// nullopt: struck off.
  std::optional<std::size_t> unit_now(const Voter& voter) const;
  const Voter& voter_of(const LoggedBallot& ballot) const { return voters_[ballot.voter]; }
  /// Null before her first.
  const LoggedBallot* last_ballot(const Voter& voter) const;
  std::uint64_t ballots() const { return ballots_.size(); }
  /// In log order. @pre position < ballots().
  const LoggedBallot& ballot(std::uint64_t position) const { return ballots_[position]; }
  const EncodedCiphertext& ciphertext(const LoggedBallot& ballot, std::size_t slot) const {
    return ciphertexts_[ballot.ciphertexts + slot];
  }
  /// Index of the entry of a ballot id; nullopt if it is not logged.
  std::optional<std::uint64_t> index_of(const BallotId& id) const;
  const Election& election() const { return election_; }

 private:
  using UnitSince =
      std::pair<std::uint64_t, std::optional<std::uint32_t>>;  // roll version, unit from then on
  Result<void, Rejection> check_chain(const Admission& admission, const Voter& voter) const;
  Result<void, Rejection> check_fresh(const Ballot& ballot) const;
  Result<void, Rejection> check_signers(const SignedDocument& document, std::string_view label,
                                        Reason missing, const std::string& at) const;
  Result<DocumentEffect, Rejection> check_phase(const SignedDocument& document, const std::string& at) const;
  Result<DocumentEffect, Rejection> check_roll(const SignedDocument& document, const std::string& at) const;
  Result<DocumentEffect, Rejection> check_revocation(const SignedDocument& document,
                                                     const std::string& at) const;
  void apply_effect(const PhaseChange& change);
  void apply_effect(const RollUpdate& update);
  void apply_effect(const RevocationUpdate& update);
  std::optional<std::uint32_t> position_of(const Pseudonym& pseudonym) const;

  Election election_;
  Phase phase_ = Phase::kPrepared;
  std::uint64_t roll_version_ = 0;
  std::optional<Digest256> roll_hash_;
  std::uint64_t revocations_ = 0;
  compact::Pieces<Voter> voters_;
  compact::Pieces<LoggedBallot> ballots_;
  compact::Pieces<EncodedCiphertext> ciphertexts_;
  std::map<std::uint32_t, std::vector<UnitSince>> changes_;  // of voters whose unit changed
  struct KeyOwner {
    Digest256 key;
    std::uint32_t voter;
  };
  compact::Pieces<KeyOwner> keys_;  // that signed a ballot
  compact::PositionTable by_pseudonym_, by_id_, by_alpha_, by_key_;
};

/// Replays a whole log: entry i opens to the encoded LoggedItem item_at(i), which is asked in rising order
/// and stays where it is until `progress`; checks leaves, runs every check on every entry and collects all
/// findings instead of stopping at the first. Costly checks run on all cores, proofs of ballots in batches.
/// `progress(done)` is called now and then, `part` whenever another part of the work begins, both from the
/// caller's thread.
struct ReplayFinding {
  std::uint64_t index;
  Rejection rejection;
};
struct Replay {
  ElectionState state;
  std::vector<ReplayFinding> findings;
  std::uint64_t refusals = 0;
};
enum class ReplayPart : std::uint8_t {
  kEntries,       ///< items against their entries; rules of casting, roll and phases
  kSignatures,    ///< of cards, with their certificates, and of tickets
  kBallotProofs,  ///< ciphertexts decoded, their proofs verified
};
Replay replay_log(const Election& election, const EidVerifier& eid, std::span<const EntryBytes> entries,
                  const std::function<Result<ByteView, Rejection>(std::uint64_t index)>& item_at,
                  const std::function<void(std::uint64_t done)>& progress,
                  const std::function<void(ReplayPart)>& part = {});

}  // namespace psephos
