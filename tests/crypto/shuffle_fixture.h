#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "crypto/elgamal.h"
#include "crypto/group/ristretto.h"
#include "crypto/shuffle/proof.h"
#include "tests/crypto/sigma_fixture.h"

/// What the tests of the shuffle share.
namespace psephos::shuffle_test {

inline constexpr std::string_view kTag = "psephos-1/generator";

inline Transcript group_transcript(std::string_view election = "election A", std::uint64_t mixer = 1,
                                   std::string_view group = "mayor, unit 1") {
  Transcript t = sigma_test::transcript_for(kShuffleLabel, election, "mixer", mixer);
  t.append("group", bytes_of(group));
  return t;
}

inline Result<void, ShuffleRejection> rejected(Fault fault, ShuffleEquation equation = ShuffleEquation::kNone,
                                               std::uint64_t index = 0) {
  return std::unexpected(ShuffleRejection{fault, equation, index});
}
inline Result<void, ShuffleRejection> invalid(ShuffleEquation equation, std::uint64_t index = 0) {
  return rejected(Fault::kShuffleProofInvalid, equation, index);
}

/// A list of N rows of W votes, one mix of it and the proof. Repeats itself from its seed.
struct Mix {
  using G = Ristretto;
  sigma_test::SeededRng rng;
  G::SecretScalar x = G::SecretScalar::random(rng);
  G::Point Y = G::mul_base(x);
  CiphertextList<G> input, output;
  ShuffleWitness<G> witness;
  ShuffleGenerators<G> generators;
  ShuffleProof<G> proof;

  Mix(std::size_t N, std::size_t W, std::string_view seed = "mix")
      : rng(seed), generators(ShuffleGenerators<G>::derive(kTag, sigma_test::fingerprint("election A"), N)) {
    input.width = W;
    for (std::size_t i = 0; i < N * W; ++i)
      input.items.push_back(encrypt<G>(Y, sigma_test::multiple<G>(i + 2), G::SecretScalar::random(rng)));
    ShuffleResult<G> mixed = shuffle<G>(Y, input, rng);
    output = std::move(mixed.output);
    witness = std::move(mixed.witness);
    proof = prove();
  }
  ShuffleStatement<G> statement() const { return {Y, input, output}; }
  ShuffleProof<G> prove() {
    Transcript t = group_transcript();
    return prove_shuffle(statement(), witness, t, generators, rng);
  }
  /// The verifier's answer to this statement and this proof as they stand.
  Result<void, ShuffleRejection> verify(Transcript t = group_transcript()) const {
    return verify_shuffle_vartime(statement(), proof, t, generators);
  }
};

/// The plaintext rows of a list, in order of their encodings.
template <Group G>
std::vector<std::vector<typename G::Point>> sorted_plaintexts(const typename G::SecretScalar& x,
                                                              const CiphertextList<G>& list) {
  std::vector<std::vector<typename G::Point>> rows(list.rows());
  for (std::size_t i = 0; i < rows.size(); ++i)
    for (const Ciphertext<G>& c : list.row(i)) rows[i].push_back(c.beta - x * c.alpha);
  std::sort(rows.begin(), rows.end());
  return rows;
}

}  // namespace psephos::shuffle_test
