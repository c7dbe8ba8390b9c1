#pragma once
// Included by kernels_ifma.cpp, which is compiled for AVX-512 IFMA, and by tests/ct/, which bring an
// emulation of its instructions. Nothing of the standard library may be instantiated here: the linker could
// keep that copy for the whole program.
#if !defined(PSEPHOS_EMULATED_AVX512)
#include <immintrin.h>
#endif

#include <cstddef>
#include <cstdint>

namespace psephos::kernels {
// Internal linkage on purpose: no copy compiled for one processor may serve the rest of the program.
namespace {  // NOLINT(google-build-namespaces)

/// The field of integers modulo p = 2^255 − 19, eight elements at a time, one a lane.
///
/// Radix 2^52, limbs of 52, 52, 52, 52 and 47 bits. vpmadd52luq and vpmadd52huq add the low and the high 52
/// bits of the product of the low 52 bits of two limbs to a 64-bit accumulator; with radix 2^52 both fall on
/// limb boundaries, and bits above the 52nd of an operand do not count, so that carrying needs no masks. The
/// top limb keeps 47 bits, so that there is always room for the carry into it. 2^260 = 608 and 2^255 = 19
/// modulo p.
struct FieldIfma {
  static constexpr std::size_t kLanes = 8;
  static constexpr unsigned kFixedBaseBits = 6;  ///< of a digit: tables of 32 multiples
  using Vector = __m512i;
  using Mask = __mmask8;

  /// An operand of multiplication: Σ (l_k mod 2^52)·2^(52k) for k < 4, and l_4 < 2^47 + 2^13.
  struct Fe {
    Vector l[5];
  };
  /// An Fe without bits above the 52nd: what can be added, compared and stored.
  struct Clean : Fe {};
  /// A sum of products before its carries: Σ w_k·2^(52k), 0 ≤ w_k < 2^60. A product has w_k < 2^55.6.
  struct Wide {
    Vector w[5];
  };

  static inline __attribute__((always_inline)) Vector set1(std::uint64_t x) {
    return _mm512_set1_epi64(static_cast<long long>(x));
  }
  static constexpr std::uint64_t kMask52 = (std::uint64_t{1} << 52) - 1;
  static constexpr std::uint64_t kMask47 = (std::uint64_t{1} << 47) - 1;

  static inline __attribute__((always_inline)) Vector lo(Vector acc, Vector a, Vector b) {
    return _mm512_madd52lo_epu64(acc, a, b);
  }
  static inline __attribute__((always_inline)) Vector hi(Vector acc, Vector a, Vector b) {
    return _mm512_madd52hi_epu64(acc, a, b);
  }
  static inline __attribute__((always_inline)) Vector add64(Vector a, Vector b) {
    return _mm512_add_epi64(a, b);
  }

  /// Columns d_0 … d_4 (weights 2^260 … 2^468) folded into r. d_4 < 2^42.7, so that 608·d_4 < 2^52.
  static inline __attribute__((always_inline)) void fold(Vector r[5], const Vector d[5]) {
    const Vector c608 = set1(608);
    // What a column has above its 52nd bit counts for the next one.
    for (int k = 0; k < 4; ++k) r[k + 1] = lo(r[k + 1], _mm512_srli_epi64(d[k], 52), c608);
    for (int k = 0; k < 5; ++k) r[k] = lo(r[k], d[k], c608);
    for (int k = 0; k < 4; ++k) r[k + 1] = hi(r[k + 1], d[k], c608);
  }

