#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "crypto/bytes.h"
#include "crypto/group/group.h"
#include "crypto/invariant.h"
#include "crypto/parallel.h"

/// Sums, products and the chain over all rows of a shuffle, in pieces on all cores. Addition and
/// multiplication modulo q are exact, so neither pieces nor scheduling show in a result.
namespace psephos::shuffle_detail {

/// Rows that a core takes at a time where a row costs some tens of nanoseconds.
inline constexpr std::size_t kScalarPiece = 4096;

/// term(0) ∘ term(1) ∘ … ∘ term(n − 1) for an associative combine. @pre n ≥ 1.
template <class Term, class Combine>
auto parallel_fold(std::size_t n, Term&& term, Combine&& combine, std::size_t piece = kScalarPiece) {
  invariant(n >= 1, "a shuffle that is proved has a row");
  std::vector<decltype(term(n))> partial((n + piece - 1) / piece);
  parallel_for(partial.size(), 1, [&](std::size_t c) {
    auto value = term(c * piece);
    for (std::size_t i = c * piece + 1; i < std::min(n, (c + 1) * piece); ++i)
      value = combine(value, term(i));
    partial[c] = std::move(value);
  });
  auto value = std::move(partial[0]);
  for (std::size_t c = 1; c < partial.size(); ++c) value = combine(value, partial[c]);
  return value;
}

template <Group G>
struct ShuffleChain {
  std::vector<typename G::SecretScalar> d;  ///< d_i = d_(i−1)·e'_i + b_i,  d_(−1) = 0
  std::vector<typename G::SecretScalar> p;  ///< p_i = p_(i−1)·e'_i,  p_(−1) = 1
};

/// The chain of all rows, constant time. Each piece is computed as if it were the first, and then set behind
/// the d and p that the pieces before it end with:  d_i = d'_i + d·p'_i,  p_i = p·p'_i.
/// @pre e1 and b of one length, N ≥ 1.
template <Group G>
ShuffleChain<G> shuffle_chain(std::span<const typename G::SecretScalar> e1,
                              std::span<const typename G::SecretScalar> b, std::size_t piece = kScalarPiece) {
  using Secret = typename G::SecretScalar;
  const std::size_t N = e1.size();
  const std::size_t pieces = (N + piece - 1) / piece;
  ShuffleChain<G> out{std::vector<Secret>(N), std::vector<Secret>(N)};
  parallel_for(pieces, 1, [&](std::size_t c) {
    const std::size_t first = c * piece;
    out.d[first] = b[first].clone();
    out.p[first] = e1[first].clone();
    for (std::size_t i = first + 1; i < std::min(N, first + piece); ++i) {
      out.d[i] = out.d[i - 1] * e1[i] + b[i];
      out.p[i] = out.p[i - 1] * e1[i];
    }
  });
  // what each piece but the first is set behind
  std::vector<Secret> d(pieces);
  std::vector<Secret> p(pieces);
  for (std::size_t c = 1; c < pieces; ++c) {
    const std::size_t last = c * piece - 1;
    d[c] = c == 1 ? out.d[last].clone() : out.d[last] + d[c - 1] * out.p[last];
    p[c] = c == 1 ? out.p[last].clone() : p[c - 1] * out.p[last];
  }
  parallel_for(pieces, 1, [&](std::size_t c) {
    if (c == 0) return;
    for (std::size_t i = c * piece; i < std::min(N, (c + 1) * piece); ++i) {
      out.d[i] = out.d[i] + d[c] * out.p[i];
      out.p[i] = p[c] * out.p[i];
    }
  });
  return out;
}

/// Whether a scalar is zero or occurs twice; public ones. Plain form: sort all encodings and compare
/// neighbours. Scalars whose first bytes differ differ, so that sorting numbers of 64 bits settles it but
/// once in 2^25 lists of a million.
template <Group G>
bool has_zero_or_repeated(std::span<const typename G::Scalar> e) {
  constexpr std::size_t kPrefix = std::min<std::size_t>(8, G::Scalar::kWidth);
  std::vector<std::uint64_t> prefixes(e.size() + 1);
  for (std::size_t i = 0; i < e.size(); ++i) {
    const auto& bytes = e[i].encode();
    for (std::size_t k = 0; k < kPrefix; ++k) prefixes[i] |= std::uint64_t{bytes[k]} << (8 * k);
  }
  std::sort(prefixes.begin(), prefixes.end());
  if (std::adjacent_find(prefixes.begin(), prefixes.end()) == prefixes.end()) return false;
  std::vector<ByteArray<G::Scalar::kWidth>> sorted;
  sorted.reserve(e.size() + 1);
  sorted.push_back(typename G::Scalar{}.encode());
  for (const auto& x : e) sorted.push_back(x.encode());
  std::sort(sorted.begin(), sorted.end());
  return std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end();
}

}  // namespace psephos::shuffle_detail
