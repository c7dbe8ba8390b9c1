#include "crypto/group/kernels.h"

#include <atomic>
#include <cstdlib>

#include "crypto/group/kernels/interface.h"

namespace psephos {

namespace {

const kernels::Kernels* best() {
  static const kernels::Kernels* const kBest = [] {
    const char* wish = std::getenv("PSEPHOS_KERNELS");  // NOLINT(concurrency-mt-unsafe): nobody sets it
    const bool portable = wish != nullptr && std::string_view(wish) == "portable";
    const kernels::Kernels* vector = portable ? nullptr : kernels::ifma();
    return vector != nullptr ? vector : &kernels::portable();
  }();
  return kBest;
}

std::atomic<const kernels::Kernels*> chosen{nullptr};

}  // namespace

const kernels::Kernels& active_kernels() {
  const kernels::Kernels* now = chosen.load(std::memory_order_acquire);
  return now != nullptr ? *now : *best();
}
KernelPath kernel_path() {
  return &active_kernels() == &kernels::portable() ? KernelPath::kPortable : KernelPath::kVector;
}
std::string_view kernel_name() {
  return active_kernels().name;
}
void use_portable_kernels() {
  use_kernels(kernels::portable());
}
void use_best_kernels() {
  chosen.store(nullptr, std::memory_order_release);
}
void use_kernels(const kernels::Kernels& kernels) {
  chosen.store(&kernels, std::memory_order_release);
}

namespace kernels {

#if defined(PSEPHOS_IFMA_KERNELS)
const Kernels& ifma_compiled();
const Kernels* ifma() {
  const bool here = __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512dq") != 0 &&
                    __builtin_cpu_supports("avx512ifma") != 0;
  return here ? &ifma_compiled() : nullptr;
}
#else
const Kernels* ifma() {
  return nullptr;
}
#endif

}  // namespace kernels
}  // namespace psephos
