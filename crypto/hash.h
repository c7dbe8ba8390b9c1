#pragma once
#include <sodium.h>

#include "crypto/bytes.h"

namespace psephos {

using Digest256 = ByteArray<32>;
using Digest512 = ByteArray<64>;

/// SHA-256 (FIPS 180-4), incremental; copyable, so that a prefix can be shared. For log, ids and
/// fingerprints.
class Sha256 {
 public:
  Sha256() { crypto_hash_sha256_init(&state_); }
  Sha256& update(ByteView bytes) {
    crypto_hash_sha256_update(&state_, bytes.data(), bytes.size());
    return *this;
  }
  Digest256 finish() {
    Digest256 out{};
    crypto_hash_sha256_final(&state_, out.data());
    return out;
  }

 private:
  crypto_hash_sha256_state state_{};
};

/// SHA-512, likewise. For transcripts, challenges and hash to group.
class Sha512 {
 public:
  Sha512() { crypto_hash_sha512_init(&state_); }
  Sha512& update(ByteView bytes) {
    crypto_hash_sha512_update(&state_, bytes.data(), bytes.size());
    return *this;
  }
  Digest512 finish() {
    Digest512 out{};
    crypto_hash_sha512_final(&state_, out.data());
    return out;
  }

 private:
  crypto_hash_sha512_state state_{};
};

inline Digest256 sha256(ByteView bytes) {
  return Sha256().update(bytes).finish();
}
inline Digest512 sha512(ByteView bytes) {
  return Sha512().update(bytes).finish();
}

/// expand_message_xmd with SHA-512 (RFC 9380 section 5.3.1).
/// @pre dst has 1 to 255 bytes, length at most 255 · 64.
Bytes expand_message_xmd_sha512(ByteView message, ByteView dst, std::size_t length);

}  // namespace psephos
