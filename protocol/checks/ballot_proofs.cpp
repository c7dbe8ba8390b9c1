#include "protocol/checks/ballot_proofs.h"

#include <algorithm>
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

/// Where a claim's proof stands: with a selection, or with the last of a contest of kind several, whose count
/// it proves.
struct Place {
  std::size_t selection;
  bool count = false;
};

Rejection invalid(const Place& place, const OneOfManyRejection& rejection) {
  const auto equation = describe(rejection.equation);
  return {Reason::kBallotProofInvalid, object_of(place.selection) + (place.count ? ", count" : "") +
                                           (equation.empty() ? "" : ", ") + std::string(equation)};
}

std::span<const BallotSlot> slots_of(const Election& election, const Ballot& ballot) {
  const auto unit = election.unit_index(ballot.unit);
  invariant(unit.has_value(), "check_ballot_shape comes first");
  return election.ballot_slots(*unit);
}

using Proof = OneOfManyProof<Ristretto>;
using Claim = OneOfManyClaim<Ristretto>;

Result<Proof, Rejection> read(ByteView proof, const ChoiceTable<Ristretto>& table, std::size_t i) {
  if (proof.empty()) return reject(Reason::kBallotProofMissing, object_of(i));
  auto out = Proof::decode(proof, table.size());
  if (!out) return reject(out.error(), object_of(i));
  return std::move(*out);
}

/// The proofs of a contest of kind several, whose first selection is i: each with its own, the count's behind
/// the last.
Result<SeveralOfManyProof<Ristretto>, Rejection> read_marks(const Ballot& ballot, const CandidateTable& table,
                                                            std::size_t i) {
  SeveralOfManyProof<Ristretto> out;
  const std::size_t end = i + table.slots();
  const std::size_t width = one_of_many_elements(table.marks->marks().size()) * Ristretto::Point::kWidth;
  for (std::size_t k = i; k < end; ++k) {
    const ByteView bytes = ballot.selections[k].proof;
    const std::size_t own = k + 1 < end ? bytes.size() : std::min(width, bytes.size());
    auto mark = read(bytes.first(own), table.marks->marks(), k);
    if (!mark) return std::unexpected(mark.error());
    out.push_back(std::move(*mark));
    if (k + 1 < end) continue;
    auto count = Proof::decode(bytes.subspan(own), table.marks->counts().size());
    if (!count) return reject(count.error(), object_of(k));
    out.push_back(std::move(*count));
  }
  return out;
}

/// The claims of a ballot up to the first selection, or contest of kind several, that cannot be read, and why
/// it cannot.
struct Claims {
  std::vector<Claim> claims;
  std::vector<Place> places;  ///< of each claim
  std::optional<Rejection> unreadable;
};
Claims claims_of(const Election& election, const Ballot& ballot) {
  Claims out;
  const auto slots = slots_of(election, ballot);
  for (std::size_t i = 0; i < slots.size(); ++i) {
    const CandidateTable& table = *slots[i].table;
    const Selection& selection = ballot.selections[i];
    if (table.marks) {
      const std::size_t K = table.slots();
      const auto proof = read_marks(ballot, table, i);
      if (!proof) {
        out.unreadable = proof.error();
        break;
      }
      const auto ciphertexts = marks_in(table, std::span(ballot.selections).subspan(i, K));
      auto claims = several_of_many_claims<Ristretto>(
          {election.Y(), *table.marks, ciphertexts}, *proof,
          ballot_transcript(election, ballot, selection, kSeveralOfManyLabel));
      invariant(claims.has_value(), "the definition's rules and read_marks leave no other shape");
      for (std::size_t k = 0; k <= K; ++k) {
        out.claims.push_back(std::move((*claims)[k]));
        out.places.push_back({i + std::min(k, K - 1), k == K});
      }
      i += K - 1;
      continue;
    }
    auto proof = read(selection.proof, table.points, i);
    if (!proof) {
      out.unreadable = std::move(proof.error());
      break;
    }
    out.claims.push_back({{election.Y(), selection.alpha, selection.beta, table.points},
                          std::move(*proof),
                          ballot_transcript(election, ballot, selection)});
    out.places.push_back({i});
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
  Claims of_ballot = claims_of(election, ballot);
  for (std::size_t i = 0; i < of_ballot.claims.size(); ++i) {
    Claim& claim = of_ballot.claims[i];
    if (auto ok = verify_one_of_many_vartime(claim.statement, claim.proof, claim.transcript,
                                             election.digit_generators());
        !ok)
      return std::unexpected(invalid(of_ballot.places[i], ok.error()));
  }
  if (of_ballot.unreadable) return std::unexpected(std::move(*of_ballot.unreadable));
  return {};
}

std::vector<Result<void, Rejection>> check_ballot_proofs_batch(const Election& election,
                                                               std::span<const Ballot* const> ballots) {
  std::vector<Claims> of_ballot(ballots.size());
  parallel_for(ballots.size(), 8, [&](std::size_t b) { of_ballot[b] = claims_of(election, *ballots[b]); });
  std::vector<Claim> claims;
  for (Claims& one : of_ballot)
    for (Claim& claim : one.claims) claims.push_back(std::move(claim));
  Transcript transcript(election.proof_context(kOneOfManyBatchLabel, "verifier", 0));
  const auto outcomes =
      verify_one_of_many_batch_vartime<Ristretto>(claims, transcript, election.digit_generators());

  std::vector<Result<void, Rejection>> out;
  std::size_t next = 0;
  for (const Claims& one : of_ballot) {
    // The first selection at fault: those with a claim come before one that has none.
    std::optional<Rejection> first;
    for (std::size_t i = 0; i < one.claims.size(); ++i, ++next)
      if (!first && outcomes[next]) first = invalid(one.places[i], *outcomes[next]);
    if (!first) first = one.unreadable;
    if (first)
      out.push_back(std::unexpected(std::move(*first)));
    else
      out.emplace_back();
  }
  return out;
}

}  // namespace psephos
