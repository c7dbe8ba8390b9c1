#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "crypto/elgamal.h"
#include "crypto/fault.h"
#include "crypto/group/group.h"
#include "crypto/group/hash_to_group.h"
#include "crypto/hash.h"
#include "crypto/invariant.h"
#include "crypto/result.h"

namespace psephos {

/// @return kCrsDegenerate if `h` has fewer than n points, or one of the first n is the identity, the base G,
/// the key Y, or occurs twice; nothing else. Cost: sorts n encodings. Attack A115.
template <Group G>
[[nodiscard]] Result<void, Fault> check_generators(std::span<const typename G::Point> h, std::size_t n,
                                                   const typename G::Point& Y) {
  using Point = typename G::Point;
  if (h.size() < n) return std::unexpected(Fault::kCrsDegenerate);
  std::vector<Point> all(h.begin(), h.begin() + static_cast<std::ptrdiff_t>(n));
  all.push_back(Point::identity());
  all.push_back(Point::generator());
  // A key equal to G or to the identity is not the generators' fault.
  if (!Y.is_identity() && !(Y == Point::generator())) all.push_back(Y);
  // Points whose first bytes differ differ: that settles it but for a few, and sorting numbers is fast.
  constexpr std::size_t kPrefix = std::min<std::size_t>(8, Point::kWidth);
  std::vector<std::uint64_t> prefixes(all.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto& bytes = all[i].encode();
    for (std::size_t k = 0; k < kPrefix; ++k) prefixes[i] |= std::uint64_t{bytes[k]} << (8 * k);
  }
  std::sort(prefixes.begin(), prefixes.end());
  if (std::adjacent_find(prefixes.begin(), prefixes.end()) == prefixes.end()) return {};
  std::sort(all.begin(), all.end());
  if (std::adjacent_find(all.begin(), all.end()) != all.end()) return std::unexpected(Fault::kCrsDegenerate);
  return {};
}

/// The generators h_0 … h_(n−1) of the permutation commitment, and the tag they were derived with. Whoever
/// knows a discrete logarithm between two of them can prove a false shuffle (A114), so everybody who judges
/// makes this object himself, from the fingerprint. Memory: 160 bytes each.
template <Group G>
class ShuffleGenerators {
 public:
  /// derive_generators(tag, fingerprint, n), SPEC §5.3. A prefix does not depend on n, so one object serves
  /// all mixing groups of an election. Cost: n hashes to the group and n decodes, on all cores.
  static ShuffleGenerators derive(std::string_view tag, const Digest256& fingerprint, std::size_t n) {
    return {std::string(tag), derive_generators<G>(tag, fingerprint, n)};
  }
  /// Points of the caller's choice: for tests, where cheats choose them and tiny groups have few. Nothing
  /// that judges an election calls this.
  static ShuffleGenerators chosen(std::string_view tag, std::vector<typename G::Point> h) {
    return {std::string(tag), std::move(h)};
  }
  std::string_view tag() const { return tag_; }
  std::span<const typename G::Point> all() const { return h_; }
  /// h_0. @pre there is one, which check_generators tells.
  const typename G::Point& front() const { return h_.front(); }
  /// h_first … h_(first+n−1), decoded once for all proofs: a piece of for_pieces, or its beginning.
  /// @pre first + n ≤ all().size().
  typename G::Points decoded(std::size_t first, std::size_t n) const {
    invariant(first % kPieceRows == 0 && first + n <= h_.size(), "check_generators comes first");
    return G::first_of(decoded_[first / kPieceRows], n);
  }

 private:
  ShuffleGenerators(std::string tag, std::vector<typename G::Point> h)
      : tag_(std::move(tag)), h_(std::move(h)) {
    for_pieces(h_.size(), [this](std::size_t first, std::size_t n) {
      decoded_.push_back(G::points_of(std::span<const typename G::Point>(h_).subspan(first, n)));
    });
  }
  std::string tag_;
  std::vector<typename G::Point> h_;
  std::vector<typename G::Points> decoded_;  ///< piece by piece
};

}  // namespace psephos
