#pragma once
#include <cstddef>
#include <cstdint>

#include "crypto/secret/value_barrier.h"

namespace psephos::kernels {
// Internal linkage on purpose: no copy compiled for one processor may serve the rest of the program.
namespace {  // NOLINT(google-build-namespaces)

/// The field of integers modulo p = 2^255 − 19, one element at a time, in five limbs of 51 bits and products
/// of 128 bits (radix of Bernstein, Duif, Lange, Schwabe & Yang, CHES 2011, section 3). The same interface as
/// FieldIfma, so that the formulas of edwards.h are written once. No branch or address depends on a value.
struct FieldPortable {
  static constexpr std::size_t kLanes = 1;
  static constexpr unsigned kFixedBaseBits = 5;  ///< of a digit: tables of 16 multiples
  using Mask = std::uint32_t;                    ///< bit i: lane i
  __extension__ using U128 = unsigned __int128;

  /// Σ l_k·2^(51k), l_k < 2^54 + 2^20. What mul and sqr give, and clean of it, has l_k < 2^51 + 2^18.
  struct Fe {
    std::uint64_t l[5];
  };
  struct Clean : Fe {};  ///< l_k < 2^51 + 2^18
  struct Wide {
    std::uint64_t w[5];
  };  ///< sums of a few products

  static constexpr std::uint64_t kMask51 = (std::uint64_t{1} << 51) - 1;

  /// Carries in two rounds, all limbs at once. With operands below 2^54 the columns are below 2^114.4, the
  /// top one, which has no factor 19, below 2^110.4: so neither high part overflows, nor 19 times that of the
  /// top.
  static inline Wide carried(const U128 (&r)[5]) {
    std::uint64_t low[5], high[5], a[5];
    for (int k = 0; k < 5; ++k) {
      low[k] = static_cast<std::uint64_t>(r[k]) & kMask51;
      high[k] = static_cast<std::uint64_t>(r[k] >> 51);
    }
    a[0] = low[0] + 19 * high[4];
    for (int k = 1; k < 5; ++k) a[k] = low[k] + high[k - 1];
    return {{(a[0] & kMask51) + 19 * (a[4] >> 51), (a[1] & kMask51) + (a[0] >> 51),
             (a[2] & kMask51) + (a[1] >> 51), (a[3] & kMask51) + (a[2] >> 51),
             (a[4] & kMask51) + (a[3] >> 51)}};
  }
  static inline Wide mul(const Fe& a, const Fe& b) {
    const std::uint64_t *x = a.l, *y = b.l;
    const std::uint64_t y1 = 19 * y[1], y2 = 19 * y[2], y3 = 19 * y[3], y4 = 19 * y[4];
    const auto m = [](std::uint64_t p, std::uint64_t q) { return static_cast<U128>(p) * q; };
    const U128 r[5] = {m(x[0], y[0]) + m(x[1], y4) + m(x[2], y3) + m(x[3], y2) + m(x[4], y1),
                       m(x[0], y[1]) + m(x[1], y[0]) + m(x[2], y4) + m(x[3], y3) + m(x[4], y2),
                       m(x[0], y[2]) + m(x[1], y[1]) + m(x[2], y[0]) + m(x[3], y4) + m(x[4], y3),
                       m(x[0], y[3]) + m(x[1], y[2]) + m(x[2], y[1]) + m(x[3], y[0]) + m(x[4], y4),
                       m(x[0], y[4]) + m(x[1], y[3]) + m(x[2], y[2]) + m(x[3], y[1]) + m(x[4], y[0])};
    return carried(r);
  }
  static inline Wide sqr(const Fe& a) {
    const std::uint64_t* x = a.l;
    const std::uint64_t x0 = 2 * x[0], x1 = 2 * x[1], x3 = 19 * x[3], x4 = 19 * x[4];
    const auto m = [](std::uint64_t p, std::uint64_t q) { return static_cast<U128>(p) * q; };
    const U128 r[5] = {m(x[0], x[0]) + m(x1, x4) + m(2 * x[2], x3),
                       m(x0, x[1]) + m(2 * x[2], x4) + m(x[3], x3),
                       m(x0, x[2]) + m(x[1], x[1]) + m(2 * x[3], x4), m(x0, x[3]) + m(x1, x[2]) + m(x[4], x4),
                       m(x0, x[4]) + m(x1, x[3]) + m(x[2], x[2])};
    return carried(r);
  }

