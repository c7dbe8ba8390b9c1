#pragma once
#include "crypto/note.h"
#include "protocol/ballot.h"
#include "protocol/election.h"
#include "protocol/log_entry.h"
#include "protocol/rejection.h"

namespace psephos {

/// What a receipt that verifies says.
struct RecordedAs {
  ReceiptStatement statement;
  Checkpoint checkpoint;  ///< under which the entry is proved to be in the log
};

/// The collector signed that `ballot` is this entry, and the entry is in the log under a checkpoint with its
/// quorum of witnesses. SPEC §9.5.
/// @return RECEIPT_MISMATCH for another ballot or election, SIG_INVALID, HEAD_UNWITNESSED (also for a pending
/// receipt), LOG_PROOF_…, NOTE_FORMAT.
Result<RecordedAs, Rejection> check_receipt(const Election& election, const Receipt& receipt,
                                            const BallotId& ballot);
/// Only the collector's statement: what a pending receipt is worth. @return RECEIPT_MISMATCH, SIG_INVALID.
Result<ReceiptStatement, Rejection> check_receipt_statement(const Election& election, const Receipt& receipt,
                                                            const BallotId& ballot);
/// The entry is the commitment to exactly this item. @return RECEIPT_MISMATCH.
Result<void, Rejection> check_entry(const ReceiptStatement& statement, const Salt& salt,
                                    const BallotItem& item);

}  // namespace psephos
