#include "protocol/checks/verification.h"

#include "protocol/checks/signed_ballot.h"

namespace psephos {

namespace {

std::unexpected<Rejection> not_recorded(const Rejection& because) {
  return reject(Reason::kNotRecorded, std::string(name_of(because.reason)) +
                                          (because.object.empty() ? std::string() : ", " + because.object));
}

}  // namespace

Result<VerifiedBallot, Rejection> check_verification(const Election& election, const EidVerifier& eid,
                                                     const VerificationCode& code, const VerifyAnswer& answer,
                                                     const std::optional<std::string_view>& voter) {
  if (code.fingerprint != election.fingerprint()) return reject(Reason::kElectionFpMismatch, "code");
  const auto container = read_container(answer.item.envelope.container);
  if (!container) return not_recorded(container.error());
  if (sha256(container->ballot) != code.ballot_id)
    return not_recorded({Reason::kReceiptMismatch, "another ballot"});
  auto recorded = check_receipt(election, answer.receipt, code.ballot_id);
  if (!recorded) return not_recorded(recorded.error());
  if (auto same = check_entry(recorded->statement, answer.salt, answer.item); !same)
    return not_recorded(same.error());

  auto ballot = decode<Ballot>(container->ballot);
  if (!ballot) return std::unexpected(ballot.error());
  if (ballot->fingerprint != election.fingerprint()) return reject(Reason::kElectionFpMismatch, "ballot");
  auto signer = check_signer(eid, *container, static_cast<std::int64_t>(answer.item.received_ms / 1000));
  if (!signer) return std::unexpected(signer.error());
  if (auto proved = check_evidence(eid, *container); !proved) return std::unexpected(proved.error());
  if (election.pseudonym_of(signer->person.national_id) != ballot->pseudonym)
    return reject(Reason::kSignerNotPseudonym, "ballot");
  if (voter && *voter != signer->person.national_id) return reject(Reason::kVoterMismatch, "signer");
  auto choices = open_ballot(election, *ballot, code.seed);
  if (!choices) return std::unexpected(choices.error());
  return VerifiedBallot{.ballot = std::move(*ballot),
                        .choices = std::move(*choices),
                        .signer = std::move(signer->person),
                        .recorded = std::move(*recorded),
                        .received_ms = answer.item.received_ms,
                        .status = answer.status};
}

}  // namespace psephos
