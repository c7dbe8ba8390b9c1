#pragma once
// The AVX-512 instructions of crypto/group/kernels/field_ifma.h, and no others, in plain C++: so that its
// formulas run where the processor lacks them, and under valgrind, which does not know them. Included before
// field_ifma.h and instead of <immintrin.h>, whose names it takes. Like everything that is compiled for one
// set of kernels, it includes nothing of the standard library but integer types.
//
// No branch and no address depends on a value, but for the gather, whose addresses are values: what valgrind
// then finds is the formulas' own.
//
// Source of what each instruction does: Intel 64 and IA-32 Architectures Software Developer's Manual, volume
// 2, under the instruction's name, given beside each. emulated_avx512_test.cpp compares with the processor.
#define PSEPHOS_EMULATED_AVX512
#include <cstddef>
#include <cstdint>

#include "crypto/secret/value_barrier.h"
// What is a register to the processor is 64 bytes here, and a compiler that has to inline every formula takes
// minutes: the attribute becomes one that asks for nothing.
#define always_inline unused

// NOLINTBEGIN(bugprone-reserved-identifier): the names are those of <immintrin.h>
namespace psephos::kernels {
namespace {  // NOLINT(google-build-namespaces)

/// Eight words of 64 bits.
struct alignas(64) __m512i {
  std::uint64_t word[8];
};
/// Bit i stands for word i.
using __mmask8 = unsigned char;
/// Eight words of 32 bits.
struct __m256i {
  std::uint32_t word[8];
};
/// 128 bits. As a count of bits to shift by, the low 64 count.
struct __m128i {
  std::uint64_t word[2];
};

#define PSEPHOS_EMULATED [[maybe_unused]] inline

/// out.word[i] = word(i).
template <class Word>
inline __m512i each_word(Word&& word) {
  __m512i out;
  for (int i = 0; i < 8; ++i) out.word[i] = word(i);
  return out;
}
/// Bit i is bit(i), 0 or 1.
template <class Bit>
inline __mmask8 each_bit(Bit&& bit) {
  unsigned out = 0;
  for (int i = 0; i < 8; ++i) out |= static_cast<unsigned>(bit(i)) << i;
  return static_cast<__mmask8>(out);
}
/// 1 if x is zero, else 0.
inline std::uint64_t zero_bit(std::uint64_t x) {
  return 1 ^ ((x | (0 - x)) >> 63);
}

// ---- memory -----------------------------------------------------------------------------------------

PSEPHOS_EMULATED __m512i _mm512_loadu_si512(const void* p) {  // VMOVDQU64
  __m512i out;
  __builtin_memcpy(&out, p, sizeof out);
  return out;
}
PSEPHOS_EMULATED __m512i _mm512_load_si512(const void* p) {  // VMOVDQA64
  return _mm512_loadu_si512(p);
}
PSEPHOS_EMULATED void _mm512_storeu_si512(void* p, const __m512i& a) {  // VMOVDQU64
  __builtin_memcpy(p, &a, sizeof a);
}
PSEPHOS_EMULATED void _mm512_store_si512(void* p, const __m512i& a) {  // VMOVDQA64
  _mm512_storeu_si512(p, a);
}
PSEPHOS_EMULATED __m256i _mm256_loadu_si256(const __m256i* p) {  // VMOVDQU
  __m256i out;
  __builtin_memcpy(&out, p, sizeof out);
  return out;
}
PSEPHOS_EMULATED void _mm_storeu_si128(__m128i* p, const __m128i& a) {  // VMOVDQU
  __builtin_memcpy(p, &a, sizeof a);
}
/// The low 16 bits of each word.
PSEPHOS_EMULATED __m128i _mm512_cvtepi64_epi16(const __m512i& a) {  // VPMOVQW
  __m128i out{};
  for (int i = 0; i < 8; ++i) out.word[i / 4] |= (a.word[i] & 0xffff) << (16 * (i % 4));
  return out;
}
PSEPHOS_EMULATED __m512i _mm512_cvtepu32_epi64(const __m256i& a) {  // VPMOVZXDQ
  return each_word([&](int i) { return std::uint64_t{a.word[i]}; });
}
/// Where the bit is set, the word at memory + index·scale; else `otherwise`, and nothing is read. For public
/// indices.
PSEPHOS_EMULATED __m512i _mm512_mask_i64gather_epi64(const __m512i& otherwise, __mmask8 mask,
                                                     const __m512i& index, const void* memory,
                                                     int scale) {  // VPGATHERQQ
  return each_word([&](int i) {
    std::uint64_t out = otherwise.word[i];
    if (((mask >> i) & 1) != 0)
      __builtin_memcpy(
          &out, static_cast<const std::uint8_t*>(memory) + index.word[i] * static_cast<std::uint64_t>(scale),
          sizeof out);
    return out;
  });
}
PSEPHOS_EMULATED __m512i _mm512_set1_epi64(long long x) {  // VPBROADCASTQ
  return each_word([&](int) { return static_cast<std::uint64_t>(x); });
}
PSEPHOS_EMULATED __m512i _mm512_setzero_si512() {  // VPXORQ
  return _mm512_set1_epi64(0);
}

// ---- arithmetic -------------------------------------------------------------------------------------

PSEPHOS_EMULATED __m512i _mm512_add_epi64(const __m512i& a, const __m512i& b) {  // VPADDQ
  return each_word([&](int i) { return a.word[i] + b.word[i]; });
}
PSEPHOS_EMULATED __m512i _mm512_sub_epi64(const __m512i& a, const __m512i& b) {  // VPSUBQ
  return each_word([&](int i) { return a.word[i] - b.word[i]; });
}
PSEPHOS_EMULATED __m512i _mm512_abs_epi64(const __m512i& a) {  // VPABSQ
  return each_word([&](int i) {
    const std::uint64_t sign = 0 - (a.word[i] >> 63);
    return (a.word[i] ^ sign) - sign;
  });
}
__extension__ using Product = unsigned __int128;
/// Of the low 52 bits of a and b.
inline Product product_52(std::uint64_t a, std::uint64_t b) {
  constexpr std::uint64_t kLow = (std::uint64_t{1} << 52) - 1;
  return static_cast<Product>(a & kLow) * (b & kLow);
}
PSEPHOS_EMULATED __m512i _mm512_madd52lo_epu64(const __m512i& sum, const __m512i& a,
                                               const __m512i& b) {  // VPMADD52LUQ
  return each_word([&](int i) {
    return sum.word[i] + (static_cast<std::uint64_t>(product_52(a.word[i], b.word[i])) << 12 >> 12);
  });
}
PSEPHOS_EMULATED __m512i _mm512_madd52hi_epu64(const __m512i& sum, const __m512i& a,
                                               const __m512i& b) {  // VPMADD52HUQ
  return each_word([&](int i) {
    return sum.word[i] + static_cast<std::uint64_t>(product_52(a.word[i], b.word[i]) >> 52);
  });
}

// ---- bits -------------------------------------------------------------------------------------------

PSEPHOS_EMULATED __m512i _mm512_and_si512(const __m512i& a, const __m512i& b) {  // VPANDQ
  return each_word([&](int i) { return a.word[i] & b.word[i]; });
}
PSEPHOS_EMULATED __m512i _mm512_or_si512(const __m512i& a, const __m512i& b) {  // VPORQ
  return each_word([&](int i) { return a.word[i] | b.word[i]; });
}
/// By n < 64, which is public.
PSEPHOS_EMULATED __m512i _mm512_srli_epi64(const __m512i& a, unsigned n) {  // VPSRLQ
  return each_word([&](int i) { return a.word[i] >> n; });
}
PSEPHOS_EMULATED __m512i _mm512_slli_epi64(const __m512i& a, unsigned n) {  // VPSLLQ
  return each_word([&](int i) { return a.word[i] << n; });
}
/// By counts that are public.
PSEPHOS_EMULATED __m512i _mm512_srlv_epi64(const __m512i& a, const __m512i& n) {  // VPSRLVQ
  return each_word([&](int i) { return n.word[i] < 64 ? a.word[i] >> n.word[i] : 0; });
}
PSEPHOS_EMULATED __m128i _mm_cvtsi32_si128(int n) {  // VMOVD
  return {{static_cast<std::uint32_t>(n), 0}};
}
PSEPHOS_EMULATED __m512i _mm512_srl_epi64(const __m512i& a, const __m128i& n) {  // VPSRLQ
  return _mm512_srli_epi64(a, static_cast<unsigned>(n.word[0]));
}
PSEPHOS_EMULATED __m512i _mm512_sll_epi64(const __m512i& a, const __m128i& n) {  // VPSLLQ
  return _mm512_slli_epi64(a, static_cast<unsigned>(n.word[0]));
}

// ---- comparison and choice --------------------------------------------------------------------------

PSEPHOS_EMULATED __mmask8 _mm512_test_epi64_mask(const __m512i& a, const __m512i& b) {  // VPTESTMQ
  return each_bit([&](int i) { return 1 ^ zero_bit(a.word[i] & b.word[i]); });
}
PSEPHOS_EMULATED __mmask8 _mm512_testn_epi64_mask(const __m512i& a, const __m512i& b) {  // VPTESTNMQ
  return each_bit([&](int i) { return zero_bit(a.word[i] & b.word[i]); });
}
PSEPHOS_EMULATED __mmask8 _mm512_cmpeq_epi64_mask(const __m512i& a, const __m512i& b) {  // VPCMPEQQ
  return each_bit([&](int i) { return zero_bit(a.word[i] ^ b.word[i]); });
}
PSEPHOS_EMULATED __mmask8 _mm512_cmpneq_epi64_mask(const __m512i& a, const __m512i& b) {  // VPCMPQ
  return each_bit([&](int i) { return 1 ^ zero_bit(a.word[i] ^ b.word[i]); });
}
PSEPHOS_EMULATED __mmask8 _mm512_cmplt_epu64_mask(const __m512i& a, const __m512i& b) {  // VPCMPUQ
  return each_bit([&](int i) {  // the borrow of a − b
    const std::uint64_t x = a.word[i], y = b.word[i];
    return ((~x & y) | ((~x | y) & (x - y))) >> 63;
  });
}
/// All ones where the bit is set, else zero.
inline std::uint64_t all_if(__mmask8 mask, int bit) {
  return 0 - static_cast<std::uint64_t>((mask >> bit) & 1);
}
PSEPHOS_EMULATED __m512i _mm512_mask_mov_epi64(const __m512i& otherwise, __mmask8 mask,
                                               const __m512i& a) {  // VMOVDQA64
  return each_word([&](int i) {
    const std::uint64_t all = value_barrier(all_if(mask, i));
    return (a.word[i] & all) | (otherwise.word[i] & ~all);
  });
}
/// Where the bit is set, word index mod 16 of low and high, read by looking at all of them; else zero.
PSEPHOS_EMULATED __m512i _mm512_maskz_permutex2var_epi64(__mmask8 mask, const __m512i& low,
                                                         const __m512i& index,
                                                         const __m512i& high) {  // VPERMT2Q
  return each_word([&](int i) {
    std::uint64_t out = 0;
    for (std::uint64_t j = 0; j < 8; ++j) {
      out |= low.word[j] & value_barrier(0 - zero_bit((index.word[i] & 15) ^ j));
      out |= high.word[j] & value_barrier(0 - zero_bit((index.word[i] & 15) ^ (j + 8)));
    }
    return out & value_barrier(all_if(mask, i));
  });
}

// ---- moving words -----------------------------------------------------------------------------------

PSEPHOS_EMULATED __m512i _mm512_unpacklo_epi64(const __m512i& a, const __m512i& b) {  // VPUNPCKLQDQ
  return each_word([&](int i) { return i % 2 == 0 ? a.word[i] : b.word[i - 1]; });
}
PSEPHOS_EMULATED __m512i _mm512_unpackhi_epi64(const __m512i& a, const __m512i& b) {  // VPUNPCKHQDQ
  return each_word([&](int i) { return i % 2 == 0 ? a.word[i + 1] : b.word[i]; });
}
/// Pairs of words: two of a, then two of b, each chosen by two bits of `which`, which is public.
PSEPHOS_EMULATED __m512i _mm512_shuffle_i64x2(const __m512i& a, const __m512i& b, int which) {  // VSHUFI64X2
  return each_word([&](int i) {
    const int from = 2 * ((which >> (2 * (i / 2))) & 3) + i % 2;
    return i < 4 ? a.word[from] : b.word[from];
  });
}

#undef PSEPHOS_EMULATED

}  // namespace
}  // namespace psephos::kernels
// NOLINTEND(bugprone-reserved-identifier)
