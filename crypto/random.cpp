#include "crypto/random.h"

#include <sodium.h>

#include "crypto/invariant.h"

namespace psephos {

SystemRng::SystemRng() {
  invariant(sodium_init() >= 0, "libsodium starts");
}
void SystemRng::fill(std::span<std::uint8_t> out) {
  randombytes_buf(out.data(), out.size());
}

}  // namespace psephos
