#include "crypto/group/kernels/bulk.h"

namespace psephos::kernels {

const Kernels& portable() {
  static constexpr Kernels kPortable = Bulk<FieldPortable>::kernels("portable");
  return kPortable;
}

}  // namespace psephos::kernels
