#include "crypto/group/kernels.h"

namespace psephos {

// One call of libsodium an operation, on every machine: there is no vector path, and nothing to choose.
KernelPath kernel_path() {
  return KernelPath::kPortable;
}
std::string_view kernel_name() {
  return "libsodium";
}
void use_portable_kernels() {}

}  // namespace psephos
