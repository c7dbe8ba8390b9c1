#include "tests/trust-services/test_ca/p384.h"

#include <openssl/obj_mac.h>

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

/// table[i][d − 1] = d · 2^(8i) · G
class Comb {
 public:
  Comb() : group_(EC_GROUP_new_by_curve_name(NID_secp384r1)), order_(BN_dup(EC_GROUP_get0_order(group_))) {
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
  Point multiply(const ByteArray<48>& scalar, BN_CTX* context) const {
    Point sum(EC_POINT_new(group_));
    invariant(EC_POINT_set_to_infinity(group_, sum.get()) == 1, "a point exists");
    for (std::size_t i = 0; i < kWindows; ++i) {
      const std::size_t digit = scalar[kWindows - 1 - i];
      if (digit != 0)
        invariant(
            EC_POINT_add(group_, sum.get(), sum.get(), table_[i * kDigits + digit - 1].get(), context) == 1,
            "points add");
    }
    return sum;
  }

 private:
  EC_GROUP* group_;  // lives as long as the program
  Number order_;
  std::vector<Point> table_;
};

const Comb& comb() {
  static const Comb* const instance = new Comb;
  return *instance;
}

BN_CTX* context() {
  thread_local const NumberContext instance(BN_CTX_new());
  return instance.get();
}

/// Uniform in 1 … n − 1, up to 2^-64.
Number random_scalar(Rng& rng) {
  ByteArray<56> wide{};
  rng.fill(wide);
  Number below(BN_dup(comb().order()));
  BN_sub_word(below.get(), 1);
  Number out(BN_bin2bn(wide.data(), static_cast<int>(wide.size()), nullptr));
  invariant(BN_mod(out.get(), out.get(), below.get(), context()) == 1 && BN_add_word(out.get(), 1) == 1,
            "numbers reduce");
  return out;
}

template <std::size_t N>
ByteArray<N> bytes_of_number(const BIGNUM* number) {
  ByteArray<N> out{};
  invariant(BN_bn2binpad(number, out.data(), static_cast<int>(N)) == static_cast<int>(N), "a number fits");
  return out;
}

}  // namespace

P384Key generate_p384(Rng& rng) {
  P384Key key;
  key.scalar = bytes_of_number<48>(random_scalar(rng).get());
  const Point point = comb().multiply(key.scalar, context());
  invariant(EC_POINT_point2oct(comb().group(), point.get(), POINT_CONVERSION_UNCOMPRESSED, key.point.data(),
                               key.point.size(), context()) == key.point.size(),
            "a point has an encoding");
  return key;
}

Bytes sign_p384(const ByteArray<48>& scalar, ByteView digest, Rng& rng) {
  invariant(digest.size() <= 48, "a digest no wider than the order");
  const BIGNUM* n = comb().order();
  BN_CTX* ctx = context();
  const Number d(BN_bin2bn(scalar.data(), 48, nullptr));
  const Number z(BN_bin2bn(digest.data(), static_cast<int>(digest.size()), nullptr));
  const Number k = random_scalar(rng);
  const Point commitment = comb().multiply(bytes_of_number<48>(k.get()), ctx);
  const Number r(BN_new());
  const Number s(BN_new());
  // r = x(k·G) mod n, s = (z + r·d) / k; zero with probability 2^-384
  invariant(EC_POINT_get_affine_coordinates(comb().group(), commitment.get(), r.get(), nullptr, ctx) == 1 &&
                BN_nnmod(r.get(), r.get(), n, ctx) == 1 &&
                BN_mod_mul(s.get(), r.get(), d.get(), n, ctx) == 1 &&
                BN_mod_add(s.get(), s.get(), z.get(), n, ctx) == 1 &&
                BN_mod_inverse(k.get(), k.get(), n, ctx) != nullptr &&
                BN_mod_mul(s.get(), s.get(), k.get(), n, ctx) == 1,
            "ECDSA computes");
  return der::sequence(
      {der::integer(bytes_of_number<48>(r.get())), der::integer(bytes_of_number<48>(s.get()))});
}

}  // namespace psephos::trust
