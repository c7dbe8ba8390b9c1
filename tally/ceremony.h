#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "crypto/secret/dkg_participant.h"
#include "crypto/secret/signing_key.h"
#include "protocol/checks/definition.h"

/// The key ceremony among processes that see only their own secret and exchange messages as files (SPEC §7).
namespace psephos {

/// The frozen definition of a ceremony. @return FILE_UNREADABLE, wire refusals, what check_definition says.
struct FrozenDefinition {
  Definition definition;
  Digest256 hash{};
};
Result<FrozenDefinition, Rejection> read_definition_bytes(const std::filesystem::path& file);

/// A directory that the trustees share, one file a message: attempt-1/announce-2 is a SignedDocument of a
/// CeremonyMessage. What lies there is nobody's word: every read checks signature and place.
class Board {
 public:
  Board(const FrozenDefinition& frozen, std::filesystem::path directory, std::uint64_t attempt)
      : frozen_(frozen), directory_(std::move(directory)), attempt_(attempt) {}
  /// One step's payloads in trustee order. @return DKG_SETUP naming the trustee whose message is missing;
  /// refusals of ceremony_payload.
  Result<std::vector<Bytes>, Rejection> payloads(CeremonyStep step) const;
  /// The same for announcements, decoded.
  Result<std::vector<DkgAnnouncement>, Rejection> announcements() const;
  /// Signs and publishes a message. @return DKG_COMMIT_MISMATCH if this trustee has published another one for
  /// this step; FILE_UNREADABLE.
  Result<void, Rejection> publish(CeremonyStep step, std::uint64_t trustee, const SigningKey& key,
                                  ByteView payload) const;
  /// All messages, for the manifest. @return as payloads.
  Result<KeyCeremony, Rejection> collect() const;
  std::uint64_t attempt() const { return attempt_; }

 private:
  std::filesystem::path path(CeremonyStep step, std::uint64_t trustee) const;
  Result<std::optional<SignedDocument>, Rejection> find(CeremonyStep step, std::uint64_t trustee) const;
  const FrozenDefinition& frozen_;
  std::filesystem::path directory_;
  std::uint64_t attempt_;
};

/// The name of a trustee in refusals.
std::string trustee_object(const Definition& definition, std::uint64_t trustee);
/// A refusal of the ceremony with the culprit's name.
Rejection ceremony_rejection(const Definition& definition, const DkgRejection& rejection);

/// The manifest that follows from a complete ceremony. @return as Board::collect and check_key_ceremony.
Result<Manifest, Rejection> assemble_manifest(const FrozenDefinition& frozen, const Board& board,
                                              std::vector<Build> builds);

}  // namespace psephos
