#pragma once
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "crypto/fault.h"
#include "crypto/group/group.h"
#include "crypto/group/hash_to_group.h"
#include "crypto/hash.h"
#include "crypto/invariant.h"
#include "crypto/result.h"
#include "crypto/shuffle/generators.h"

/// What prover and verifier of crypto/proof/one_of_many.h both have before there is a statement.
namespace psephos {

/// Digits of an index are to this base: SPEC §6.1 says why.
inline constexpr std::size_t kDigitBase = 4;

/// m, the number of digits of an index into a table of n entries: the least m ≥ 1 with base^m ≥ n.
constexpr std::size_t digits_for(std::size_t n) {
  std::size_t m = 1;
  for (std::size_t reach = kDigitBase; reach < n; reach *= kDigitBase) ++m;
  return m;
}

/// The points T_0 … T_(n−1) of which a ciphertext encrypts one, and the hash by which transcripts name them.
/// Immutable. An entry may be the identity, entries may repeat; a proof then says less about the index.
template <Group G>
class ChoiceTable {
 public:
  using Point = typename G::Point;
  /// @pre at least one point.
  explicit ChoiceTable(std::vector<Point> points) : points_(std::move(points)) {
    invariant(!points_.empty(), "a table has an entry");
    Sha512 hash;
    for (const Point& p : points_) hash.update(p.encode());
    hash_ = hash.finish();
  }
  std::span<const Point> points() const { return points_; }
  auto begin() const { return points_.begin(); }
  auto end() const { return points_.end(); }
  std::size_t size() const { return points_.size(); }
  const Point& operator[](std::size_t i) const { return points_[i]; }
  std::size_t digits() const { return digits_for(points_.size()); }
  /// SHA-512(T_0 ‖ … ‖ T_(n−1)).
  const Digest512& hash() const { return hash_; }

 private:
  std::vector<Point> points_;
  Digest512 hash_{};
};

/// The generators H and H_(j,i) of the digit commitments. Whoever knows a discrete logarithm between two of
/// them can prove anything (A114), so everybody who judges derives them himself.
template <Group G>
class DigitGenerators {
 public:
  using Point = typename G::Point;
  /// H = h_0 and H_(j,i) = h_(1+4j+i) of derive_generators(tag, fingerprint, …), SPEC §5.3, for tables of up
  /// to `largest` entries. A prefix does not depend on `largest`, so one object serves all tables.
  /// @return kCrsDegenerate if one is the identity, G or Y, or occurs twice; nothing else.
  static Result<DigitGenerators, Fault> derive(std::string_view tag, const Digest256& fingerprint,
                                               std::size_t largest, const Point& Y) {
    const std::size_t n = 1 + kDigitBase * digits_for(largest);
    std::vector<Point> h = derive_generators<G>(tag, fingerprint, n);
    if (const auto ok = check_generators<G>(h, n, Y); !ok) return std::unexpected(ok.error());
    return DigitGenerators(std::string(tag), std::move(h));
  }
  /// Points of the caller's choice: for tests, where cheats choose them and tiny groups have few. Nothing
  /// that judges an election calls this.
  static DigitGenerators chosen(std::string_view tag, std::vector<Point> h) {
    return DigitGenerators(std::string(tag), std::move(h));
  }
  std::string_view tag() const { return tag_; }
  const Point& H() const { return h_[0]; }
  /// H_(0,0), H_(0,1), … H_(m−1,3). @pre derived for a table of m digits or more.
  std::span<const Point> digits(std::size_t m) const {
    invariant(1 + kDigitBase * m <= h_.size(), "generators were derived for the largest table");
    return std::span(h_).subspan(1, kDigitBase * m);
  }

 private:
  DigitGenerators(std::string tag, std::vector<Point> h) : tag_(std::move(tag)), h_(std::move(h)) {}
  std::string tag_;
  std::vector<Point> h_;
};

}  // namespace psephos
