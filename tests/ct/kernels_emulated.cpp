#include "tests/ct/emulated_avx512.h"
//
#include "crypto/group/kernels/bulk.h"
#include "crypto/group/kernels/field_ifma.h"
#include "tests/ct/emulated_kernels.h"
#include "tests/ct/planted.h"

namespace psephos::kernels {

const Kernels& emulated() {
  static constexpr Kernels kEmulated = Bulk<FieldIfma>::kernels("AVX-512 IFMA, emulated");
  return kEmulated;
}
PlantedLeaks emulated_leaks() {
  return Planted<FieldIfma>::leaks();
}

}  // namespace psephos::kernels
