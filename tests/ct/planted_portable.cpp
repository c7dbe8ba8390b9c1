#include "tests/ct/planted.h"

namespace psephos::kernels {

PlantedLeaks portable_leaks() {
  return Planted<FieldPortable>::leaks();
}

}  // namespace psephos::kernels
