#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "crypto/bytes.h"
#include "crypto/hash.h"
#include "crypto/result.h"
#include "protocol/eid/certificate.h"
#include "protocol/rejection.h"

/// Time-stamps of RFC 3161 (SPEC §9.9): requests, and tokens read. What a token is worth, EidVerifier says
/// (stamped_at).
namespace psephos {

/// Derived, so that anybody can check it: the first 8 bytes of SHA-256(label ‖ stamped), a big-endian number.
[[nodiscard]] ByteArray<8> time_stamp_nonce(ByteView stamped);
/// TimeStampReq (RFC 3161 §2.4.1) for SHA-256 of `stamped`, with that nonce, asking for the signer's
/// certificate.
[[nodiscard]] Bytes time_stamp_request(ByteView stamped);
/// The token in a TimeStampResp that says granted (RFC 3161 §2.4.2); nothing in it is checked yet.
/// @return kEvidenceUnavailable for another status, kTstFormat for anything else; nothing else.
[[nodiscard]] Result<Bytes, Reason> time_stamp_token_of(ByteView response);

/// What this system reads of a time-stamp token. The views point into the parsed bytes and live as long as
/// these.
struct TimeStampToken {
  // SignedData and SignerInfo (RFC 5652 §5).
  std::vector<ByteView> certificates;         ///< of the signer and others
  std::size_t signer = 0;                     ///< index of the signer's
  Certificate signer_certificate;             ///< the same, read
  std::optional<DigestAlgorithm> digest;      ///< of info; none: another algorithm
  std::optional<SignatureScheme> scheme;      ///< none: another algorithm, or with another digest
  ByteView signature;                         ///< over signed_attributes as a SET
  ByteView signed_attributes;                 ///< their content
  ByteView message_digest;                    ///< that of info
  std::optional<DigestAlgorithm> ess_digest;  ///< none: another, or SHA-1 in the attribute signingCertificate
  ByteView ess_hash;                          ///< of the signer's certificate (RFC 5816 §2.2.1)
  // TSTInfo (RFC 3161 §2.4.2).
  ByteView info;
  std::optional<DigestAlgorithm> imprint_digest;  ///< none: another algorithm
  ByteView imprint;
  ByteView nonce;                    ///< content of the INTEGER; empty when absent
  std::int64_t gen_time_unix_s = 0;  ///< fraction cut off
};

/// Reads one token and nothing after it: the first row of SPEC §9.9's table.
/// @return kTstFormat; nothing else.
[[nodiscard]] Result<TimeStampToken, Reason> parse_time_stamp_token(ByteView token);

}  // namespace psephos
