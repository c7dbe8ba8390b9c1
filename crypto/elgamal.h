#pragma once
#include <algorithm>
#include <span>
#include <vector>

#include "crypto/bytes.h"
#include "crypto/group/group.h"

namespace psephos {

/// ElGamal encryption of a group element M under Y = x·G:  alpha = r·G,  beta = M + r·Y.
template <Group G>
struct Ciphertext {
  static constexpr std::size_t kWidth = 2 * G::Point::kWidth;
  typename G::Point alpha;
  typename G::Point beta;
  /// alpha ‖ beta.
  ByteArray<kWidth> encode() const {
    ByteArray<kWidth> out{};
    std::ranges::copy(alpha.encode(), out.begin());
    std::ranges::copy(beta.encode(), out.begin() + G::Point::kWidth);
    return out;
  }
  friend bool operator==(const Ciphertext&, const Ciphertext&) = default;
  friend auto operator<=>(const Ciphertext&, const Ciphertext&) = default;  ///< order of the 64 encoded bytes
  friend Ciphertext operator+(const Ciphertext& a, const Ciphertext& b) {
    return {a.alpha + b.alpha, a.beta + b.beta};
  }
};

/// Constant time in r and M.
template <Group G>
Ciphertext<G> encrypt(const typename G::Point& Y, const typename G::Point& M,
                      const typename G::SecretScalar& r) {
  return {G::mul_base(r), M + r * Y};
}

/// c + Enc(0; s). Constant time in s.
template <Group G>
Ciphertext<G> re_encrypt(const typename G::Point& Y, const Ciphertext<G>& c,
                         const typename G::SecretScalar& s) {
  return {c.alpha + G::mul_base(s), c.beta + s * Y};
}

/// A list of N rows of `width` ciphertexts each, stored row after row: item(i, k) = items[i · width + k].
template <Group G>
struct CiphertextList {
  std::size_t width = 1;
  std::vector<Ciphertext<G>> items;
  std::size_t rows() const { return items.size() / width; }
  std::span<const Ciphertext<G>> row(std::size_t i) const {
    return std::span(items).subspan(i * width, width);
  }
};

}  // namespace psephos
