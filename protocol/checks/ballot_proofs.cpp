#include "protocol/checks/ballot_proofs.h"

#include <utility>

#include "crypto/invariant.h"
#include "crypto/parallel.h"
#include "crypto/proof/one_of_many.h"
#include "protocol/ballot_crypto.h"

namespace psephos {

namespace {

std::string object_of(std::size_t i) {
  return "selections[" + std::to_string(i) + "].proof";
}

Rejection invalid(std::size_t i, const OneOfManyRejection& rejection) {
  const auto equation = describe(rejection.equation);
  return {Reason::kBallotProofInvalid, object_of(i) + (equation.empty() ? "" : ", ") + std::string(equation)};
}

std::span<const BallotSlot> slots_of(const Election& election, const Ballot& ballot) {
  const auto unit = election.unit_index(ballot.unit);
  invariant(unit.has_value(), "check_ballot_shape comes first");
  return election.ballot_slots(*unit);
}

/// Selection i as a claim to verify, or why it is none.
Result<OneOfManyClaim<Ristretto>, Rejection> claim_of(const Election& election, const Ballot& ballot,
                                                      const BallotSlot& slot, std::size_t i) {
  const Selection& selection = ballot.selections[i];
  if (selection.proof.empty()) return reject(Reason::kBallotProofMissing, object_of(i));
  const ChoiceTable<Ristretto>& table = slot.table->points;
  auto proof = OneOfManyProof<Ristretto>::decode(selection.proof, table.size());
  if (!proof) return reject(proof.error(), object_of(i));
  return OneOfManyClaim<Ristretto>{{election.Y(), selection.alpha, selection.beta, table},
                                   std::move(*proof),
                                   ballot_transcript(election, ballot, selection)};
}

/// The claims of a ballot up to the first selection that has none, and why that one has none.
struct Claims {
  std::vector<OneOfManyClaim<Ristretto>> claims;
  std::optional<Rejection> unreadable;
};
Claims claims_of(const Election& election, const Ballot& ballot) {
  Claims out;
  const auto slots = slots_of(election, ballot);
  for (std::size_t i = 0; i < slots.size(); ++i) {
    auto claim = claim_of(election, ballot, slots[i], i);
    if (!claim) {
      out.unreadable = std::move(claim.error());
      break;
    }
    out.claims.push_back(std::move(*claim));
  }
  return out;
}

}  // namespace

Result<void, Rejection> check_ballot_shape(const Election& election, const Ballot& ballot) {
  const auto unit = election.unit_index(ballot.unit);
  if (!unit) return reject(Reason::kBallotShape, "unit");
  const auto slots = election.ballot_slots(*unit);
  if (ballot.selections.size() != slots.size()) return reject(Reason::kBallotShape, "selections");
  for (std::size_t i = 0; i < slots.size(); ++i)
    if (ballot.selections[i].contest != slots[i].table->contest->id ||
        ballot.selections[i].slot != slots[i].slot)
      return reject(Reason::kBallotShape, "selections[" + std::to_string(i) + "]");
  return {};
}

Result<void, Rejection> check_ballot_proofs(const Election& election, const Ballot& ballot) {
  const auto slots = slots_of(election, ballot);
  for (std::size_t i = 0; i < slots.size(); ++i) {
    auto claim = claim_of(election, ballot, slots[i], i);
    if (!claim) return std::unexpected(claim.error());
    if (auto ok = verify_one_of_many_vartime(claim->statement, claim->proof, claim->transcript,
                                             election.digit_generators());
        !ok)
      return std::unexpected(invalid(i, ok.error()));
  }
  return {};
}

std::vector<Result<void, Rejection>> check_ballot_proofs_batch(const Election& election,
                                                               std::span<const Ballot* const> ballots) {
  std::vector<Claims> of_ballot(ballots.size());
  parallel_for(ballots.size(), 8, [&](std::size_t b) { of_ballot[b] = claims_of(election, *ballots[b]); });
  std::vector<OneOfManyClaim<Ristretto>> claims;
  for (Claims& one : of_ballot)
    for (OneOfManyClaim<Ristretto>& claim : one.claims) claims.push_back(std::move(claim));
  Transcript transcript(election.proof_context(kOneOfManyBatchLabel, "verifier", 0));
  const auto outcomes =
      verify_one_of_many_batch_vartime<Ristretto>(claims, transcript, election.digit_generators());

  std::vector<Result<void, Rejection>> out;
  std::size_t next = 0;
  for (const Claims& one : of_ballot) {
    // The first selection at fault: those with a claim come before one that has none.
    std::optional<Rejection> first;
    for (std::size_t i = 0; i < one.claims.size(); ++i, ++next)
      if (!first && outcomes[next]) first = invalid(i, *outcomes[next]);
    if (!first) first = one.unreadable;
    if (first)
      out.push_back(std::unexpected(std::move(*first)));
    else
      out.emplace_back();
  }
  return out;
}

}  // namespace psephos
