#pragma once
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "crypto/bytes.h"
#include "crypto/fault.h"
#include "crypto/group/group.h"
#include "crypto/group/scalar_arithmetic.h"
#include "crypto/random.h"
#include "crypto/result.h"
#include "crypto/secret/secret_bytes.h"

namespace psephos {

namespace kernels {
struct Row;
}

/// ristretto255 (RFC 9496): single operations over libsodium, bulk operations over our own kernels. Prime
/// order ℓ = 2^252 + 27742317777372353535851937790883648493.
struct Ristretto {
  static constexpr std::string_view kName = "ristretto255";

  class SecretScalar;

  /// An integer modulo ℓ, public. Held as its encoding, so that a list of them lies in memory as it is hashed
  /// and written. Arithmetic is constant time all the same.
  class Scalar {
   public:
    static constexpr std::size_t kWidth = 32;
    Scalar() = default;  ///< zero
    static Scalar from_u64(std::uint64_t value);
    /// Little-endian integer of at most 64 bytes, reduced modulo ℓ; unbiased when it is 64 uniform bytes.
    static Scalar from_wide(ByteView bytes);
    /// @return kWireLength, or kScalarNoncanonical for values of ℓ or more.
    static Result<Scalar, Fault> decode(ByteView bytes);
    const ByteArray<32>& encode() const { return bytes_; }
    /// The same integer as four 64-bit limbs, lowest first.
    scalar_arithmetic::Limbs limbs() const { return scalar_arithmetic::load(bytes_); }
    bool is_zero() const;
    Scalar inverse_vartime() const;
    Scalar operator-() const { return from_limbs(scalar_arithmetic::negate(limbs())); }
    friend Scalar operator+(const Scalar& a, const Scalar& b) {
      return from_limbs(scalar_arithmetic::add(a.limbs(), b.limbs()));
    }
    friend Scalar operator-(const Scalar& a, const Scalar& b) {
      return from_limbs(scalar_arithmetic::sub(a.limbs(), b.limbs()));
    }
    friend Scalar operator*(const Scalar& a, const Scalar& b) {
      return from_limbs(scalar_arithmetic::mul(a.limbs(), b.limbs()));
    }
    friend bool operator==(const Scalar& a, const Scalar& b) = default;
    friend Scalar declassify(const SecretScalar& a);

   private:
    friend struct Ristretto;
    static Scalar from_limbs(const scalar_arithmetic::Limbs& below_order) {
      Scalar out;
      scalar_arithmetic::store(below_order, out.bytes_);
      return out;
    }
    ByteArray<32> bytes_{};
  };

  class Point;

  /// An integer modulo ℓ that must not be seen. Move-only, wiped.
  class SecretScalar {
   public:
    SecretScalar() = default;  ///< zero
    /// Uniform modulo ℓ, from 64 bytes of `rng`.
    static SecretScalar random(Rng& rng);
    static SecretScalar from_wide(ByteView bytes);
    /// A public value where a secret is expected (for simulators, tests and public exponents).
    static SecretScalar of(const Scalar& value);
    SecretScalar clone() const;
    /// For sealing a key at rest and for hedging proof nonces, and nothing else.
    SecretBytes<32> seal_bytes() const;
    /// @return kScalarNoncanonical if `bytes` are not below ℓ.
    static Result<SecretScalar, Fault> from_secret_bytes(const SecretBytes<32>& bytes);
    friend SecretScalar operator+(const SecretScalar& a, const SecretScalar& b) {
      return from_limbs(scalar_arithmetic::add(a.limbs(), b.limbs()));
    }
    friend SecretScalar operator-(const SecretScalar& a, const SecretScalar& b) {
      return from_limbs(scalar_arithmetic::sub(a.limbs(), b.limbs()));
    }
    friend SecretScalar operator*(const SecretScalar& a, const SecretScalar& b) {
      return from_limbs(scalar_arithmetic::mul(a.limbs(), b.limbs()));
    }
    friend SecretScalar operator*(const SecretScalar& a, const Scalar& b) {
      return from_limbs(scalar_arithmetic::mul(a.limbs(), b.limbs()));
    }
    friend SecretScalar operator+(const SecretScalar& a, const Scalar& b) {
      return from_limbs(scalar_arithmetic::add(a.limbs(), b.limbs()));
    }
    /// The way out; every call says why the value is public.
    friend Scalar declassify(const SecretScalar& a);
    friend Point operator*(const SecretScalar& x, const Point& p);
    friend struct Ristretto;

