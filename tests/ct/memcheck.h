#pragma once
#include <valgrind/memcheck.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "crypto/bytes.h"
#include "crypto/hash.h"
#include "crypto/random.h"

/// Secrets under valgrind's memcheck: a secret is memory that counts as never written. Memcheck follows such
/// bits through every operation, and reports where a branch or an address depends on one: what code that is
/// constant time never does (Langley, "ctgrind", 2010).
namespace psephos::ct {

/// These bytes are secret from here on, and all that is computed from them until it is `published`.
inline void hide(const void* bytes, std::size_t size_bytes) {
  VALGRIND_MAKE_MEM_UNDEFINED(bytes, size_bytes);
}
template <class T>
T hidden(T value) {
  hide(&value, sizeof value);
  return value;
}

/// Whether any of the bits is secret.
inline bool is_secret(std::span<const std::uint8_t> bytes) {
  std::vector<std::uint8_t> undefined(bytes.size());
  VALGRIND_GET_VBITS(bytes.data(), undefined.data(), bytes.size());
  return std::ranges::any_of(undefined, [](std::uint8_t bits) { return bits != 0; });
}

/// Reports so far.
inline unsigned reports() {
  return VALGRIND_COUNT_ERRORS;
}

/// All that it gives is secret, and the same every time.
class HiddenRng final : public Rng {
 public:
  explicit HiddenRng(std::uint64_t seed) : seed_(seed) {}
  void fill(std::span<std::uint8_t> out) override {
    for (std::size_t at = 0; at < out.size(); at += 64) {
      const Digest512 block = Sha512().update(u64be(seed_)).update(u64be(counter_++)).finish();
      std::copy_n(block.begin(), std::min<std::size_t>(64, out.size() - at), &out[at]);
    }
    hide(out.data(), out.size());
  }

 private:
  std::uint64_t seed_;
  std::uint64_t counter_ = 0;
};

}  // namespace psephos::ct
