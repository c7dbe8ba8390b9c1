#include "crypto/proof/dleq.h"

#include <gtest/gtest.h>

#include "crypto/group/ristretto.h"
#include "crypto/group/tiny.h"
#include "tests/crypto/sigma_fixture.h"

namespace psephos {
namespace {

using namespace sigma_test;
using R = Ristretto;

TEST(Dleq, IsAcceptedAndRoundTrips) {
  SystemRng rng;
  for (int i = 0; i < 20; ++i) {
    const auto x = R::SecretScalar::random(rng);
    const auto H = R::mul_base(R::SecretScalar::random(rng));
    const DleqStatement<R> statement{R::mul_base(x), H, x * H};
    Transcript prover = transcript_for(kDleqLabel);
    const auto proof = DleqProof<R>::decode(prove_dleq(statement, x, prover, rng).encode());
    ASSERT_TRUE(proof.has_value());
    Transcript verifier = transcript_for(kDleqLabel);
    EXPECT_TRUE(verify_dleq_vartime(statement, *proof, verifier).has_value());
  }
}

TEST(BatchedDleq, IsAcceptedForEveryLength) {
  SystemRng rng;
  for (std::size_t n = 0; n < 10; ++n) {
    const auto x = R::SecretScalar::random(rng);
    std::vector<R::Point> inputs;
    std::vector<R::Point> outputs;
    for (std::size_t i = 0; i < n; ++i) {
      inputs.push_back(R::mul_base(R::SecretScalar::random(rng)));
      outputs.push_back(x * inputs.back());
    }
    const BatchedDleqStatement<R> statement{R::mul_base(x), inputs, outputs};
    Transcript prover = transcript_for(kBatchedDleqLabel);
    const auto proof = BatchedDleqProof<R>::decode(prove_batched_dleq(statement, x, prover, rng).encode());
    ASSERT_TRUE(proof.has_value());
    Transcript verifier = transcript_for(kBatchedDleqLabel);
    EXPECT_TRUE(verify_batched_dleq_vartime(statement, *proof, verifier).has_value());
    if (n == 0) continue;
    outputs[n - 1] = outputs[n - 1] + R::Point::generator();
    Transcript again = transcript_for(kBatchedDleqLabel);
    EXPECT_EQ(verify_batched_dleq_vartime(statement, *proof, again).error(), Fault::kProofChallengeMismatch);
  }
}

}  // namespace
}  // namespace psephos
