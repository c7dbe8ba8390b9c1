// Alone in its file, so that the linker leaves it out where a test defines the function.
#include "crypto/secret/declassify.h"

namespace psephos {

void note_public(const void* /*bytes*/, std::size_t /*size_bytes*/) {}

}  // namespace psephos
