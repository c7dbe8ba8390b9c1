#pragma once
#include <array>
#include <cstddef>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "crypto/group/group.h"
#include "crypto/group/plain_bulk.h"

namespace psephos::sigma_test {

/// K independent copies of a tiny group, as vectors of logarithms: no relation holds among the unit vectors,
/// so that a commitment to a vector under them has one opening. In a tiny group by itself everybody knows
/// every relation, and a proof that stands on commitments says nothing.
template <class Tiny, std::size_t K>
struct FreeArithmetic {
  static constexpr std::string_view kName = "free";
  static constexpr std::uint32_t kOrder = Tiny::kOrder;
  using Scalar = typename Tiny::Scalar;
  using SecretScalar = typename Tiny::SecretScalar;

  class Point {
   public:
    static constexpr std::size_t kWidth = K;
    static Point identity() { return {}; }
    static Point generator() { return unit(0); }
    /// The i-th unit vector.
    static Point unit(std::size_t i) {
      Point out;
      out.logs_[i] = Scalar::from_u64(1);
      return out;
    }
    static Point from_uniform(ByteView bytes) { return generator().times(Scalar::from_wide(bytes)); }
    static Result<Point, Fault> decode(ByteView bytes) {
      if (bytes.size() != kWidth) return std::unexpected(Fault::kWireLength);
      Point out;
      for (std::size_t i = 0; i < K; ++i) {
        const auto log = Scalar::decode(bytes.subspan(i, 1));
        if (!log) return std::unexpected(Fault::kPointNoncanonical);
        out.logs_[i] = *log;
      }
      return out;
    }
    ByteArray<K> encode() const {
      ByteArray<K> out{};
      for (std::size_t i = 0; i < K; ++i) out[i] = logs_[i].encode()[0];
      return out;
    }
    bool is_identity() const { return *this == Point(); }
    Point times(Scalar s) const {
      Point out;
      for (std::size_t i = 0; i < K; ++i) out.logs_[i] = logs_[i] * s;
      return out;
    }
    friend Point operator+(const Point& p, const Point& q) {
      Point out;
      for (std::size_t i = 0; i < K; ++i) out.logs_[i] = p.logs_[i] + q.logs_[i];
      return out;
    }
    friend Point operator-(const Point& p, const Point& q) {
      return p + q.times(Scalar() - Scalar::from_u64(1));
    }
    friend Point operator*(const SecretScalar& x, const Point& p) {
      return p.times(declassify(x));  // public: a test's
    }
    friend bool operator==(const Point& p, const Point& q) = default;

   private:
    std::array<Scalar, K> logs_{};
  };

  static Point mul_vartime(Scalar s, const Point& p) { return p.times(s); }
  static Point mul_base(const SecretScalar& x) { return x * Point::generator(); }
  static Point mul_base_vartime(Scalar s) { return Point::generator().times(s); }
};

template <class Tiny, std::size_t K>
using FreeGroup = PlainBulk<FreeArithmetic<Tiny, K>>;

}  // namespace psephos::sigma_test
