#include "protocol/checks/receipt.h"

#include "crypto/merkle.h"
#include "protocol/labels.h"
#include "protocol/signed.h"

namespace psephos {

Result<ReceiptStatement, Rejection> check_receipt_statement(const Election& election, const Receipt& receipt,
                                                            const BallotId& ballot) {
  if (auto ok =
          check_service_signature(receipt.statement, labels::kSignReceipt, election.service_key(), "receipt");
      !ok)
    return std::unexpected(ok.error());
  auto statement = decode<ReceiptStatement>(receipt.statement.body);
  if (!statement) return std::unexpected(statement.error());
  if (statement->fingerprint != election.fingerprint()) return reject(Reason::kReceiptMismatch, "election");
  if (statement->ballot_id != ballot) return reject(Reason::kReceiptMismatch, "ballot");
  if (type_of(statement->entry) != EntryType::kBallot) return reject(Reason::kReceiptMismatch, "entry");
  return statement;
}

Result<RecordedAs, Rejection> check_receipt(const Election& election, const Receipt& receipt,
                                            const BallotId& ballot) {
  auto statement = check_receipt_statement(election, receipt, ballot);
  if (!statement) return std::unexpected(statement.error());
  if (receipt.checkpoint.empty()) return reject(Reason::kHeadUnwitnessed, "pending receipt");
  auto checkpoint = election.check_checkpoint(text_of(receipt.checkpoint));
  if (!checkpoint) return std::unexpected(checkpoint.error());
  if (auto ok = verify_inclusion(leaf_hash(statement->entry), statement->index, checkpoint->size,
                                 receipt.inclusion_proof, checkpoint->root);
      !ok)
    return reject(ok.error(), "receipt");
  return RecordedAs{std::move(*statement), std::move(*checkpoint)};
}

Result<void, Rejection> check_entry(const ReceiptStatement& statement, const Salt& salt,
                                    const BallotItem& item) {
  if (make_entry(EntryType::kBallot, salt, encode(item)) != statement.entry)
    return reject(Reason::kReceiptMismatch, "entry");
  return {};
}

}  // namespace psephos
