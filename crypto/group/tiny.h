#pragma once
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "crypto/bytes.h"
#include "crypto/fault.h"
#include "crypto/group/group.h"
#include "crypto/group/plain_bulk.h"
#include "crypto/invariant.h"
#include "crypto/random.h"
#include "crypto/result.h"
#include "crypto/secret/secret_bytes.h"

namespace psephos {

/// The subgroup of prime order q of the integers modulo p, for tests only: small enough to try every key,
/// message, nonce and challenge. Additive names over the multiplicative group: P + Q is the product modulo p.
/// No security whatever. Encodings have one byte, so that every proof can also be listed.
template <std::uint32_t P, std::uint32_t Q, std::uint32_t Generator>
struct TinyArithmetic {
  static_assert(P < 256 && (P - 1) % Q == 0);
  static constexpr std::string_view kName = "tiny";
  static constexpr std::uint32_t kOrder = Q;

  class Scalar {
   public:
    static constexpr std::size_t kWidth = 1;
    constexpr Scalar() = default;
    static constexpr Scalar from_u64(std::uint64_t value) {
      Scalar out;
      out.value_ = static_cast<std::uint32_t>(value % Q);
      return out;
    }
    static Scalar from_wide(ByteView bytes) {
      invariant(bytes.size() <= 64, "a wide scalar has at most 64 bytes");
      std::uint32_t r = 0;
      for (std::size_t i = bytes.size(); i-- > 0;) r = (r * 256 + bytes[i]) % Q;
      return from_u64(r);
    }
    static Result<Scalar, Fault> decode(ByteView bytes) {
      if (bytes.size() != kWidth) return std::unexpected(Fault::kWireLength);
      if (bytes[0] >= Q) return std::unexpected(Fault::kScalarNoncanonical);
      return from_u64(bytes[0]);
    }
    ByteArray<1> encode() const { return {static_cast<std::uint8_t>(value_)}; }
    constexpr std::uint32_t value() const { return value_; }
    bool is_zero() const { return value_ == 0; }
    Scalar inverse_vartime() const {
      invariant(value_ != 0, "zero has no inverse");
      std::uint32_t r = 1;
      for (std::uint32_t i = 0; i < Q - 2; ++i) r = r * value_ % Q;
      return from_u64(r);
    }
    Scalar operator-() const { return from_u64(Q - value_); }
    friend Scalar operator+(Scalar a, Scalar b) { return from_u64(a.value_ + b.value_); }
    friend Scalar operator-(Scalar a, Scalar b) { return from_u64(a.value_ + Q - b.value_); }
    friend Scalar operator*(Scalar a, Scalar b) { return from_u64(a.value_ * b.value_); }
    friend bool operator==(Scalar a, Scalar b) = default;

   private:
    std::uint32_t value_ = 0;
  };

  class Point {
   public:
    static constexpr std::size_t kWidth = 1;
    constexpr Point() = default;
    static Point identity() { return {}; }
    static Point generator() { return of(Generator); }
    static Point from_uniform(ByteView bytes) { return generator().times(Scalar::from_wide(bytes)); }
    static Result<Point, Fault> decode(ByteView bytes) {
      if (bytes.size() != kWidth) return std::unexpected(Fault::kWireLength);
      if (bytes[0] >= P) return std::unexpected(Fault::kPointNoncanonical);
      const Point candidate = of(bytes[0]);
      if (bytes[0] == 0 || candidate.times_raw(Q) != identity()) return std::unexpected(Fault::kPointInvalid);
      return candidate;
    }
    static Result<Point, Fault> decode_nonidentity(ByteView bytes) {
      Result<Point, Fault> out = decode(bytes);
      if (out && out->is_identity()) return std::unexpected(Fault::kPointIdentity);
      return out;
    }
    ByteArray<1> encode() const { return {static_cast<std::uint8_t>(value_)}; }
    bool is_identity() const { return value_ == 1; }
    Point times(Scalar s) const { return times_raw(s.value()); }
    Point operator-() const { return times_raw(Q - 1); }
    friend Point operator+(Point p, Point q) { return of(p.value_ * q.value_ % P); }
    friend Point operator-(Point p, Point q) { return p + q.times_raw(Q - 1); }
    friend bool operator==(Point p, Point q) = default;
    friend auto operator<=>(Point p, Point q) = default;

   private:
    static Point of(std::uint32_t value) {
      Point out;
      out.value_ = value;
      return out;
    }
    Point times_raw(std::uint32_t n) const {
      std::uint32_t r = 1;
      for (std::uint32_t i = 0; i < n; ++i) r = r * value_ % P;
      return of(r);
    }
    std::uint32_t value_ = 1;
  };

  /// Move-only like the real one, so that the proofs compile alike.
  class SecretScalar {
   public:
    SecretScalar() = default;
    SecretScalar(SecretScalar&&) noexcept = default;
    SecretScalar& operator=(SecretScalar&&) noexcept = default;
    SecretScalar(const SecretScalar&) = delete;
    SecretScalar& operator=(const SecretScalar&) = delete;
    ~SecretScalar() = default;
    static SecretScalar random(Rng& rng) {
      ByteArray<64> wide{};
      rng.fill(wide);
      return from_wide(wide);
    }
    static SecretScalar from_wide(ByteView bytes) { return of(Scalar::from_wide(bytes)); }
    static SecretScalar of(Scalar value) {
      SecretScalar out;
      out.value_ = value;
      return out;
    }
    SecretScalar clone() const { return of(value_); }
    SecretBytes<1> seal_bytes() const { return SecretBytes<1>::copy_from(value_.encode()); }
    friend SecretScalar operator+(const SecretScalar& a, const SecretScalar& b) {
      return of(a.value_ + b.value_);
    }
    friend SecretScalar operator-(const SecretScalar& a, const SecretScalar& b) {
      return of(a.value_ - b.value_);
    }
    friend SecretScalar operator*(const SecretScalar& a, const SecretScalar& b) {
      return of(a.value_ * b.value_);
    }
    friend SecretScalar operator*(const SecretScalar& a, Scalar b) { return of(a.value_ * b); }
    friend SecretScalar operator+(const SecretScalar& a, Scalar b) { return of(a.value_ + b); }
    friend Scalar declassify(const SecretScalar& a) { return a.value_; }
    friend Point operator*(const SecretScalar& x, Point p) { return p.times(x.value_); }

   private:
    Scalar value_;
  };

  static Point mul_vartime(Scalar s, Point p) { return p.times(s); }
  static Point mul_base(const SecretScalar& x) { return x * Point::generator(); }
  static Point mul_base_vartime(Scalar s) { return Point::generator().times(s); }
};

using Tiny7 = PlainBulk<TinyArithmetic<29, 7, 7>>;     ///< order 7 modulo 29
using Tiny13 = PlainBulk<TinyArithmetic<53, 13, 10>>;  ///< order 13 modulo 53
static_assert(Group<Tiny7> && Group<Tiny13>);

}  // namespace psephos
