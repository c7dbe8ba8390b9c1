#pragma once
#include "crypto/group/kernels/interface.h"

namespace psephos::kernels {

/// The vector kernels, from the same sources as kernels::ifma(), over tests/ct/emulated_avx512.h: on any
/// processor and under valgrind, some tens of times slower.
const Kernels& emulated();

/// A multiplication without fault and three with one each, for tests that have to find them: out[i] =
/// encoding of scalar·rows[i] for n ≤ lanes points and one scalar of 32 bytes.
struct PlantedLeaks {
  using Multiply = void (*)(const Row* rows, const std::uint8_t* scalar, std::size_t n, std::uint8_t* out);
  std::size_t lanes;
  Multiply honest;
  Multiply early;    ///< ends the search of a table when a digit of the scalar is found
  Multiply skip;     ///< leaves out the additions of digits that are zero
  Multiply address;  ///< reads a table at a digit of the scalar
};
PlantedLeaks portable_leaks();
PlantedLeaks emulated_leaks();

}  // namespace psephos::kernels