   private:
    static SecretScalar from_limbs(const scalar_arithmetic::Limbs& below_order) {
      SecretScalar out;
      scalar_arithmetic::store(below_order, out.bytes_.expose_mutable());
      return out;
    }
    scalar_arithmetic::Limbs limbs() const { return scalar_arithmetic::load(bytes_.expose()); }
    SecretBytes<32> bytes_;
  };

  /// An element of the group. Kept in its canonical encoding; never invalid.
  class Point {
   public:
    static constexpr std::size_t kWidth = 32;
    Point() = default;  ///< the identity, whose encoding is 32 zero bytes
    static Point identity() { return {}; }
    static Point generator();
    /// RFC 9496 section 4.3.4 on exactly 64 uniform bytes.
    static Point from_uniform(ByteView sixty_four);
    /// RFC 9496 section 4.3.1, strictly. @return kWireLength; kPointNoncanonical for 2^255−19 or more, the
    /// top bit set, or a negative field element; kPointInvalid for all else that is no group element.
    static Result<Point, Fault> decode(ByteView bytes);
    /// The same where the role forbids the identity. @return kPointIdentity besides.
    static Result<Point, Fault> decode_nonidentity(ByteView bytes);
    const ByteArray<32>& encode() const { return bytes_; }
    bool is_identity() const;
    Point operator-() const { return identity() - *this; }
    friend Point operator+(const Point& p, const Point& q);
    friend Point operator-(const Point& p, const Point& q);
    friend bool operator==(const Point& p, const Point& q) = default;
    friend auto operator<=>(const Point& p, const Point& q) = default;  ///< order of the encodings
    friend Point operator*(const SecretScalar& x, const Point& p);
    friend struct Ristretto;

   private:
    ByteArray<32> bytes_{};
  };

  /// points[index], by reading all of them: neither time nor addresses depend on the index. The identity for
  /// an index of points.size() or more.
  static Point select(std::span<const Point> points, std::size_t index);
  static Point mul_vartime(const Scalar& s, const Point& p);
  static Point mul_base(const SecretScalar& x);
  static Point mul_base_vartime(const Scalar& s);

  // The bulk operations (see the Group concept), over the kernels of crypto/group/kernels/.

  /// Decoded points, 128 bytes each, in the form that the kernels in use take. Copies share them.
  class Points {
   public:
    Points();
    std::size_t size() const { return size_; }

   private:
    friend struct Ristretto;
    explicit Points(std::size_t n);
    const kernels::Row* rows() const;
    kernels::Row* rows();
    std::shared_ptr<kernels::Row> rows_;
    std::size_t size_ = 0;
  };

  static Result<Points, std::pair<Fault, std::size_t>> decode_points(ByteView bytes);
  static Result<std::vector<Point>, std::pair<Fault, std::size_t>> decode_batch(ByteView bytes);
  static std::vector<Point> adopt_judged(ByteView bytes);
  static Points points_of(std::span<const Point> points);
  static Points first_of(const Points& points, std::size_t n);
  static std::vector<Point> from_uniform_batch(ByteView bytes);
  static std::vector<Point> mul_batch(std::span<const SecretScalar> secrets, const Point& base);
  static std::vector<Point> mul_bases(std::span<const std::span<const SecretScalar>> secrets,
                                      std::span<const Point> bases, const Points* addends);
  static std::vector<Point> mul_each(const SecretScalar& x, const Points& points);
  static Point secret_msm(std::span<const SecretScalar> secrets, const Points& points);
  static Point sum(const Points& points);
  static Point msm_vartime(std::span<const Scalar> scalars, std::span<const Point> points);
  static std::vector<Point> msm_vartime(std::span<const Scalar> scalars,
                                        std::span<const Points* const> arrays);
};

static_assert(Group<Ristretto>);

}  // namespace psephos
