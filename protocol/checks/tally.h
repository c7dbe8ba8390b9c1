#pragma once
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "crypto/shuffle/proof.h"
#include "crypto/threshold/decryption.h"
#include "protocol/election.h"
#include "protocol/list_file.h"
#include "protocol/record.h"

namespace psephos {

using Generators = ShuffleGenerators<Ristretto>;

/// One group's list after some stage, decoded, with the hash of its file, so that a cascade decodes each list
/// once.
struct VerifiedList {
  Digest256 file_hash{};
  CiphertextList<Ristretto> list;
  /// The same for computing, where a mix's verifier has left it.
  std::shared_ptr<const DecodedList<Ristretto>> decoded{};
};

/// Headers of the files that a mixer or trustee writes (SPEC §11.1). `before` is the hash of the list's file
/// that the stage starts from.
ListHeader mixed_header(const Election& election, const GroupSheet& sheet, std::uint64_t position,
                        std::uint64_t mixer, const Digest256& before);
ListHeader mix_proof_header(const ListHeader& mixed, const Digest256& output_hash);
ListHeader share_header(const Election& election, const GroupSheet& sheet, std::uint64_t trustee,
                        const Digest256& mixed_hash);
ListHeader share_proof_header(const ListHeader& share, const Digest256& share_hash);
ListHeader plaintext_header(const Election& election, const GroupSheet& sheet, const Digest256& mixed_hash);

/// Transcripts of a stage's proof, bound to election, author, group, position and the list before (SPEC
/// §11.2, §11.4).
Transcript mix_transcript(const Election& election, const GroupSheet& sheet, std::uint64_t position,
                          std::uint64_t mixer, const Digest256& before);
Transcript share_transcript(const Election& election, const GroupSheet& sheet, std::uint64_t trustee,
                            const Digest256& mixed_hash);

/// The generators for the largest list of a sheet.
Generators derive_generators_for(const Election& election, const Sheet& sheet);

/// The input list of a group: header, count, hash and root against the sheet, order of rows, no repeated
/// alpha.
/// @return LIST_NOT_SORTED, CHAIN_HASH_MISMATCH, COUNT_MISMATCH, BALLOT_R_REUSE, or a wire refusal.
Result<VerifiedList, Rejection> check_input(const Election& election, const GroupSheet& sheet,
                                            ByteView input_file);

/// One mix of one group: headers name this election, group, mixer, position and the hash of the list before;
/// same number of rows; no ciphertext passed on unchanged; proof of shuffle (§6.3). A group without rows has
/// lists without rows and an empty proof.
/// @return the output list; MIX_CHAIN_GAP, CHAIN_HASH_MISMATCH, MIX_OUTPUT_UNCHANGED, PROOF_PARSE,
/// PARAM_FROM_PROVER, SHUFFLE_PROOF_INVALID ….
Result<VerifiedList, Rejection> check_mix(const Election& election, const Generators& generators,
                                          const GroupSheet& sheet, std::uint64_t position,
                                          std::uint64_t mixer, const VerifiedList& before,
                                          ByteView output_file, ByteView proof_file);
/// The first mix of a public audit, whose input and proof are sworn: header, hash chain to the sheet, count,
/// encodings; no proof.
Result<VerifiedList, Rejection> check_first_mix_unproven(const Election& election, const GroupSheet& sheet,
                                                         std::uint64_t mixer, ByteView output_file);

/// One trustee's shares for one group with their batched proof (§6.4).
/// @return the shares; CHAIN_HASH_MISMATCH, PROOF_SET_MISMATCH, SHARE_PROOF_INVALID, SHARE_PROOF_MISSING,
/// PROOF_PARSE ….
Result<std::vector<Ristretto::Point>, Rejection> check_shares(const Election& election,
                                                              const GroupSheet& sheet, std::uint64_t trustee,
                                                              const VerifiedList& mixed, ByteView share_file,
                                                              ByteView proof_file);

/// Verified shares of one trustee for one group.
struct GroupShares {
  std::uint64_t trustee;
  std::vector<Ristretto::Point> shares;
};
/// M_i = beta_i − Σ λ_j·D_(j,i). @return TALLY_INSUFFICIENT_SHARES.
Result<std::vector<Ristretto::Point>, Rejection> combine_shares(const Election& election,
                                                                const GroupSheet& sheet,
                                                                const VerifiedList& mixed,
                                                                std::span<const GroupShares> shares);
/// Compares the published plaintexts with the combined shares. @return PLAINTEXT_MISMATCH with the row,
/// COUNT_MISMATCH if a row is left out, CHAIN_HASH_MISMATCH.
Result<std::vector<Ristretto::Point>, Rejection> check_plaintexts(const Election& election,
                                                                  const GroupSheet& sheet,
                                                                  const VerifiedList& mixed,
                                                                  std::span<const GroupShares> shares,
                                                                  ByteView plaintext_file);

/// Counts one group's plaintexts. @return INVALID_PLAINTEXT with the row if a plaintext is no entry of the
/// table: something upstream is unsound.
Result<GroupResult, Rejection> count_group(const Election& election, const GroupSheet& sheet,
                                           std::span<const Ristretto::Point> plaintexts);
/// Totals by list. @pre groups are those of the sheet, in order. SPEC §11.6.
ElectionResult total(const Election& election, const Sheet& sheet, std::vector<GroupResult> groups);
/// @return RESULT_MISMATCH naming the first difference.
Result<void, Rejection> check_result(const ElectionResult& counted, const ElectionResult& published);

enum class Stagehand : std::uint8_t { kMixer, kTrustee };
/// A mixer's or trustee's signed statement: one signature, of that roster key, over this sheet, every group
/// once in the sheet's order.
/// @return MIXER_NOT_IN_ROSTER or SHARE_TRUSTEE for an author outside the roster, SIG_INVALID, MIX_CHAIN_GAP,
/// CHAIN_HASH_MISMATCH, PROOF_SET_MISMATCH, ELECTION_FP_MISMATCH, or why the bytes are no statement.
Result<StageStatement, Rejection> check_stage_statement(const Election& election, ByteView signed_statement,
                                                        Stagehand who, std::uint64_t position,
                                                        const Sheet& sheet, const Digest256& sheet_hash);

}  // namespace psephos
