// Sha256 and Sha512 by libsodium, where there is no OpenSSL.
#include <sodium.h>

#include "crypto/hash.h"
#include "crypto/invariant.h"

namespace psephos {

static_assert(sizeof(crypto_hash_sha256_state) <= sizeof(Sha256) &&
              alignof(crypto_hash_sha256_state) <= alignof(Sha256));
static_assert(sizeof(crypto_hash_sha512_state) <= sizeof(Sha512) &&
              alignof(crypto_hash_sha512_state) <= alignof(Sha512));

namespace {

crypto_hash_sha256_state* of_256(std::byte* state) {
  return reinterpret_cast<crypto_hash_sha256_state*>(state);
}
crypto_hash_sha512_state* of_512(std::byte* state) {
  return reinterpret_cast<crypto_hash_sha512_state*>(state);
}
void succeeds(int result) {
  invariant(result == 0, "hashing bytes in memory does not fail");
}

}  // namespace

Sha256::Sha256() {
  succeeds(crypto_hash_sha256_init(of_256(state_.data())));
}
Sha256& Sha256::update(ByteView bytes) {
  succeeds(crypto_hash_sha256_update(of_256(state_.data()), bytes.data(), bytes.size()));
  return *this;
}
Digest256 Sha256::finish() {
  Digest256 out{};
  succeeds(crypto_hash_sha256_final(of_256(state_.data()), out.data()));
  return out;
}

Sha512::Sha512() {
  succeeds(crypto_hash_sha512_init(of_512(state_.data())));
}
Sha512& Sha512::update(ByteView bytes) {
  succeeds(crypto_hash_sha512_update(of_512(state_.data()), bytes.data(), bytes.size()));
  return *this;
}
Digest512 Sha512::finish() {
  Digest512 out{};
  succeeds(crypto_hash_sha512_final(of_512(state_.data()), out.data()));
  return out;
}

}  // namespace psephos
