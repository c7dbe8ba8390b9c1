#pragma once
#include <sodium.h>

#include <cstdint>
#include <limits>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include "crypto/bytes.h"
#include "crypto/invariant.h"
#include "crypto/random.h"

namespace psephos {

/// A permutation π of 0 … n−1 that must not be seen: i goes to π(i). Move-only, wiped. Applying it reads and
/// writes memory at secret indices, so it is safe only on a machine nobody else runs code on.
class SecretPermutation {
 public:
  SecretPermutation() = default;
  SecretPermutation(const SecretPermutation&) = delete;
  SecretPermutation& operator=(const SecretPermutation&) = delete;
  SecretPermutation(SecretPermutation&& other) noexcept { std::swap(image_, other.image_); }
  SecretPermutation& operator=(SecretPermutation&& other) noexcept {
    std::swap(image_, other.image_);
    return *this;
  }
  ~SecretPermutation() { sodium_memzero(image_.data(), image_.size() * sizeof image_[0]); }

  /// Uniform among all n! (Durstenfeld's form of Fisher & Yates; each draw rejects what would bias it).
  static SecretPermutation random(std::size_t n, Rng& rng) {
    invariant(n <= std::numeric_limits<std::uint32_t>::max(), "rows are counted in 32 bits");
    SecretPermutation out;
    out.image_.resize(n);
    std::iota(out.image_.begin(), out.image_.end(), 0U);
    for (std::size_t i = n; i-- > 1;) std::swap(out.image_[i], out.image_[uniform_below(i + 1, rng)]);
    return out;
  }
  /// A permutation somebody chose. @pre every value below n occurs once.
  static SecretPermutation of(std::span<const std::uint32_t> image) {
    std::vector<bool> seen(image.size());
    for (const std::uint32_t j : image) {
      invariant(j < image.size() && !seen[j], "a permutation has every value once");
      seen[j] = true;
    }
    SecretPermutation out;
    out.image_.assign(image.begin(), image.end());
    return out;
  }
  std::size_t size() const { return image_.size(); }
  /// For what computes on the secret, inside crypto/shuffle only.
  std::span<const std::uint32_t> expose() const { return image_; }

 private:
  /// Uniform below n, from 8 bytes of `rng` a try: tries of 2^64 − (2^64 mod n) or more are thrown away, so
  /// its time tells nothing of the number kept.
  static std::size_t uniform_below(std::uint64_t n, Rng& rng) {
    const std::uint64_t surplus = (std::numeric_limits<std::uint64_t>::max() % n + 1) % n;
    for (;;) {
      ByteArray<8> bytes{};
      rng.fill(bytes);
      const std::uint64_t value = read_u64be(bytes);
      sodium_memzero(bytes.data(), bytes.size());
      if (value <= std::numeric_limits<std::uint64_t>::max() - surplus) return value % n;
    }
  }
  std::vector<std::uint32_t> image_;
};

}  // namespace psephos