  static inline __attribute__((always_inline)) Wide mul(const Fe& a, const Fe& b) {
    const Vector z = _mm512_setzero_si512();
    const Vector *x = a.l, *y = b.l;
    Vector r[5], d[5];
    // The upper columns first: they are folded while the lower ones are computed.
    d[0] = lo(lo(lo(lo(z, x[1], y[4]), x[2], y[3]), x[3], y[2]), x[4], y[1]);
    d[1] = lo(lo(lo(z, x[2], y[4]), x[3], y[3]), x[4], y[2]);
    d[2] = lo(lo(z, x[3], y[4]), x[4], y[3]);
    d[3] = lo(z, x[4], y[4]);
    d[4] = hi(z, x[4], y[4]);
    d[0] = hi(hi(hi(hi(hi(d[0], x[0], y[4]), x[1], y[3]), x[2], y[2]), x[3], y[1]), x[4], y[0]);
    d[1] = hi(hi(hi(hi(d[1], x[1], y[4]), x[2], y[3]), x[3], y[2]), x[4], y[1]);
    d[2] = hi(hi(hi(d[2], x[2], y[4]), x[3], y[3]), x[4], y[2]);
    d[3] = hi(hi(d[3], x[3], y[4]), x[4], y[3]);
    r[0] = lo(z, x[0], y[0]);
    r[1] = hi(lo(lo(z, x[0], y[1]), x[1], y[0]), x[0], y[0]);
    r[2] = hi(hi(lo(lo(lo(z, x[0], y[2]), x[1], y[1]), x[2], y[0]), x[0], y[1]), x[1], y[0]);
    r[3] = lo(lo(lo(lo(z, x[0], y[3]), x[1], y[2]), x[2], y[1]), x[3], y[0]);
    r[3] = hi(hi(hi(r[3], x[0], y[2]), x[1], y[1]), x[2], y[0]);
    r[4] = lo(lo(lo(lo(lo(z, x[0], y[4]), x[1], y[3]), x[2], y[2]), x[3], y[1]), x[4], y[0]);
    r[4] = hi(hi(hi(hi(r[4], x[0], y[3]), x[1], y[2]), x[2], y[1]), x[3], y[0]);
    fold(r, d);
    return {{r[0], r[1], r[2], r[3], r[4]}};
  }

  static inline __attribute__((always_inline)) Wide sqr(const Fe& a) {
    const Vector z = _mm512_setzero_si512();
    const Vector* x = a.l;
    const Vector x4_2 = add64(x[4], x[4]);  // 48 bits: the one limb that can be doubled as an operand
    Vector r[5], d[5];
    // Products of different limbs below x_4 count twice: their column is doubled before the rest is added.
    d[0] = hi(lo(z, x[2], x[3]), x[1], x[3]);
    d[0] = add64(d[0], d[0]);
    d[1] = hi(z, x[2], x[3]);
    d[1] = add64(d[1], d[1]);
    d[0] = hi(hi(lo(d[0], x[1], x4_2), x[0], x4_2), x[2], x[2]);
    d[1] = hi(lo(lo(d[1], x[2], x4_2), x[3], x[3]), x[1], x4_2);
    d[2] = hi(hi(lo(z, x[3], x4_2), x[2], x4_2), x[3], x[3]);
    d[3] = hi(lo(z, x[4], x[4]), x[3], x4_2);
    d[4] = hi(z, x[4], x[4]);
    r[1] = lo(z, x[0], x[1]);
    r[1] = add64(r[1], r[1]);
    r[2] = hi(lo(z, x[0], x[2]), x[0], x[1]);
    r[2] = add64(r[2], r[2]);
    r[3] = hi(lo(lo(z, x[0], x[3]), x[1], x[2]), x[0], x[2]);
    r[3] = add64(r[3], r[3]);
    r[4] = hi(hi(lo(z, x[1], x[3]), x[0], x[3]), x[1], x[2]);
    r[4] = add64(r[4], r[4]);
    r[0] = lo(z, x[0], x[0]);
    r[1] = hi(r[1], x[0], x[0]);
    r[2] = lo(r[2], x[1], x[1]);
    r[3] = hi(r[3], x[1], x[1]);
    r[4] = lo(lo(r[4], x[2], x[2]), x[0], x4_2);
    fold(r, d);
    return {{r[0], r[1], r[2], r[3], r[4]}};
  }

  /// Carries. The carry out of the top limb, at 2^255, goes first into the lowest; the one that reaches the
  /// top limb then has room.
  static inline __attribute__((always_inline)) Fe reduce(const Wide& a) {
    Fe out;
    out.l[0] = lo(a.w[0], _mm512_srli_epi64(a.w[4], 47), set1(19));
    for (int k = 0; k < 3; ++k) out.l[k + 1] = add64(a.w[k + 1], _mm512_srli_epi64(out.l[k], 52));
    out.l[4] = add64(_mm512_and_si512(a.w[4], set1(kMask47)), _mm512_srli_epi64(out.l[3], 52));
    return out;
  }
  static inline __attribute__((always_inline)) Clean clean(const Fe& a) {
    Clean out;
    for (int k = 0; k < 4; ++k) out.l[k] = _mm512_and_si512(a.l[k], set1(kMask52));
    out.l[4] = a.l[4];
    return out;
  }
  static inline __attribute__((always_inline)) Wide wide(const Clean& a) {
    return {{a.l[0], a.l[1], a.l[2], a.l[3], a.l[4]}};
  }
  friend inline __attribute__((always_inline)) Wide operator+(const Wide& a, const Wide& b) {
    Wide out;
    for (int k = 0; k < 5; ++k) out.w[k] = add64(a.w[k], b.w[k]);
    return out;
  }
  /// a − b + a multiple of p whose limbs are between 2^57 and 2^58. @pre b's limbs are at most 2^57.
  friend inline __attribute__((always_inline)) Wide operator-(const Wide& a, const Wide& b) {
    Wide out;
    for (int k = 0; k < 5; ++k) out.w[k] = _mm512_sub_epi64(add64(a.w[k], set1(kBias[k])), b.w[k]);
    return out;
  }
  /// ⌈Σ 2^57·2^(52k) / p⌉·p, limb by limb.
  static constexpr std::uint64_t kBias[5] = {0x20fffffffffb3ed, 0x20fffffffffffdf, 0x20fffffffffffdf,
                                             0x20fffffffffffdf, 0x2007fffffffffdf};

