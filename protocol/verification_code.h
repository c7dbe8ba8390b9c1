#pragma once
#include "crypto/secret/secret_buffer.h"
#include "protocol/ballot_crypto.h"

namespace psephos {

/// What lets another device fetch and open one ballot: the content of the voter's QR. SPEC §9.7.
struct VerificationCode {
  Digest256 fingerprint{};
  BallotId ballot_id{};
  BallotSeed seed;
  SecretBytes<16> fetch_secret;
};

/// Length of the text: the prefix and 116 bytes in base32.
inline constexpr std::size_t kVerificationCodeCharacters = 195;

/// "PSEPHOS1:" ‖ base32(fingerprint ‖ ballot id ‖ seed ‖ fetch secret ‖ checksum), the checksum being the
/// first four bytes of SHA-256 of the bytes before it; RFC 4648 §6 in upper case without padding. All its
/// characters are of a QR code's alphanumeric mode. Whoever reads it knows the choice. Constant time.
SecretBuffer write_verification_code(const VerificationCode& code);

/// Accepts only what write_verification_code gives; the caller removes line ends. @return QR_FORMAT, nothing
/// else. Constant time but for where it refuses.
Result<VerificationCode, Rejection> read_verification_code(ByteView text);

}  // namespace psephos
