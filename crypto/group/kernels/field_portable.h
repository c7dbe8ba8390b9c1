#pragma once
#include <cstddef>
#include <cstdint>

#include "crypto/secret/value_barrier.h"

namespace psephos::kernels {
// Internal linkage on purpose: no copy compiled for one processor may serve the rest of the program.
namespace {  // NOLINT(google-build-namespaces)

/// The field of integers modulo p = 2^255 − 19, one element at a time, in four words: any value below 2^256
/// stands for its residue, and what goes beyond comes back as 2^256 = 38. The same interface as FieldIfma, so
/// that the formulas of edwards.h are written once. No branch or address depends on a value.
///
/// With full words a multiplication takes 20 products of words; with five limbs of 51 bits it takes 25, and
/// shifts and masks between them. The carries cost little where the processor has a flag for them.
struct FieldPortable {
  static constexpr std::size_t kLanes = 1;
  static constexpr unsigned kFixedBaseBits = 5;  ///< of a digit: tables of 16 multiples
  using Mask = std::uint32_t;                    ///< bit i: lane i
  __extension__ using U128 = unsigned __int128;

  struct Fe {
    std::uint64_t l[4];
  };
  struct Clean : Fe {};  ///< below 2^255 + 2^11
  struct Wide {
    std::uint64_t w[4];
  };
  struct Product : Wide {};  ///< below 2^255 + 2^11, so that sums and differences of two need fewer carries

  // ---- carries ------------------------------------------------------------------------------------

  /// The low word of a + b + carry; carry becomes the high one. And a − b − carry, carry being what is owed.
  static inline __attribute__((always_inline)) std::uint64_t add(std::uint64_t a, std::uint64_t b,
                                                                 bool& carry) {
#if defined(__x86_64__) && !defined(__clang__)  // g++ 12 does not use the flag for the form below
    unsigned long long out = 0;
    carry = __builtin_ia32_addcarryx_u64(carry, a, b, &out) != 0;
#else
    std::uint64_t sum = 0, out = 0;
    const bool first = __builtin_add_overflow(a, b, &sum);
    carry = __builtin_add_overflow(sum, static_cast<std::uint64_t>(carry), &out) | first;
#endif
    return out;
  }
  static inline __attribute__((always_inline)) std::uint64_t subtract(std::uint64_t a, std::uint64_t b,
                                                                      bool& carry) {
#if defined(__x86_64__) && !defined(__clang__)
    unsigned long long out = 0;
    carry = __builtin_ia32_sbb_u64(carry, a, b, &out) != 0;
#else
    std::uint64_t difference = 0, out = 0;
    const bool first = __builtin_sub_overflow(a, b, &difference);
    carry = __builtin_sub_overflow(difference, static_cast<std::uint64_t>(carry), &out) | first;
#endif
    return out;
  }
  /// x + n, x − n; the carry out of the top.
  static inline __attribute__((always_inline)) bool add_word(std::uint64_t (&x)[4], std::uint64_t n) {
    bool carry = false;
    x[0] = add(x[0], n, carry);
    for (int k = 1; k < 4; ++k) x[k] = add(x[k], 0, carry);
    return carry;
  }
  static inline __attribute__((always_inline)) bool subtract_word(std::uint64_t (&x)[4], std::uint64_t n) {
    bool carry = false;
    x[0] = subtract(x[0], n, carry);
    for (int k = 1; k < 4; ++k) x[k] = subtract(x[k], 0, carry);
    return carry;
  }
  /// carry ? 38 : 0.
  static inline __attribute__((always_inline)) std::uint64_t of_carry(bool carry) {
    return value_barrier(0 - static_cast<std::uint64_t>(carry)) & 38;
  }
  static constexpr std::uint64_t kMask63 = (std::uint64_t{1} << 63) - 1;

