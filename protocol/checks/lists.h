#pragma once
#include <string>
#include <vector>

#include "protocol/checks/admission.h"
#include "protocol/record.h"

namespace psephos {

/// The ballots of a mixing group and its conservation numbers, as the sealed log determines them. SPEC §10.3,
/// §10.4.
struct GroupInput {
  GroupSheet sheet;  ///< input_hash filled in, too
  Bytes file;        ///< the list's file (§11.1)
  /// The encoded ciphertexts in it, sorted by their 64 bytes.
  ByteView rows() const { return ByteView(file).last(sheet.counted * Ciphertext<Ristretto>::kWidth); }
};

/// Applies the rules of §10.3 to a sealed state: last unrevoked ballot of each voter, in the unit it was
/// signed for, unless outdated; units below k merged with units of the same list by the fixed rule; lists
/// sorted. The same log always gives the same bytes. On all cores, for one large group too; memory: the files
/// and a byte a ballot.
/// @return PHASE_NOT_CLOSED if the log is not sealed; UNIT_BELOW_K if a list stays below k for want of a
/// partner.
Result<std::vector<GroupInput>, Rejection> derive_lists(const ElectionState& state);

/// The sheet of those groups. `lost`: logged ballots whose item is gone make no sheet at all (BALLOT_LOST is
/// a finding of the replay).
Sheet make_sheet(const Election& election, std::uint64_t log_size, const Digest256& log_root,
                 std::span<const GroupInput> groups);

/// Conservation inside the sheet, and k. @return COUNT_MISMATCH or UNIT_BELOW_K naming the group.
Result<void, Rejection> check_sheet(const Election& election, const Sheet& sheet);

/// Conservation between the groups (SPEC §11.8, lists.sheet): a ballot counts, or not, in all its contests at
/// once, and the log has `ballots` of them. @pre check_sheet accepted it. @return COUNT_MISMATCH naming the
/// contest.
Result<void, Rejection> check_agreement(const Election& election, const Sheet& sheet, std::uint64_t ballots);

/// Compares a published list and sheet with the derived ones and says in words of voters' ballots what
/// differs.
/// @return LIST_NOT_SORTED, BALLOTSET_NOT_DERIVABLE, COUNT_MISMATCH; the object names the group and, e.g.,
/// "SUPERSEDED_COUNTED index 17, DROPPED index 23".
Result<void, Rejection> check_input_list(const ElectionState& state, const GroupInput& derived,
                                         ByteView published_file);

/// RFC 6962 root over "psephos-1/ciphertext" ‖ alpha ‖ beta of every row. @pre whole rows of 64 bytes.
Digest256 ciphertext_root(ByteView rows);

}  // namespace psephos