  static inline Fe reduce(const Wide& a) { return {{a.w[0], a.w[1], a.w[2], a.w[3], a.w[4]}}; }
  static inline Clean clean(const Fe& a) {
    Clean out;
    for (int k = 0; k < 4; ++k) out.l[k + 1] = (a.l[k + 1] & kMask51) + (a.l[k] >> 51);
    out.l[0] = (a.l[0] & kMask51) + 19 * (a.l[4] >> 51);
    return out;
  }
  static inline Wide wide(const Clean& a) { return {{a.l[0], a.l[1], a.l[2], a.l[3], a.l[4]}}; }
  friend inline Wide operator+(const Wide& a, const Wide& b) {
    Wide out;
    for (int k = 0; k < 5; ++k) out.w[k] = a.w[k] + b.w[k];
    return out;
  }
  /// a − b + 4p. @pre b's limbs are below those of 4p, at least 2^53 − 76.
  friend inline Wide operator-(const Wide& a, const Wide& b) {
    Wide out;
    for (int k = 0; k < 5; ++k) out.w[k] = a.w[k] + kBias[k] - b.w[k];
    return out;
  }
  static constexpr std::uint64_t kBias[5] = {0x1fffffffffffb4, 0x1ffffffffffffc, 0x1ffffffffffffc,
                                             0x1ffffffffffffc, 0x1ffffffffffffc};

  static inline Clean small(std::uint64_t n) { return {{{n, 0, 0, 0, 0}}}; }
  /// mask ? a : b, without a branch.
  template <class T>
  static inline T select(Mask mask, const T& a, const T& b) {
    const std::uint64_t all = value_barrier(0 - static_cast<std::uint64_t>(mask & 1));
    T out;
    if constexpr (requires { out.w; })
      for (int k = 0; k < 5; ++k) out.w[k] = (a.w[k] & all) | (b.w[k] & ~all);
    else
      for (int k = 0; k < 5; ++k) out.l[k] = (a.l[k] & all) | (b.l[k] & ~all);
    return out;
  }

  /// The representative below p.
  static inline Clean canonical(const Fe& a) {
    Clean x = clean(a);
    std::uint64_t q = (x.l[0] + 19) >> 51;
    for (int k = 1; k < 5; ++k) q = (x.l[k] + q) >> 51;
    x.l[0] += 19 * q;
    for (int k = 0; k < 4; ++k) {
      x.l[k + 1] += x.l[k] >> 51;
      x.l[k] &= kMask51;
    }
    x.l[4] &= kMask51;
    return x;
  }
  static inline Mask is_odd(const Clean& a) { return static_cast<Mask>(a.l[0] & 1); }
  static inline Mask is_zero(const Clean& a) {
    const std::uint64_t any = a.l[0] | a.l[1] | a.l[2] | a.l[3] | a.l[4];
    return static_cast<Mask>(1 ^ ((any | (0 - any)) >> 63));
  }
  static inline Mask equal(const Clean& a, const Clean& b) {
    Clean difference;
    for (int k = 0; k < 5; ++k) difference.l[k] = a.l[k] ^ b.l[k];
    return is_zero(difference);
  }

  using Vector = std::uint64_t;  ///< one 64-bit word a lane
  static inline Clean from_words(const Vector w[4]) {
    return {
        {{w[0] & kMask51, ((w[0] >> 51) | (w[1] << 13)) & kMask51, ((w[1] >> 38) | (w[2] << 26)) & kMask51,
          ((w[2] >> 25) | (w[3] << 39)) & kMask51, (w[3] >> 12) & kMask51}}};
  }
  static inline void to_words(const Clean& a, Vector w[4]) {
    w[0] = a.l[0] | (a.l[1] << 51);
    w[1] = (a.l[1] >> 13) | (a.l[2] << 38);
    w[2] = (a.l[2] >> 26) | (a.l[3] << 25);
    w[3] = (a.l[3] >> 39) | (a.l[4] << 12);
  }

