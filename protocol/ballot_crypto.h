#pragma once
#include <vector>

#include "crypto/secret/secret_bytes.h"
#include "protocol/ballot.h"
#include "protocol/election.h"

namespace psephos {

/// The one secret of a ballot, from which all its encryption randomness follows; it goes into the
/// verification code and nowhere else.
using BallotSeed = SecretBytes<32>;

/// r = SHA-512("psephos-1/randomness" ‖ seed ‖ ticket hash ‖ u32(|contest|) ‖ contest ‖ u64(slot)) modulo ℓ.
/// SPEC §9.3.
Ristretto::SecretScalar derive_randomness(const BallotSeed& seed, const Digest256& ticket_hash,
                                          const Id& contest, std::uint64_t slot);

/// Transcript of a selection's proof, bound to fingerprint, unit, contest, slot, pseudonym and counter. SPEC
/// §6.1.
Transcript ballot_transcript(const Election& election, const Ballot& ballot, const Selection& selection);

/// Encrypts and proves one choice a slot, in the unit's order. @pre choices[i] indexes the table of slot i.
/// Constant time in seed and choices (the table is scanned whole), and as many bytes whatever is chosen.
/// Proof nonces come from `rng`, never from the seed.
Ballot make_ballot(const Election& election, const CastTicket& ticket, const Digest256& ticket_hash,
                   std::span<const std::size_t> choices, const BallotSeed& seed, Rng& rng);

/// Opens a ballot with its seed: rederives every r, recomputes alpha, and finds M = beta − r·Y in the table.
/// What a phone does.
/// Constant time in the seed; variable in the choices, which are its answer.
/// @return the choice of each slot; R_MISMATCH if an alpha differs or M is no choice.
Result<std::vector<std::size_t>, Rejection> open_ballot(const Election& election, const Ballot& ballot,
                                                        const BallotSeed& seed);

}  // namespace psephos