  /// a·x, five words.
  static inline __attribute__((always_inline)) void times(const std::uint64_t (&x)[4], std::uint64_t a,
                                                          std::uint64_t (&out)[5]) {
    std::uint64_t high[4];
    for (int k = 0; k < 4; ++k) {
      const U128 product = static_cast<U128>(a) * x[k];
      out[k] = static_cast<std::uint64_t>(product);
      high[k] = static_cast<std::uint64_t>(product >> 64);
    }
    bool carry = false;
    for (int k = 1; k < 4; ++k) out[k] = add(out[k], high[k - 1], carry);
    out[4] = add(high[3], 0, carry);  // a·x < 2^320
  }
  /// r modulo p. The sum of the lower half and 38 times the upper is below 39·2^256, so what is above its
  /// 255th bit is at most 77, and comes back as 19 each.
  static inline __attribute__((always_inline)) Product folded(const std::uint64_t (&r)[8]) {
    const std::uint64_t upper[4] = {r[4], r[5], r[6], r[7]};
    std::uint64_t t[5];
    times(upper, 38, t);
    Product out;
    bool carry = false;
    for (int k = 0; k < 4; ++k) out.w[k] = add(t[k], r[k], carry);
    const std::uint64_t top = add(t[4], 0, carry);
    const std::uint64_t above = (top << 1) | (out.w[3] >> 63);
    out.w[3] &= kMask63;
    add_word(out.w, 19 * above);
    return out;
  }

  // ---- arithmetic ---------------------------------------------------------------------------------

  static inline __attribute__((always_inline)) Product mul(const Fe& a, const Fe& b) {
    std::uint64_t r[8], row[5];
    times(b.l, a.l[0], row);
    for (int k = 0; k < 5; ++k) r[k] = row[k];
    for (int i = 1; i < 4; ++i) {
      times(b.l, a.l[i], row);
      bool carry = false;
      for (int k = 0; k < 4; ++k) r[i + k] = add(r[i + k], row[k], carry);
      r[i + 4] = add(row[4], 0, carry);
    }
    return folded(r);
  }
  static inline __attribute__((always_inline)) Product sqr(const Fe& a) {
    const std::uint64_t* x = a.l;
    const auto m = [](std::uint64_t p, std::uint64_t q) { return static_cast<U128>(p) * q; };
    const auto low = [](U128 p) { return static_cast<std::uint64_t>(p); };
    const auto high = [](U128 p) { return static_cast<std::uint64_t>(p >> 64); };
    // Products of different words, once.
    const U128 p01 = m(x[0], x[1]), p02 = m(x[0], x[2]), p03 = m(x[0], x[3]), p12 = m(x[1], x[2]),
               p13 = m(x[1], x[3]), p23 = m(x[2], x[3]);
    std::uint64_t r[8];
    bool carry = false;
    r[1] = low(p01);
    r[2] = add(high(p01), low(p02), carry);
    r[3] = add(high(p02), low(p03), carry);
    r[4] = add(high(p03), low(p13), carry);
    r[5] = add(high(p13), low(p23), carry);
    r[6] = add(high(p23), 0, carry);
    carry = false;
    r[3] = add(r[3], low(p12), carry);
    r[4] = add(r[4], high(p12), carry);
    r[5] = add(r[5], 0, carry);
    r[6] = add(r[6], 0, carry);
    // Twice that, and the squares.
    carry = false;
    for (int k = 1; k < 7; ++k) r[k] = add(r[k], r[k], carry);
    r[7] = static_cast<std::uint64_t>(carry);
    carry = false;
    r[0] = low(m(x[0], x[0]));
    for (int k = 1; k < 8; ++k) {
      const U128 square = m(x[k / 2], x[k / 2]);
      r[k] = add(r[k], k % 2 == 0 ? low(square) : high(square), carry);
    }
    return folded(r);
  }

  static inline __attribute__((always_inline)) Fe reduce(const Wide& a) {
    return {{a.w[0], a.w[1], a.w[2], a.w[3]}};
  }
  static inline __attribute__((always_inline)) Clean reduce(const Product& a) {
    return {{{a.w[0], a.w[1], a.w[2], a.w[3]}}};
  }
  static inline __attribute__((always_inline)) Clean clean(const Fe& a) {
    Clean out = {a};
    out.l[3] &= kMask63;
    add_word(out.l, 19 * (a.l[3] >> 63));
    return out;
  }
  static inline __attribute__((always_inline)) Clean clean(const Clean& a) { return a; }
  static inline __attribute__((always_inline)) Product wide(const Clean& a) {
    return {{{a.l[0], a.l[1], a.l[2], a.l[3]}}};
  }

