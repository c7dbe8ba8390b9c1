#include "crypto/group/ristretto.h"

#include <sodium.h>

#include <algorithm>

#include "crypto/group/scalar_arithmetic.h"
#include "crypto/invariant.h"
#include "crypto/secret/declassify.h"
#include "crypto/secret/value_barrier.h"

namespace psephos {

namespace {

using Encoded = ByteArray<32>;

/// libsodium answers −1 for two reasons, an invalid point and a product that is the identity, and has written
/// the product only in the second. The buffer starts as something that is no encoding, and the identity is
/// taken from no call that could not give it (the order is prime: `may_vanish` is 1 if a factor is zero or
/// the identity, else 0): any other failure stops the program, whatever it leaves in the buffer (A14). Which
/// of the products are the identity stays secret: that none is invalid is all that is asked.
void check_product(int answer, int may_vanish, const Encoded& product) {
  const int invalid = answer & (1 - (may_vanish & sodium_is_zero(product.data(), product.size())));
  invariant(published(invalid) == 0, "a product fails only by being the identity");
}

/// p · s.
Encoded multiply(std::span<const std::uint8_t, 32> s, const Encoded& p) {
  Encoded out;
  out.fill(0xff);
  check_product(crypto_scalarmult_ristretto255(out.data(), s.data(), p.data()),
                sodium_is_zero(s.data(), s.size()) | sodium_is_zero(p.data(), p.size()), out);
  return out;
}

Encoded multiply_base(std::span<const std::uint8_t, 32> s) {
  Encoded out;
  out.fill(0xff);
  check_product(crypto_scalarmult_ristretto255_base(out.data(), s.data()), sodium_is_zero(s.data(), s.size()),
                out);
  return out;
}

/// Little-endian comparison with a constant; public values.
bool less_than(ByteView value, const Encoded& bound) {
  for (std::size_t i = 32; i-- > 0;)
    if (value[i] != bound[i]) return value[i] < bound[i];
  return false;
}

constexpr Encoded kFieldPrime = {0xed, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f};

}  // namespace

Ristretto::Scalar Ristretto::Scalar::from_u64(std::uint64_t value) {
  return from_limbs({value});
}

Ristretto::Scalar Ristretto::Scalar::from_wide(ByteView bytes) {
  invariant(bytes.size() <= 64, "a wide scalar has at most 64 bytes");
  return from_limbs(scalar_arithmetic::reduce<5>(scalar_arithmetic::load<8>(bytes)));
}

Result<Ristretto::Scalar, Fault> Ristretto::Scalar::decode(ByteView bytes) {
  if (bytes.size() != kWidth) return std::unexpected(Fault::kWireLength);
  const scalar_arithmetic::Limbs limbs = scalar_arithmetic::load<4>(bytes);
  if (!scalar_arithmetic::is_reduced(limbs)) return std::unexpected(Fault::kScalarNoncanonical);
  return from_limbs(limbs);
}

bool Ristretto::Scalar::is_zero() const {
  return sodium_is_zero(bytes_.data(), bytes_.size()) == 1;
}

Ristretto::Scalar Ristretto::Scalar::inverse_vartime() const {
  invariant(!is_zero(), "zero has no inverse");
  return from_limbs(scalar_arithmetic::inverse(limbs()));
}

Ristretto::SecretScalar Ristretto::SecretScalar::random(Rng& rng) {
  const SecretBytes<64> wide = SecretBytes<64>::random(rng);
  return from_wide(wide.expose());
}

Ristretto::SecretScalar Ristretto::SecretScalar::from_wide(ByteView bytes) {
  invariant(bytes.size() <= 64, "a wide scalar has at most 64 bytes");
  scalar_arithmetic::WideLimbs wide = scalar_arithmetic::load<8>(bytes);
  SecretScalar out = from_limbs(scalar_arithmetic::reduce<5>(wide));
  sodium_memzero(wide.data(), sizeof wide);
  return out;
}

Ristretto::SecretScalar Ristretto::SecretScalar::of(const Scalar& value) {
  SecretScalar out;
  out.bytes_ = SecretBytes<32>::copy_from(value.encode());
  return out;
}

Ristretto::SecretScalar Ristretto::SecretScalar::clone() const {
  SecretScalar out;
  out.bytes_ = SecretBytes<32>::copy_from(bytes_.expose());
  return out;
}

SecretBytes<32> Ristretto::SecretScalar::seal_bytes() const {
  return SecretBytes<32>::copy_from(bytes_.expose());
}

Result<Ristretto::SecretScalar, Fault> Ristretto::SecretScalar::from_secret_bytes(
    const SecretBytes<32>& bytes) {
  SecretScalar out;
  out.bytes_ = SecretBytes<32>::copy_from(bytes.expose());
  // The refusal of bytes that are no scalar, or else what is true of every secret scalar.
  const bool reduced = published(scalar_arithmetic::is_reduced(out.limbs()));
  if (!reduced) return std::unexpected(Fault::kScalarNoncanonical);
  return out;
}

Ristretto::Scalar declassify(const Ristretto::SecretScalar& a) {
  return published(Ristretto::Scalar::from_limbs(a.limbs()));
}

Ristretto::Point Ristretto::Point::generator() {
  static const Point kGenerator = [] {
    Point out;
    out.bytes_ = multiply_base(Scalar::from_u64(1).encode());
    return out;
  }();
  return kGenerator;
}

Ristretto::Point Ristretto::Point::from_uniform(ByteView sixty_four) {
  invariant(sixty_four.size() == crypto_core_ristretto255_HASHBYTES, "the one-way map takes 64 bytes");
  Point out;
  invariant(crypto_core_ristretto255_from_hash(out.bytes_.data(), sixty_four.data()) == 0,
            "the one-way map is defined everywhere");
  return out;
}

Result<Ristretto::Point, Fault> Ristretto::Point::decode(ByteView bytes) {
  if (bytes.size() != kWidth) return std::unexpected(Fault::kWireLength);
  // libsodium 1.0.18 ignores the top bit, so that its check alone would accept two encodings of one point.
  if (!less_than(bytes, kFieldPrime) || (bytes[0] & 1) != 0)
    return std::unexpected(Fault::kPointNoncanonical);
  if (crypto_core_ristretto255_is_valid_point(bytes.data()) != 1)
    return std::unexpected(Fault::kPointInvalid);
  Point out;
  std::copy(bytes.begin(), bytes.end(), out.bytes_.begin());
  return out;
}

Result<Ristretto::Point, Fault> Ristretto::Point::decode_nonidentity(ByteView bytes) {
  Result<Point, Fault> out = decode(bytes);
  if (out && out->is_identity()) return std::unexpected(Fault::kPointIdentity);
  return out;
}

bool Ristretto::Point::is_identity() const {
  return sodium_is_zero(bytes_.data(), bytes_.size()) == 1;
}

Ristretto::Point operator+(const Ristretto::Point& p, const Ristretto::Point& q) {
  Ristretto::Point out;
  const int answer = crypto_core_ristretto255_add(out.bytes_.data(), p.bytes_.data(), q.bytes_.data());
  invariant(published(answer) == 0, "points are valid by type");
  return out;
}

Ristretto::Point operator-(const Ristretto::Point& p, const Ristretto::Point& q) {
  Ristretto::Point out;
  const int answer = crypto_core_ristretto255_sub(out.bytes_.data(), p.bytes_.data(), q.bytes_.data());
  invariant(published(answer) == 0, "points are valid by type");
  return out;
}

Ristretto::Point operator*(const Ristretto::SecretScalar& x, const Ristretto::Point& p) {
  Ristretto::Point out;
  out.bytes_ = multiply(x.bytes_.expose(), p.bytes_);
  return out;
}

Ristretto::Point Ristretto::select(std::span<const Point> points, std::size_t index) {
  Point out;
  for (std::size_t k = 0; k < points.size(); ++k) {
    const std::size_t difference = k ^ index;
    // All ones if k == index, else zero.
    const auto mask = static_cast<std::uint8_t>(
        value_barrier(((difference | (0 - difference)) >> (sizeof(std::size_t) * 8 - 1)) - 1));
    for (std::size_t i = 0; i < out.bytes_.size(); ++i)
      out.bytes_[i] = static_cast<std::uint8_t>(out.bytes_[i] | (points[k].bytes_[i] & mask));
  }
  return out;
}

Ristretto::Point Ristretto::mul_vartime(const Scalar& s, const Point& p) {
  Point out;
  out.bytes_ = multiply(s.bytes_, p.bytes_);
  return out;
}

Ristretto::Point Ristretto::mul_base(const SecretScalar& x) {
  Point out;
  out.bytes_ = multiply_base(x.bytes_.expose());
  return out;
}

Ristretto::Point Ristretto::mul_base_vartime(const Scalar& s) {
  Point out;
  out.bytes_ = multiply_base(s.bytes_);
  return out;
}

}  // namespace psephos
