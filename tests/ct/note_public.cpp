// In place of crypto/secret/declassify.cpp.
#include <valgrind/memcheck.h>

#include "crypto/secret/declassify.h"

namespace psephos {

void note_public(const void* bytes, std::size_t size_bytes) {
  VALGRIND_MAKE_MEM_DEFINED(bytes, size_bytes);
}

}  // namespace psephos
