#include "tests/trust-services/test_ca/ec_key.h"

#include <openssl/obj_mac.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "crypto/invariant.h"
#include "protocol/eid/openssl_pointers.h"
#include "tests/trust-services/test_ca/der_writer.h"

namespace psephos::trust {
namespace {

using openssl::Number;
using openssl::NumberContext;
using openssl::Point;

constexpr std::size_t kWindows = 48;
constexpr std::size_t kDigits = 255;

/// Multiples of a curve's base point.
class Base {
 public:
  explicit Base(int curve_name)
      : group_(EC_GROUP_new_by_curve_name(curve_name)), order_(BN_dup(EC_GROUP_get0_order(group_))) {
    if (curve_name != NID_secp384r1) return;
    // table[i][d − 1] = d · 2^(8i) · G
    const NumberContext context(BN_CTX_new());
    Point base(EC_POINT_dup(EC_GROUP_get0_generator(group_), group_));
    for (std::size_t i = 0; i < kWindows; ++i) {
      table_.emplace_back(EC_POINT_dup(base.get(), group_));
      for (std::size_t d = 2; d <= kDigits + 1; ++d) {
        Point next(EC_POINT_new(group_));
        invariant(EC_POINT_add(group_, next.get(), table_.back().get(), base.get(), context.get()) == 1,
                  "points add");
        if (d <= kDigits)
          table_.push_back(std::move(next));
        else
          base = std::move(next);
      }
    }
  }
  const EC_GROUP* group() const { return group_; }
  const BIGNUM* order() const { return order_.get(); }
  std::size_t width() const { return static_cast<std::size_t>(BN_num_bytes(order_.get())); }
  Point multiply(const BIGNUM* scalar, BN_CTX* context) const {
    Point product(EC_POINT_new(group_));
    if (table_.empty()) {
      invariant(EC_POINT_mul(group_, product.get(), scalar, nullptr, nullptr, context) == 1,
                "points multiply");
      return product;
    }
    ByteArray<kWindows> digits{};
    invariant(BN_bn2binpad(scalar, digits.data(), kWindows) == kWindows &&
                  EC_POINT_set_to_infinity(group_, product.get()) == 1,
              "a scalar fits");
    for (std::size_t i = 0; i < kWindows; ++i) {
      const std::size_t digit = digits[kWindows - 1 - i];
      if (digit != 0)
        invariant(EC_POINT_add(group_, product.get(), product.get(), table_[i * kDigits + digit - 1].get(),
                               context) == 1,
                  "points add");
    }
    return product;
  }

 private:
  EC_GROUP* group_;  // lives as long as the program
  Number order_;
  std::vector<Point> table_;
};

const Base& base_of(EcCurve curve) {
  static const Base* const p384 = new Base(NID_secp384r1);
  static const Base* const p256 = new Base(NID_X9_62_prime256v1);
  invariant(curve != EcCurve::kP521, "test keys are on P-384 or P-256");
  return curve == EcCurve::kP384 ? *p384 : *p256;
}

BN_CTX* context() {
  thread_local const NumberContext instance(BN_CTX_new());
  return instance.get();
}

/// Uniform in 1 … n − 1, up to 2^-64.
Number random_scalar(const Base& base, Rng& rng) {
  Bytes wide(base.width() + 8);
  rng.fill(wide);
  Number below(BN_dup(base.order()));
  BN_sub_word(below.get(), 1);
  Number out(BN_bin2bn(wide.data(), static_cast<int>(wide.size()), nullptr));
  invariant(BN_mod(out.get(), out.get(), below.get(), context()) == 1 && BN_add_word(out.get(), 1) == 1,
            "numbers reduce");
  return out;
}

Bytes bytes_of_number(const BIGNUM* number, std::size_t width) {
  Bytes out(width);
  invariant(BN_bn2binpad(number, out.data(), static_cast<int>(width)) == static_cast<int>(width),
            "a number fits");
  return out;
}

}  // namespace

std::size_t scalar_bytes(EcCurve curve) {
  return base_of(curve).width();
}

EcKey generate_key(EcCurve curve, Rng& rng) {
  const Base& base = base_of(curve);
  const Number scalar = random_scalar(base, rng);
  EcKey key{.curve = curve,
            .scalar = bytes_of_number(scalar.get(), base.width()),
            .point = Bytes(2 * base.width() + 1)};
  const Point point = base.multiply(scalar.get(), context());
  invariant(EC_POINT_point2oct(base.group(), point.get(), POINT_CONVERSION_UNCOMPRESSED, key.point.data(),
                               key.point.size(), context()) == key.point.size(),
            "a point has an encoding");
  return key;
}

Bytes sign(const EcKey& key, ByteView digest, Rng& rng) {
  const Base& base = base_of(key.curve);
  const BIGNUM* n = base.order();
  BN_CTX* ctx = context();
  const ByteView leftmost = digest.first(std::min(digest.size(), base.width()));
  const Number d(BN_bin2bn(key.scalar.data(), static_cast<int>(key.scalar.size()), nullptr));
  const Number z(BN_bin2bn(leftmost.data(), static_cast<int>(leftmost.size()), nullptr));
  const Number k = random_scalar(base, rng);
  const Point commitment = base.multiply(k.get(), ctx);
  const Number r(BN_new());
  const Number s(BN_new());
  // r = x(k·G) mod n, s = (z + r·d) / k; zero with probability below 2^-255
  invariant(EC_POINT_get_affine_coordinates(base.group(), commitment.get(), r.get(), nullptr, ctx) == 1 &&
                BN_nnmod(r.get(), r.get(), n, ctx) == 1 &&
                BN_mod_mul(s.get(), r.get(), d.get(), n, ctx) == 1 &&
                BN_mod_add(s.get(), s.get(), z.get(), n, ctx) == 1 &&
                BN_mod_inverse(k.get(), k.get(), n, ctx) != nullptr &&
                BN_mod_mul(s.get(), s.get(), k.get(), n, ctx) == 1,
            "ECDSA computes");
  return der::sequence({der::integer(bytes_of_number(r.get(), base.width())),
                        der::integer(bytes_of_number(s.get(), base.width()))});
}

}  // namespace psephos::trust
