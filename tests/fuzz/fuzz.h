#pragma once
#include <cstdio>
#include <cstdlib>

namespace psephos {

/// Ends the run, which makes the input a finding, unless the property holds.
inline void require(bool property, const char* what) {
  if (property) return;
  std::fprintf(stderr, "property broken: %s\n", what);
  std::abort();
}

}  // namespace psephos

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size);
