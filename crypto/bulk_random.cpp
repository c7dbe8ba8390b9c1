#include "crypto/bulk_random.h"

#include <sodium.h>

#include <algorithm>

namespace psephos {

static_assert(randombytes_SEEDBYTES == 32);

void BulkRng::refill() {
  const std::span<std::uint8_t, kBlock> block = block_.expose_mutable();
  randombytes_buf_deterministic(block.data(), block.size(), key_.expose().data());
  key_ = SecretBytes<kKey>::copy_from(block.first<kKey>());
  sodium_memzero(block.data(), kKey);
  used_ = kKey;
}

void BulkRng::fill(std::span<std::uint8_t> out) {
  while (!out.empty()) {
    if (used_ == kBlock) refill();
    const std::size_t part = std::min(out.size(), kBlock - used_);
    std::uint8_t* const from = block_.expose_mutable().data() + used_;
    std::copy_n(from, part, out.begin());
    sodium_memzero(from, part);
    out = out.subspan(part);
    used_ += part;
  }
}

}  // namespace psephos
