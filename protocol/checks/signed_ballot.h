#pragma once
#include <cstdint>

#include "protocol/container.h"
#include "protocol/eid.h"
#include "protocol/election.h"

namespace psephos {

/// How far two clocks that bear witness to one ballot may lie apart (SPEC §9.9).
inline constexpr std::uint64_t kEvidenceSlack_s = 900;

/// The certificate is one for signing, and its key made the container's signature. SPEC §9.8.
/// @return whom it names, and the key; SIG_ALG_FORBIDDEN if the container's scheme is not that of the key;
/// what EidVerifier::verify_signer gives. Cost: one verification, two for a certificate not seen before.
Result<VerifiedSigner, Rejection> check_signer(const EidVerifier& eid, const SignedBallot& signed_ballot,
                                               std::int64_t at_unix_s);

/// The container's time-stamp and certificate status. SPEC §9.9.
/// @return when the signature existed at the latest, Unix seconds; EVIDENCE_MISSING; SIG_TEMPLATE if the
/// issuer's certificate is another; what EidVerifier::stamped_at and good_at give. Cost: two verifications.
Result<std::int64_t, Rejection> check_evidence(const EidVerifier& eid, const SignedBallot& signed_ballot);

/// A time-stamp of `stamped_unix_s` fits ticket, election and time of receipt. SPEC §9.9.
/// @return TICKET_EXPIRED, TIME_EVIDENCE_ORDER.
Result<void, Rejection> check_times(const Election& election, std::int64_t stamped_unix_s,
                                    std::uint64_t received_ms, std::uint64_t ticket_expires_s);

}  // namespace psephos
