#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "crypto/bytes.h"
#include "crypto/result.h"
#include "protocol/ballot.h"
#include "protocol/eid/certificate.h"
#include "protocol/rejection.h"

namespace psephos {

/// What a ballot's container holds (SPEC §9.3). Without evidence it is as the voter's side makes it (XAdES
/// level B-B), with it as it is logged (B-LT).
struct SignedBallot {
  Bytes ballot;                      ///< canonical Ballot
  Bytes certificate;                 ///< of the signing key, DER
  SignatureScheme scheme{};          ///< kEcdsaSha256, kEcdsaSha384 or kRsaSha256
  std::uint64_t signing_time_s = 0;  ///< as the voter's side claims it; below year 10,000
  Bytes signature;                   ///< r‖s or PKCS #1, over signed_info
  std::optional<Evidence> evidence;
  friend bool operator==(const SignedBallot&, const SignedBallot&) = default;
};

/// What the voter's key signs: ds:SignedInfo in its canonical form, which is also how it stands in the
/// container. Of `signed_ballot` all but signature and evidence counts.
Bytes signed_info(const SignedBallot& signed_ballot);

/// What the time-stamp is over: ds:SignatureValue, likewise.
Bytes signature_value(ByteView signature);

/// The container of a signed ballot: an ASiC-E file (ETSI EN 319 162-1 §4.4) with one XAdES signature (EN 319
/// 132-1), byte for byte after the template of SPEC §9.3. @pre the scheme is one of the three; no field is
/// longer than read_container takes.
Bytes write_container(const SignedBallot& signed_ballot);

/// Reads what write_container writes, and nothing else: `write_container` of the result is `bytes`.
/// Signatures are not verified here; the digests in them are. Memory: a few times bytes.size(); nothing is
/// ever unpacked. Time: linear.
/// @return CONTAINER_TOO_LARGE, CONTAINER_AMBIGUOUS, CONTAINER_PATH, BALLOT_SIGNATURE_MISSING,
/// CONTAINER_UNSIGNED_FILE, CONTAINER_TEMPLATE for the archive; XML_DTD_FORBIDDEN, SIG_WRAPPED,
/// SIG_ALG_FORBIDDEN, SIG_DIGEST, SIG_TEMPLATE for the signature document.
Result<SignedBallot, Rejection> read_container(ByteView bytes);

}  // namespace psephos
