#include "crypto/transcript.h"

namespace psephos {

Transcript::Transcript(const ProofContext& context) {
  append("suite", bytes_of(context.suite));
  append("fingerprint", context.fingerprint);
  append("proof", bytes_of(context.label));
  append("role", bytes_of(context.role));
  append_u64("index", context.index);
}

void Transcript::begin_frame(std::string_view label, std::uint64_t size) {
  Bytes head;
  append_u32be(head, static_cast<std::uint32_t>(label.size()));
  psephos::append(head, bytes_of(label));
  append_u64be(head, size);
  hash_.update(head);
}

void Transcript::append(std::string_view label, ByteView data) {
  begin_frame(label, data.size());
  hash_.update(data);
}

void Transcript::append_every(std::string_view label, ByteView bytes, std::size_t offset, std::size_t width,
                              std::size_t stride) {
  begin_frame(label, bytes.size() / stride * width);
  Bytes gathered;  // hashing likes long updates
  constexpr std::size_t kUpdate = 16'384;
  gathered.reserve(kUpdate + width);
  for (std::size_t at = offset; at < bytes.size(); at += stride) {
    psephos::append(gathered, bytes.subspan(at, width));
    if (gathered.size() >= kUpdate) {
      hash_.update(gathered);
      gathered.clear();
    }
  }
  hash_.update(gathered);
}

void Transcript::append_u64(std::string_view label, std::uint64_t value) {
  append(label, u64be(value));
}

Digest512 Transcript::challenge_bytes(std::string_view label) {
  append(label, {});
  const Digest512 challenge = Sha512(hash_).finish();
  append(label, challenge);
  return challenge;
}

SecretBytes<64> Transcript::hedged_seed(std::string_view label, ByteView secret, Rng& rng) const {
  const SecretBytes<64> fresh = SecretBytes<64>::random(rng);
  Transcript fork = *this;
  fork.append("hedge", bytes_of(label));
  fork.append("secret", secret);
  fork.append("fresh", fresh.expose());
  Digest512 out = fork.hash_.finish();
  SecretBytes<64> nonce = SecretBytes<64>::copy_from(out);
  sodium_memzero(out.data(), out.size());
  sodium_memzero(&fork.hash_, sizeof fork.hash_);
  return nonce;
}

}  // namespace psephos
