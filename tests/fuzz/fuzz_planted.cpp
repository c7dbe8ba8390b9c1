#include <memory>

#include "tests/fuzz/fuzz.h"

/// The test of the tests: a reader with a fault behind four bytes of magic. The search has to get past them,
/// and the sanitizer has to see one byte read beyond the end.
int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  if (size < 4 || data[0] != 'P' || data[1] != 'S' || data[2] != 'E' || data[3] != 'P') return 0;
  const auto copy = std::make_unique<unsigned char[]>(size);
  for (std::size_t i = 0; i < size; ++i) copy[i] = data[i];
  volatile unsigned char beyond = copy.get()[size];
  static_cast<void>(beyond);
  return 0;
}
