#include "crypto/secret/sealed.h"

#include <gtest/gtest.h>

#include "crypto/hash.h"

namespace psephos {
namespace {

constexpr SealCost kFast = kMinSealCost;
constexpr std::string_view kPurpose = "psephos-1/key/test";

struct CountingRng final : Rng {
  void fill(std::span<std::uint8_t> out) override {
    for (std::uint8_t& byte : out) byte = next++;
  }
  std::uint8_t next = 0;
};

bool opens(std::string_view passphrase, std::string_view purpose, ByteView sealed) {
  const auto secret = unseal(bytes_of(passphrase), purpose, sealed);
  EXPECT_TRUE(secret || secret.error() == Fault::kSecretUnreadable);
  return secret.has_value();
}

TEST(Sealed, OpensWithItsPassphraseAndPurposeOnly) {
  SystemRng rng;
  for (const std::size_t size : {0U, 1U, 32U, 1000U}) {
    const Bytes secret(size, 0x5a);
    const Bytes sealed = seal(bytes_of("correct horse"), kPurpose, secret, rng, kFast);
    EXPECT_EQ(purpose_of(sealed).value(), kPurpose);
    const auto opened = unseal(bytes_of("correct horse"), kPurpose, sealed);
    ASSERT_TRUE(opened);
    EXPECT_TRUE(equal(opened->expose(), secret));
    EXPECT_FALSE(opens("correct horsf", kPurpose, sealed));
    EXPECT_FALSE(opens("", kPurpose, sealed));
    EXPECT_FALSE(opens("correct horse", "psephos-1/key/other", sealed));
    EXPECT_FALSE(opens("correct horse", "", sealed));
  }
}

TEST(Sealed, EveryByteIsAuthenticated) {
  SystemRng rng;
  const Bytes sealed = seal(bytes_of("p"), kPurpose, Bytes(32, 1), rng, kFast);
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    Bytes bad = sealed;
    bad[i] ^= 1;
    EXPECT_FALSE(opens("p", kPurpose, bad)) << i;
    EXPECT_FALSE(opens("p", kPurpose, ByteView(sealed).first(i))) << i;
    // Not even for the purpose that the changed header claims.
    if (const auto purpose = purpose_of(bad)) {
      EXPECT_FALSE(opens("p", *purpose, bad)) << i;
    }
  }
  Bytes longer = sealed;
  longer.push_back(0);
  EXPECT_FALSE(opens("p", kPurpose, longer));
}

// A hostile file cannot make the reader compute for ever or take all memory.
TEST(Sealed, BoundsTheCostBeforePayingIt) {
  SystemRng rng;
  const Bytes sealed = seal(bytes_of("p"), kPurpose, Bytes(32, 1), rng, kFast);
  const std::size_t at = 16 + 1 + kPurpose.size();
  const auto with = [&](std::uint64_t passes, std::uint64_t memory) {
    Bytes bad = sealed;
    std::ranges::copy(u64be(passes), bad.begin() + static_cast<std::ptrdiff_t>(at));
    std::ranges::copy(u64be(memory), bad.begin() + static_cast<std::ptrdiff_t>(at + 8));
    return bad;
  };
  EXPECT_TRUE(opens("p", kPurpose, with(kFast.passes, kFast.memory_bytes)));
  for (const Bytes& bad :
       {with(0, 8192), with(kMaxSealCost.passes + 1, 8192), with(~0ULL, 8192), with(1, 8191), with(1, 0),
        with(1, kMaxSealCost.memory_bytes + 1), with(1, ~0ULL)}) {
    EXPECT_EQ(purpose_of(bad).error(), Fault::kSecretUnreadable);
    EXPECT_FALSE(opens("p", kPurpose, bad));
  }
}

TEST(Sealed, FixedWidth) {
  SystemRng rng;
  const Bytes sealed = seal(bytes_of("p"), kPurpose, Bytes(32, 7), rng, kFast);
  const auto opened = unseal_bytes<32>(bytes_of("p"), kPurpose, sealed);
  ASSERT_TRUE(opened);
  EXPECT_TRUE(equal(opened->expose(), Bytes(32, 7)));
  EXPECT_EQ(unseal_bytes<31>(bytes_of("p"), kPurpose, sealed).error(), Fault::kSecretUnreadable);
  EXPECT_EQ(unseal_bytes<64>(bytes_of("p"), kPurpose, sealed).error(), Fault::kSecretUnreadable);
}

TEST(Sealed, NeverTheSameTwice) {
  SystemRng rng;
  EXPECT_NE(seal(bytes_of("p"), kPurpose, Bytes(32, 7), rng, kFast),
            seal(bytes_of("p"), kPurpose, Bytes(32, 7), rng, kFast));
}

// The layout of SPEC §3.9: files written today open tomorrow. The expected bytes were opened with an
// independent implementation (Argon2id and ChaCha20-Poly1305 of Python's cryptography package, HChaCha20 by
// its RFC draft).
TEST(Sealed, Layout) {
  CountingRng rng;
  const Bytes sealed =
      seal(bytes_of("passphrase"), "a", bytes_of("secret"), rng, {.passes = 2, .memory_bytes = 65536});
  EXPECT_EQ(to_hex(sealed),
            "70736570686f732d7365616c65642d3101610000000000000002000000000001000000"
            "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f2021222324252627"
            "da2603d326b41fd6517cbf886e2aa2d6f945668ce8f1");
}

TEST(Sealed, TheDefaultCostIsModerate) {
  SystemRng rng;
  const Bytes sealed = seal(bytes_of("p"), kPurpose, Bytes(32, 7), rng);
  const ByteView cost = ByteView(sealed).subspan(16 + 1 + kPurpose.size(), 16);
  EXPECT_EQ(read_u64be(cost.first(8)), 3U);
  EXPECT_EQ(read_u64be(cost.subspan(8)), 268'435'456U);
  EXPECT_TRUE(opens("p", kPurpose, sealed));
}

}  // namespace
}  // namespace psephos