  /// A carry that comes back can carry once more, but not a third time: what it leaves is below 38, or, where
  /// something is owed, at least 2^256 − 38.
  friend inline __attribute__((always_inline)) Wide operator+(const Wide& a, const Wide& b) {
    Wide out;
    bool carry = false;
    for (int k = 0; k < 4; ++k) out.w[k] = add(a.w[k], b.w[k], carry);
    out.w[0] += of_carry(add_word(out.w, of_carry(carry)));
    return out;
  }
  friend inline __attribute__((always_inline)) Wide operator-(const Wide& a, const Wide& b) {
    Wide out;
    bool carry = false;
    for (int k = 0; k < 4; ++k) out.w[k] = subtract(a.w[k], b.w[k], carry);
    out.w[0] -= of_carry(subtract_word(out.w, of_carry(carry)));
    return out;
  }
  /// With a carry the sum modulo 2^256 is below 2^12, so there is no other; and a difference is above −2^255
  /// − 2^11, so that 2^256 − 38 more is positive.
  friend inline __attribute__((always_inline)) Wide operator+(const Product& a, const Product& b) {
    Wide out;
    bool carry = false;
    for (int k = 0; k < 4; ++k) out.w[k] = add(a.w[k], b.w[k], carry);
    out.w[0] += of_carry(carry);
    return out;
  }
  friend inline __attribute__((always_inline)) Wide operator-(const Product& a, const Product& b) {
    Wide out;
    bool carry = false;
    for (int k = 0; k < 4; ++k) out.w[k] = subtract(a.w[k], b.w[k], carry);
    subtract_word(out.w, of_carry(carry));
    return out;
  }

  static inline __attribute__((always_inline)) Clean small(std::uint64_t n) { return {{{n, 0, 0, 0}}}; }
  /// mask ? a : b, without a branch.
  template <class T>
  static inline __attribute__((always_inline)) T select(Mask mask, const T& a, const T& b) {
    const std::uint64_t all = value_barrier(0 - static_cast<std::uint64_t>(mask & 1));
    T out;
    if constexpr (requires { out.w; })
      for (int k = 0; k < 4; ++k) out.w[k] = (a.w[k] & all) | (b.w[k] & ~all);
    else
      for (int k = 0; k < 4; ++k) out.l[k] = (a.l[k] & all) | (b.l[k] & ~all);
    return out;
  }

  /// mask ? −a : a, for a at most 2^256 − 38: −a = ¬a − 37 modulo 2^256 − 38.
  static inline __attribute__((always_inline)) Fe negate_if(Mask mask, const Fe& a) {
    const std::uint64_t all = value_barrier(0 - static_cast<std::uint64_t>(mask & 1));
    Fe out;
    for (int k = 0; k < 4; ++k) out.l[k] = a.l[k] ^ all;
    subtract_word(out.l, all & 37);
    return out;
  }

  /// The representative below p.
  static inline __attribute__((always_inline)) Clean canonical(const Fe& a) {
    const Clean x = clean(a);  // below 2p
    Clean y = x;
    add_word(y.l, 19);  // from 2^255 on if x ≥ p
    Clean out = x;
    add_word(out.l, 19 * (y.l[3] >> 63));
    out.l[3] &= kMask63;
    return out;
  }
  static inline __attribute__((always_inline)) Mask is_odd(const Clean& a) {
    return static_cast<Mask>(a.l[0] & 1);
  }
  static inline __attribute__((always_inline)) Mask is_zero(const Clean& a) {
    const std::uint64_t any = a.l[0] | a.l[1] | a.l[2] | a.l[3];
    return static_cast<Mask>(1 ^ ((any | (0 - any)) >> 63));
  }
  static inline __attribute__((always_inline)) Mask equal(const Clean& a, const Clean& b) {
    Clean difference;
    for (int k = 0; k < 4; ++k) difference.l[k] = a.l[k] ^ b.l[k];
    return is_zero(difference);
  }

