#pragma once
#include <optional>
#include <string_view>

#include "protocol/checks/receipt.h"
#include "protocol/eid.h"
#include "protocol/verification_code.h"

namespace psephos {

/// What a ballot that verifies on the voter's second device shows.
struct VerifiedBallot {
  Ballot ballot;
  std::vector<std::size_t> choices;  ///< by slot of the unit
  Person signer;
  RecordedAs recorded;
  std::uint64_t received_ms = 0;
  BallotStatus status = BallotStatus::kUndisclosed;
};

/// The ballot of this code is in the log, signed by the person named, and encrypts exactly these choices.
/// SPEC §9.7. `voter`, if given, is the national id of the person who should have signed.
/// @return in this order ELECTION_FP_MISMATCH for a code of another election; NOT_RECORDED with the receipt's
/// refusal as object (SPEC §9.5: another ballot, no quorum of witnesses, pending, an entry that does not
/// commit to this item); a wire refusal; what EidVerifier gives; SIGNER_NOT_PSEUDONYM; VOTER_MISMATCH;
/// BALLOT_SHAPE, R_MISMATCH.
Result<VerifiedBallot, Rejection> check_verification(const Election& election, const EidVerifier& eid,
                                                     const VerificationCode& code, const VerifyAnswer& answer,
                                                     const std::optional<std::string_view>& voter);

}  // namespace psephos
