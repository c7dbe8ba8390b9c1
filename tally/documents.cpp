#include "tally/documents.h"

#include <algorithm>
#include <functional>

#include "protocol/checks/definition.h"
#include "protocol/labels.h"
#include "protocol/national_id.h"

namespace psephos {

namespace {

std::vector<std::string_view> split(std::string_view line, char separator) {
  std::vector<std::string_view> out;
  for (;;) {
    const auto at = line.find(separator);
    out.push_back(line.substr(0, at));
    if (at == line.npos) return out;
    line.remove_prefix(at + 1);
  }
}

/// Calls `read(fields, "line 17")` for every line that is neither empty nor a comment.
Result<void, Rejection> for_lines(
    std::string_view text,
    const std::function<Result<void, Rejection>(const std::vector<std::string_view>&, const std::string&)>&
        read) {
  std::uint64_t number = 0;
  for (std::string_view line : split(text, '\n')) {
    const std::string where = "line " + std::to_string(++number);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty() || line.starts_with('#')) continue;
    if (auto ok = read(split(line, '\t'), where); !ok) return ok;
  }
  return {};
}

}  // namespace

Result<std::vector<RollChange>, Rejection> parse_roll(std::string_view text,
                                                      std::span<const std::string> identity_types) {
  std::vector<RollChange> changes;
  const auto read = [&](const std::vector<std::string_view>& fields,
                        const std::string& where) -> Result<void, Rejection> {
    const auto invalid = [&](const char* why) {
      return reject(Reason::kRollChangeInvalid, where + ": " + why);
    };
    RollChange change;
    std::size_t at = 1;
    if (fields[0] == "+")
      change.kind = RollChangeKind::kAdd;
    else if (fields[0] == "move")
      change.kind = RollChangeKind::kMove;
    else if (fields[0] == "-")
      change.kind = RollChangeKind::kStrike;
    else
      at = 0;
    if (fields.size() <= at || !is_national_id(fields[at], identity_types))
      return reject(Reason::kVoterIdFormat, where);
    change.national_id = fields[at];
    if (change.kind == RollChangeKind::kStrike) {
      if (fields.size() != at + 1) return invalid("nothing follows the id of a voter struck off");
    } else {
      if (fields.size() < at + 2 || !is_id(fields[at + 1])) return invalid("a unit's id follows the voter's");
      if (fields.size() != at + 2 && fields.size() != at + 4) return invalid("too many or too few fields");
      change.unit = Id{std::string(fields[at + 1])};
    }
    changes.push_back(std::move(change));
    return {};
  };
  if (auto ok = for_lines(text, read); !ok) return std::unexpected(ok.error());
  if (changes.empty()) return reject(Reason::kRollChangeInvalid, "no line holds a change");
  return changes;
}

Result<std::vector<NationalId>, Rejection> parse_ids(std::string_view text,
                                                     std::span<const std::string> identity_types) {
  std::vector<NationalId> ids;
  const auto read = [&](const std::vector<std::string_view>& fields,
                        const std::string& where) -> Result<void, Rejection> {
    if (fields.size() != 1 || !is_national_id(fields[0], identity_types))
      return reject(Reason::kVoterIdFormat, where);
    ids.emplace_back(fields[0]);
    return {};
  };
  if (auto ok = for_lines(text, read); !ok) return std::unexpected(ok.error());
  if (ids.empty()) return reject(Reason::kWireMissingField, "no line holds an id");
  std::ranges::sort(ids);
  if (std::ranges::adjacent_find(ids) != ids.end())
    return reject(Reason::kRevocationDuplicate, "a voter stands in the list twice");
  return ids;
}

std::string_view label_of(DocumentKind kind) {
  switch (kind) {
    case DocumentKind::kManifest:
      return labels::kSignManifest;
    case DocumentKind::kRoll:
      return labels::kSignRoll;
    case DocumentKind::kRevocation:
      return labels::kSignRevocation;
    case DocumentKind::kPhase:
      return labels::kSignPhase;
  }
  return {};
}

namespace {

Result<void, Rejection> check_manifest(ByteView body) {
  const auto manifest = decode<Manifest>(body);
  if (!manifest) return std::unexpected(manifest.error());
  if (auto ok = check_definition(manifest->definition); !ok) return ok;
  const auto outcome = check_key_ceremony(manifest->definition, manifest->ceremony);
  if (!outcome) return std::unexpected(outcome.error());
  if (outcome->joint_key != manifest->joint_key) return reject(Reason::kJointKeyMismatch, "joint key");
  if (outcome->verification_keys != manifest->verification_keys)
    return reject(Reason::kJointKeyMismatch, "verification keys");
  return {};
}

/// One spelling a person, of the election's types: what cards say (protocol/national_id.h).
Result<void, Rejection> check_ids(const RollDocument& roll, std::span<const std::string> identity_types) {
  for (std::size_t i = 0; i < roll.changes.size(); ++i)
    if (!is_national_id(roll.changes[i].national_id, identity_types))
      return reject(Reason::kVoterIdFormat, "change " + std::to_string(i + 1));
  return {};
}
Result<void, Rejection> check_ids(const RevocationList& list, std::span<const std::string> identity_types) {
  for (std::size_t i = 0; i < list.national_ids.size(); ++i)
    if (!is_national_id(list.national_ids[i], identity_types))
      return reject(Reason::kVoterIdFormat, "person " + std::to_string(i + 1));
  return {};
}
Result<void, Rejection> check_ids(const PhaseEvent&, std::span<const std::string>) {
  return {};
}

template <class M>
Result<void, Rejection> check_body(ByteView body, const Election& election, Reason foreign) {
  const auto message = decode<M>(body);
  if (!message) return std::unexpected(message.error());
  if (message->fingerprint != election.fingerprint()) return reject(foreign, std::string(M::kName));
  return check_ids(*message, election.definition().eid.identity_types);
}

}  // namespace

Result<void, Rejection> check_signable(DocumentKind kind, ByteView body, const Election* election) {
  switch (kind) {
    case DocumentKind::kManifest:
      return check_manifest(body);
    case DocumentKind::kRoll:
      return check_body<RollDocument>(body, *election, Reason::kElectionFpMismatch);
    case DocumentKind::kRevocation:
      return check_body<RevocationList>(body, *election, Reason::kRevocationForeign);
    case DocumentKind::kPhase:
      return check_body<PhaseEvent>(body, *election, Reason::kElectionFpMismatch);
  }
  return {};
}

Result<std::vector<Member>, Rejection> commission_for(DocumentKind kind, ByteView body,
                                                      const Election* election) {
  if (kind != DocumentKind::kManifest) return election->definition().commission;
  auto manifest = decode<Manifest>(body);
  if (!manifest) return std::unexpected(manifest.error());
  return std::move(manifest->definition.commission);
}

void add_signature(SignedDocument& document, DocumentKind kind, std::uint64_t signer, const SigningKey& key) {
  std::erase_if(document.signatures, [&](const RosterSignature& s) { return s.signer == signer; });
  document.signatures.push_back(
      {.signer = signer, .signature = key.sign_labelled(label_of(kind), document.body)});
  std::ranges::sort(document.signatures, {}, &RosterSignature::signer);
}

}  // namespace psephos
