#pragma once
#include <span>
#include <string>
#include <vector>

#include "protocol/election.h"
#include "protocol/list_file.h"
#include "protocol/record.h"

namespace psephos {

/// One group's list after some stage, decoded, with the hash of its file, so that a cascade decodes each list
/// once.
struct VerifiedList {
  Digest256 file_hash{};
  CiphertextList<Ristretto> list;
};

/// The input list of a group: header, count and hash against the sheet, order of rows, no repeated alpha.
/// @return LIST_NOT_SORTED, CHAIN_HASH_MISMATCH, COUNT_MISMATCH, BALLOT_R_REUSE, or a wire refusal.
Result<VerifiedList, Rejection> check_input(const Election& election, const GroupSheet& sheet,
                                            ByteView input_file);

/// One mix of one group: headers name this election, group, mixer, position and the hash of the list before;
/// same number of rows; no ciphertext passed on unchanged; proof of shuffle (§6.3). A group without rows has
/// lists without rows and an empty proof.
/// @return the output list; MIX_CHAIN_GAP, CHAIN_HASH_MISMATCH, MIX_OUTPUT_UNCHANGED, PROOF_PARSE,
/// PARAM_FROM_PROVER, SHUFFLE_PROOF_INVALID ….
Result<VerifiedList, Rejection> check_mix(const Election& election, const GroupSheet& sheet,
                                          std::uint64_t position, std::uint64_t mixer,
                                          const VerifiedList& before, ByteView output_file,
                                          ByteView proof_file);
/// The first mix of a public audit, whose input and proof are sworn: header, hash chain to the sheet, count,
/// encodings; no proof.
Result<VerifiedList, Rejection> check_first_mix_unproven(const Election& election, const GroupSheet& sheet,
                                                         std::uint64_t mixer, ByteView output_file);

/// One trustee's shares for one group with their batched proof (§6.4).
/// @return the shares; CHAIN_HASH_MISMATCH, PROOF_SET_MISMATCH, SHARE_PROOF_INVALID, SHARE_PROOF_MISSING ….
Result<std::vector<Ristretto::Point>, Rejection> check_shares(const Election& election,
                                                              const GroupSheet& sheet, std::uint64_t trustee,
                                                              const VerifiedList& mixed, ByteView share_file,
                                                              ByteView proof_file);

/// Combines a quorum's shares and compares with the published plaintexts. @return PLAINTEXT_MISMATCH with the
/// row, TALLY_INSUFFICIENT_SHARES, INVALID_WITHOUT_PROOF if a row is left out.
struct TrusteeShares {
  std::uint64_t trustee;
  std::vector<Ristretto::Point> shares;
};
Result<std::vector<Ristretto::Point>, Rejection> combine_shares(const Election& election,
                                                                const VerifiedList& mixed,
                                                                std::span<const TrusteeShares> shares);
Result<std::vector<Ristretto::Point>, Rejection> check_plaintexts(const Election& election,
                                                                  const GroupSheet& sheet,
                                                                  const VerifiedList& mixed,
                                                                  std::span<const TrusteeShares> shares,
                                                                  ByteView plaintext_file);

/// Counts one group's plaintexts. @return INVALID_PLAINTEXT with the row if a plaintext is no entry of the
/// table: something upstream is unsound.
Result<GroupResult, Rejection> count_group(const Election& election, const GroupSheet& sheet,
                                           std::span<const Ristretto::Point> plaintexts);
/// Totals by list. SPEC §11.6.
ElectionResult total(const Election& election, const Sheet& sheet, std::vector<GroupResult> groups);
/// @return RESULT_MISMATCH naming the first difference.
Result<void, Rejection> check_result(const ElectionResult& counted, const ElectionResult& published);

/// A mixer's or trustee's signed statement: signed by that roster key, over this sheet, these files.
/// @return SIG_INVALID, MIXER_NOT_IN_ROSTER, CHAIN_HASH_MISMATCH, PROOF_SET_MISMATCH ….
Result<StageStatement, Rejection> check_stage_statement(const Election& election, ByteView signed_statement,
                                                        bool mix, std::uint64_t author,
                                                        std::uint64_t position, const Digest256& sheet_hash);

}  // namespace psephos
