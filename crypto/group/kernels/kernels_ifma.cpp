// Compiled for AVX-512 F, DQ and IFMA; nothing here runs before ifma() has found that the processor has them.
#include "crypto/group/kernels/interface.h"

#if defined(__AVX512IFMA__)
#include "crypto/group/kernels/bulk.h"
#include "crypto/group/kernels/field_ifma.h"

namespace psephos::kernels {
const Kernels& ifma_compiled() {
  static constexpr Kernels kIfma = Bulk<FieldIfma>::kernels("AVX-512 IFMA");
  return kIfma;
}
}  // namespace psephos::kernels
#endif
