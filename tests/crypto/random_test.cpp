#include "crypto/random.h"

#include <gtest/gtest.h>
#include <sodium.h>

#include <algorithm>
#include <functional>

#include "crypto/bulk_random.h"
#include "crypto/bytes.h"
#include "crypto/hash.h"
#include "crypto/tested_random.h"

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

/// Byte i is `byte(i)`.
class StreamRng final : public Rng {
 public:
  explicit StreamRng(std::function<std::uint8_t(std::size_t)> byte) : byte_(std::move(byte)) {}
  void fill(std::span<std::uint8_t> out) override {
    for (std::uint8_t& b : out) b = byte_(at_++);
  }

 private:
  std::function<std::uint8_t(std::size_t)> byte_;
  std::size_t at_ = 0;
};

/// A sound stream, the same every time.
std::uint8_t sound(std::size_t i) {
  static thread_local std::size_t number = SIZE_MAX;
  static thread_local Digest512 block;
  if (i / 64 != number) block = sha512(u64be(number = i / 64));
  return block[i % 64];
}

/// Whether a generator that gives these bytes passes, when 4,096 are drawn after the start-up sample.
bool passes(std::function<std::uint8_t(std::size_t)> byte) {
  StreamRng source(std::move(byte));
  TestedRng rng(source);
  Bytes drawn(4096);
  rng.fill(drawn);
  return rng.healthy();
}

TEST(TestedRng, A16_StuckAndRepeatingGeneratorsAreSeen) {
  EXPECT_TRUE(passes(sound));
  SystemRng system;
  TestedRng tested(system);
  Bytes drawn(1 << 20);
  tested.fill(drawn);
  EXPECT_TRUE(tested.healthy());

  for (const int byte : {0, 1, 0x55, 0xff})
    EXPECT_FALSE(passes([&](std::size_t) { return static_cast<std::uint8_t>(byte); })) << byte;
  for (const std::size_t period : {2U, 7U, 16U, 32U, 48U, 64U, 160U, 256U})
    EXPECT_FALSE(passes([&](std::size_t i) { return sound(i % period); })) << period;
  EXPECT_FALSE(passes([](std::size_t i) { return static_cast<std::uint8_t>(i); }));
  EXPECT_FALSE(passes([](std::size_t i) { return static_cast<std::uint8_t>(sound(i) & 0x0f); }));
  // Sound at first.
  for (const std::size_t from : {1024U, 1025U, 3000U})
    EXPECT_FALSE(passes([&](std::size_t i) { return i < from ? sound(i) : 7; })) << from;
}

// At each cutoff, and one short of it; the start-up sample ends with a window.
TEST(TestedRng, Cutoffs) {
  using namespace random_health;
  ASSERT_EQ(kStartUpBytes % kWindow, 0U);
  const auto with = [](const std::function<void(Bytes & window)>& change) {
    Bytes window(kWindow);
    for (std::size_t i = 0; i < kWindow; ++i)
      window[i] = static_cast<std::uint8_t>(sound(i) | 1U);  // no zero
    change(window);
    return passes([&](std::size_t i) {
      return i >= kStartUpBytes && i < kStartUpBytes + kWindow ? window[i - kStartUpBytes] : sound(i);
    });
  };
  EXPECT_TRUE(with([](Bytes&) {}));
  for (const std::size_t at : {std::size_t{100}, kWindow - kRun}) {
    EXPECT_TRUE(with([&](Bytes& w) { std::fill_n(&w[at], kRun - 1, std::uint8_t{0}); })) << at;
    EXPECT_FALSE(with([&](Bytes& w) { std::fill_n(&w[at], kRun, std::uint8_t{0}); })) << at;
  }
  const auto first_occurs = [&](std::size_t times) {
    return with([&](Bytes& w) {
      for (std::size_t k = 0; k < times; ++k) w[19 * k] = 0;
    });
  };
  EXPECT_TRUE(first_occurs(kOccurrences - 1));
  EXPECT_FALSE(first_occurs(kOccurrences));
  for (const std::size_t block : {std::size_t{1}, std::size_t{7}, kWindow / kBlock - 1}) {
    const auto repeated = [&](std::uint8_t difference) {
      return with([&](Bytes& w) {
        std::copy_n(w.begin(), kBlock, &w[block * kBlock]);
        w[block * kBlock + 17] ^= difference;
      });
    };
    EXPECT_TRUE(repeated(0x40)) << block;
    EXPECT_FALSE(repeated(0)) << block;
  }
}

// Its bytes are the source's, after those of the start-up sample; and nothing of them stays in memory.
TEST(TestedRng, PassesOnWhatItDrew) {
  StreamRng source(sound);
  Bytes drawn(200);
  alignas(TestedRng) std::array<std::uint8_t, sizeof(TestedRng)> memory{};
  auto* rng = new (memory.data()) TestedRng(source);
  rng->fill(std::span(drawn).first(77));
  rng->fill(std::span(drawn).subspan(77));
  for (std::size_t i = 0; i < drawn.size(); ++i)
    EXPECT_EQ(drawn[i], sound(random_health::kStartUpBytes + i)) << i;
  const auto held = [&] { return !std::ranges::search(memory, ByteView(drawn).first(32)).empty(); };
  EXPECT_TRUE(held());
  rng->~TestedRng();
  EXPECT_FALSE(held());
}

}  // namespace
}  // namespace psephos
