#include "crypto/secret/note_signer.h"

#include "crypto/invariant.h"

namespace psephos {

NoteKey note_key(std::string_view name, NoteKeyType type, const SigningKey& key) {
  invariant(is_key_name(name), "the caller has checked the name");
  return {.name = std::string(name), .type = type, .key = key.verify_key()};
}

SignedNote sign_checkpoint(const Checkpoint& checkpoint, const SigningKey& key) {
  std::string text = checkpoint.encode();
  const Signature signature = key.sign(bytes_of(text));
  NoteSignature line{.name = checkpoint.origin,
                     .key_id = note_key(checkpoint.origin, NoteKeyType::kLog, key).id(),
                     .bytes = copy_of(signature)};
  return {.text = std::move(text), .signatures = {std::move(line)}};
}

NoteSignature cosign(std::string_view text, std::string_view name, const SigningKey& key,
                     std::uint64_t timestamp) {
  invariant(timestamp > 0 && timestamp <= kMaxTreeSize, "a clock after 1970");
  Bytes bytes = copy_of(u64be(timestamp));
  append(bytes, key.sign(cosigned_message(timestamp, text)));
  return {.name = std::string(name),
          .key_id = note_key(name, NoteKeyType::kCosigner, key).id(),
          .bytes = std::move(bytes)};
}

}  // namespace psephos
