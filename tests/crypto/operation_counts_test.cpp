#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <utility>

#include "crypto/group/ristretto.h"
#include "crypto/group/tiny.h"
#include "crypto/proof/dleq.h"
#include "crypto/shuffle/proof.h"
#include "crypto/threshold/decryption.h"
#include "tests/crypto/shuffle_fixture.h"
#include "tests/crypto/sigma_fixture.h"
#include "tests/support/counting_group.h"

/// The costs that headers state, counted. A prover or verifier that does more or less than its header says
/// fails here, however little time that takes.
namespace psephos {
namespace {

using test::CountingGroup;
using test::Operation;
using test::OperationCounts;
using G = CountingGroup<Ristretto>;
using sigma_test::SeededRng;
static_assert(Group<G> && Group<CountingGroup<Tiny7>>);

/// Operations by kind, without encodings, which the tests below look at apart; what is not named is 0.
struct Cost {
  std::uint64_t additions = 0;
  std::uint64_t secret_times_G = 0, secret_times_shared = 0, secret_times_point = 0;
  std::uint64_t times_G = 0, times_point = 0, short_times_point = 0;
  std::uint64_t long_terms = 0, short_terms = 0, secret_terms = 0;
  std::uint64_t decoded = 0;

  OperationCounts counts() const {
    OperationCounts out;
    out[Operation::kDecode] = decoded;
    out[Operation::kAddition] = additions;
    out[Operation::kSecretTimesG] = secret_times_G;
    out[Operation::kSecretTimesShared] = secret_times_shared;
    out[Operation::kSecretTimesPoint] = secret_times_point;
    out[Operation::kLongTimesG] = times_G;
    out[Operation::kLongTimesPoint] = times_point;
    out[Operation::kShortTimesPoint] = short_times_point;
    out[Operation::kLongMultiScalarTerm] = long_terms;
    out[Operation::kShortMultiScalarTerm] = short_terms;
    out[Operation::kSecretMultiScalarTerm] = secret_terms;
    return out;
  }
};

OperationCounts without_encodings(OperationCounts counts) {
  counts[Operation::kEncode] = 0;
  return counts;
}
OperationCounts sum(const OperationCounts& once, std::uint64_t n, const OperationCounts& each) {
  OperationCounts out;
  for (std::size_t i = 0; i < test::kOperations; ++i) out.times[i] = once.times[i] + n * each.times[i];
  return out;
}

/// One list of N rows of W, its mix, and what each step of it costs.
struct CountedMix {
  OperationCounts shuffling, proving, encoding, decoding, verifying;