  using Vector = std::uint64_t;  ///< one 64-bit word a lane
  /// The top bit is ignored.
  static inline __attribute__((always_inline)) Clean from_words(const Vector w[4]) {
    return {{{w[0], w[1], w[2], w[3] & kMask63}}};
  }
  static inline __attribute__((always_inline)) void to_words(const Clean& a, Vector w[4]) {
    for (int k = 0; k < 4; ++k) w[k] = a.l[k];
  }

  // ---- words of lanes ---------------------------------------------------------------------------

  static inline __attribute__((always_inline)) Vector set1(std::uint64_t x) { return x; }
  static inline __attribute__((always_inline)) Vector add64(Vector a, Vector b) { return a + b; }
  template <int kEights>
  static inline __attribute__((always_inline)) void load_words(const std::uint64_t* const p[1], Vector* out) {
    for (int k = 0; k < 8 * kEights; ++k) out[k] = p[0][k];
  }
  template <int kEights>
  static inline __attribute__((always_inline)) void store_words(const Vector* in, std::uint64_t* const p[1]) {
    for (int k = 0; k < 8 * kEights; ++k) p[0][k] = in[k];
  }
  static constexpr std::uint32_t kNoEntry = 0xffffffff;
  static inline __attribute__((always_inline)) void load_bytes(const std::uint8_t* p, std::size_t,
                                                               Vector w[4]) {
    __builtin_memcpy(w, p, 32);
  }
  static inline __attribute__((always_inline)) void store_bytes(const Vector w[4], std::uint8_t* p,
                                                                std::size_t) {
    __builtin_memcpy(p, w, 32);
  }
  static inline __attribute__((always_inline)) void store_halfwords(Vector a, std::int16_t* to) {
    *to = static_cast<std::int16_t>(a);
  }
  static inline __attribute__((always_inline)) Vector shift_right(Vector a, unsigned n) { return a >> n; }
  static inline __attribute__((always_inline)) Vector shift_left(Vector a, unsigned n) { return a << n; }
  static inline __attribute__((always_inline)) Vector bit_and(Vector a, std::uint64_t m) { return a & m; }
  static inline __attribute__((always_inline)) Vector bit_or(Vector a, Vector b) { return a | b; }
  static inline __attribute__((always_inline)) Mask equals(Vector a, std::uint64_t n) {
    const std::uint64_t x = a ^ n;
    return static_cast<Mask>(1 ^ ((x | (0 - x)) >> 63));
  }
  /// @pre both below 2^63.
  static inline __attribute__((always_inline)) Mask below(Vector a, std::uint64_t n) {
    return static_cast<Mask>((a - n) >> 63);
  }
  /// |a − n| for small values.
  static inline __attribute__((always_inline)) Vector distance(Vector a, std::uint64_t n) {
    const std::uint64_t x = a - n, sign = 0 - (x >> 63);
    return (x ^ sign) - sign;
  }
  /// Where word l of row j is in a table that look_up reads.
  template <std::size_t kRows, std::size_t kWords>
  static constexpr std::size_t place(std::size_t j, std::size_t l) {
    return kWords * j + l;
  }
  /// rows[index − 1], zeros where index is 0, of a table of kRows rows of kWords words; reads all of them.
  template <std::size_t kRows, std::size_t kWords>
  static inline __attribute__((always_inline)) void look_up(const std::uint64_t* rows, Vector index,
                                                            Vector* out) {
    for (std::size_t k = 0; k < kWords; ++k) out[k] = 0;
    for (std::size_t j = 0; j < kRows; ++j) {
      const std::uint64_t other = (j + 1) ^ index;
      const std::uint64_t here = value_barrier(((other | (0 - other)) >> 63) - 1);
      for (std::size_t k = 0; k < kWords; ++k) out[k] |= rows[kWords * j + k] & here;
    }
  }
  /// Four bits of 32 little-endian bytes: those from bit 4·first on.
  static inline Vector nibbles(const std::uint8_t* bytes, std::size_t first) {
    return (bytes[first / 2] >> (4 * (first % 2))) & 15U;
  }
};

}  // namespace
}  // namespace psephos::kernels
