#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/bytes.h"
#include "crypto/result.h"
#include "protocol/definition.h"

namespace psephos {

/// What an election asks of voters' certificates beside the rules for all of them (SPEC §9.8): its EidProfile
/// without the authorities.
struct VoterProfile {
  std::vector<Bytes> policies;  ///< object identifiers, content octets
  std::vector<std::string> identity_types;
  bool p384 = false, p256 = false;
  std::uint64_t rsa_bits_min = 0, rsa_bits_max = 0;  ///< 0 and 0: no RSA keys
};

/// The profile as checks need it. @return what breaks rule 5 of SPEC §4.3, of which the anchors are no part.
[[nodiscard]] Result<VoterProfile, std::string> voter_profile_of(const EidProfile& profile);

/// Content octets of an object identifier (X.690 §8.19); nullopt unless this is its dotted form: at least two
/// numbers below 2^56 without leading zeros, the first at most 2, the second below 40 under 0 and 1.
[[nodiscard]] std::optional<Bytes> object_identifier(std::string_view dotted);

}  // namespace psephos
