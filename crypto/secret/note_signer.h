#pragma once
#include <cstdint>
#include <string_view>

#include "crypto/note.h"
#include "crypto/secret/signing_key.h"

namespace psephos {

/// The public half of a signing key that signs notes under `name`. @pre name is a key name (is_key_name).
NoteKey note_key(std::string_view name, NoteKeyType type, const SigningKey& key);

/// The log's checkpoint, signed under its origin (SPEC §8.4). A log signs no two that are inconsistent: the
/// caller has made the tree durable before.
SignedNote sign_checkpoint(const Checkpoint& checkpoint, const SigningKey& key);

/// A witness's cosignature over a note's text (SPEC §8.5). The caller has recorded this head durably before.
/// @pre 0 < timestamp < 2^63.
NoteSignature cosign(std::string_view text, std::string_view name, const SigningKey& key,
                     std::uint64_t timestamp);

}  // namespace psephos
