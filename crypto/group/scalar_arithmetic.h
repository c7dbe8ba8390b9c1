#pragma once
#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "crypto/bytes.h"
#include "crypto/secret/value_barrier.h"

/// Integers modulo the prime ℓ = 2^252 + δ, δ = 27742317777372353535851937790883648493 < 2^125, which is the
/// order of ristretto255 (RFC 9496 section 4), on four 64-bit limbs, lowest first. Functions take and give
/// values below ℓ unless they say otherwise.
///
/// Constant time: no branch and no index depends on a value. Intermediate values lie in registers and dead
/// stack, which are not wiped.
///
/// Reduction follows from the form of ℓ: modulo ℓ, 2^252 is −δ. It is algorithm 14.47 of Menezes, van
/// Oorschot & Vanstone, Handbook of Applied Cryptography (1996), with b^t = 2^252 and c = −δ. Plain form: x
/// mod ℓ.
namespace psephos::scalar_arithmetic {

using Limbs = std::array<std::uint64_t, 4>;
using WideLimbs = std::array<std::uint64_t, 8>;  ///< any number below 2^512
__extension__ using Uint128 = unsigned __int128;

inline constexpr std::uint64_t kDelta0 = 0x5812631a5cf5d3ed;  ///< δ = kDelta1 · 2^64 + kDelta0
inline constexpr std::uint64_t kDelta1 = 0x14def9dea2f79cd6;
inline constexpr Limbs kOrder = {kDelta0, kDelta1, 0, std::uint64_t{1} << 60};

/// Low word of a + b + carry, where carry is 0 or 1 and becomes the new one.
constexpr std::uint64_t add_carry(std::uint64_t a, std::uint64_t b, std::uint64_t& carry) {
#if __has_builtin(__builtin_addcll)  // the sum below, in a form that clang compiles to one instruction
  if !consteval {
    unsigned long long carry_out = 0;
    const std::uint64_t sum = __builtin_addcll(a, b, carry, &carry_out);
    carry = carry_out;
    return sum;
  }
#endif
  const Uint128 sum = Uint128{a} + b + carry;
  carry = static_cast<std::uint64_t>(sum >> 64);
  return static_cast<std::uint64_t>(sum);
}
/// Low word of a − b − borrow, likewise.
constexpr std::uint64_t sub_borrow(std::uint64_t a, std::uint64_t b, std::uint64_t& borrow) {
#if __has_builtin(__builtin_subcll)
  if !consteval {
    unsigned long long borrow_out = 0;
    const std::uint64_t difference = __builtin_subcll(a, b, borrow, &borrow_out);
    borrow = borrow_out;
    return difference;
  }
#endif
  const Uint128 difference = Uint128{a} - b - borrow;
  borrow = static_cast<std::uint64_t>(difference >> 64) & 1;
  return static_cast<std::uint64_t>(difference);
}
/// Low word of a·b + c + carry; the high word becomes carry. At most (2^64−1)² + 2·(2^64−1) = 2^128−1.
constexpr std::uint64_t mul_carry(std::uint64_t a, std::uint64_t b, std::uint64_t c, std::uint64_t& carry) {
  const Uint128 sum = Uint128{a} * b + c + carry;
  carry = static_cast<std::uint64_t>(sum >> 64);
  return static_cast<std::uint64_t>(sum);
}

/// a + bit·ℓ modulo 2^256, bit 0 or 1.
constexpr Limbs add_order_if(std::uint64_t bit, const Limbs& a) {
  const std::uint64_t mask = value_barrier(0 - bit);
  Limbs out{};
  std::uint64_t carry = 0;
  for (std::size_t i = 0; i < 4; ++i) out[i] = add_carry(a[i], kOrder[i] & mask, carry);
  return out;
}

/// a − b, and ℓ more if that is negative. @pre −ℓ ≤ a − b < ℓ; a and b may each be any number below 2^256.
constexpr Limbs sub(const Limbs& a, const Limbs& b) {
  Limbs difference{};
  std::uint64_t borrow = 0;
  for (std::size_t i = 0; i < 4; ++i) difference[i] = sub_borrow(a[i], b[i], borrow);
  return add_order_if(borrow, difference);
}

constexpr Limbs negate(const Limbs& a) {
  return sub({}, a);
}

/// (a + b) − ℓ, and ℓ more if that is negative; a + b < 2ℓ < 2^254 fits.
constexpr Limbs add(const Limbs& a, const Limbs& b) {
  Limbs sum{};
  std::uint64_t carry = 0;
  for (std::size_t i = 0; i < 4; ++i) sum[i] = add_carry(a[i], b[i], carry);
  return sub(sum, kOrder);
}

/// Whether a < ℓ, for any a below 2^256. Constant time but for what the caller does with the answer.
constexpr bool is_reduced(const Limbs& a) {
  std::uint64_t borrow = 0;
  for (std::size_t i = 0; i < 4; ++i) sub_borrow(a[i], kOrder[i], borrow);
  return borrow == 1;
}

/// sum + a·b in place of sum. @pre that is below 2^512; so 255 products of values below ℓ and one such value
/// fit, since ℓ² < 2^504 + 2^378.
constexpr void accumulate(WideLimbs& sum, const Limbs& a, const Limbs& b) {
  std::uint64_t above = 0;  // carry out of limb i + 4
  for (std::size_t i = 0; i < 4; ++i) {
    std::uint64_t carry = 0;
    for (std::size_t j = 0; j < 4; ++j) sum[i + j] = mul_carry(a[i], b[j], sum[i + j], carry);
    sum[i + 4] = add_carry(sum[i + 4], carry, above);
  }
}

/// ⌊x / 2^252⌋. @pre it fits in kOut limbs.
template <std::size_t kOut, std::size_t kIn>
constexpr std::array<std::uint64_t, kOut> above_252(const std::array<std::uint64_t, kIn>& x) {
  std::array<std::uint64_t, kOut> out{};
  for (std::size_t i = 0; i < kOut; ++i) out[i] = x[i + 3] >> 60 | (i + 4 < kIn ? x[i + 4] << 4 : 0);
  return out;
}
/// x mod 2^252.
template <std::size_t kIn>
constexpr Limbs below_252(const std::array<std::uint64_t, kIn>& x) {
  return {x[0], x[1], x[2], x[3] & ((std::uint64_t{1} << 60) - 1)};
}
/// δ·x, for any x of kIn limbs.
template <std::size_t kIn>
constexpr std::array<std::uint64_t, kIn + 2> times_delta(const std::array<std::uint64_t, kIn>& x) {
  std::array<std::uint64_t, kIn + 2> out{};
  for (std::size_t i = 0; i < kIn; ++i) {
    std::uint64_t carry = 0;
    out[i] = mul_carry(x[i], kDelta0, out[i], carry);
    out[i + 1] = mul_carry(x[i], kDelta1, out[i + 1], carry);
    out[i + 2] = carry;
  }
  return out;
}

/// x mod ℓ. @pre none for kHigh = 5; x < 2^505 for kHigh = 4, which holds for the product of two values below
/// ℓ and a value more. Bounds in the comments are those of kHigh = 5, in brackets those of 4.
template <std::size_t kHigh>
constexpr Limbs reduce(const WideLimbs& x) {
  static_assert(kHigh == 4 || kHigh == 5);
  // x = x_0 + 2^252·x_1 ≡ x_0 − y  with  y = δ·x_1,  x_1 < 2^260 [2^253],  y < 2^385 [2^378];
  // y = y_0 + 2^252·y_1 ≡ y_0 − z  with  z = δ·y_1,  y_1 < 2^133 [2^126],  z < 2^258 [2^251];
  const auto y = times_delta(above_252<kHigh>(x));
  const auto z = times_delta(above_252<kHigh - 2>(y));
  // x ≡ v = x_0 + ℓ − y_0 + z,  0 < v < 2^259 [2^254], which fits in kHigh limbs.
  const Limbs x0 = below_252(x);
  const Limbs y0 = below_252(y);
  std::array<std::uint64_t, 5> v{};
  std::uint64_t carry = 0;
  std::uint64_t carry_z = 0;
  std::uint64_t borrow = 0;
  for (std::size_t i = 0; i < kHigh; ++i) {
    v[i] = add_carry(i < 4 ? x0[i] : 0, i < 4 ? kOrder[i] : 0, carry);
    v[i] = sub_borrow(v[i], i < 4 ? y0[i] : 0, borrow);
    v[i] = add_carry(v[i], z[i], carry_z);
  }
  // v = v_0 + 2^252·q ≡ v_0 − q·δ  with  q < 2^7 [4],  so that  −ℓ < −2^132 < v_0 − q·δ < 2^252 < ℓ.
  const auto q_delta = times_delta(above_252<1>(v));
  return sub(below_252(v), {q_delta[0], q_delta[1], q_delta[2], 0});
}

constexpr Limbs mul(const Limbs& a, const Limbs& b) {
  WideLimbs product{};
  accumulate(product, a, b);
  return reduce<4>(product);
}

/// a·b + c.
constexpr Limbs mul_add(const Limbs& a, const Limbs& b, const Limbs& c) {
  WideLimbs sum{c[0], c[1], c[2], c[3]};
  accumulate(sum, a, b);
  return reduce<4>(sum);
}

/// a^(ℓ−2), by squaring and multiplying along the bits of ℓ−2: the inverse of a, and 0 for 0 (Fermat).
constexpr Limbs inverse(const Limbs& a) {
  Limbs power = {1};
  for (std::size_t bit = 253; bit-- > 0;) {
    power = mul(power, power);
    const std::uint64_t exponent = kOrder[bit / 64] - (bit < 64 ? 2 : 0);  // ℓ is odd: no borrow
    if ((exponent >> (bit % 64) & 1) != 0) power = mul(power, a);
  }
  return power;
}

/// Little-endian bytes as limbs; absent ones are zero. @pre at most 8·kLimbs bytes.
template <std::size_t kLimbs>
std::array<std::uint64_t, kLimbs> load(ByteView bytes) {
  std::array<std::uint64_t, kLimbs> out{};
  if (!bytes.empty()) std::memcpy(out.data(), bytes.data(), bytes.size());
  if constexpr (std::endian::native == std::endian::big)
    for (std::uint64_t& limb : out) limb = std::byteswap(limb);
  return out;
}
inline Limbs load(std::span<const std::uint8_t, 32> bytes) {
  return load<4>(ByteView(bytes));
}
/// a as 32 little-endian bytes.
inline void store(Limbs a, std::span<std::uint8_t, 32> bytes) {
  if constexpr (std::endian::native == std::endian::big)
    for (std::uint64_t& limb : a) limb = std::byteswap(limb);
  std::memcpy(bytes.data(), a.data(), 32);
}

}  // namespace psephos::scalar_arithmetic
