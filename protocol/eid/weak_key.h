#pragma once
#include <cstdint>
#include <optional>

#include "crypto/bytes.h"

namespace psephos {

/// Known ways to break an RSA key, in the order in which they are tried.
enum class RsaWeakness : std::uint8_t {
  kExponent,      ///< even, below 65,537 or of more than 64 bits
  kSmallFactor,   ///< the modulus has a prime factor below 2^16, or is below 2^16 itself
  kCloseFactors,  ///< it is a square, or 100 steps of Fermat's method factor it (e.g. CVE-2022-26320)
  kRoca,          ///< it has the fingerprint of ROCA (CVE-2017-15361)
};

/// The first weakness that an RSA key of 1,984 bits or more shows (SPEC §9.8); nullopt if it shows none of
/// these. ROCA: Nemec, Sýs, Švenda, Klinec and Matyáš, CCS 2017, §2: primes are k·M + (65537^a mod M), so the
/// modulus is a power of 65537 modulo each prime that divides M, which are those up to 701 from 1,984 bits
/// on. An ordinary modulus is with a probability of 2^-167.
/// Numbers are big-endian magnitudes. Variable time: all inputs are public. Cost: for 2,048 bits
/// a quarter of a verification on P-384, for 6,144 bits about one.
[[nodiscard]] std::optional<RsaWeakness> rsa_weakness(ByteView modulus, ByteView exponent);

}  // namespace psephos
