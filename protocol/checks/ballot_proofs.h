#pragma once
#include <span>
#include <vector>

#include "protocol/ballot.h"
#include "protocol/election.h"

namespace psephos {

/// The selections are the unit's slots, each once, in order (SPEC §9.4, 13). @return BALLOT_SHAPE.
Result<void, Rejection> check_ballot_shape(const Election& election, const Ballot& ballot);

/// Every ciphertext of the ballot holds one of its slot's choices, and whoever made it knows its randomness
/// (SPEC §9.4, 19; §6.1). @pre check_ballot_shape accepts.
/// @return for the first selection at fault: BALLOT_PROOF_MISSING; PROOF_ENCODING for another length;
/// POINT_NONCANONICAL, POINT_INVALID, POINT_IDENTITY, SCALAR_NONCANONICAL for an element that is none;
/// BALLOT_PROOF_INVALID, with the equation that fails.
/// Variable time: all inputs are public. Cost: verify_one_of_many_vartime for each selection.
Result<void, Rejection> check_ballot_proofs(const Election& election, const Ballot& ballot);

/// The same for many ballots at once, with the same answer for each. On all cores. Cost: about 2m + 6
/// multiplications a selection, and one for each choice of the tables that occur.
std::vector<Result<void, Rejection>> check_ballot_proofs_batch(const Election& election,
                                                               std::span<const Ballot* const> ballots);

}  // namespace psephos
