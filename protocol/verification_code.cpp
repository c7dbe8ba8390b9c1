#include "protocol/verification_code.h"

#include "crypto/invariant.h"

namespace psephos {

namespace {

constexpr std::string_view kPrefix = "PSEPHOS1:";
constexpr std::size_t kChecksumBytes = 4;
constexpr std::size_t kPayloadBytes = 32 + 32 + BallotSeed::kWidth + 16;
constexpr std::size_t kCodeBytes = kPayloadBytes + kChecksumBytes;
constexpr std::size_t kCodeCharacters = (kCodeBytes * 8 + 4) / 5;
static_assert(kPrefix.size() + kCodeCharacters == kVerificationCodeCharacters);

using CodeBytes = SecretBytes<kCodeBytes>;

/// A–Z for 0 to 25, 2–7 for 26 to 31, without a table that would be indexed by a secret.
std::uint8_t character_of(std::uint32_t value) {
  const std::uint32_t is_digit = (25 - value) >> 31;  // 1 for values above 25
  return static_cast<std::uint8_t>('A' + value - is_digit * ('A' - '2' + 26));
}

/// The inverse; 32 or more for a character outside the alphabet.
std::uint32_t value_of(std::uint8_t character) {
  const std::uint32_t c = character;
  const std::uint32_t is_letter = (('A' - 1U - c) & (c - ('Z' + 1U))) >> 31;
  const std::uint32_t is_digit = (('2' - 1U - c) & (c - ('7' + 1U))) >> 31;
  return is_letter * (c - 'A') + is_digit * (c - '2' + 26) + (1 - is_letter - is_digit) * 32;
}

ByteArray<kChecksumBytes> checksum_of(std::span<const std::uint8_t> payload) {
  const Digest256 digest = sha256(payload);
  return {digest[0], digest[1], digest[2], digest[3]};
}

}  // namespace

SecretBuffer write_verification_code(const VerificationCode& code) {
  CodeBytes bytes;
  auto at = bytes.expose_mutable().begin();
  const auto put = [&at](ByteView part) { at = std::copy(part.begin(), part.end(), at); };
  put(code.fingerprint);
  put(code.ballot_id);
  put(code.seed.expose());
  put(code.fetch_secret.expose());
  put(checksum_of(bytes.expose().first<kPayloadBytes>()));

  SecretBuffer text(kVerificationCodeCharacters);
  auto out = std::copy(kPrefix.begin(), kPrefix.end(), text.expose_mutable().begin());
  std::uint32_t buffer = 0;
  std::uint32_t bits = 0;
  for (const std::uint8_t byte : bytes.expose()) {
    buffer = (buffer << 8 | byte) & 0xFFFF;
    for (bits += 8; bits >= 5; bits -= 5) *out++ = character_of(buffer >> (bits - 5) & 31);
  }
  if (bits > 0) *out++ = character_of(buffer << (5 - bits) & 31);
  invariant(out == text.expose_mutable().end(), "the lengths are fixed");
  return text;
}

Result<VerificationCode, Rejection> read_verification_code(ByteView text) {
  const auto refuse = [](const char* what) { return reject(Reason::kQrFormat, what); };
  if (text.size() != kVerificationCodeCharacters) return refuse("length");
  if (text_of(text.first(kPrefix.size())) != kPrefix) return refuse("prefix");

  CodeBytes bytes;
  auto out = bytes.expose_mutable().begin();
  std::uint32_t buffer = 0;
  std::uint32_t bits = 0;
  std::uint32_t foreign = 0;
  for (const std::uint8_t character : text.subspan(kPrefix.size())) {
    const std::uint32_t value = value_of(character);
    foreign |= value & 32;
    buffer = (buffer << 5 | (value & 31)) & 0xFFFF;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      *out++ = static_cast<std::uint8_t>(buffer >> bits);
    }
  }
  if (foreign != 0) return refuse("character");
  if ((buffer & ((1U << bits) - 1)) != 0) return refuse("surplus bits");
  const auto payload = bytes.expose().first<kPayloadBytes>();
  const auto expected = checksum_of(payload);
  if (sodium_memcmp(expected.data(), bytes.expose().data() + kPayloadBytes, kChecksumBytes) != 0)
    return refuse("checksum");

  VerificationCode code;
  std::copy_n(payload.begin(), 32, code.fingerprint.begin());
  std::copy_n(payload.begin() + 32, 32, code.ballot_id.begin());
  code.seed = BallotSeed::copy_from(payload.subspan<64, 32>());
  code.fetch_secret = SecretBytes<16>::copy_from(payload.subspan<96, 16>());
  return code;
}

}  // namespace psephos
