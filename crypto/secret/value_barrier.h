#pragma once
#include <cstdint>

namespace psephos {

/// x, of which the compiler knows nothing any more. A mask made from a secret passes through here before it
/// is used: a compiler that knows it to be all ones or zero may make a branch of the two cases, as clang 19
/// does of a search of a table.
[[gnu::always_inline]] constexpr std::uint64_t value_barrier(std::uint64_t x) {
  if !consteval {
    __asm__("" : "+r"(x));
  }
  return x;
}

}  // namespace psephos
