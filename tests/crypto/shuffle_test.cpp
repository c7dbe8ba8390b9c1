#include <gtest/gtest.h>

#include "crypto/group/ristretto.h"
#include "crypto/group/tiny.h"
#include "crypto/shuffle/proof.h"

namespace psephos {
namespace {

using G = Ristretto;

struct Mix {
  Digest256 fingerprint = sha256(bytes_of("an election"));
  SystemRng rng;
  G::SecretScalar x = G::SecretScalar::random(rng);
  G::Point Y = G::mul_base(x);
  CiphertextList<G> input;
  ShuffleResult<G> result;
  Mix(std::size_t N, std::size_t W) {
    input.width = W;
    for (std::size_t i = 0; i < N * W; ++i)
      input.items.push_back(
          encrypt<G>(Y, G::mul_base_vartime(G::Scalar::from_u64(i + 2)), G::SecretScalar::random(rng)));
    result = shuffle<G>(Y, input, rng);
  }
  Transcript transcript() const {
    Transcript t({"psephos-1", fingerprint, kShuffleLabel, "mixer", 1});
    t.append("group", bytes_of("mayor, unit 1"));
    return t;
  }
};

TEST(Shuffle, ProvesAndVerifies) {
  for (const std::size_t N : {0U, 1U, 2U, 3U, 10U, 257U})
    for (const std::size_t W : {1U, 2U, 3U}) {
      Mix mix(N, W);
      const ShuffleStatement<G> statement{mix.Y, mix.input, mix.result.output};
      const auto h = ShuffleGenerators<G>::derive("psephos-1/generator", mix.fingerprint, N);
      Transcript t = mix.transcript();
      const auto proof = prove_shuffle(statement, mix.result.witness, t, h, mix.rng);
      Transcript t2 = mix.transcript();
      const auto ok = verify_shuffle_vartime(statement, proof, t2, h);
      EXPECT_TRUE(ok) << describe(ok.error());
      const Bytes bytes = encode_proof(proof);
      EXPECT_EQ(bytes.size(), N == 0 ? 0 : 32 * (5 * N + 3 * W + 6));
      EXPECT_EQ(decode_proof<G>(bytes, N, W).value(), proof);
    }
}

}  // namespace
}  // namespace psephos
