// Sha256 and Sha512 by OpenSSL: a third to four fifths faster than libsodium, by the instructions of the
// processor. These functions are deprecated in favour of EVP because providers cannot replace them, which is
// no loss here. EVP keeps its state on the heap: a hash of 64 bytes costs it 90 ns more, copies of a
// transcript allocate, and nobody outside can wipe the state. Should they ever disappear, hash_sodium.cpp
// does the same.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

#include "crypto/hash.h"
#include "crypto/invariant.h"

namespace psephos {

static_assert(sizeof(SHA256_CTX) <= sizeof(Sha256) && alignof(SHA256_CTX) <= alignof(Sha256));
static_assert(sizeof(SHA512_CTX) <= sizeof(Sha512) && alignof(SHA512_CTX) <= alignof(Sha512));

namespace {

SHA256_CTX* of_256(std::byte* state) {
  return reinterpret_cast<SHA256_CTX*>(state);
}
SHA512_CTX* of_512(std::byte* state) {
  return reinterpret_cast<SHA512_CTX*>(state);
}
void succeeds(int result) {
  invariant(result == 1, "hashing bytes in memory does not fail");
}

}  // namespace

Sha256::Sha256() {
  succeeds(SHA256_Init(of_256(state_.data())));
}
Sha256& Sha256::update(ByteView bytes) {
  succeeds(SHA256_Update(of_256(state_.data()), bytes.data(), bytes.size()));
  return *this;
}
Digest256 Sha256::finish() {
  Digest256 out{};
  succeeds(SHA256_Final(out.data(), of_256(state_.data())));
  return out;
}

Sha512::Sha512() {
  succeeds(SHA512_Init(of_512(state_.data())));
}
Sha512& Sha512::update(ByteView bytes) {
  succeeds(SHA512_Update(of_512(state_.data()), bytes.data(), bytes.size()));
  return *this;
}
Digest512 Sha512::finish() {
  Digest512 out{};
  succeeds(SHA512_Final(out.data(), of_512(state_.data())));
  return out;
}

}  // namespace psephos
