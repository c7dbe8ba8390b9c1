#include "protocol/verification_code.h"

#include <gtest/gtest.h>

namespace psephos {
namespace {

VerificationCode example() {
  VerificationCode code;
  code.fingerprint.fill(0x11);
  code.ballot_id.fill(0x22);
  for (std::size_t i = 0; i < 32; ++i) code.seed.expose_mutable()[i] = static_cast<std::uint8_t>(i * 7);
  for (std::size_t i = 0; i < 16; ++i)
    code.fetch_secret.expose_mutable()[i] = static_cast<std::uint8_t>(255 - i);
  return code;
}

std::string text_of_code(const VerificationCode& code) {
  const SecretBuffer text = write_verification_code(code);
  return std::string(text_of(text.expose()));
}

void expect_refused(const std::string& text, const std::string& what) {
  const auto read = read_verification_code(bytes_of(text));
  ASSERT_FALSE(read) << what;
  EXPECT_EQ(read.error().reason, Reason::kQrFormat) << what;
}

/// RFC 4648 §6 by the book, for comparison.
std::string base32(ByteView bytes) {
  std::string bits;
  for (const std::uint8_t b : bytes)
    for (int i = 7; i >= 0; --i) bits += (b >> i & 1) != 0 ? '1' : '0';
  while (bits.size() % 5 != 0) bits += '0';
  std::string out;
  for (std::size_t i = 0; i < bits.size(); i += 5)
    out += "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[std::stoi(bits.substr(i, 5), nullptr, 2)];
  return out;
}

TEST(VerificationCode, IsPrefixAndBase32OfItsParts) {
  const VerificationCode code = example();
  Bytes parts = copy_of(code.fingerprint);
  append(parts, code.ballot_id);
  append(parts, code.seed.expose());
  append(parts, code.fetch_secret.expose());
  const Digest256 digest = sha256(parts);
  append(parts, ByteView(digest).first(4));
  EXPECT_EQ(text_of_code(code), "PSEPHOS1:" + base32(parts));
}

TEST(VerificationCode, RoundTrip) {
  SystemRng rng;
  for (int i = 0; i < 200; ++i) {
    VerificationCode code;
    rng.fill(code.fingerprint);
    rng.fill(code.ballot_id);
    code.seed = BallotSeed::random(rng);
    code.fetch_secret = SecretBytes<16>::random(rng);
    const std::string text = text_of_code(code);
    ASSERT_EQ(text.size(), kVerificationCodeCharacters);
    const auto read = read_verification_code(bytes_of(text));
    ASSERT_TRUE(read) << to_string(read.error());
    EXPECT_EQ(read->fingerprint, code.fingerprint);
    EXPECT_EQ(read->ballot_id, code.ballot_id);
    EXPECT_TRUE(equal(read->seed.expose(), code.seed.expose()));
    EXPECT_TRUE(equal(read->fetch_secret.expose(), code.fetch_secret.expose()));
    EXPECT_EQ(text_of_code(*read), text);
  }
}

TEST(VerificationCode, EveryOtherCharacterAtEveryPlaceIsRefused) {
  const std::string good = text_of_code(example());
  for (std::size_t i = 0; i < good.size(); ++i)
    for (int c = 0; c < 256; ++c) {
      if (static_cast<char>(c) == good[i]) continue;
      std::string bad = good;
      bad[i] = static_cast<char>(c);
      expect_refused(bad, "place " + std::to_string(i) + ", character " + std::to_string(c));
    }
}

TEST(VerificationCode, OtherLengthsAndSpellingsAreRefused) {
  const std::string good = text_of_code(example());
  for (std::size_t n = 0; n < good.size(); ++n)
    expect_refused(good.substr(0, n), "cut to " + std::to_string(n));
  expect_refused(good + "A", "one more");
  expect_refused(good + "\n", "line end");
  expect_refused(" " + good, "space before");
  std::string lower = good;
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  expect_refused(lower, "lower case");
  // The last character holds two bits of padding: its three siblings decode to the same bytes.
  for (int k = 1; k < 4; ++k) {
    std::string sibling = good;
    sibling.back() = static_cast<char>(sibling.back() + k);
    expect_refused(sibling, "surplus bits");
  }
}

}  // namespace
}  // namespace psephos
