#include "crypto/random.h"

#include <gtest/gtest.h>
#include <sodium.h>

#include <algorithm>

#include "crypto/bulk_random.h"
#include "crypto/bytes.h"

namespace psephos {
namespace {

/// Gives one byte over and over, and counts how many.
class ConstantRng final : public Rng {
 public:
  explicit ConstantRng(std::uint8_t byte) : byte_(byte) {}
  void fill(std::span<std::uint8_t> out) override {
    std::ranges::fill(out, byte_);
    drawn += out.size();
  }
  std::size_t drawn = 0;

 private:
  std::uint8_t byte_;
};

/// The contract again, over the stream cipher itself: the nonce is the one of libsodium's documentation.
Bytes expected(std::uint8_t byte, std::size_t length) {
  Bytes key(32, byte);
  Bytes out;
  while (out.size() < length) {
    Bytes block(4096);
    const Bytes nonce = copy_of(bytes_of("LibsodiumDRG"));
    crypto_stream_chacha20_ietf(block.data(), block.size(), nonce.data(), key.data());
    key.assign(block.begin(), block.begin() + 32);
    append(out, ByteView(block).subspan(32));
  }
  out.resize(length);
  return out;
}

TEST(BulkRng, BytesDoNotDependOnHowTheyAreDrawn) {
  constexpr std::size_t kLength = 3 * 4096 + 77;
  const Bytes all = expected(5, kLength);
  for (const std::size_t step : {std::size_t{1}, std::size_t{8}, std::size_t{64}, std::size_t{4063},
                                 std::size_t{4064}, std::size_t{4065}, std::size_t{4096}, kLength}) {
    ConstantRng source(5);
    BulkRng rng(source);
    Bytes drawn(kLength);
    for (std::size_t at = 0; at < kLength; at += step)
      rng.fill(std::span(drawn).subspan(at, std::min(step, kLength - at)));
    EXPECT_EQ(drawn, all) << step;
    EXPECT_EQ(source.drawn, 32U);
  }
}

TEST(BulkRng, OtherSourcesGiveOtherBytes) {
  EXPECT_NE(expected(5, 64), expected(6, 64));
  SystemRng system;
  BulkRng a(system);
  BulkRng b(system);
  ByteArray<64> x{};
  ByteArray<64> y{};
  a.fill(x);
  b.fill(y);
  EXPECT_NE(x, y);
}

// What was drawn, and the key it came from, are no longer in memory.
TEST(BulkRng, DrawnBytesAreGone) {
  ConstantRng source(9);
  BulkRng rng(source);
  Bytes drawn(1000);
  rng.fill(drawn);
  const ByteView memory(reinterpret_cast<const std::uint8_t*>(&rng), sizeof rng);
  const auto holds = [&](ByteView what) { return !std::ranges::search(memory, what).empty(); };
  EXPECT_FALSE(holds(Bytes(32, 9)));
  for (std::size_t at = 0; at + 16 <= drawn.size(); at += 16)
    EXPECT_FALSE(holds(ByteView(drawn).subspan(at, 16)));
  Bytes next = expected(9, 1016);
  EXPECT_TRUE(holds(ByteView(next).subspan(1000, 16)));  // the search finds what is there
}

}  // namespace
}  // namespace psephos
