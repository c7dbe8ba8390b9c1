#pragma once
#include <cstdio>
#include <cstdlib>
#include <source_location>

namespace psephos {

/// Stops the program, in release too, when something that cannot fail has failed. No input, however hostile,
/// may reach this with a false condition: bad input is an answer (Result), not a stop.
inline void invariant(bool condition, const char* why,
                      std::source_location where = std::source_location::current()) {
  if (condition) [[likely]]
    return;
  std::fprintf(stderr, "psephos: internal error at %s:%u: %s\n", where.file_name(), where.line(), why);
  std::abort();
}

}  // namespace psephos
