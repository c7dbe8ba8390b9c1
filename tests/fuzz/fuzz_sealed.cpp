#include "crypto/secret/sealed.h"
#include "tests/fuzz/fuzz.h"

using namespace psephos;

namespace {

struct CountingRng final : Rng {
  void fill(std::span<std::uint8_t> out) override {
    for (std::uint8_t& byte : out) byte = next++;
  }
  std::uint8_t next = 0;
};

// Of the sixteen bytes of cost, after magic, length and the purpose "fuzz".
constexpr std::size_t kCostBegin = 16 + 1 + 4;
constexpr std::size_t kCostEnd = kCostBegin + 16;

const Bytes& sealed() {
  static const Bytes made = [] {
    CountingRng rng;
    return seal(bytes_of("passphrase"), "fuzz", bytes_of("a secret of some length"), rng, kMinSealCost);
  }();
  return made;
}

}  // namespace

/// The input is laid over an honest sealed secret. Only that one opens.
int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const ByteView bytes(data, size);
  static_cast<void>(purpose_of(bytes));

  Bytes changed = sealed();
  if (size % 2 == 1) changed.resize(changed.size() - 1 + 2 * (data[size - 1] & 1U));
  for (std::size_t i = 0; i + 1 < size; i += 2) {
    // The cost stays as it is: a hostile one is bounded, but a search cannot afford it.
    const std::size_t where = data[i] % changed.size();
    if (where >= kCostBegin && where < kCostEnd) continue;
    changed[where] = static_cast<std::uint8_t>(changed[where] ^ data[i + 1]);
  }
  const auto secret = unseal(bytes_of("passphrase"), "fuzz", changed);
  require(secret.has_value() == equal(changed, sealed()), "sealed: what was sealed opens, and nothing else");
  return 0;
}
