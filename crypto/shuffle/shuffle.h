#pragma once
#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "crypto/elgamal.h"
#include "crypto/group/group.h"
#include "crypto/invariant.h"
#include "crypto/random.h"
#include "crypto/secret/declassify.h"
#include "crypto/secret/secret_bytes.h"
#include "crypto/shuffle/permutation.h"

namespace psephos {

/// What only the mixer knows. Whoever learns it can follow every row; keep it until the proof is made.
template <Group G>
struct ShuffleWitness {
  SecretPermutation permutation;            ///< row i of the input is row π(i) of the output
  std::vector<typename G::SecretScalar> s;  ///< s_(i,k) = s[i · W + k], i counts rows of the input
  SecretBytes<64> hedge;                    ///< goes into the proof's nonces, nowhere else
};

template <Group G>
struct ShuffleResult {
  CiphertextList<G> output;
  ShuffleWitness<G> witness;
};

/// Permutes rows and re-encrypts:  w'_(π(i),k) = w_(i,k) + (s_(i,k)·G, s_(i,k)·Y)  (SPEC §6.3). π is the
/// caller's; s is fresh for every row and every column (A121).
/// @pre width ≥ 1, whole rows, as many as π has. Constant time but for the memory accesses of π.
/// Cost, a ciphertext: 2 decodes, 1 multiplication of G, 1 of Y, 2 additions.
template <Group G>
ShuffleResult<G> shuffle_with_permutation(const typename G::Point& Y, const CiphertextList<G>& input,
                                          SecretPermutation permutation, Rng& rng) {
  const std::size_t W = input.width;
  invariant(W >= 1 && input.items.size() % W == 0 && permutation.size() == input.rows(),
            "a decoded list has whole rows, and the permutation as many");
  std::vector<typename G::SecretScalar> s;
  s.reserve(input.items.size());
  for (std::size_t j = 0; j < input.items.size(); ++j) s.push_back(G::SecretScalar::random(rng));
  CiphertextList<G> output{W, std::vector<Ciphertext<G>>(input.items.size())};
  // In pieces, so that decoded points never fill the memory.
  using Point = typename G::Point;
  constexpr std::size_t kPiece = std::size_t{1} << 17;
  for (std::size_t first = 0; first < input.items.size(); first += kPiece) {
    const std::size_t n = std::min(kPiece, input.items.size() - first);
    const std::array scalars{std::span<const typename G::SecretScalar>(s).subspan(first, n)};
    const auto re_encrypted = [&](Point Ciphertext<G>::* part, const Point& P) {
      std::vector<Point> points(n);
      for (std::size_t j = 0; j < n; ++j) points[j] = input.items[first + j].*part;
      const auto addends = G::points_of(points);
      return G::mul_bases(scalars, {&P, 1}, &addends);
    };
    const auto alpha = re_encrypted(&Ciphertext<G>::alpha, Point::generator());
    const auto beta = re_encrypted(&Ciphertext<G>::beta, Y);
    for (std::size_t j = 0; j < n; ++j) {
      const std::size_t i = (first + j) / W, k = (first + j) % W;
      output.items[permutation.expose()[i] * W + k] = {alpha[j], beta[j]};
    }
  }
  output.items = published(std::move(output.items));
  return {std::move(output), {std::move(permutation), std::move(s), SecretBytes<64>::random(rng)}};
}

/// The same with a uniform permutation.
template <Group G>
ShuffleResult<G> shuffle(const typename G::Point& Y, const CiphertextList<G>& input, Rng& rng) {
  invariant(input.width >= 1, "a decoded list has a column");
  return shuffle_with_permutation<G>(Y, input, SecretPermutation::random(input.rows(), rng), rng);
}

}  // namespace psephos
