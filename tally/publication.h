#pragma once
#include <vector>

#include "protocol/election.h"
#include "protocol/files/record_directory.h"

namespace psephos {

/// Counts the record's plaintexts and renders the result: public/result, .json, .csv, .html. That plaintexts
/// follow from the log is what `combine` checked, and what an audit checks again.
/// @return INVALID_PLAINTEXT, CHAIN_HASH_MISMATCH for plaintexts of another list, EVIDENCE_FILE_MISSING, wire
/// refusals.
Result<std::vector<NewFile>, Rejection> result_files(const Election& election, const RecordReader& record);

/// The indices of both tiers over a record that is otherwise complete.
/// @return EVIDENCE_FILE_MISSING, or EVIDENCE_FILE_EXTRA for a file that no record has.
Result<std::vector<NewFile>, Rejection> index_files(const Election& election, const RecordReader& record);

}  // namespace psephos