  static inline __attribute__((always_inline)) Fe broadcast(const std::uint64_t limbs[5]) {
    Fe out;
    for (int k = 0; k < 5; ++k) out.l[k] = set1(limbs[k]);
    return out;
  }
  static inline __attribute__((always_inline)) Clean small(std::uint64_t n) {
    Clean out;
    out.l[0] = set1(n);
    for (int k = 1; k < 5; ++k) out.l[k] = _mm512_setzero_si512();
    return out;
  }
  /// Lane by lane: mask ? a : b. No branch.
  template <class T>
  static inline __attribute__((always_inline)) T select(Mask mask, const T& a, const T& b) {
    T out = b;
    if constexpr (requires { out.w; })
      for (int k = 0; k < 5; ++k) out.w[k] = _mm512_mask_mov_epi64(b.w[k], mask, a.w[k]);
    else
      for (int k = 0; k < 5; ++k) out.l[k] = _mm512_mask_mov_epi64(b.l[k], mask, a.l[k]);
    return out;
  }

  /// The representative below p, limbs of 52, 52, 52, 52, 47 bits.
  static inline __attribute__((always_inline)) Clean canonical(const Fe& a) {
    // One more round of carries: then every limb but the top is exact, and the value is below 2^255 + 2^13.
    Clean x = clean(reduce(wide(clean(a))));
    // q = 1 if x ≥ p, that is if x + 19 ≥ 2^255; x < 2p.
    Vector carry = _mm512_srli_epi64(add64(x.l[0], set1(19)), 52);
    for (int k = 1; k < 4; ++k) carry = _mm512_srli_epi64(add64(x.l[k], carry), 52);
    const Vector q = _mm512_srli_epi64(add64(x.l[4], carry), 47);
    x.l[0] = lo(x.l[0], q, set1(19));
    for (int k = 0; k < 4; ++k) {
      x.l[k + 1] = add64(x.l[k + 1], _mm512_srli_epi64(x.l[k], 52));
      x.l[k] = _mm512_and_si512(x.l[k], set1(kMask52));
    }
    x.l[4] = _mm512_and_si512(x.l[4], set1(kMask47));
    return x;
  }
  /// Of a canonical element.
  static inline __attribute__((always_inline)) Mask is_odd(const Clean& a) {
    return _mm512_test_epi64_mask(a.l[0], set1(1));
  }
  static inline __attribute__((always_inline)) Mask is_zero(const Clean& a) {
    const Vector any = _mm512_or_si512(
        _mm512_or_si512(_mm512_or_si512(a.l[0], a.l[1]), _mm512_or_si512(a.l[2], a.l[3])), a.l[4]);
    return _mm512_testn_epi64_mask(any, any);
  }
  static inline __attribute__((always_inline)) Mask equal(const Clean& a, const Clean& b) {
    Mask out = 0xff;
    for (int k = 0; k < 5; ++k) out = out & _mm512_cmpeq_epi64_mask(a.l[k], b.l[k]);
    return out;
  }

