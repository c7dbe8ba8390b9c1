// Not a header of its own: included by a file that has the instructions of the processor, and by one that has
// their emulation, for a table of what each computes.
#include "tests/ct/avx512_table.h"

namespace psephos::kernels {
namespace {  // NOLINT(google-build-namespaces)

using Inputs = ct::Avx512Inputs;
using Output = std::uint64_t (&)[8];

[[maybe_unused]] inline void put(const __m512i& value, Output out) {
  _mm512_storeu_si512(out, value);
}
[[maybe_unused]] inline void put(__mmask8 value, Output out) {
  for (int i = 0; i < 8; ++i) out[i] = static_cast<std::uint64_t>(value >> i) & 1;
}
[[maybe_unused]] inline __m512i load(const std::uint64_t (&words)[8]) {
  return _mm512_loadu_si512(words);
}

// a, b, c: three vectors; n: a count of bits below 64; mask: any.
#define PSEPHOS_CALL(name, ...)                                                  \
  {#name, [](const Inputs& x, Output out) {                                      \
     [[maybe_unused]] const __m512i a = load(x.a), b = load(x.b), c = load(x.c); \
     [[maybe_unused]] const auto mask = static_cast<__mmask8>(x.mask);           \
     [[maybe_unused]] const __m128i n = _mm_cvtsi32_si128(x.n);                  \
     put(name(__VA_ARGS__), out);                                                \
   }}

constexpr ct::Avx512Call kCalls[] = {
    PSEPHOS_CALL(_mm512_loadu_si512, x.a),
    PSEPHOS_CALL(_mm512_load_si512, x.a),
    {"_mm512_storeu_si512", [](const Inputs& x, Output out) { _mm512_storeu_si512(out, load(x.a)); }},
    {"_mm512_store_si512", [](const Inputs& x, Output out) { _mm512_store_si512(out, load(x.a)); }},
    {"_mm256_loadu_si256",
     [](const Inputs& x, Output out) {
       put(_mm512_cvtepu32_epi64(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(x.a))), out);
     }},
    PSEPHOS_CALL(_mm512_cvtepu32_epi64, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(x.b))),
    {"_mm512_cvtepi64_epi16",
     [](const Inputs& x, Output out) {
       for (std::uint64_t& word : out) word = 0;
       _mm_storeu_si128(reinterpret_cast<__m128i*>(out), _mm512_cvtepi64_epi16(load(x.a)));
     }},
    {"_mm_storeu_si128",
     [](const Inputs& x, Output out) {
       for (std::uint64_t& word : out) word = 0;
       _mm_storeu_si128(reinterpret_cast<__m128i*>(out + 1), _mm512_cvtepi64_epi16(load(x.b)));
     }},
    PSEPHOS_CALL(_mm512_mask_i64gather_epi64, c, mask, _mm512_and_si512(a, _mm512_set1_epi64(7)), x.b, 8),
    PSEPHOS_CALL(_mm512_set1_epi64, static_cast<long long>(x.a[0])),
    PSEPHOS_CALL(_mm512_setzero_si512),
    PSEPHOS_CALL(_mm512_add_epi64, a, b),
    PSEPHOS_CALL(_mm512_sub_epi64, a, b),
    PSEPHOS_CALL(_mm512_abs_epi64, a),
    PSEPHOS_CALL(_mm512_madd52lo_epu64, a, b, c),
    PSEPHOS_CALL(_mm512_madd52hi_epu64, a, b, c),
    PSEPHOS_CALL(_mm512_and_si512, a, b),
    PSEPHOS_CALL(_mm512_or_si512, a, b),
    PSEPHOS_CALL(_mm512_srli_epi64, a, static_cast<unsigned>(x.n)),
    PSEPHOS_CALL(_mm512_slli_epi64, a, static_cast<unsigned>(x.n)),
    PSEPHOS_CALL(_mm512_srlv_epi64, a, _mm512_and_si512(b, _mm512_set1_epi64(127))),
    {"_mm_cvtsi32_si128",
     [](const Inputs& x, Output out) { put(_mm512_srl_epi64(load(x.a), _mm_cvtsi32_si128(x.n)), out); }},
    PSEPHOS_CALL(_mm512_srl_epi64, a, n),
    PSEPHOS_CALL(_mm512_sll_epi64, a, n),
    PSEPHOS_CALL(_mm512_test_epi64_mask, a, b),
    PSEPHOS_CALL(_mm512_testn_epi64_mask, a, b),
    PSEPHOS_CALL(_mm512_cmpeq_epi64_mask, a, b),
    PSEPHOS_CALL(_mm512_cmpneq_epi64_mask, a, b),
    PSEPHOS_CALL(_mm512_cmplt_epu64_mask, a, b),
    PSEPHOS_CALL(_mm512_mask_mov_epi64, a, mask, b),
    PSEPHOS_CALL(_mm512_maskz_permutex2var_epi64, mask, a, b, c),
    PSEPHOS_CALL(_mm512_unpacklo_epi64, a, b),
    PSEPHOS_CALL(_mm512_unpackhi_epi64, a, b),
    PSEPHOS_CALL(_mm512_shuffle_i64x2, a, b, 0x88),
    PSEPHOS_CALL(_mm512_shuffle_i64x2, a, b, 0xdd),
};
#undef PSEPHOS_CALL
constexpr std::size_t kNumberOfCalls = sizeof kCalls / sizeof kCalls[0];

}  // namespace
}  // namespace psephos::kernels
