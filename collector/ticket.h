#pragma once
#include <cstdint>
#include <string_view>

#include "crypto/random.h"
#include "crypto/secret/signing_key.h"
#include "protocol/checks/admission.h"

namespace psephos::collector {

/// Tickets are issued now (SPEC §2). @return kPhaseNotOpen, kPhaseClosed.
Result<void, Rejection> check_issuing(const ElectionState& state, std::uint64_t now_s);

/// What the voter's next ballot must say, and until when (SPEC §9.2). `checkpoint`: the latest co-signed one,
/// empty before the first. @return kVoterNotOnRoll.
Result<CastTicket, Rejection> make_ticket(const ElectionState& state, const Pseudonym& voter,
                                          std::string_view checkpoint, std::uint64_t now_s, Rng& rng);
ServiceSigned sign_ticket(const CastTicket& ticket, const SigningKey& service_key);

}  // namespace psephos::collector