  // ---- words of lanes ---------------------------------------------------------------------------

  static inline Vector set1(std::uint64_t x) { return x; }
  static inline Vector add64(Vector a, Vector b) { return a + b; }
  template <int kEights>
  static inline void load_words(const std::uint64_t* const p[1], Vector* out) {
    for (int k = 0; k < 8 * kEights; ++k) out[k] = p[0][k];
  }
  template <int kEights>
  static inline void store_words(const Vector* in, std::uint64_t* const p[1]) {
    for (int k = 0; k < 8 * kEights; ++k) p[0][k] = in[k];
  }
  static inline void gather_rows(const std::uint64_t* rows, const std::uint32_t* entries,
                                 const std::uint64_t otherwise[16], Vector* out) {
    const std::uint64_t* row =
        entries[0] == kNoEntry ? otherwise : rows + 16 * static_cast<std::size_t>(entries[0] & 0x7fffffff);
    for (int k = 0; k < 15; ++k) out[k] = row[k];
  }
  static inline Mask top_bits(const std::uint32_t* entries) { return entries[0] >> 31; }
  static constexpr std::uint32_t kNoEntry = 0xffffffff;
  static inline void load_bytes(const std::uint8_t* p, std::size_t, Vector w[4]) {
    __builtin_memcpy(w, p, 32);
  }
  static inline void store_bytes(const Vector w[4], std::uint8_t* p, std::size_t) {
    __builtin_memcpy(p, w, 32);
  }
  static inline void store_halfwords(Vector a, std::int16_t* to) { *to = static_cast<std::int16_t>(a); }
  static inline Vector shift_right(Vector a, unsigned n) { return a >> n; }
  static inline Vector shift_left(Vector a, unsigned n) { return a << n; }
  static inline Vector bit_and(Vector a, std::uint64_t m) { return a & m; }
  static inline Vector bit_or(Vector a, Vector b) { return a | b; }
  static inline Mask equals(Vector a, std::uint64_t n) {
    const std::uint64_t x = a ^ n;
    return static_cast<Mask>(1 ^ ((x | (0 - x)) >> 63));
  }
  /// @pre both below 2^63.
  static inline Mask below(Vector a, std::uint64_t n) { return static_cast<Mask>((a - n) >> 63); }
  /// |a − n| for small values.
  static inline Vector distance(Vector a, std::uint64_t n) {
    const std::uint64_t x = a - n, sign = 0 - (x >> 63);
    return (x ^ sign) - sign;
  }
  /// An index into tables of kEntries words.
  template <std::size_t kEntries>
  struct Index {
    std::uint64_t here[kEntries];  ///< all ones at index − 1, else zero
  };
  template <std::size_t kEntries>
  static inline Index<kEntries> index_of(Vector index) {
    Index<kEntries> out;
    for (std::uint64_t j = 0; j < kEntries; ++j) {
      const std::uint64_t x = (j + 1) ^ index;
      out.here[j] = value_barrier(((x | (0 - x)) >> 63) - 1);
    }
    return out;
  }
  /// table[index − 1], 0 where index is 0; reads all of them.
  template <std::size_t kEntries>
  static inline Vector look_up(const std::uint64_t* table, const Index<kEntries>& index) {
    std::uint64_t out = 0;
    for (std::size_t j = 0; j < kEntries; ++j) out |= table[j] & index.here[j];
    return out;
  }
  /// Four bits of 32 little-endian bytes: those from bit 4·first on.
  static inline Vector nibbles(const std::uint8_t* bytes, std::size_t first) {
    return (bytes[first / 2] >> (4 * (first % 2))) & 15U;
  }
};

}  // namespace
}  // namespace psephos::kernels
