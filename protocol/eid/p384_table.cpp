#include "protocol/eid/p384_table.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/obj_mac.h>

#include <algorithm>
#include <utility>

#include "crypto/invariant.h"
#include "protocol/eid/openssl_pointers.h"

namespace psephos {
namespace {

using openssl::EcdsaSignature;
using openssl::Number;
using openssl::NumberContext;
using openssl::Point;
using Group = std::unique_ptr<EC_GROUP, openssl::Free<EC_GROUP_free>>;

constexpr std::size_t kOrderBytes = 48;

/// P-384 with multiples of its generator, or of `generator` in its place.
Group group_with_table(const EC_POINT* generator) {
  Group group(EC_GROUP_new_by_curve_name(NID_secp384r1));
  invariant(group != nullptr, "OpenSSL has P-384");
  if (generator != nullptr && EC_GROUP_set_generator(group.get(), generator, EC_GROUP_get0_order(group.get()),
                                                     EC_GROUP_get0_cofactor(group.get())) != 1)
    return nullptr;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
  // OpenSSL 3 announces that tables will go and has nothing in their place; without one it is only slower.
  if (EC_GROUP_precompute_mult(group.get(), nullptr) != 1) return nullptr;
#pragma GCC diagnostic pop
  return group;
}

const EC_GROUP* base_group() {
  static const Group kGroup = group_with_table(nullptr);
  invariant(kGroup != nullptr, "OpenSSL has multiples of its own generator");
  return kGroup.get();
}

/// Ecdsa-Sig-Value; null unless it is the DER encoding and nothing more.
EcdsaSignature read_signature(ByteView der) {
  const unsigned char* at = der.data();
  EcdsaSignature signature(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())));
  if (!signature) ERR_clear_error();
  if (!signature || at != der.data() + der.size()) return nullptr;
  unsigned char* encoded = nullptr;
  const int size = i2d_ECDSA_SIG(signature.get(), &encoded);
  const bool same = size > 0 && equal(der, {encoded, static_cast<std::size_t>(size)});
  OPENSSL_free(encoded);
  if (!same) return nullptr;
  return signature;
}

}  // namespace

struct P384Table::State {
  Group group;  ///< its generator is the key
};

P384Table::P384Table(std::unique_ptr<State> state) : state_(std::move(state)) {}
P384Table::~P384Table() = default;

std::shared_ptr<const P384Table> P384Table::of(ByteView point) {
  const EC_GROUP* base = base_group();
  const Point key(EC_POINT_new(base));
  if (EC_POINT_oct2point(base, key.get(), point.data(), point.size(), nullptr) != 1 ||
      EC_POINT_is_at_infinity(base, key.get()) == 1) {
    ERR_clear_error();
    return nullptr;
  }
  Group group = group_with_table(key.get());
  if (!group) return nullptr;
  auto state = std::make_unique<State>();
  state->group = std::move(group);
  return std::shared_ptr<const P384Table>(new P384Table(std::move(state)));
}

bool P384Table::verifies(ByteView digest, ByteView signature_der) const {
  const EcdsaSignature signature = read_signature(signature_der);
  if (!signature) return false;
  const EC_GROUP* base = base_group();
  const BIGNUM* order = EC_GROUP_get0_order(base);
  const BIGNUM* r = ECDSA_SIG_get0_r(signature.get());
  const BIGNUM* s = ECDSA_SIG_get0_s(signature.get());
  for (const BIGNUM* each : {r, s})
    if (BN_is_negative(each) == 1 || BN_is_zero(each) == 1 || BN_ucmp(each, order) >= 0) return false;

  const NumberContext context(BN_CTX_new());
  const ByteView leftmost = digest.first(std::min(digest.size(), kOrderBytes));
  const Number e(BN_bin2bn(leftmost.data(), static_cast<int>(leftmost.size()), nullptr));
  const Number w(BN_mod_inverse(nullptr, s, order, context.get()));
  const Number u1(BN_new());
  const Number u2(BN_new());
  invariant(context && e && w && u1 && u2 &&
                BN_mod_mul(u1.get(), e.get(), w.get(), order, context.get()) == 1 &&
                BN_mod_mul(u2.get(), r, w.get(), order, context.get()) == 1 &&
                BN_mod_sub(u1.get(), u1.get(), BN_value_one(), order, context.get()) == 1,
            "OpenSSL computes modulo the order");

  // u1·G + u2·Q. A multiple of a generator alone would go through OpenSSL's ladder for secrets; with a second
  // point it takes the table. So G gets u1 − 1 and 1, and the sum is what Q's multiple is added to.
  const Point sum(EC_POINT_new(base));
  const BIGNUM* one = BN_value_one();
  invariant(
      sum &&
          EC_POINT_mul(base, sum.get(), u1.get(), EC_GROUP_get0_generator(base), one, context.get()) == 1 &&
          EC_POINT_mul(state_->group.get(), sum.get(), u2.get(), sum.get(), one, context.get()) == 1,
      "OpenSSL multiplies points");
  if (EC_POINT_is_at_infinity(base, sum.get()) == 1) return false;
  const Number x(BN_new());
  invariant(x && EC_POINT_get_affine_coordinates(base, sum.get(), x.get(), nullptr, context.get()) == 1 &&
                BN_nnmod(x.get(), x.get(), order, context.get()) == 1,
            "a point that is not at infinity has coordinates");
  return BN_cmp(x.get(), r) == 0;
}

}  // namespace psephos
