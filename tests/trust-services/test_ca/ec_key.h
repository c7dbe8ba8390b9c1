#pragma once
#include "crypto/bytes.h"
#include "crypto/random.h"
#include "protocol/eid/certificate.h"

namespace psephos::trust {

/// A key of a test on P-384 or P-256: everything about it is open.
struct EcKey {
  EcCurve curve = EcCurve::kP384;
  Bytes scalar;  ///< 48 or 32 bytes, big-endian
  Bytes point;   ///< 04 ‖ x ‖ y
};

/// Bytes of a scalar: 48 on P-384, 32 on P-256. @pre one of these two.
std::size_t scalar_bytes(EcCurve curve);

/// OpenSSL 3.0 needs 0.8 ms for a multiple of the P-384 base point, too long for hundreds of thousands of
/// test cards. These two add points from a table instead, in about a tenth of the time; on P-256 OpenSSL is
/// faster than that. Variable time: for test keys only.
EcKey generate_key(EcCurve curve, Rng& rng);
inline EcKey generate_p384(Rng& rng) {
  return generate_key(EcCurve::kP384, rng);
}
/// ECDSA over a digest, of which as many bytes are taken as the order has: Ecdsa-Sig-Value in DER. The nonce
/// is fresh randomness.
Bytes sign(const EcKey& key, ByteView digest, Rng& rng);

}  // namespace psephos::trust
