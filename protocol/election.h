#pragma once
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "crypto/group/ristretto.h"
#include "crypto/hash.h"
#include "crypto/note.h"
#include "crypto/proof/choice_table.h"
#include "crypto/proof/several_of_many.h"
#include "crypto/transcript.h"
#include "protocol/ballot.h"
#include "protocol/definition.h"
#include "protocol/rejection.h"

namespace psephos {

/// What a selection of one list of one contest can encrypt (SPEC §4.5): point k stands for choice k, or, in a
/// contest of kind several, the two points for not marked and marked.
struct CandidateTable {
  const Contest* contest;
  const ChoiceList* list;
  ChoiceTable<Ristretto> points;
  std::optional<MarkRule<Ristretto>> marks;  ///< of a contest of kind several
  /// Index of the point `M`; nullopt if it is none of them.
  std::optional<std::size_t> find(const Ristretto::Point& M) const;
  /// Selections on a ballot: the contest's slots, or one for each choice of a contest of kind several.
  std::uint64_t slots() const { return marks ? list->choices.size() : contest->slots; }
  /// The choices that a slot's selection can be a vote for. @pre slot < slots().
  std::span<const Choice> choices_of(std::uint64_t slot) const {
    return marks ? std::span(list->choices).subspan(slot, 1) : std::span(list->choices);
  }
};

/// One selection that a ballot of a unit must hold.
struct BallotSlot {
  const CandidateTable* table;
  std::uint64_t slot;
};

/// A frozen, verified election: everything that programs derive from the manifest. Immutable; safe to share
/// between threads. An object of this type exists only for a manifest that passed every check of SPEC §4.
class Election {
 public:
  /// Checks, in order: encoding, suite, definition (check_definition), commission's signatures, key ceremony,
  /// joint and verification keys, candidate tables, generators of ballot proofs; and the fingerprint against
  /// `pinned` if given.
  /// @return MANIFEST_FP_MISMATCH, MANIFEST_SIGNATURE, MANIFEST_INVALID, MANIFEST_TEXT_UNSAFE,
  /// MANIFEST_THRESHOLD, SUITE_UNSUPPORTED, CANDIDATE_TABLE_INVALID, CRS_DEGENERATE, JOINT_KEY_MISMATCH, a
  /// DKG_… fault, or a wire refusal.
  static Result<Election, Rejection> open(ByteView signed_manifest, const std::optional<Digest256>& pinned);

  const Manifest& manifest() const { return data_->manifest; }
  const Definition& definition() const { return data_->manifest.definition; }
  const Bytes& signed_manifest() const { return data_->signed_manifest; }
  /// SHA-256 of the manifest's bytes without signatures.
  const Digest256& fingerprint() const { return data_->fingerprint; }
  const Digest256& definition_hash() const { return data_->definition_hash; }
  /// The joint key.
  const Ristretto::Point& Y() const { return data_->manifest.joint_key; }
  /// Verification key of trustee `index`, 1-based. @pre it exists.
  const Ristretto::Point& Y_of(std::uint64_t index) const {
    return data_->manifest.verification_keys[index - 1];
  }

  std::span<const VerifyKey> commission_keys() const { return data_->commission_keys; }
  std::span<const VerifyKey> trustee_keys() const { return data_->trustee_keys; }
  std::span<const VerifyKey> mixer_keys() const { return data_->mixer_keys; }
  const VerifyKey& service_key() const { return data_->service_key[0]; }
  /// Whose signature makes a checkpoint, and whose cosignatures count.
  const NoteKey& log_key() const { return data_->log_key[0]; }
  std::span<const NoteKey> witnesses() const { return data_->witnesses; }
  std::span<const CandidateTable> tables() const { return data_->tables; }
  /// What the proofs in ballots stand on (SPEC §6.1), enough for the largest table.
  const DigitGenerators<Ristretto>& digit_generators() const { return *data_->digit_generators; }
  const CandidateTable* table(const Id& contest, const Id& list) const;
  /// Position of a unit in the definition; nullopt if there is none of that id.
  std::optional<std::size_t> unit_index(const Id& unit) const;
  /// What a ballot of that unit consists of, in order. @pre index is from unit_index.
  std::span<const BallotSlot> ballot_slots(std::size_t unit_index) const { return data_->slots[unit_index]; }
  /// Of the unit that has the most.
  std::size_t most_slots() const { return data_->most_slots; }

  /// First line of the log's checkpoints: the collector's origin, '/', the fingerprint in hexadecimal.
  const std::string& log_origin() const { return data_->log_origin; }
  /// Parses and verifies a checkpoint of this election's log with its quorum of witnesses. @return
  /// HEAD_UNWITNESSED, SIG_INVALID, NOTE_FORMAT.
  Result<Checkpoint, Rejection> check_checkpoint(std::string_view note) const;

  ProofContext proof_context(std::string_view label, std::string_view role, std::uint64_t index) const;
  /// SHA-256("psephos-1/pseudonym" ‖ fingerprint ‖ national id).
  Pseudonym pseudonym_of(std::string_view national_id) const;

 private:
  struct Data {
    Bytes signed_manifest;
    Manifest manifest;
    Digest256 fingerprint;
    Digest256 definition_hash;
    std::vector<VerifyKey> commission_keys, trustee_keys, mixer_keys, service_key;
    std::vector<NoteKey> log_key, witnesses;
    std::vector<CandidateTable> tables;
    std::optional<DigitGenerators<Ristretto>> digit_generators;
    std::vector<std::vector<BallotSlot>> slots;
    std::size_t most_slots = 0;
    std::string log_origin;
  };
  std::shared_ptr<const Data> data_;
};

/// The collector's origin, '/', the fingerprint in hexadecimal.
std::string log_origin_of(const Definition& definition, const Digest256& fingerprint);

/// Point of a choice: hash_to_group("psephos-1/candidate", definition hash ‖ u32(|contest|) ‖ contest ‖
/// u32(|choice|) ‖ choice). SPEC §4.4.
Ristretto::Point candidate_point(const Digest256& definition_hash, const Id& contest, const Id& choice);

/// P of a contest of kind several: hash_to_group("psephos-1/mark", definition hash ‖ u32(|contest|) ‖
/// contest). SPEC §4.5.
Ristretto::Point mark_point(const Digest256& definition_hash, const Id& contest);

}  // namespace psephos
