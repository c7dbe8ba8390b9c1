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
/// §9.3. Of a contest of kind several: with the label of §6.5, for its first selection.
Transcript ballot_transcript(const Election& election, const Ballot& ballot, const Selection& selection,
                             std::string_view label = kOneOfManyLabel);

/// What §6.5 is told of a contest of kind several: the ciphertexts of its selections, less P each, so that
/// one holds the identity or P. SPEC §9.3. @pre table.marks.
std::vector<Ciphertext<Ristretto>> marks_in(const CandidateTable& table,
                                            std::span<const Selection> selections);

/// Encrypts and proves one choice a slot, in the unit's order. @pre choices[i] indexes the table of slot i;
/// of a contest of kind several: 1 for marked, else 0, and as many are marked as its rule allows. Constant
/// time in seed and choices (the table is scanned whole), and as many bytes whatever is chosen. Proof nonces
/// come from `rng`, never from the seed.
Ballot make_ballot(const Election& election, const CastTicket& ticket, const Digest256& ticket_hash,
                   std::span<const std::size_t> choices, const BallotSeed& seed, Rng& rng);

/// Opens a ballot with its seed: rederives every r, recomputes alpha, and finds M = beta − r·Y in the table.
/// What a phone does.
/// Constant time in the seed; variable in the choices, which are its answer.
/// @return the choice of each slot, as for make_ballot; R_MISMATCH if an alpha differs or M is no choice.
Result<std::vector<std::size_t>, Rejection> open_ballot(const Election& election, const Ballot& ballot,
                                                        const BallotSeed& seed);

}  // namespace psephos
