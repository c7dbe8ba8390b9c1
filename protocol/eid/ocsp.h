#pragma once
#include <cstdint>
#include <optional>

#include "crypto/bytes.h"
#include "crypto/hash.h"
#include "crypto/result.h"
#include "protocol/eid/certificate.h"
#include "protocol/rejection.h"

/// Certificate status of RFC 6960 (SPEC §9.9): requests, and answers read. What an answer is worth,
/// EidVerifier says (good_at).
namespace psephos {

/// SHA-256(label ‖ token): who asks with it has seen the time-stamp token.
[[nodiscard]] Digest256 ocsp_nonce(ByteView token);
/// OCSPRequest (RFC 6960 §4.1) for one certificate, its CertID by SHA-256, with this nonce (RFC 8954).
/// @pre `issuer` issued `certificate`.
[[nodiscard]] Bytes ocsp_request(const Certificate& certificate, const Certificate& issuer,
                                 const Digest256& nonce);

enum class CertificateStatus : std::uint8_t { kGood, kRevoked, kSuspended, kUnknown };

/// What this system reads of a basic response. The views point into the parsed bytes and live as long as
/// these.
struct OcspAnswer {
  ByteView signed_data;                   ///< ResponseData, header included
  std::optional<SignatureScheme> scheme;  ///< none: another algorithm
  ByteView signature;
  ByteView certificate;                         ///< the responder's; empty: the issuer itself answers
  ByteView responder_name, responder_key_hash;  ///< responderID: one of the two, the name with its header
  std::int64_t produced_at_unix_s = 0;
  std::optional<DigestAlgorithm> cert_id_digest;              ///< none: another algorithm
  ByteView issuer_name_hash, issuer_key_hash, serial_number;  ///< the last as INTEGER's content
  CertificateStatus status = CertificateStatus::kUnknown;
  std::int64_t this_update_unix_s = 0;
  std::optional<std::int64_t> next_update_unix_s;
  ByteView nonce;  ///< extnValue: DER of an OCTET STRING, if it is one; empty when absent
};

/// Reads one OCSPResponse and nothing after it: the first two rows of SPEC §9.9's table.
/// @return kEvidenceUnavailable for a status other than successful (RFC 6960 §4.2.1: malformedRequest,
/// internalError, tryLater, sigRequired, unauthorized) with nothing beside it; kOcspFormat; nothing else.
[[nodiscard]] Result<OcspAnswer, Reason> parse_ocsp_response(ByteView response);

}  // namespace psephos
