#include "protocol/ballot_crypto.h"

#include "crypto/invariant.h"
#include "crypto/proof/one_of_many.h"
#include "crypto/secret/declassify.h"
#include "protocol/labels.h"

namespace psephos {

Ristretto::SecretScalar derive_randomness(const BallotSeed& seed, const Digest256& ticket_hash,
                                          const Id& contest, std::uint64_t slot) {
  Bytes length;
  append_u32be(length, static_cast<std::uint32_t>(contest.text.size()));
  Sha512 hash;
  hash.update(bytes_of(labels::kRandomness)).update(seed.expose()).update(ticket_hash);
  Digest512 wide = hash.update(length).update(bytes_of(contest.text)).update(u64be(slot)).finish();
  auto r = Ristretto::SecretScalar::from_wide(wide);
  sodium_memzero(wide.data(), wide.size());
  sodium_memzero(&hash, sizeof hash);
  return r;
}

Transcript ballot_transcript(const Election& election, const Ballot& ballot, const Selection& selection,
                             std::string_view label) {
  Transcript transcript(election.proof_context(label, "voter", 0));
  transcript.append("unit", bytes_of(ballot.unit.text));
  transcript.append("contest", bytes_of(selection.contest.text));
  transcript.append_u64("slot", selection.slot);
  transcript.append("pseudonym", ballot.pseudonym);
  transcript.append_u64("counter", ballot.counter);
  return transcript;
}

std::vector<Ciphertext<Ristretto>> marks_in(const CandidateTable& table,
                                            std::span<const Selection> selections) {
  std::vector<Ciphertext<Ristretto>> out;
  for (const Selection& s : selections) out.push_back({s.alpha, s.beta - table.marks->P()});
  return out;
}

namespace {

/// Proves the selections of one contest of kind several.
void prove_marks(const Election& election, const Ballot& ballot, const CandidateTable& table,
                 std::span<Selection> selections, std::span<const std::size_t> choices,
                 std::span<const Ristretto::SecretScalar> r, Rng& rng) {
  const auto ciphertexts = marks_in(table, selections);
  std::vector<std::uint8_t> marks(choices.begin(), choices.end());
  const auto proof = prove_several_of_many<Ristretto>(
      {election.Y(), *table.marks, ciphertexts}, marks, r,
      ballot_transcript(election, ballot, selections.front(), kSeveralOfManyLabel),
      election.digit_generators(), rng);
  sodium_memzero(marks.data(), marks.size());
  for (std::size_t k = 0; k < selections.size(); ++k) selections[k].proof = proof[k].encode();
  append(selections.back().proof, proof.back().encode());
}

}  // namespace

Ballot make_ballot(const Election& election, const CastTicket& ticket, const Digest256& ticket_hash,
                   std::span<const std::size_t> choices, const BallotSeed& seed, Rng& rng) {
  const auto unit = election.unit_index(ticket.unit);
  invariant(unit.has_value(), "the client checked the ticket's unit");
  const auto slots = election.ballot_slots(*unit);
  invariant(choices.size() == slots.size(), "one choice a slot");
  Ballot ballot{.fingerprint = election.fingerprint(),
                .unit = ticket.unit,
                .pseudonym = ticket.pseudonym,
                .counter = ticket.counter,
                .previous = ticket.previous,
                .ticket_hash = ticket_hash,
                .selections = {}};
  std::vector<Ristretto::SecretScalar> r;
  for (std::size_t i = 0; i < slots.size(); ++i) {
    const CandidateTable& table = *slots[i].table;
    invariant(published(choices[i] < table.points.size()), "a choice of the table");
    const Id& contest = table.contest->id;
    r.push_back(derive_randomness(seed, ticket_hash, contest, slots[i].slot));
    const auto c =
        encrypt<Ristretto>(election.Y(), Ristretto::select(table.points.points(), choices[i]), r.back());
    ballot.selections.push_back(
        {.contest = contest, .slot = slots[i].slot, .alpha = c.alpha, .beta = c.beta, .proof = {}});
  }
  for (std::size_t i = 0; i < slots.size(); ++i) {
    const CandidateTable& table = *slots[i].table;
    if (table.marks) {
      const std::size_t K = table.slots();
      prove_marks(election, ballot, table, std::span(ballot.selections).subspan(i, K), choices.subspan(i, K),
                  std::span(r).subspan(i, K), rng);
      i += K - 1;
      continue;
    }
    Selection& selection = ballot.selections[i];
    Transcript transcript = ballot_transcript(election, ballot, selection);
    const OneOfManyStatement<Ristretto> statement{election.Y(), selection.alpha, selection.beta,
                                                  table.points};
    selection.proof =
        prove_one_of_many(statement, choices[i], r[i], transcript, election.digit_generators(), rng).encode();
  }
  return ballot;
}

Result<std::vector<std::size_t>, Rejection> open_ballot(const Election& election, const Ballot& ballot,
                                                        const BallotSeed& seed) {
  const auto unit = election.unit_index(ballot.unit);
  if (!unit) return reject(Reason::kBallotShape, "unit");
  const auto slots = election.ballot_slots(*unit);
  if (slots.size() != ballot.selections.size()) return reject(Reason::kBallotShape, "selections");
  std::vector<std::size_t> choices;
  for (std::size_t i = 0; i < slots.size(); ++i) {
    const Selection& selection = ballot.selections[i];
    const std::string object = "selections[" + std::to_string(i) + "]";
    if (selection.contest != slots[i].table->contest->id || selection.slot != slots[i].slot)
      return reject(Reason::kBallotShape, object);
    const auto r = derive_randomness(seed, ballot.ticket_hash, selection.contest, selection.slot);
    if (published(Ristretto::mul_base(r)) != selection.alpha) return reject(Reason::kRMismatch, object);
    // Public to whoever asks: the choice is what she wants to see.
    const auto choice = slots[i].table->find(published(selection.beta - r * election.Y()));
    if (!choice) return reject(Reason::kRMismatch, object);
    choices.push_back(*choice);
  }
  return choices;
}

}  // namespace psephos
