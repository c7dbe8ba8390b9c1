#include "crypto/proof/knowledge.h"

#include <gtest/gtest.h>

#include "crypto/group/ristretto.h"
#include "crypto/group/tiny.h"
#include "tests/crypto/sigma_fixture.h"

namespace psephos {
namespace {

using namespace sigma_test;
using R = Ristretto;

TEST(Knowledge, IsAcceptedAndRoundTrips) {
  SystemRng rng;
  for (int i = 0; i < 20; ++i) {
    const auto r = R::SecretScalar::random(rng);
    const auto Y = R::mul_base(R::SecretScalar::random(rng));
    const auto ciphertext = encrypt<R>(Y, R::mul_base(R::SecretScalar::random(rng)), r);
    const KnowledgeStatement<R> statement{Y, ciphertext.alpha, ciphertext.beta};
    Transcript prover = transcript_for(kKnowledgeLabel);
    const auto proof = prove_knowledge(statement, r, prover, rng);
    const auto decoded = KnowledgeProof<R>::decode(proof.encode());
    ASSERT_TRUE(decoded.has_value());
    EXPECT_EQ(*decoded, proof);
    Transcript verifier = transcript_for(kKnowledgeLabel);
    EXPECT_TRUE(verify_knowledge_vartime(statement, *decoded, verifier).has_value());
  }
}

}  // namespace
}  // namespace psephos
