#include "crypto/secret/sealed.h"

#include <new>

#include "crypto/invariant.h"

namespace psephos {
namespace {

constexpr std::string_view kMagic = "psephos-sealed-1";
constexpr std::size_t kSalt = crypto_pwhash_argon2id_SALTBYTES;
constexpr std::size_t kNonce = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr std::size_t kTag = crypto_aead_xchacha20poly1305_ietf_ABYTES;
constexpr std::size_t kKey = crypto_aead_xchacha20poly1305_ietf_KEYBYTES;
// After magic, the purpose's length and the purpose itself.
constexpr std::size_t kParameters = 8 + 8 + kSalt + kNonce;

bool is_within_bounds(const SealCost& cost) {
  return cost.passes >= kMinSealCost.passes && cost.passes <= kMaxSealCost.passes &&
         cost.memory_bytes >= kMinSealCost.memory_bytes && cost.memory_bytes <= kMaxSealCost.memory_bytes;
}

SecretBytes<kKey> derive_key(ByteView passphrase, ByteView salt, const SealCost& cost) {
  SecretBytes<kKey> key;
  if (crypto_pwhash_argon2id(key.expose_mutable().data(), kKey,
                             reinterpret_cast<const char*>(passphrase.data()), passphrase.size(), salt.data(),
                             cost.passes, static_cast<std::size_t>(cost.memory_bytes),
                             crypto_pwhash_argon2id_ALG_ARGON2ID13) != 0)
    throw std::bad_alloc();  // the one way it fails within its bounds
  return key;
}

struct Header {
  ByteView authenticated;  // all of it
  std::string_view purpose;
  SealCost cost;
  ByteView salt;
  ByteView nonce;
  ByteView box;  // ciphertext ‖ tag
};

Result<Header, Fault> parse(ByteView sealed) {
  const auto unreadable = std::unexpected(Fault::kSecretUnreadable);
  if (sealed.size() > kMaxSealedBytes || !text_of(sealed).starts_with(kMagic)) return unreadable;
  ByteView rest = sealed.subspan(kMagic.size());
  const std::size_t length = rest.empty() ? 0 : rest[0];
  if (length == 0 || rest.size() < 1 + length + kParameters + kTag) return unreadable;
  Header out{};
  out.purpose = text_of(rest.subspan(1, length));
  rest = rest.subspan(1 + length);
  out.cost = {.passes = read_u64be(rest.first(8)), .memory_bytes = read_u64be(rest.subspan(8, 8))};
  out.salt = rest.subspan(16, kSalt);
  out.nonce = rest.subspan(16 + kSalt, kNonce);
  out.box = rest.subspan(kParameters);
  out.authenticated = sealed.first(sealed.size() - out.box.size());
  if (!is_within_bounds(out.cost)) return unreadable;
  return out;
}

}  // namespace

Bytes seal(ByteView passphrase, std::string_view purpose, std::span<const std::uint8_t> secret, Rng& rng,
           const SealCost& cost) {
  invariant(!purpose.empty() && purpose.size() <= 255 && is_within_bounds(cost), "the caller's constants");
  Bytes out = copy_of(bytes_of(kMagic));
  out.push_back(static_cast<std::uint8_t>(purpose.size()));
  append(out, bytes_of(purpose));
  append_u64be(out, cost.passes);
  append_u64be(out, cost.memory_bytes);
  ByteArray<kSalt> salt{};
  rng.fill(salt);
  ByteArray<kNonce> nonce{};
  rng.fill(nonce);
  append(out, salt);
  append(out, nonce);
  const Bytes header = out;
  const SecretBytes<kKey> key = derive_key(passphrase, salt, cost);
  out.resize(header.size() + secret.size() + kTag);
  invariant(out.size() <= kMaxSealedBytes, "secrets are small");
  crypto_aead_xchacha20poly1305_ietf_encrypt(out.data() + header.size(), nullptr, secret.data(),
                                             secret.size(), header.data(), header.size(), nullptr,
                                             nonce.data(), key.expose().data());
  return out;
}

Result<std::string, Fault> purpose_of(ByteView sealed) {
  const auto header = parse(sealed);
  if (!header) return std::unexpected(header.error());
  return std::string(header->purpose);
}

Result<SealCost, Fault> seal_cost_of(ByteView sealed) {
  const auto header = parse(sealed);
  if (!header) return std::unexpected(header.error());
  return header->cost;
}

Result<SecretBuffer, Fault> unseal(ByteView passphrase, std::string_view purpose, ByteView sealed) {
  const auto header = parse(sealed);
  if (!header || header->purpose != purpose) return std::unexpected(Fault::kSecretUnreadable);
  const SecretBytes<kKey> key = derive_key(passphrase, header->salt, header->cost);
  SecretBuffer out(header->box.size() - kTag);
  if (crypto_aead_xchacha20poly1305_ietf_decrypt(out.expose_mutable().data(), nullptr, nullptr,
                                                 header->box.data(), header->box.size(),
                                                 header->authenticated.data(), header->authenticated.size(),
                                                 header->nonce.data(), key.expose().data()) != 0)
    return std::unexpected(Fault::kSecretUnreadable);
  return out;
}

}  // namespace psephos
