#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "crypto/bulk_random.h"
#include "crypto/elgamal.h"
#include "crypto/group/hash_to_group.h"
#include "crypto/group/ristretto.h"
#include "crypto/proof/dleq.h"
#include "crypto/proof/one_of_many.h"
#include "crypto/proof/several_of_many.h"
#include "crypto/secret/dkg_participant.h"
#include "crypto/secret/note_signer.h"
#include "crypto/shuffle/proof.h"
#include "crypto/tested_random.h"
#include "crypto/threshold/decryption.h"
#include "protocol/ballot_crypto.h"
#include "protocol/checks/ballot_proofs.h"
#include "tests/ct/ct_fixture.h"
#include "tests/support/test_election.h"

/// Everything that computes on secrets, with all secrets hidden: no branch and no address may depend on them.
/// Each test also sees that what it hid stayed hidden to the end, and that the published result is right.
namespace psephos::ct {
namespace {

using G = Ristretto;
using Point = G::Point;
using Scalar = G::Scalar;
using Secret = G::SecretScalar;

class ConstantTime : public OnEveryPath {
 protected:
  void TearDown() override {
    EXPECT_EQ(new_reports(), 0U) << "a branch or an address depends on a secret: see valgrind's report";
    OnEveryPath::TearDown();
  }
  std::vector<Secret> secrets(std::size_t n) {
    std::vector<Secret> out;
    for (std::size_t i = 0; i < n; ++i) out.push_back(Secret::random(rng));
    return out;
  }
  static std::vector<Point> points(std::size_t n) {
    std::vector<Point> out;
    for (std::uint64_t i = 0; i < n; ++i) out.push_back(hash_to_group<G>("test", u64be(i)));
    return out;
  }
  static Transcript transcript(std::string_view label) {
    return Transcript({"psephos-1", sha256(bytes_of("election")), label, "prover", 0});
  }
  HiddenRng rng{1};
};
INSTANTIATE_TEST_SUITE_P(On, ConstantTime, kPaths, name_of_path);

bool is_secret(const Secret& x) {
  return ct::is_secret(x.seal_bytes().expose());
}
bool is_secret(const Point& p) {
  return ct::is_secret(p.encode());
}
Scalar open(const Secret& x) {
  return declassify(x);  // a test's own
}

// ---- Scalars and multiplications -------------------------------------------------------------------

TEST_P(ConstantTime, ScalarArithmetic) {
  const Secret a = Secret::random(rng), b = Secret::random(rng);
  const Scalar c = Scalar::from_u64(12345);
  const Secret sum = a + b, difference = a - b, product = a * b, by_public = a * c, plus_public = a + c;
  const auto again = Secret::from_secret_bytes(product.seal_bytes());
  ASSERT_TRUE(again.has_value());
  for (const Secret* x : {&sum, &difference, &product, &by_public, &plus_public, &*again})
    EXPECT_TRUE(is_secret(*x));
  EXPECT_EQ(open(sum), open(a) + open(b));
  EXPECT_EQ(open(difference), open(a) - open(b));
  EXPECT_EQ(open(product), open(a) * open(b));
  EXPECT_EQ(open(by_public), open(a) * c);
  EXPECT_EQ(open(plus_public), open(a) + c);
  EXPECT_EQ(open(*again), open(product));
}

TEST_P(ConstantTime, RandomnessAndHedgedNonces) {
  BulkRng bulk(rng);
  const Secret x = Secret::random(bulk);
  const Transcript t = transcript("nonce");
  const Secret nonce = t.hedged_nonce<G>("nonce", x, rng);
  EXPECT_TRUE(is_secret(x) && is_secret(nonce));
}

// Products that are the identity too.
TEST_P(ConstantTime, SingleMultiplications) {
  const Point P = points(1)[0];
  for (const Scalar& value : {open(Secret::random(rng)), Scalar()}) {
    const Secret x = Secret::from_wide(hidden(value.encode()));
    const Point by_base = G::mul_base(x), by_point = x * P;
    EXPECT_TRUE(is_secret(by_base) && is_secret(by_point));
    EXPECT_TRUE(is_secret(by_base + by_point) && is_secret(by_base - by_point));
    EXPECT_EQ(published(by_base), G::mul_base_vartime(value));
    EXPECT_EQ(published(by_point), G::mul_vartime(value, P));
  }
}

// One base and many scalars, below and above the number from which on there is a table.
TEST_P(ConstantTime, FixedBases) {
  const auto P = points(2);
  for (const std::size_t n : {3U, 17U}) {
    const auto x = secrets(n), y = secrets(n);
    const auto single = G::mul_batch(x, P[0]);
    EXPECT_TRUE(is_secret(single[n - 1]));
    const auto addend_points = points(n);
    const auto addends = G::points_of(addend_points);
    const std::array lists{std::span<const Secret>(x), std::span<const Secret>(y)};
    const auto both = G::mul_bases(lists, P, &addends);
    EXPECT_TRUE(is_secret(both[n - 1]));
    for (std::size_t i = 0; i < n; i += n - 1) {
      const Point product = G::mul_vartime(open(x[i]), P[0]);
      EXPECT_EQ(published(single[i]), product);
      EXPECT_EQ(published(both[i]), product + G::mul_vartime(open(y[i]), P[1]) + addend_points[i]);
    }
  }
}

TEST_P(ConstantTime, VariableBases) {
  const auto P = points(9);
  const Secret x = Secret::random(rng);
  const auto products = G::mul_each(x, G::points_of(P));
  EXPECT_TRUE(is_secret(products[8]));
  for (std::size_t i = 0; i < P.size(); ++i) EXPECT_EQ(published(products[i]), G::mul_vartime(open(x), P[i]));
}

TEST_P(ConstantTime, SecretMultiScalarMultiplication) {
  for (const std::size_t n : {1U, 9U}) {
    const auto P = points(n);
    const auto x = secrets(n);
    const Point sum = G::secret_msm(x, G::points_of(P));
    EXPECT_TRUE(is_secret(sum));
    Point expected;
    for (std::size_t i = 0; i < n; ++i) expected = expected + G::mul_vartime(open(x[i]), P[i]);
    EXPECT_EQ(published(sum), expected);
  }
}

// What else the kernels do with a value that may be secret, down to the special values.
TEST_P(ConstantTime, Encodings) {
  const kernels::Kernels& k = active_kernels();
  auto P = points(3);
  P.push_back(Point::identity());
  std::vector<kernels::Row> rows(P.size());
  ASSERT_EQ(k.decode(P[0].encode().data(), P.size(), rows.data()), P.size());
  hide(rows.data(), rows.size() * sizeof rows[0]);
  std::vector<Point> out(P.size());
  k.encode(rows.data(), rows.size(), reinterpret_cast<std::uint8_t*>(out.data()));
  EXPECT_TRUE(is_secret(out[0]));
  EXPECT_EQ(published(out), P);
  kernels::WidePoint sum;
  k.sum(rows.data(), rows.size(), &sum);
  ByteArray<32> encoded{};
  k.encode_wide(&sum, 1, encoded.data());
  EXPECT_TRUE(ct::is_secret(encoded));
  EXPECT_EQ(published(encoded), (P[0] + P[1] + P[2]).encode());
  ByteArray<64> uniform = sha512(bytes_of("uniform"));
  const Point mapped = Point::from_uniform(uniform);
  hide(uniform.data(), uniform.size());
  k.from_uniform(uniform.data(), 1, encoded.data());
  EXPECT_EQ(published(encoded), mapped.encode());
}

TEST_P(ConstantTime, SelectionFromATable) {
  const auto P = points(5);
  for (const std::size_t i : {0U, 4U}) {
    const Point chosen = G::select(P, hidden(i));
    EXPECT_TRUE(is_secret(chosen));
    EXPECT_EQ(published(chosen), P[i]);
  }
}

// ---- Encryption and proofs -------------------------------------------------------------------------

TEST_P(ConstantTime, Encryption) {
  const Secret x = Secret::random(rng), r = Secret::random(rng), s = Secret::random(rng);
  const Point Y = published(G::mul_base(x));
  const auto P = points(4);
  const Point M = G::select(P, hidden(std::size_t{2}));
  const auto c = re_encrypt<G>(Y, encrypt<G>(Y, M, r), s);
  EXPECT_TRUE(is_secret(x) && is_secret(r) && is_secret(s) && is_secret(M));
  const Point decrypted = c.beta - x * c.alpha;
  EXPECT_TRUE(is_secret(decrypted));
  EXPECT_EQ(published(decrypted), P[2]);
}

TEST_P(ConstantTime, Dleq) {
  const Secret x = Secret::random(rng);
  const auto H = points(9);
  DleqStatement<G> one{published(G::mul_base(x)), H[0], published(x * H[0])};
  auto t = transcript(kDleqLabel);
  const auto proof = prove_dleq(one, x, t, rng);
  const auto outputs = published(G::mul_each(x, G::points_of(H)));
  const BatchedDleqStatement<G> many{one.A, H, outputs};
  auto t_many = transcript(kBatchedDleqLabel);
  const auto batched = prove_batched_dleq(many, x, t_many, rng);
  EXPECT_TRUE(is_secret(x));
  t = transcript(kDleqLabel);
  EXPECT_TRUE(verify_dleq_vartime(one, proof, t).has_value());
  t_many = transcript(kBatchedDleqLabel);
  EXPECT_TRUE(verify_batched_dleq_vartime(many, batched, t_many).has_value());
}

TEST_P(ConstantTime, OneOfMany) {
  const Point Y = published(G::mul_base(Secret::random(rng)));
  const auto generators = DigitGenerators<G>::derive("test", sha256(bytes_of("election")), 6, Y);
  ASSERT_TRUE(generators.has_value());
  const ChoiceTable<G> T(points(6));
  for (const std::size_t chosen : {0U, 5U}) {
    const std::size_t l = hidden(chosen);
    const Secret r = Secret::random(rng);
    const auto c = encrypt<G>(Y, G::select(T.points(), l), r);
    const OneOfManyStatement<G> statement{Y, c.alpha, c.beta, T};
    auto t = transcript(kOneOfManyLabel);
    const auto proof = prove_one_of_many(statement, l, r, t, *generators, rng);
    EXPECT_TRUE(is_secret(r));
    const Bytes bytes = proof.encode();
    EXPECT_FALSE(ct::is_secret(bytes));
    t = transcript(kOneOfManyLabel);
    EXPECT_TRUE(verify_one_of_many_vartime(statement, proof, t, *generators).has_value());
  }
}

// Two of three marked, of at most two.
TEST_P(ConstantTime, SeveralOfMany) {
  const Point Y = published(G::mul_base(Secret::random(rng)));
  const auto generators = DigitGenerators<G>::derive("test", sha256(bytes_of("election")), 3, Y);
  ASSERT_TRUE(generators.has_value());
  const MarkRule<G> rule(points(1)[0], 0, 2);
  const ByteArray<3> marks = hidden(ByteArray<3>{1, 0, 1});
  const auto r = secrets(3);
  std::vector<Ciphertext<G>> ciphertexts;
  for (std::size_t k = 0; k < 3; ++k)
    ciphertexts.push_back(encrypt<G>(Y, G::select(rule.marks().points(), marks[k]), r[k]));
  const SeveralOfManyStatement<G> statement{Y, rule, ciphertexts};
  const auto proof =
      prove_several_of_many(statement, marks, r, transcript(kSeveralOfManyLabel), *generators, rng);
  EXPECT_TRUE(ct::is_secret(marks) && is_secret(r[0]));
  EXPECT_TRUE(verify_several_of_many_vartime(statement, proof, transcript(kSeveralOfManyLabel), *generators)
                  .has_value());
}

// The permutation is known here, because its use is not constant time and does not claim to be
// (crypto/shuffle/permutation.h); all else of the witness is hidden.
TEST_P(ConstantTime, Shuffle) {
  constexpr std::size_t kRows = 5, kWidth = 2;
  const Point Y = published(G::mul_base(Secret::random(rng)));
  CiphertextList<G> input{kWidth, {}};
  for (const Point& M : points(kRows * kWidth)) input.items.push_back(encrypt<G>(Y, M, Secret::random(rng)));
  const std::array<std::uint32_t, kRows> image{3, 0, 4, 2, 1};
  const auto mixed = shuffle_with_permutation<G>(Y, input, SecretPermutation::of(image), rng);
  EXPECT_FALSE(ct::is_secret(encode_list(mixed.output)));
  const auto generators = ShuffleGenerators<G>::derive("test", sha256(bytes_of("election")), kRows);
  const ShuffleStatement<G> statement{Y, input, mixed.output};
  auto t = transcript(kShuffleLabel);
  const auto proof = prove_shuffle(statement, mixed.witness, t, generators, rng);
  EXPECT_FALSE(ct::is_secret(encode_proof(proof)));
  for (const Secret& s : mixed.witness.s) EXPECT_TRUE(is_secret(s));
  EXPECT_TRUE(ct::is_secret(mixed.witness.hedge.expose()));
  t = transcript(kShuffleLabel);
  EXPECT_TRUE(verify_shuffle_vartime(statement, proof, t, generators).has_value());
}

// ---- Trustees --------------------------------------------------------------------------------------

TEST_P(ConstantTime, Decryption) {
  const Secret x = Secret::random(rng);
  const Point Y = published(G::mul_base(x));
  std::vector<Ciphertext<G>> list;
  for (const Point& M : points(9)) list.push_back(encrypt<G>(Y, M, Secret::random(rng)));
  const auto shares = decryption_shares<G>(x, list);
  EXPECT_FALSE(is_secret(shares[8]));
  auto t = transcript(kDecryptionLabel);
  const DecryptionStatement<G> statement{Y, list, shares};
  const auto proof = prove_decryption_shares(statement, x, t, rng);
  EXPECT_TRUE(is_secret(x));
  t = transcript(kDecryptionLabel);
  EXPECT_TRUE(verify_decryption_shares_vartime(statement, proof, t).has_value());
}

/// Each step begins with the sealed secret, as a process of its own does.
TEST_P(ConstantTime, KeyCeremony) {
  constexpr std::uint32_t kTrustees = 3;
  std::vector<SecretBytes<DkgSecret::kWidth>> sealed;
  std::vector<Point> static_keys;
  for (std::uint32_t i = 0; i < kTrustees; ++i) {
    const DkgSecret secret = DkgSecret::create(rng);
    static_keys.push_back(secret.static_key());
    sealed.push_back(secret.seal_bytes());
  }
  const auto setup =
      DkgSetup::create(
          {.suite = "psephos-1", .definition_hash = sha256(bytes_of("definition")), .attempt = 1}, 2,
          static_keys)
          .value();
  const auto participant = [&](std::uint32_t i) {
    EXPECT_TRUE(ct::is_secret(sealed[i - 1].expose()));
    return DkgParticipant::create(setup, i, DkgSecret::from_secret_bytes(sealed[i - 1]).value()).value();
  };
  DkgTranscript ceremony;
  for (std::uint32_t i = 1; i <= kTrustees; ++i) ceremony.announcements.push_back(participant(i).announce());
  for (std::uint32_t i = 1; i <= kTrustees; ++i) {
    DkgParticipant p = participant(i);
    ceremony.openings.push_back(p.open(ceremony.announcements).value());
    sealed[i - 1] = p.secret().seal_bytes();
  }
  for (std::uint32_t i = 1; i <= kTrustees; ++i) {
    const DkgOutcome outcome = participant(i).finish(ceremony.announcements, ceremony.openings).value();
    EXPECT_TRUE(is_secret(outcome.secret_share));
    ceremony.certificates.push_back(outcome.certificate);
  }
  EXPECT_TRUE(verify_dkg_transcript_vartime(setup, ceremony).has_value());
}

// A dealer who sends trustee 2 a share that does not decrypt: the verdict and the complaint are public.
TEST_P(ConstantTime, Complaint) {
  std::vector<DkgSecret> secrets;
  std::vector<Point> static_keys;
  for (int i = 0; i < 3; ++i) {
    secrets.push_back(DkgSecret::create(rng));
    static_keys.push_back(secrets.back().static_key());
  }
  const auto setup =
      DkgSetup::create(
          {.suite = "psephos-1", .definition_hash = sha256(bytes_of("definition")), .attempt = 1}, 2,
          static_keys)
          .value();
  std::vector<DkgParticipant> participants;
  std::vector<DkgAnnouncement> announcements;
  for (std::uint32_t i = 1; i <= 3; ++i) {
    participants.push_back(DkgParticipant::create(setup, i, std::move(secrets[i - 1])).value());
    announcements.push_back(participants.back().announce());
  }
  std::vector<Bytes> openings;
  openings.push_back(participants[0].open(announcements).value());
  auto bad = CocktailMsg1::decode(setup.inner(), openings[0]).value();
  bad.ciphertexts[1][0] ^= 1;
  openings[0] = bad.encode();
  announcements[0].hash = dkg_opening_hash(setup, 1, openings[0]);
  for (const std::uint32_t i : {2U, 3U}) openings.push_back(participants[i - 1].open(announcements).value());
  const auto outcome = participants[1].finish(announcements, openings);
  ASSERT_FALSE(outcome.has_value());
  EXPECT_EQ(outcome.error(), (DkgRejection{Fault::kDkgDecryption, 1}));
  const Bytes complaint = participants[1].complain(announcements, openings, rng).value();
  EXPECT_FALSE(ct::is_secret(complaint));
  EXPECT_EQ(judge_dkg_complaint_vartime(setup, announcements, openings, 2, complaint),
            (DkgRejection{Fault::kDkgDecryption, 1}));
}

TEST_P(ConstantTime, Signatures) {
  const SecretBytes<32> seed = SecretBytes<32>::random(rng);
  const SigningKey key = SigningKey::from_seed(seed);
  const Signature signature = key.sign_labelled("label", bytes_of("message"));
  EXPECT_TRUE(ct::is_secret(key.seed().expose()));
  EXPECT_TRUE(verify_labelled(key.verify_key(), "label", bytes_of("message"), signature).has_value());
  const NoteSignature note = cosign("text\n", "witness.example/w", key, 1'700'000'000);
  EXPECT_FALSE(ct::is_secret(note.bytes));
}

// ---- Ballots ---------------------------------------------------------------------------------------

TEST_P(ConstantTime, HealthOfTheGenerator) {
  TestedRng tested(rng);
  Bytes drawn(2000);
  tested.fill(drawn);
  EXPECT_TRUE(ct::is_secret(drawn));
  EXPECT_TRUE(tested.healthy());
}

/// A ballot of unit u1 with these choices, which nothing may show but the ballot's opening.
void expect_hidden(const Election& election, const std::vector<std::size_t>& choices, Rng& rng) {
  const CastTicket ticket{.fingerprint = election.fingerprint(),
                          .pseudonym = {},
                          .unit = {"u1"},
                          .roll_version = 1,
                          .counter = 1,
                          .previous = {},
                          .checkpoint = {},
                          .nonce = {},
                          .expires_s = 0};
  auto secret_choices = choices;
  hide(secret_choices.data(), secret_choices.size() * sizeof secret_choices[0]);
  const BallotSeed seed = BallotSeed::random(rng);
  const Ballot ballot = make_ballot(election, ticket, sha256(bytes_of("ticket")), secret_choices, seed, rng);
  EXPECT_FALSE(ct::is_secret(encode(ballot)));
  EXPECT_TRUE(ct::is_secret(seed.expose()));
  EXPECT_TRUE(check_ballot_proofs(election, ballot).has_value());
  const auto opened = open_ballot(election, ballot, seed);
  ASSERT_TRUE(opened.has_value());
  EXPECT_EQ(*opened, choices);
}

TEST_P(ConstantTime, Ballot) {
  expect_hidden(test::TestElection().election(), {1, 3}, rng);
}

TEST_P(ConstantTime, BallotOfSeveral) {
  test::Options options;
  options.amend = [](Definition& d) { d.contests[1].several = SeveralRule{.min = 1, .max = 2}; };
  expect_hidden(test::TestElection(options).election(), {1, 0, 1, 0, 1}, rng);
}

}  // namespace
}  // namespace psephos::ct
