#pragma once
#include <cstdint>
#include <string_view>

namespace psephos {

/// What ristretto255's bulk operations run on: code for any machine, or code for the vector unit of this one.
/// Both give the same results.
enum class KernelPath : std::uint8_t { kPortable, kVector };

/// The path in use, and the name of its code for reports ("libsodium"). Thread-safe.
KernelPath kernel_path();
std::string_view kernel_name();

/// Stays with the portable path from now on, also where the machine has the vector unit: for measuring and
/// for comparing the two. @pre no other thread computes.
void use_portable_kernels();

}  // namespace psephos
