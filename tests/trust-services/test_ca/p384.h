#pragma once
#include "crypto/bytes.h"
#include "crypto/random.h"

namespace psephos::trust {

/// A P-384 key of a test: everything about it is open.
struct P384Key {
  ByteArray<48> scalar{};
  ByteArray<97> point{};  ///< 04 ‖ x ‖ y
};

/// OpenSSL 3.0 needs 0.8 ms for a multiple of the P-384 base point, too long for tens of thousands of test
/// cards. These two add points from a table instead, in about a tenth of the time. Variable time: for test
/// keys only.
P384Key generate_p384(Rng& rng);
/// ECDSA over a digest of at most 48 bytes: Ecdsa-Sig-Value in DER. The nonce is fresh randomness.
Bytes sign_p384(const ByteArray<48>& scalar, ByteView digest, Rng& rng);

}  // namespace psephos::trust
