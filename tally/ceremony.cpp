#include "tally/ceremony.h"

#include "protocol/files/files.h"
#include "protocol/labels.h"

namespace psephos {

namespace fs = std::filesystem;

Result<FrozenDefinition, Rejection> read_definition_bytes(const fs::path& file) {
  const auto bytes = read_file(file, limits::kManifestBytes);
  if (!bytes) return std::unexpected(bytes.error());
  auto definition = decode<Definition>(*bytes);
  if (!definition) return std::unexpected(definition.error());
  if (auto ok = check_definition(*definition); !ok) return std::unexpected(ok.error());
  return FrozenDefinition{std::move(*definition), sha256(*bytes)};
}

std::string trustee_object(const Definition& definition, std::uint64_t trustee) {
  if (trustee == 0 || trustee > definition.trustees.size()) return "nobody alone";
  return "trustee " + std::to_string(trustee) + " (" + definition.trustees[trustee - 1].name + ")";
}

Rejection ceremony_rejection(const Definition& definition, const DkgRejection& rejection) {
  return {reason_of(rejection.fault), trustee_object(definition, rejection.culprit)};
}

fs::path Board::path(CeremonyStep step, std::uint64_t trustee) const {
  const char* name = "";
  switch (step) {
    case CeremonyStep::kAnnounce:
      name = "announce";
      break;
    case CeremonyStep::kOpen:
      name = "open";
      break;
    case CeremonyStep::kCertify:
      name = "certify";
      break;
    case CeremonyStep::kComplain:
      name = "complain";
      break;
  }
  return directory_ / ("attempt-" + std::to_string(attempt_)) /
         (std::string(name) + "-" + std::to_string(trustee));
}

Result<std::optional<SignedDocument>, Rejection> Board::find(CeremonyStep step, std::uint64_t trustee) const {
  const fs::path file = path(step, trustee);
  std::error_code error;
  if (!fs::exists(file, error)) return std::nullopt;
  const auto bytes = read_file(file, 2 * limits::kCeremonyMessageBytes);
  if (!bytes) return std::unexpected(bytes.error());
  auto document = decode<SignedDocument>(*bytes);
  if (!document)
    return reject(document.error().reason,
                  trustee_object(frozen_.definition, trustee) + ", " + document.error().object);
  return std::move(*document);
}

Result<std::vector<Bytes>, Rejection> Board::payloads(CeremonyStep step) const {
  std::vector<Bytes> out;
  for (std::uint64_t trustee = 1; trustee <= frozen_.definition.trustees.size(); ++trustee) {
    const auto document = find(step, trustee);
    if (!document) return std::unexpected(document.error());
    if (!*document)
      return reject(reason_of(Fault::kDkgSetup), trustee_object(frozen_.definition, trustee) + ": " +
                                                     path(step, trustee).string() + " is missing");
    auto payload = ceremony_payload(frozen_.definition, frozen_.hash, attempt_, step, trustee, **document);
    if (!payload) return std::unexpected(payload.error());
    out.push_back(std::move(*payload));
  }
  return out;
}

Result<std::vector<DkgAnnouncement>, Rejection> Board::announcements() const {
  const auto all = payloads(CeremonyStep::kAnnounce);
  if (!all) return std::unexpected(all.error());
  std::vector<DkgAnnouncement> out;
  for (const Bytes& payload : *all) {
    const auto announcement = DkgAnnouncement::decode(payload);
    if (!announcement)
      return reject(announcement.error(), trustee_object(frozen_.definition, out.size() + 1));
    out.push_back(*announcement);
  }
  return out;
}

Result<void, Rejection> Board::publish(CeremonyStep step, std::uint64_t trustee, const SigningKey& key,
                                       ByteView payload) const {
  SignedDocument document{.body = encode(CeremonyMessage{.definition_hash = frozen_.hash,
                                                         .attempt = attempt_,
                                                         .step = step,
                                                         .trustee = trustee,
                                                         .payload = copy_of(payload)}),
                          .signatures = {}};
  document.signatures.push_back(
      {.signer = trustee, .signature = key.sign_labelled(labels::kSignCeremony, document.body)});
  const auto before = find(step, trustee);
  if (!before) return std::unexpected(before.error());
  if (*before && (*before)->body != document.body)
    return reject(reason_of(Fault::kDkgCommitMismatch),
                  path(step, trustee).string() + " holds another message of this trustee");
  return write_file(path(step, trustee), encode(document));
}

Result<KeyCeremony, Rejection> Board::collect() const {
  KeyCeremony out{
      .attempt = attempt_, .announcements = {}, .openings = {}, .certificates = {}, .complaints = {}};
  const std::uint64_t n = frozen_.definition.trustees.size();
  for (std::uint64_t trustee = 1; trustee <= n; ++trustee) {
    const auto complaint = find(CeremonyStep::kComplain, trustee);
    if (!complaint) return std::unexpected(complaint.error());
    if (*complaint) out.complaints.push_back(**complaint);
  }
  const auto gather = [&](CeremonyStep step, std::vector<SignedDocument>& into) -> Result<void, Rejection> {
    for (std::uint64_t trustee = 1; trustee <= n; ++trustee) {
      const auto document = find(step, trustee);
      if (!document) return std::unexpected(document.error());
      if (*document)
        into.push_back(**document);
      else if (out.complaints.empty())  // with a complaint there is nothing to certify
        return reject(reason_of(Fault::kDkgSetup), trustee_object(frozen_.definition, trustee) + ": " +
                                                       path(step, trustee).string() + " is missing");
    }
    return {};
  };
  if (auto ok = gather(CeremonyStep::kAnnounce, out.announcements); !ok) return std::unexpected(ok.error());
  if (auto ok = gather(CeremonyStep::kOpen, out.openings); !ok) return std::unexpected(ok.error());
  if (auto ok = gather(CeremonyStep::kCertify, out.certificates); !ok) return std::unexpected(ok.error());
  return out;
}

Result<Manifest, Rejection> assemble_manifest(const FrozenDefinition& frozen, const Board& board,
                                              std::vector<Build> builds) {
  auto ceremony = board.collect();
  if (!ceremony) return std::unexpected(ceremony.error());
  auto outcome = check_key_ceremony(frozen.definition, *ceremony);
  if (!outcome) return std::unexpected(outcome.error());
  return Manifest{.definition = frozen.definition,
                  .ceremony = std::move(*ceremony),
                  .joint_key = outcome->joint_key,
                  .verification_keys = std::move(outcome->verification_keys),
                  .builds = std::move(builds)};
}

}  // namespace psephos
