#pragma once
#include <cstdint>
#include <string_view>

namespace psephos {

namespace kernels {
struct Kernels;
}

/// What ristretto255's bulk operations run on: code for any machine, or code for the vector unit of this one.
/// Both give the same results.
enum class KernelPath : std::uint8_t { kPortable, kVector };

/// The path in use, and the name of its code for reports ("AVX-512 IFMA"). Chosen when first asked for: the
/// vector path where build and processor have it, unless the environment says PSEPHOS_KERNELS=portable.
/// Thread-safe.
KernelPath kernel_path();
std::string_view kernel_name();

/// Stays with the portable path from now on, also where the machine has the vector unit: for measuring and
/// for comparing the two. @pre no other thread computes, and no decoded points are kept.
void use_portable_kernels();
/// Back to the choice of the first time. Same preconditions.
void use_best_kernels();
/// Uses these, whatever the machine: for tests, which bring some of their own. Same preconditions.
void use_kernels(const kernels::Kernels& kernels);

/// The implementation in use; for crypto/group/ only.
const kernels::Kernels& active_kernels();

}  // namespace psephos
