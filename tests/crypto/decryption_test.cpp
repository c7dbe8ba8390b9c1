#include "crypto/threshold/decryption.h"

#include <gtest/gtest.h>

#include "crypto/group/ristretto.h"
#include "crypto/group/tiny.h"
#include "tests/crypto/sigma_fixture.h"

namespace psephos {
namespace {

using namespace sigma_test;
using R = Ristretto;

/// x_j = f(j) for f of degree quorum − 1 with random coefficients; Y = f(0)·G.
template <Group G>
struct Dealt {
  typename G::Point Y;
  std::vector<typename G::SecretScalar> x;  ///< x[j − 1]
  std::vector<typename G::Point> Y_j;
};

template <Group G>
Dealt<G> deal(const Quorum& quorum, Rng& rng) {
  std::vector<typename G::SecretScalar> f;
  for (std::uint32_t k = 0; k < quorum.needed; ++k) f.push_back(G::SecretScalar::random(rng));
  Dealt<G> out;
  out.Y = G::mul_base(f[0]);
  for (std::uint32_t j = 1; j <= quorum.of; ++j) {
    auto x = G::SecretScalar::of(scalar<G>(0));
    for (std::size_t k = f.size(); k-- > 0;) x = x * scalar<G>(j) + f[k];
    out.Y_j.push_back(G::mul_base(x));
    out.x.push_back(std::move(x));
  }
  return out;
}

TEST(Decryption, EveryQuorumOfFiveDecryptsAlike) {
  SystemRng rng;
  const Quorum quorum{3, 5};
  const auto dealt = deal<R>(quorum, rng);
  std::vector<R::Point> messages;
  std::vector<Ciphertext<R>> ciphertexts;
  for (int i = 0; i < 7; ++i) {
    messages.push_back(R::mul_base(R::SecretScalar::random(rng)));
    ciphertexts.push_back(encrypt<R>(dealt.Y, messages.back(), R::SecretScalar::random(rng)));
  }
  const std::span<const Ciphertext<R>> list = ciphertexts;
  std::vector<std::vector<R::Point>> shares;
  for (std::size_t j = 0; j < 5; ++j) {
    shares.push_back(decryption_shares<R>(dealt.x[j], list));
    const DecryptionStatement<R> statement{dealt.Y_j[j], list, shares[j]};
    Transcript prover = transcript_for(kDecryptionLabel, "election A", "trustee", j + 1);
    const auto proof = prove_decryption_shares(statement, dealt.x[j], prover, rng);
    const auto decoded = decode_decryption_proof<R>(proof.encode());
    ASSERT_TRUE(decoded.has_value());
    Transcript verifier = transcript_for(kDecryptionLabel, "election A", "trustee", j + 1);
    EXPECT_TRUE(verify_decryption_shares_vartime(statement, *decoded, verifier).has_value());
  }
  for (std::uint32_t a = 1; a <= 5; ++a)
    for (std::uint32_t b = 1; b <= 5; ++b)
      for (std::uint32_t c = 1; c <= 5; ++c) {
        const std::vector<TrusteeShares<R>> given{{a, shares[a - 1]}, {b, shares[b - 1]}, {c, shares[c - 1]}};
        const auto combined = combine_vartime<R>(list, given, quorum);
        if (a == b || a == c || b == c) {
          EXPECT_EQ(combined.error(), Fault::kShareTrustee);
        } else {
          EXPECT_EQ(combined.value(), messages);
        }
      }
}

}  // namespace
}  // namespace psephos
