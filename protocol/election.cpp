#include "protocol/election.h"

#include <algorithm>
#include <set>

#include "crypto/group/hash_to_group.h"
#include "protocol/checks/definition.h"
#include "protocol/labels.h"

namespace psephos {

namespace {

/// @pre check_definition accepted the keys.
std::vector<VerifyKey> keys_of(const auto& roster) {
  std::vector<VerifyKey> out;
  for (const auto& member : roster) out.push_back(VerifyKey::decode(member.key).value());
  return out;
}

/// definition hash ‖ u32(|id|) ‖ id for each of the ids.
Bytes naming(const Digest256& definition_hash, std::initializer_list<const Id*> ids) {
  Bytes message = copy_of(definition_hash);
  for (const Id* id : ids) {
    append_u32be(message, static_cast<std::uint32_t>(id->text.size()));
    append(message, bytes_of(id->text));
  }
  return message;
}

/// Fills table by table; points must be distinct within a table and not the identity.
Result<std::vector<CandidateTable>, Rejection> make_tables(const Definition& definition,
                                                           const Digest256& definition_hash) {
  std::vector<CandidateTable> tables;
  for (const Contest& contest : definition.contests)
    for (const ChoiceList& list : contest.lists) {
      if (contest.several) {
        const auto P = mark_point(definition_hash, contest.id);
        if (P.is_identity()) return reject(Reason::kCandidateTableInvalid, contest.id.text);
        tables.push_back({&contest, &list, ChoiceTable<Ristretto>({P, P + P}),
                          MarkRule<Ristretto>(P, contest.several->min, contest.several->max)});
        continue;
      }
      std::vector<Ristretto::Point> points;
      std::set<Ristretto::Point> seen{Ristretto::Point::identity()};
      for (const Choice& choice : list.choices) {
        points.push_back(candidate_point(definition_hash, contest.id, choice.id));
        if (!seen.insert(points.back()).second)
          return reject(Reason::kCandidateTableInvalid,
                        contest.id.text + "/" + list.id.text + "/" + choice.id.text);
      }
      tables.push_back({&contest, &list, ChoiceTable<Ristretto>(std::move(points)), std::nullopt});
    }
  return tables;
}

}  // namespace

std::optional<std::size_t> CandidateTable::find(const Ristretto::Point& M) const {
  const auto it = std::find(points.begin(), points.end(), M);
  if (it == points.end()) return std::nullopt;
  return static_cast<std::size_t>(it - points.begin());
}

std::string log_origin_of(const Definition& definition, const Digest256& fingerprint) {
  return definition.collector.origin + "/" + to_hex(fingerprint);
}

Ristretto::Point candidate_point(const Digest256& definition_hash, const Id& contest, const Id& choice) {
  return hash_to_group<Ristretto>(labels::kCandidate, naming(definition_hash, {&contest, &choice}));
}

Ristretto::Point mark_point(const Digest256& definition_hash, const Id& contest) {
  return hash_to_group<Ristretto>(labels::kMark, naming(definition_hash, {&contest}));
}

Result<Election, Rejection> Election::open(ByteView signed_manifest, const std::optional<Digest256>& pinned) {
  if (signed_manifest.size() > limits::kManifestBytes) return reject(Reason::kWireLimit, "manifest");
  auto document = decode<SignedDocument>(signed_manifest);
  if (!document) return std::unexpected(document.error());
  auto data = std::make_shared<Data>();
  data->fingerprint = sha256(document->body);
  if (pinned && *pinned != data->fingerprint)
    return reject(Reason::kManifestFpMismatch,
                  "announced " + to_hex(*pinned) + ", this manifest has " + to_hex(data->fingerprint));
  auto manifest = decode<Manifest>(document->body);
  if (!manifest) return std::unexpected(manifest.error());
  data->manifest = std::move(*manifest);
  data->signed_manifest = copy_of(signed_manifest);
  const Definition& definition = data->manifest.definition;
  if (auto ok = check_definition(definition); !ok) return std::unexpected(ok.error());
  data->definition_hash = sha256(encode(definition));

  data->commission_keys = keys_of(definition.commission);
  if (auto ok = check_quorum(*document, labels::kSignManifest, data->commission_keys,
                             definition.commission_quorum, Reason::kManifestSignature, "manifest");
      !ok)
    return reject(Reason::kManifestSignature, ok.error().object);

  auto outcome = check_key_ceremony(definition, data->manifest.ceremony);
  if (!outcome) return std::unexpected(outcome.error());
  if (outcome->joint_key != data->manifest.joint_key) return reject(Reason::kJointKeyMismatch, "joint key");
  if (outcome->verification_keys != data->manifest.verification_keys)
    return reject(Reason::kJointKeyMismatch, "verification keys");

  auto tables = make_tables(definition, data->definition_hash);
  if (!tables) return std::unexpected(tables.error());
  data->tables = std::move(*tables);
  std::size_t largest = 0;
  for (const CandidateTable& table : data->tables) {
    largest = std::max(largest, table.points.size());
    if (table.marks) largest = std::max(largest, table.marks->counts().size());
  }
  auto generators = DigitGenerators<Ristretto>::derive(labels::kDigitGenerator, data->fingerprint, largest,
                                                       data->manifest.joint_key);
  if (!generators) return reject(generators.error(), "ballot proofs");
  data->digit_generators = std::move(*generators);
  for (const Unit& unit : definition.units) {
    std::vector<BallotSlot> slots;
    for (const UnitContest& uc : unit.contests)
      for (const CandidateTable& table : data->tables)
        if (table.contest->id == uc.contest && table.list->id == uc.list)
          for (std::uint64_t slot = 0; slot < table.slots(); ++slot) slots.push_back({&table, slot});
    data->most_slots = std::max(data->most_slots, slots.size());
    data->slots.push_back(std::move(slots));
  }
  data->trustee_keys = keys_of(definition.trustees);
  data->mixer_keys = keys_of(definition.mixers);
  data->service_key = {VerifyKey::decode(definition.collector.service_key).value()};
  data->log_origin = log_origin_of(definition, data->fingerprint);
  data->log_key = {
      NoteKey{data->log_origin, NoteKeyType::kLog, VerifyKey::decode(definition.collector.log_key).value()}};
  for (const Member& witness : definition.witnesses)
    data->witnesses.push_back(
        NoteKey{witness.name, NoteKeyType::kCosigner, VerifyKey::decode(witness.key).value()});

  Election election;
  election.data_ = std::move(data);
  return election;
}

const CandidateTable* Election::table(const Id& contest, const Id& list) const {
  for (const CandidateTable& table : data_->tables)
    if (table.contest->id == contest && table.list->id == list) return &table;
  return nullptr;
}

std::optional<std::size_t> Election::unit_index(const Id& unit) const {
  const auto& units = definition().units;
  for (std::size_t i = 0; i < units.size(); ++i)
    if (units[i].id == unit) return i;
  return std::nullopt;
}

Result<Checkpoint, Rejection> Election::check_checkpoint(std::string_view note) const {
  auto verified = verify_checkpoint(note, log_key(), witnesses(), definition().witness_quorum);
  if (!verified) return reject(verified.error(), "checkpoint");
  return std::move(verified->checkpoint);
}

ProofContext Election::proof_context(std::string_view label, std::string_view role,
                                     std::uint64_t index) const {
  return {
      .suite = labels::kSuite, .fingerprint = fingerprint(), .label = label, .role = role, .index = index};
}

Pseudonym Election::pseudonym_of(std::string_view national_id) const {
  return Sha256()
      .update(bytes_of(labels::kPseudonym))
      .update(fingerprint())
      .update(bytes_of(national_id))
      .finish();
}

}  // namespace psephos
