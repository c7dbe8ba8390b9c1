#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/secret/signing_key.h"
#include "protocol/election.h"
#include "protocol/roll.h"
#include "protocol/signed.h"

/// Documents that the commission signs: how they are made from text files, and how a member signs them.
namespace psephos {

/// A roll or change set: lines of fields separated by tabs; empty lines and lines that begin with # are
/// skipped. Ids are of the election's types (EidProfile). `id unit [given surname]` or `+ id unit` adds,
/// `move id unit` moves, `- id` strikes off.
/// @return ROLL_CHANGE_INVALID, VOTER_ID_FORMAT or FIELD_CHARSET with the line's number.
Result<std::vector<RollChange>, Rejection> parse_roll(std::string_view text,
                                                      std::span<const std::string> identity_types);
/// National ids of the election's types, one a line; sorted as the document needs them. @return
/// VOTER_ID_FORMAT, REVOCATION_DUPLICATE for one that occurs twice, with the line's number;
/// WIRE_MISSING_FIELD for none at all.
Result<std::vector<NationalId>, Rejection> parse_ids(std::string_view text,
                                                     std::span<const std::string> identity_types);

enum class DocumentKind : std::uint8_t { kManifest, kRoll, kRevocation, kPhase };
std::string_view label_of(DocumentKind kind);

/// The body is a document of that kind that a member can sign: canonical, of this election, and of a manifest
/// everything but its signatures (SPEC §4). `election` is absent for a manifest only.
/// @return ELECTION_FP_MISMATCH, REVOCATION_FOREIGN, VOTER_ID_FORMAT, JOINT_KEY_MISMATCH, what
/// check_definition and check_key_ceremony say, or a wire refusal.
Result<void, Rejection> check_signable(DocumentKind kind, ByteView body, const Election* election);

/// The roster that signs: of the manifest's own definition, or of the election.
/// @return wire refusals of a manifest's body.
Result<std::vector<Member>, Rejection> commission_for(DocumentKind kind, ByteView body,
                                                      const Election* election);

/// Adds or replaces one member's signature; signers stay in order.
void add_signature(SignedDocument& document, DocumentKind kind, std::uint64_t signer, const SigningKey& key);

}  // namespace psephos