  /// Four little-endian 64-bit words a lane, the top bit ignored.
  static inline __attribute__((always_inline)) Clean from_words(const Vector w[4]) {
    Clean out;
    const Vector m = set1(kMask52);
    out.l[0] = _mm512_and_si512(w[0], m);
    out.l[1] = _mm512_and_si512(_mm512_or_si512(_mm512_srli_epi64(w[0], 52), _mm512_slli_epi64(w[1], 12)), m);
    out.l[2] = _mm512_and_si512(_mm512_or_si512(_mm512_srli_epi64(w[1], 40), _mm512_slli_epi64(w[2], 24)), m);
    out.l[3] = _mm512_and_si512(_mm512_or_si512(_mm512_srli_epi64(w[2], 28), _mm512_slli_epi64(w[3], 36)), m);
    out.l[4] = _mm512_and_si512(_mm512_srli_epi64(w[3], 16), set1(kMask47));
    return out;
  }
  /// Of a canonical element.
  static inline __attribute__((always_inline)) void to_words(const Clean& a, Vector w[4]) {
    w[0] = _mm512_or_si512(a.l[0], _mm512_slli_epi64(a.l[1], 52));
    w[1] = _mm512_or_si512(_mm512_srli_epi64(a.l[1], 12), _mm512_slli_epi64(a.l[2], 40));
    w[2] = _mm512_or_si512(_mm512_srli_epi64(a.l[2], 24), _mm512_slli_epi64(a.l[3], 28));
    w[3] = _mm512_or_si512(_mm512_srli_epi64(a.l[3], 36), _mm512_slli_epi64(a.l[4], 16));
  }

  // ---- words of lanes ---------------------------------------------------------------------------

  static inline __attribute__((always_inline)) void transpose(Vector v[8]) {
    Vector a[8], b[8];
    for (int i = 0; i < 8; i += 2) {
      a[i] = _mm512_unpacklo_epi64(v[i], v[i + 1]);
      a[i + 1] = _mm512_unpackhi_epi64(v[i], v[i + 1]);
    }
    for (int i = 0; i < 8; i += 4)
      for (int j = 0; j < 2; ++j) {
        b[i + j] = _mm512_shuffle_i64x2(a[i + j], a[i + j + 2], 0x88);
        b[i + j + 2] = _mm512_shuffle_i64x2(a[i + j], a[i + j + 2], 0xdd);
      }
    for (int j = 0; j < 4; ++j) {
      v[j] = _mm512_shuffle_i64x2(b[j], b[j + 4], 0x88);
      v[j + 4] = _mm512_shuffle_i64x2(b[j], b[j + 4], 0xdd);
    }
  }
  /// out[8j + k]: in lane i, word 8j + k at p[i]. @pre p[i] is aligned to 64 bytes.
  template <int kEights>
  static inline __attribute__((always_inline)) void load_words(const std::uint64_t* const p[8], Vector* out) {
    for (int j = 0; j < kEights; ++j) {
      for (int i = 0; i < 8; ++i) out[8 * j + i] = _mm512_load_si512(p[i] + 8 * j);
      transpose(out + 8 * j);
    }
  }
  template <int kEights>
  static inline __attribute__((always_inline)) void store_words(const Vector* in, std::uint64_t* const p[8]) {
    for (int j = 0; j < kEights; ++j) {
      Vector v[8];
      for (int i = 0; i < 8; ++i) v[i] = in[8 * j + i];
      transpose(v);
      for (int i = 0; i < 8; ++i) _mm512_store_si512(p[i] + 8 * j, v[i]);
    }
  }
  /// out[k]: in lane i, word k of the 16-word row entries[i] of `rows`; of `otherwise` where the entry is
  /// kNoEntry. The top bit of an entry is not part of the number.
  static inline __attribute__((always_inline)) void gather_rows(const std::uint64_t* rows,
                                                                const std::uint32_t* entries,
                                                                const std::uint64_t otherwise[16],
                                                                Vector* out) {
    const __m256i e = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(entries));
    const Vector wide = _mm512_cvtepu32_epi64(e);
    const Mask there = _mm512_cmpneq_epi64_mask(wide, set1(kNoEntry));
    const Vector at = _mm512_slli_epi64(_mm512_and_si512(wide, set1(0x7fffffff)), 4);
    for (int k = 0; k < 15; ++k)
      out[k] = _mm512_mask_i64gather_epi64(set1(otherwise[k]), there, at, rows + k, 8);
  }
  /// Lanes whose entry has its top bit set.
  static inline __attribute__((always_inline)) Mask top_bits(const std::uint32_t* entries) {
    const __m256i e = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(entries));
    return _mm512_test_epi64_mask(_mm512_cvtepu32_epi64(e), set1(std::uint64_t{1} << 31));
  }
  static constexpr std::uint32_t kNoEntry = 0xffffffff;