  CountedMix(std::size_t N, std::size_t W) {
    SeededRng rng("counted mix");
    const G::Point Y = G::mul_base(G::SecretScalar::random(rng));
    CiphertextList<G> input{W, {}};
    for (std::size_t i = 0; i < N * W; ++i)
      input.items.push_back(encrypt<G>(Y, sigma_test::multiple<G>(i + 2), G::SecretScalar::random(rng)));
    const auto h = ShuffleGenerators<G>::derive(shuffle_test::kTag, sigma_test::fingerprint("election A"), N);
    ShuffleResult<G> mixed;
    shuffling = G::measure([&] { mixed = shuffle<G>(Y, input, rng); });
    const ShuffleStatement<G> statement{Y, input, mixed.output};
    ShuffleProof<G> proof;
    proving = G::measure([&] {
      Transcript t = shuffle_test::group_transcript();
      proof = prove_shuffle(statement, mixed.witness, t, h, rng);
    });
    Bytes bytes;
    encoding = G::measure([&] { bytes = encode_proof(proof); });
    ShuffleProof<G> decoded;
    decoding = G::measure([&] { decoded = decode_proof<G>(bytes, N, W).value(); });
    verifying = G::measure([&] {
      Transcript t = shuffle_test::group_transcript();
      const auto verdict = verify_shuffle_vartime(statement, decoded, t, h);
      EXPECT_TRUE(verdict);
    });
  }
};

const CountedMix& counted_mix(std::size_t N, std::size_t W) {
  static std::map<std::pair<std::size_t, std::size_t>, CountedMix> made;
  return made.try_emplace({N, W}, N, W).first->second;
}

/// All sizes lie in one piece of the sums, each of which adds once more. e_0·e_1 is the first product longer
/// than 128 bits.
constexpr std::array<std::size_t, 5> kRows = {2, 3, 8, 57, 200};

// crypto/shuffle/shuffle.h: "Cost, a ciphertext: 2 decodes, 1 multiplication of G, 1 of Y, 2
// additions."
TEST(OperationCounts, Shuffle) {
  for (const std::size_t W : {1U, 2U, 3U})
    for (const std::size_t N : kRows) {
      const Cost each{.additions = 2, .secret_times_G = 1, .secret_times_shared = 1, .decoded = 2};
      EXPECT_EQ(counted_mix(N, W).shuffling, sum({}, N * W, each.counts())) << N << " rows of " << W;
    }
}

// crypto/shuffle/proof.h, prove_shuffle: "Cost, a row: 2W decodes, 3 multiplications of G, 2 of h_0,
// 1 + 2W terms of constant-time sums, 3 additions." Once: α, γ, δ by G, φ_k by G and by Y; an addition for
// each of the 1 + 2W sums, and one more for each of F'.
TEST(OperationCounts, ProveShuffle) {
  for (const std::size_t W : {1U, 2U, 3U})
    for (const std::size_t N : kRows) {
      const Cost row{.additions = 3,
                     .secret_times_G = 3,
                     .secret_times_shared = 2,
                     .secret_terms = 1 + 2 * W,
                     .decoded = 2 * W};
      const Cost once{.additions = 1 + 4 * W, .secret_times_G = 3, .secret_times_point = 2 * W};
      EXPECT_EQ(without_encodings(counted_mix(N, W).proving), sum(once.counts(), N, row.counts()))
          << N << " rows of " << W;
    }
}

// crypto/shuffle/proof.h, first_failing_equation_vartime: "Cost, a row: 3 + 4W decodes; 2 + 2W terms with
// 128-bit scalars (e with u, w; t with B') and 2 + 2W with 253-bit ones (k_E with h, w'; one with B); 2
// additions." Once: 4 + 2W decodes; 9 + 4W multiplications; 6 + 4W additions for the equations and 6 + 4W
// for the sums of the one piece. And crypto/shuffle/offsets.h: a subtraction a row of either list for each of
// the W(W − 1)/2 pairs of columns.
TEST(OperationCounts, VerifyShuffle) {
  for (const std::size_t W : {1U, 2U, 3U})
    for (const std::size_t N : kRows) {
      const Cost row{.additions = 2 + W * (W - 1),
                     .long_terms = 2 + 2 * W,
                     .short_terms = 2 + 2 * W,
                     .decoded = 3 + 4 * W};
      const Cost once{.additions = 12 + 8 * W, .times_point = 9 + 4 * W, .decoded = 4 + 2 * W};
      EXPECT_EQ(without_encodings(counted_mix(N, W).verifying), sum(once.counts(), N, row.counts()))
          << N << " rows of " << W;
    }
}

// encode_proof and decode_proof meet every point once: u, B, B', and A', C', D', F'.
TEST(OperationCounts, ProofBytes) {
  for (const std::size_t W : {1U, 2U})
    for (const std::size_t N : kRows) {
      OperationCounts points;
      points[Operation::kEncode] = 3 * N + 3 + 2 * W;
      const CountedMix& mix = counted_mix(N, W);
      EXPECT_EQ(mix.encoding, points);
      points[Operation::kDecode] = std::exchange(points[Operation::kEncode], 0);
      EXPECT_EQ(mix.decoding, points);
    }
}

/// A trustee's shares of N ciphertexts, and the list they are made from.
struct Shares {
  SeededRng rng{"counted shares"};
  G::SecretScalar x = G::SecretScalar::random(rng);
  G::Point Y = G::mul_base(x);
  std::vector<Ciphertext<G>> list;
  std::vector<G::Point> shares;

