// Compiled for AVX-512 F, DQ and IFMA; nothing here runs before the processor is known to have them.
#if defined(__AVX512IFMA__)
#include <immintrin.h>

#include "tests/ct/avx512_calls.h"
#else
#include "tests/ct/avx512_table.h"
#endif

namespace psephos::ct {

Avx512Calls avx512_calls() {
#if defined(__AVX512IFMA__)
  return {kernels::kCalls, kernels::kNumberOfCalls};
#else
  return {};
#endif
}

}  // namespace psephos::ct
