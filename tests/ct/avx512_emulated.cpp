#include "tests/ct/emulated_avx512.h"
//
#include "tests/ct/avx512_calls.h"

namespace psephos::ct {

Avx512Calls emulated_avx512_calls() {
  return {kernels::kCalls, kernels::kNumberOfCalls};
}

}  // namespace psephos::ct
