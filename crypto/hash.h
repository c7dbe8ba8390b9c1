#pragma once
#include <array>
#include <cstddef>

#include "crypto/bytes.h"

namespace psephos {

using Digest256 = ByteArray<32>;
using Digest512 = ByteArray<64>;

/// SHA-256 (FIPS 180-4), incremental. A plain value: copyable, so that a prefix can be shared; whoever hashes
/// a secret wipes it with sodium_memzero(&hash, sizeof hash). For log, ids and fingerprints.
///
/// The work is OpenSSL's where there is OpenSSL (hash_openssl.cpp), otherwise libsodium's (hash_sodium.cpp):
/// crypto/CMakeLists.txt decides. OpenSSL's functions leave what they worked on in dead stack.
class Sha256 {
 public:
  Sha256();
  Sha256& update(ByteView bytes);
  /// After this the object is good for nothing but wiping.
  Digest256 finish();

 private:
  alignas(8) std::array<std::byte, 112> state_{};  ///< of the library
};

/// SHA-512, likewise. For transcripts, challenges and hash to group.
class Sha512 {
 public:
  Sha512();
  Sha512& update(ByteView bytes);
  Digest512 finish();

 private:
  alignas(8) std::array<std::byte, 216> state_{};
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