  /// w[k]: in lane i, the k-th little-endian word of the 32 bytes at p + i·stride.
  static inline __attribute__((always_inline)) void load_bytes(const std::uint8_t* p, std::size_t stride,
                                                               Vector w[4]) {
    std::uint64_t words[4][8];
    for (int i = 0; i < 8; ++i) {
      std::uint64_t one[4];
      __builtin_memcpy(one, p + static_cast<std::size_t>(i) * stride, 32);
      for (int k = 0; k < 4; ++k) words[k][i] = one[k];
    }
    for (int k = 0; k < 4; ++k) w[k] = _mm512_loadu_si512(words[k]);
  }
  static inline __attribute__((always_inline)) void store_bytes(const Vector w[4], std::uint8_t* p,
                                                                std::size_t stride) {
    std::uint64_t words[4][8];
    for (int k = 0; k < 4; ++k) _mm512_storeu_si512(words[k], w[k]);
    for (int i = 0; i < 8; ++i) {
      const std::uint64_t one[4] = {words[0][i], words[1][i], words[2][i], words[3][i]};
      __builtin_memcpy(p + static_cast<std::size_t>(i) * stride, one, 32);
    }
  }
  /// The low 16 bits of each lane.
  static inline __attribute__((always_inline)) void store_halfwords(Vector a, std::int16_t* to) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm512_cvtepi64_epi16(a));
  }
  static inline __attribute__((always_inline)) Vector shift_right(Vector a, unsigned n) {
    return _mm512_srl_epi64(a, _mm_cvtsi32_si128(static_cast<int>(n)));
  }
  static inline __attribute__((always_inline)) Vector bit_and(Vector a, std::uint64_t m) {
    return _mm512_and_si512(a, set1(m));
  }
  static inline __attribute__((always_inline)) Vector bit_or(Vector a, Vector b) {
    return _mm512_or_si512(a, b);
  }
  static inline __attribute__((always_inline)) Vector shift_left(Vector a, unsigned n) {
    return _mm512_sll_epi64(a, _mm_cvtsi32_si128(static_cast<int>(n)));
  }
  static inline __attribute__((always_inline)) Mask equals(Vector a, std::uint64_t n) {
    return _mm512_cmpeq_epi64_mask(a, set1(n));
  }
  static inline __attribute__((always_inline)) Mask below(Vector a, std::uint64_t n) {
    return _mm512_cmplt_epu64_mask(a, set1(n));
  }
  /// |a − n| for small values.
  static inline __attribute__((always_inline)) Vector distance(Vector a, std::uint64_t n) {
    return _mm512_abs_epi64(_mm512_sub_epi64(a, set1(n)));
  }
  /// Where word l of row j is in a table that look_up reads: the same word of all rows lies together.
  template <std::size_t kRows, std::size_t kWords>
  static constexpr std::size_t place(std::size_t j, std::size_t l) {
    return kRows * l + j;
  }
  /// Lane by lane row `index − 1`, zeros where index is 0, of a table of 8, 16 or 32 rows of kWords words.
  /// Registers are permuted: neither time nor address depends on the index. @pre aligned to 64 bytes.
  template <std::size_t kRows, std::size_t kWords>
  static inline __attribute__((always_inline)) void look_up(const std::uint64_t* table, Vector index,
                                                            Vector* out) {
    static_assert(kRows == 8 || kRows == 16 || kRows == 32);
    const Vector at = _mm512_sub_epi64(index, set1(1));
    const Mask low = _mm512_cmplt_epu64_mask(at, set1(16));
    const Mask high = static_cast<Mask>(_mm512_cmplt_epu64_mask(at, set1(32)) & ~low);
    for (std::size_t l = 0; l < kWords; ++l) {
      const std::uint64_t* words = table + kRows * l;
      const Vector first = _mm512_load_si512(words);
      if constexpr (kRows == 8) {
        out[l] = _mm512_maskz_permutex2var_epi64(low, first, at, first);
      } else {
        out[l] = _mm512_maskz_permutex2var_epi64(low, first, at, _mm512_load_si512(words + 8));
      }
      if constexpr (kRows == 32)
        out[l] = _mm512_or_si512(out[l], _mm512_maskz_permutex2var_epi64(high, _mm512_load_si512(words + 16),
                                                                         at, _mm512_load_si512(words + 24)));
    }
  }
  /// In lane i, four bits of 32 little-endian bytes: those from bit 4·(first + i) on. @pre 8 divides first.
  static inline __attribute__((always_inline)) Vector nibbles(const std::uint8_t* bytes, std::size_t first) {
    std::uint32_t eight = 0;
    __builtin_memcpy(&eight, bytes + first / 2, 4);
    alignas(64) static constexpr std::uint64_t kShifts[8] = {0, 4, 8, 12, 16, 20, 24, 28};
    return bit_and(_mm512_srlv_epi64(set1(eight), _mm512_load_si512(kShifts)), 15);
  }
};

}  // namespace
}  // namespace psephos::kernels
