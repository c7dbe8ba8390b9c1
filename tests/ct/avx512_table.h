#pragma once
#include <cstddef>
#include <cstdint>

/// The instructions of crypto/group/kernels/field_ifma.h as functions on memory, from the processor and from
/// tests/ct/emulated_avx512.h, to be compared.
namespace psephos::ct {

struct alignas(64) Avx512Inputs {
  std::uint64_t a[8], b[8], c[8];
  unsigned mask;  ///< 8 bits
  int n;          ///< 0 … 63
};
/// @pre out is aligned to 64 bytes.
struct Avx512Call {
  const char* name;  ///< of the intrinsic
  void (*run)(const Avx512Inputs& x, std::uint64_t (&out)[8]);
};
struct Avx512Calls {
  const Avx512Call* first = nullptr;
  std::size_t size = 0;
};

Avx512Calls emulated_avx512_calls();
/// None where the build knows no AVX-512. To be run only where the processor has F, DQ and IFMA.
Avx512Calls avx512_calls();

}  // namespace psephos::ct
