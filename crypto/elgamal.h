#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "crypto/bytes.h"
#include "crypto/fault.h"
#include "crypto/group/group.h"
#include "crypto/result.h"
#include "crypto/secret/declassify.h"

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

/// Constant time in r and M. The ciphertext is public.
template <Group G>
Ciphertext<G> encrypt(const typename G::Point& Y, const typename G::Point& M,
                      const typename G::SecretScalar& r) {
  return published(Ciphertext<G>{G::mul_base(r), M + r * Y});
}

/// c + Enc(0; s). Constant time in s.
template <Group G>
Ciphertext<G> re_encrypt(const typename G::Point& Y, const Ciphertext<G>& c,
                         const typename G::SecretScalar& s) {
  return published(Ciphertext<G>{c.alpha + G::mul_base(s), c.beta + s * Y});
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

/// Rows that are decoded, multiplied and forgotten together: memory does not grow with the lists.
inline constexpr std::size_t kPieceRows = std::size_t{1} << 17;

/// Calls body(first, count) for the pieces of n rows, one after the other; each uses all cores.
template <class Body>
void for_pieces(std::size_t n, Body&& body) {
  for (std::size_t first = 0; first < n; first += kPieceRows) body(first, std::min(kPieceRows, n - first));
}

/// One of the two parts of a ciphertext, by its place in the encoding.
enum class Part : std::uint8_t { kAlpha = 0, kBeta = 1 };

/// The `part`s of column k of n rows from `first`, out of an encoded list of rows of `width` ciphertexts.
/// @return the fault and the number of the element in the list, where one does not decode. Variable time.
template <Group G>
Result<typename G::Points, std::pair<Fault, std::size_t>> decode_column(ByteView list, std::size_t width,
                                                                        std::size_t k, Part part,
                                                                        std::size_t first, std::size_t n) {
  constexpr std::size_t kWidth = G::Point::kWidth;
  Bytes bytes(n * kWidth);
  const auto element = [&](std::size_t i) {
    return 2 * ((first + i) * width + k) + static_cast<std::size_t>(part);
  };
  for (std::size_t i = 0; i < n; ++i)
    std::ranges::copy(list.subspan(element(i) * kWidth, kWidth),
                      bytes.begin() + static_cast<std::ptrdiff_t>(i * kWidth));
  auto points = G::decode_points(bytes);
  if (!points) return std::unexpected(std::pair{points.error().first, element(points.error().second)});
  return std::move(*points);
}

/// An encoded list of rows of `width` ciphertexts, decoded by whoever verified it and kept for the next one
/// who computes with it: decoding is half the cost of verifying a mix. 256 bytes a ciphertext.
template <Group G>
struct DecodedList {
  std::size_t width = 1;
  std::vector<typename G::Points>
      parts;  ///< piece after piece, in each column after column, alphas and betas
  const typename G::Points& at(std::size_t piece, std::size_t k, Part part) const {
    return parts[2 * (piece * width + k) + static_cast<std::size_t>(part)];
  }
};

/// The first element of an encoded list that is the identity. Each point has one encoding, so bytes are
/// enough.
template <Group G>
std::optional<std::size_t> find_identity(ByteView elements) {
  constexpr std::size_t kWidth = G::Point::kWidth;
  const auto identity = G::Point::identity().encode();
  for (std::size_t at = 0; at < elements.size(); at += kWidth)
    if (std::ranges::equal(elements.subspan(at, kWidth), identity)) return at / kWidth;
  return std::nullopt;
}

/// The encoding of a list: row after row, alpha ‖ beta.
template <Group G>
Bytes encode_list(const CiphertextList<G>& list) {
  return encode_all(std::span<const Ciphertext<G>>(list.items));
}

/// A list whose encoding has been decoded before (G::adopt_judged).
template <Group G>
CiphertextList<G> adopt_judged_list(ByteView list, std::size_t width) {
  const auto points = G::adopt_judged(list);
  CiphertextList<G> out{width, std::vector<Ciphertext<G>>(points.size() / 2)};
  for (std::size_t i = 0; i < out.items.size(); ++i) out.items[i] = {points[2 * i], points[2 * i + 1]};
  return out;
}

}  // namespace psephos
