#pragma once
#include "crypto/bytes.h"
#include "protocol/eid/openssl_pointers.h"

namespace psephos::trust {

/// An RSA key of a test, made by OpenSSL.
struct RsaKey {
  openssl::Key key;
  Bytes modulus, exponent;  ///< big-endian magnitudes
};

RsaKey generate_rsa(unsigned bits);
/// RSASSA-PKCS1-v1_5 (RFC 8017 §8.2) with a digest that OpenSSL names so.
Bytes sign(const RsaKey& key, ByteView message, const char* digest = "SHA2-256");

}  // namespace psephos::trust
