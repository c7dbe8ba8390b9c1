#pragma once
#include <cstdlib>
#include <span>
#include <vector>

#include "crypto/proof/several_of_many.h"
#include "protocol/ballot_crypto.h"

namespace psephos::adversary {

/// What a voter who cheats puts into a contest of kind several.
struct ForgedMarks {
  std::vector<int> marks;             ///< selection k holds marks[k]·P more than one without a mark
  std::vector<std::uint8_t> claimed;  ///< the marks that the proofs are made for, by an honest prover,
  std::size_t min = 1, max = 2;       ///< under the rule from min to max
  /// One randomness for all selections, as of a client whose random generator is stuck.
  bool one_randomness = false;
};

/// Makes the selections of one contest anew. If marks are `claimed` and the rule is the contest's, they are
/// honest. @pre `selections` are all of the contest's, of a ballot whose other fields stand.
inline void forge_marks(const Election& election, const Ballot& ballot, const CandidateTable& table,
                        std::span<Selection> selections, const ForgedMarks& forged, Rng& rng) {
  const auto& P = table.marks->P();
  std::vector<Ristretto::SecretScalar> r;
  for (std::size_t k = 0; k < selections.size(); ++k) {
    r.push_back(forged.one_randomness && k != 0 ? r[0] + Ristretto::SecretScalar{}
                                                : Ristretto::SecretScalar::random(rng));
    const auto times = Ristretto::Scalar::from_u64(static_cast<std::uint64_t>(std::abs(forged.marks[k])));
    const auto marked = Ristretto::mul_vartime(forged.marks[k] < 0 ? -times : times, P);
    const auto c = encrypt<Ristretto>(election.Y(), P + marked, r.back());
    selections[k].alpha = c.alpha;
    selections[k].beta = c.beta;
  }
  const auto ciphertexts = marks_in(table, selections);
  const MarkRule<Ristretto> rule(P, forged.min, forged.max);
  const auto proof = prove_several_of_many<Ristretto>(
      {election.Y(), rule, ciphertexts}, forged.claimed, r,
      ballot_transcript(election, ballot, selections[0], kSeveralOfManyLabel), election.digit_generators(),
      rng);
  for (std::size_t k = 0; k < selections.size(); ++k) selections[k].proof = proof[k].encode();
  append(selections.back().proof, proof.back().encode());
}

}  // namespace psephos::adversary
