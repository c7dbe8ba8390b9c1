#pragma once
#include <sodium.h>

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/elgamal.h"
#include "crypto/hash.h"
#include "crypto/random.h"
#include "crypto/transcript.h"

/// What the tests of the Sigma proofs share.
namespace psephos::sigma_test {

inline constexpr std::string_view kSuite = "psephos-1";

inline Digest256 fingerprint(std::string_view election) {
  return sha256(bytes_of(election));
}

inline Transcript transcript_for(std::string_view label, std::string_view election = "election A",
                                 std::string_view role = "voter", std::uint64_t index = 0) {
  return Transcript({kSuite, fingerprint(election), label, role, index});
}

/// Repeats itself from its seed.
class SeededRng final : public Rng {
 public:
  explicit SeededRng(std::string_view seed) : seed_(sha256(bytes_of(seed))) {}
  void fill(std::span<std::uint8_t> out) override {
    for (std::size_t i = 0; i < out.size(); i += 64) {
      const Digest512 block = Sha512().update(seed_).update(u64be(counter_++)).finish();
      std::copy_n(block.begin(), std::min<std::size_t>(64, out.size() - i),
                  out.begin() + static_cast<long>(i));
    }
  }

 private:
  Digest256 seed_;
  std::uint64_t counter_ = 0;
};

template <Group G>
typename G::Scalar scalar(std::uint64_t value) {
  return G::Scalar::from_u64(value);
}
template <Group G>
typename G::SecretScalar secret(std::uint64_t value) {
  return G::SecretScalar::of(scalar<G>(value));
}
template <Group G>
typename G::Point multiple(std::uint64_t value) {
  return G::mul_base_vartime(scalar<G>(value));
}

}  // namespace psephos::sigma_test