  explicit Shares(std::size_t N) {
    for (std::size_t i = 0; i < N; ++i)
      list.push_back(encrypt<G>(Y, sigma_test::multiple<G>(i + 2), G::SecretScalar::random(rng)));
    shares = decryption_shares<G>(x, list);
  }
  DecryptionStatement<G> statement() const { return {Y, list, shares}; }
};

// crypto/threshold/decryption.h: shares "a decode and a multiplication a ciphertext"; their proof as
// prove_batched_dleq, "one multi-scalar multiplication with 128-bit scalars, two multiplications"; its
// verification "two decodes, two terms of 128 bits" a row and four multiplications; combining "quorum.needed
// decodes and multiplications" a ciphertext; checking plaintexts "1 + quorum.needed decodes and terms of 128
// bits".
TEST(OperationCounts, Decryption) {
  for (const std::size_t N : {1U, 2U, 5U, 64U, 300U}) {
    Shares s(N);
    const Cost making{.secret_times_point = N, .decoded = N};
    EXPECT_EQ(G::measure([&] { s.shares = decryption_shares<G>(s.x, s.list); }), making.counts());

    DecryptionProof<G> proof;
    const OperationCounts proving = G::measure([&] {
      Transcript t = sigma_test::transcript_for(kDecryptionLabel);
      proof = prove_decryption_shares(s.statement(), s.x, t, s.rng);
    });
    const Cost prove{.secret_times_G = 1, .secret_times_point = 1, .short_terms = N};
    EXPECT_EQ(without_encodings(proving), prove.counts()) << N;
    // Ciphertexts, inputs and outputs; Y_j, U and V.
    EXPECT_EQ(proving[Operation::kEncode], 4 * N + 3);

    const OperationCounts verifying = G::measure([&] {
      Transcript t = sigma_test::transcript_for(kDecryptionLabel);
      const auto verdict = verify_decryption_shares_vartime(s.statement(), proof, t);
      EXPECT_TRUE(verdict);
    });
    const Cost verify{.additions = 4, .times_G = 1, .times_point = 3, .short_terms = 2 * N, .decoded = 2 * N};
    EXPECT_EQ(without_encodings(verifying), verify.counts()) << N;

    const std::vector<TrusteeShares<G>> given = {{1, s.shares}, {2, s.shares}, {3, s.shares}};
    for (const std::uint32_t needed : {1U, 2U, 3U}) {
      std::vector<G::Point> messages;
      const OperationCounts combining =
          G::measure([&] { messages = combine_vartime<G>(s.list, given, Quorum{needed, 3}).value(); });
      const Cost combine{.additions = needed * N, .secret_times_point = needed * N, .decoded = needed * N};
      EXPECT_EQ(without_encodings(combining), combine.counts());
      const OperationCounts checking = G::measure([&] {
        Transcript t = sigma_test::transcript_for(kCombinationLabel);
        const auto verdict = check_combination_vartime<G>(s.list, given, Quorum{needed, 3}, messages, t);
        EXPECT_TRUE(verdict);
      });
      EXPECT_EQ(checking[Operation::kDecode], (1 + needed) * N);
    }
  }
}

// crypto/proof/dleq.h: prove_dleq "one fixed-base and one other multiplication", verify_dleq_vartime "one
// fixed-base and three other multiplications".
TEST(OperationCounts, Dleq) {
  SeededRng rng("counted dleq");
  const auto x = G::SecretScalar::random(rng);
  const G::Point H = sigma_test::multiple<G>(7);
  const DleqStatement<G> statement{G::mul_base(x), H, x * H};
  DleqProof<G> proof;
  const OperationCounts proving = G::measure([&] {
    Transcript t = sigma_test::transcript_for(kDleqLabel);
    proof = prove_dleq(statement, x, t, rng);
  });
  EXPECT_EQ(without_encodings(proving), (Cost{.secret_times_G = 1, .secret_times_point = 1}.counts()));
  const OperationCounts verifying = G::measure([&] {
    Transcript t = sigma_test::transcript_for(kDleqLabel);
    const auto verdict = verify_dleq_vartime(statement, proof, t);
    EXPECT_TRUE(verdict);
  });
  EXPECT_EQ(without_encodings(verifying), (Cost{.additions = 2, .times_G = 1, .times_point = 3}.counts()));
}

// The counter itself: every operation of the concept is one of its kind.
TEST(OperationCounts, EveryOperationHasItsKind) {
  SeededRng rng("kinds");
  const auto x = G::SecretScalar::random(rng);
  const G::Point P = sigma_test::multiple<G>(3);
  const Bytes two = encode_all<G::Point>(std::vector{P, P});
  ByteArray<16> low{};
  low.fill(0xff);
  const G::Scalar longest_short = G::Scalar::from_wide(low);  // 2^128 − 1
  const G::Scalar shortest_long = longest_short + G::Scalar::from_u64(1);
  std::vector<G::SecretScalar> secrets;
  for (int i = 0; i < 3; ++i) secrets.push_back(G::SecretScalar::random(rng));
  const std::vector<G::Scalar> scalars = {longest_short, shortest_long, longest_short, G::Scalar{}};
  const std::vector<G::Point> points(4, P);

  const auto expect = [](Operation kind, std::uint64_t n, auto&& work) {
    OperationCounts expected;
    expected[kind] = n;
    EXPECT_EQ(G::measure(work), expected) << test::kOperationNames[static_cast<std::size_t>(kind)];
  };
  expect(Operation::kDecode, 1, [&] { EXPECT_TRUE(G::Point::decode(ByteView(two).first(32))); });
  expect(Operation::kDecode, 1, [&] { EXPECT_TRUE(G::Point::decode_nonidentity(ByteView(two).first(32))); });
  expect(Operation::kDecode, 2, [&] { EXPECT_TRUE(G::decode_batch(two)); });
  expect(Operation::kEncode, 1, [&] { EXPECT_EQ(P.encode()[0], two[0]); });
  expect(Operation::kHashToGroup, 1,
         [&] { EXPECT_FALSE(G::Point::from_uniform(Bytes(64, 1)).is_identity()); });
  expect(Operation::kAddition, 3, [&] { EXPECT_EQ(-P, P - (P + P)); });
  expect(Operation::kSecretTimesG, 1, [&] { EXPECT_FALSE(G::mul_base(x).is_identity()); });
  expect(Operation::kSecretTimesG, 3,
         [&] { EXPECT_EQ(G::mul_batch(secrets, G::Point::generator()).size(), 3U); });
  expect(Operation::kSecretTimesShared, 3, [&] { EXPECT_EQ(G::mul_batch(secrets, P).size(), 3U); });
  expect(Operation::kSecretTimesPoint, 1, [&] { EXPECT_FALSE((x * P).is_identity()); });
  expect(Operation::kShortTimesPoint, 1,
         [&] { EXPECT_FALSE(G::mul_vartime(longest_short, P).is_identity()); });
  expect(Operation::kLongTimesPoint, 1,
         [&] { EXPECT_FALSE(G::mul_vartime(shortest_long, P).is_identity()); });
  expect(Operation::kShortTimesG, 1, [&] { EXPECT_FALSE(G::mul_base_vartime(longest_short).is_identity()); });
  expect(Operation::kLongTimesG, 1, [&] { EXPECT_FALSE(G::mul_base_vartime(shortest_long).is_identity()); });
  OperationCounts terms;
  terms[Operation::kShortMultiScalarTerm] = 3;
  terms[Operation::kLongMultiScalarTerm] = 1;
  EXPECT_EQ(G::measure([&] { EXPECT_FALSE(G::msm_vartime(scalars, points).is_identity()); }), terms);
}

// It is the same group: a proof of shuffle made with the same randomness has the same bytes.
TEST(OperationCounts, CountingChangesNothing) {
  const auto proof_bytes = []<class Gr>(Gr) {
    SeededRng rng("same bytes");
    const auto Y = Gr::mul_base(Gr::SecretScalar::random(rng));
    CiphertextList<Gr> input{1, {}};
    for (std::size_t i = 0; i < 9; ++i)
      input.items.push_back(
          encrypt<Gr>(Y, Gr::mul_base_vartime(Gr::Scalar::from_u64(i)), Gr::SecretScalar::random(rng)));
    const auto h = ShuffleGenerators<Gr>::derive(shuffle_test::kTag, sigma_test::fingerprint("A"), 9);
    const auto mixed = shuffle<Gr>(Y, input, rng);
    Transcript t = shuffle_test::group_transcript();
    return encode_proof(
        prove_shuffle(ShuffleStatement<Gr>{Y, input, mixed.output}, mixed.witness, t, h, rng));
  };
  EXPECT_EQ(proof_bytes(Ristretto{}), proof_bytes(G{}));
}

}  // namespace
}  // namespace psephos
