#pragma once
#include <functional>
#include <utility>
#include <vector>

#include "crypto/random.h"
#include "crypto/secret/signing_key.h"
#include "protocol/checks/upstream.h"
#include "protocol/files/record_directory.h"

namespace psephos {

/// What a trustee decrypts once and for ever: SHA-256("psephos-1/decryption-set" ‖ fingerprint ‖ SHA-256 of
/// the sheet ‖ SHA-256 of the last list's file of every group). SPEC §11.4.
Digest256 decryption_set(const Election& election, const VerifiedLists& lists,
                         const std::vector<VerifiedList>& mixed);

/// Makes the shares of every group with their proofs (SPEC §11.4) and hands them over as soon as they are
/// made, then the signed statement over all of them. `write` and `progress(n)`, n more ballots are done, are
/// called from any thread, one at a time. Constant time in x.
/// @pre x belongs to the verification key of `trustee`, `mixed` was verified.
/// @return what `write` refuses; then the statement is not made.
Result<void, Rejection> share_lists(const Election& election, const VerifiedLists& lists,
                                    const std::vector<VerifiedList>& mixed, std::uint64_t trustee,
                                    const Ristretto::SecretScalar& x, const SigningKey& key, Rng& rng,
                                    const FileSink& write,
                                    const std::function<void(std::uint64_t n)>& progress);

/// The lists after the last mix as its mixer signed them, their proofs unchecked: what shares are compared
/// with. That these lists are right is what every trustee verified before it decrypted them, and what an
/// audit verifies again; a share made for others does not fit.
/// @return SIG_INVALID, CHAIN_HASH_MISMATCH, EVIDENCE_FILE_MISSING, wire refusals.
Result<VerifiedMixes, Rejection> read_last_mix_unproven(const Election& election, const RecordReader& record,
                                                        const VerifiedLists& lists);

/// Plaintexts out of a quorum of shares. A trustee whose shares fail is left out by name.
struct Combination {
  std::vector<NewFile> plaintexts;
  std::vector<std::uint64_t> used;
  std::vector<std::pair<std::uint64_t, Rejection>> left_out;
};
/// @return TALLY_INSUFFICIENT_SHARES with the reasons why trustees were left out; INVALID_PLAINTEXT, and then
/// nothing must be published.
Result<Combination, Rejection> combine(const Election& election, const RecordReader& record,
                                       const VerifiedLists& lists, const VerifiedMixes& mixes);

}  // namespace psephos
