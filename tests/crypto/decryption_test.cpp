#include "crypto/threshold/decryption.h"

#include <gtest/gtest.h>

#include <array>

#include "crypto/group/ristretto.h"
#include "tests/crypto/sigma_fixture.h"

namespace psephos {
namespace {

using namespace sigma_test;
using R = Ristretto;
using List = std::span<const Ciphertext<R>>;
using Omitted = std::vector<std::string_view>;

// A02: there is no way to a verdict without a transcript.
template <class... Arguments>
concept VerifiesShares = requires(Arguments&&... arguments) {
  verify_decryption_shares_vartime(std::forward<Arguments>(arguments)...);
};
static_assert(VerifiesShares<const DecryptionStatement<R>&, const DecryptionProof<R>&, Transcript&>);
static_assert(!VerifiesShares<const DecryptionStatement<R>&, const DecryptionProof<R>&>);
static_assert(!VerifiesShares<const DecryptionStatement<R>&, const DecryptionProof<R>&, std::nullptr_t>);
static_assert(!VerifiesShares<const DecryptionStatement<R>&, Transcript&>);

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

constexpr Quorum kTwoOfThree{2, 3};

/// Two of three trustees, an encrypted list, and everybody's shares and proofs.
struct Ceremony {
  explicit Ceremony(std::size_t n, std::string_view seed = "ceremony")
      : rng(seed), dealt(deal<R>(kTwoOfThree, rng)) {
    for (std::size_t i = 0; i < n; ++i) {
      messages.push_back(R::mul_base(R::SecretScalar::random(rng)));
      ciphertexts.push_back(encrypt<R>(dealt.Y, messages.back(), R::SecretScalar::random(rng)));
    }
    for (std::uint32_t j = 1; j <= 3; ++j) {
      shares.push_back(decryption_shares<R>(dealt.x[j - 1], list()));
      auto transcript = context(j).begin<Transcript>();
      proofs.push_back(prove_decryption_shares(statement(j), dealt.x[j - 1], transcript, rng));
    }
  }
  List list() const { return ciphertexts; }
  DecryptionStatement<R> statement(std::uint32_t j) const {
    return {dealt.Y_j[j - 1], list(), shares[j - 1]};
  }
  static BoundContext context(std::uint32_t j) {
    BoundContext out;
    out.proof = kDecryptionLabel;
    out.role = "trustee";
    out.index = j;
    return out;
  }

  SeededRng rng;
  Dealt<R> dealt;
  std::vector<R::Point> messages;
  std::vector<Ciphertext<R>> ciphertexts;
  std::vector<std::vector<R::Point>> shares;
  std::vector<DecryptionProof<R>> proofs;
};

Result<void, Fault> verify(const BoundContext& context, const DecryptionStatement<R>& statement,
                           const DecryptionProof<R>& proof) {
  auto transcript = context.begin<Transcript>();
  return verify_decryption_shares_vartime(statement, proof, transcript);
}

/// The verifier that forgets to hash what is `omitted`, up to its weights.
struct Weak {
  Weak(const Omitted& omitted, const BoundContext& context, const DecryptionStatement<R>& statement)
      : transcript(context.begin<OmittingTranscript>(omitted)) {
    for (const auto& ciphertext : statement.ciphertexts) alphas.push_back(ciphertext.alpha);
    transcript.append_points("ciphertexts", statement.ciphertexts);
    transcript.append_value("A", statement.Y_j);
    transcript.append_points("inputs", std::span<const R::Point>(alphas));
    transcript.append_points("outputs", statement.shares);
    weights = transcript.challenge_vector<R>("weights", alphas.size());
    composite =
        composite_vartime<R>({statement.Y_j, alphas, statement.shares}, std::span<const R::Scalar>(weights));
  }
  R::Scalar challenge(const DleqCommitment<R>& commitment) {
    transcript.append_value("U", commitment.U);
    transcript.append_value("V", commitment.V);
    return transcript.challenge_scalar<R>("challenge");
  }
  bool accepts(const DecryptionProof<R>& proof) {
    return challenge(recompute_commitment_vartime(composite, DleqProof<R>{proof.c, proof.s})) == proof.c;
  }
  /// The honest trustee in that world.
  DecryptionProof<R> prove(const R::SecretScalar& x) {
    auto w = secret<R>(987654321);
    const R::Scalar c = challenge(dleq_commitment<R>(composite.H, w));
    return {c, respond<R>(std::move(w), c, x)};
  }

  std::vector<R::Point> alphas;
  OmittingTranscript transcript;
  std::vector<R::Scalar> weights;
  DleqStatement<R> composite;
};

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
  const List list = ciphertexts;
  std::vector<std::vector<R::Point>> shares;
  for (std::size_t j = 0; j < 5; ++j) shares.push_back(decryption_shares<R>(dealt.x[j], list));
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
  const std::vector<TrusteeShares<R>> all{
      {5, shares[4]}, {4, shares[3]}, {3, shares[2]}, {2, shares[1]}, {1, shares[0]}};
  EXPECT_EQ(combine_vartime<R>(list, all, quorum).value(), messages);
}

TEST(Decryption, SharesAreAcceptedForEveryLength) {
  for (const std::size_t n : {0U, 1U, 2U, 63U, 64U, 65U, 300U}) {
    const Ceremony ceremony(n);
    for (std::uint32_t j = 1; j <= 3; ++j) {
      const auto proof = decode_decryption_proof<R>(ceremony.proofs[j - 1].encode());
      ASSERT_TRUE(proof.has_value());
      EXPECT_TRUE(verify(ceremony.context(j), ceremony.statement(j), *proof).has_value()) << n;
      EXPECT_TRUE(Weak({}, ceremony.context(j), ceremony.statement(j)).accepts(*proof)) << n;
    }
    const std::array<TrusteeShares<R>, 2> given{{{3, ceremony.shares[2]}, {1, ceremony.shares[0]}}};
    EXPECT_EQ(combine_vartime<R>(ceremony.list(), given, kTwoOfThree).value(), ceremony.messages);
  }
}

TEST(Decryption, SharesAreThePlainProductsAndPiecesJoin) {
  const Ceremony ceremony(130);
  std::vector<R::Point> plain;
  for (const auto& ciphertext : ceremony.ciphertexts)
    plain.push_back(R::mul_vartime(declassify(ceremony.dealt.x[1]), ciphertext.alpha));  // a test's key
  EXPECT_EQ(ceremony.shares[1], plain);
  auto joined = decryption_shares<R>(ceremony.dealt.x[1], ceremony.list().first(71));
  const auto rest = decryption_shares<R>(ceremony.dealt.x[1], ceremony.list().subspan(71));
  joined.insert(joined.end(), rest.begin(), rest.end());
  EXPECT_EQ(joined, plain);
}

// The weighted sums accept what combining gives, and nothing else, whichever row, share or trustee is off.
TEST(Decryption, PlaintextsAreCheckedTogether) {
  Ceremony ceremony(9);
  const auto check = [&](std::vector<TrusteeShares<R>> given, const std::vector<R::Point>& plaintexts) {
    Transcript t = sigma_test::transcript_for(kCombinationLabel);
    return check_combination_vartime<R>(ceremony.list(), given, kTwoOfThree, plaintexts, t);
  };
  const TrusteeShares<R> one{1, ceremony.shares[0]}, three{3, ceremony.shares[2]};
  EXPECT_TRUE(check({one, three}, ceremony.messages));
  EXPECT_TRUE(check({three, one, {2, ceremony.shares[1]}}, ceremony.messages));
  for (std::size_t i = 0; i < 9; ++i) {
    auto wrong = ceremony.messages;
    wrong[i] = wrong[i] + R::Point::generator();
    EXPECT_EQ(check({one, three}, wrong).error(), Fault::kShareProofInvalid);
    auto shares = ceremony.shares[0];
    shares[i] = shares[i] + R::Point::generator();
    EXPECT_EQ(check({{1, shares}, three}, ceremony.messages).error(), Fault::kShareProofInvalid);
  }
  auto swapped = ceremony.messages;
  std::swap(swapped[0], swapped[1]);
  EXPECT_EQ(check({one, three}, swapped).error(), Fault::kShareProofInvalid);
  EXPECT_EQ(check({one, {2, ceremony.shares[2]}}, ceremony.messages).error(), Fault::kShareProofInvalid);
  EXPECT_EQ(check({one, one}, ceremony.messages).error(), Fault::kShareTrustee);
  EXPECT_EQ(check({one}, ceremony.messages).error(), Fault::kTallyInsufficientShares);
  swapped.pop_back();
  EXPECT_EQ(check({one, three}, swapped).error(), Fault::kShareProofMissing);
}

// A01, A05 and A136, by flipping: context, key, both parts of every ciphertext, every share, the proof.
TEST(Decryption, EveryBoundFieldIsChecked) {
  const Ceremony ceremony(4);
  const auto honest = ceremony.statement(2);
  const auto& proof = ceremony.proofs[1];
  const auto refused = [&](const DecryptionStatement<R>& statement, const DecryptionProof<R>& given) {
    EXPECT_EQ(verify(ceremony.context(2), statement, given).error(), Fault::kShareProofInvalid);
  };
  for (const ContextField& field : context_fields(ceremony.context(2)))
    EXPECT_EQ(verify(field.changed, honest, proof).error(), Fault::kShareProofInvalid) << field.label;
  const R::Point G = R::Point::generator();
  refused({honest.Y_j + G, honest.ciphertexts, honest.shares}, proof);
  for (std::size_t i = 0; i < 4; ++i) {
    auto ciphertexts = ceremony.ciphertexts;
    ciphertexts[i].alpha = ciphertexts[i].alpha + G;
    refused({honest.Y_j, ciphertexts, honest.shares}, proof);
    ciphertexts = ceremony.ciphertexts;
    ciphertexts[i].beta = ciphertexts[i].beta + G;
    refused({honest.Y_j, ciphertexts, honest.shares}, proof);
    auto shares = ceremony.shares[1];
    shares[i] = shares[i] + G;
    refused({honest.Y_j, honest.ciphertexts, shares}, proof);
    shares[i] = R::Point::identity();
    refused({honest.Y_j, honest.ciphertexts, shares}, proof);
  }
  refused(honest, {proof.c + scalar<R>(1), proof.s});
  refused(honest, {proof.c, proof.s + scalar<R>(1)});
  EXPECT_TRUE(verify(ceremony.context(2), honest, proof).has_value());
}

// A135: a moved share with the old proof, a random one, and another trustee's shares and proof.
TEST(Decryption, WrongSharesAreRefused) {
  Ceremony ceremony(4);
  auto shares = ceremony.shares[1];
  shares[2] = shares[2] + R::Point::generator();
  const DecryptionStatement<R> moved{ceremony.dealt.Y_j[1], ceremony.list(), shares};
  EXPECT_EQ(verify(ceremony.context(2), moved, ceremony.proofs[1]).error(), Fault::kShareProofInvalid);
  auto transcript = ceremony.context(2).begin<Transcript>();
  const auto made_anew = prove_decryption_shares(moved, ceremony.dealt.x[1], transcript, ceremony.rng);
  EXPECT_EQ(verify(ceremony.context(2), moved, made_anew).error(), Fault::kShareProofInvalid);
  for (int i = 0; i < 20; ++i) {  // and A02: the simulator's conversation, for the right shares too
    const DecryptionProof<R> random{declassify(R::SecretScalar::random(ceremony.rng)),
                                    declassify(R::SecretScalar::random(ceremony.rng))};  // drawn, no secret
    EXPECT_EQ(verify(ceremony.context(2), moved, random).error(), Fault::kShareProofInvalid);
    EXPECT_EQ(verify(ceremony.context(2), ceremony.statement(2), random).error(), Fault::kShareProofInvalid);
  }
  EXPECT_EQ(verify(ceremony.context(2), ceremony.statement(1), ceremony.proofs[0]).error(),
            Fault::kShareProofInvalid);
  const DecryptionStatement<R> other_key{ceremony.dealt.Y_j[1], ceremony.list(), ceremony.shares[0]};
  EXPECT_EQ(verify(ceremony.context(2), other_key, ceremony.proofs[0]).error(), Fault::kShareProofInvalid);
}

// A136: without both parts of the ciphertext in the hash, a trustee who also made a ballot fits that ballot
// to a proof made before, and a well-formed vote decrypts to garbage.
TEST(Decryption, FakeProofWithCiphertextChosenLast) {
  const Omitted omitted{"ciphertexts", "inputs"};
  Ceremony ceremony(3);
  const R::SecretScalar& x = ceremony.dealt.x[1];
  // The shares are those of the honest list; row 0 will be replaced by a ballot that fits the proof.
  auto shares = ceremony.shares[1];
  shares[0] = unknown_point<R>("share of a ballot that does not exist yet");
  const DecryptionStatement<R> before{ceremony.dealt.Y_j[1], ceremony.list(), shares};
  Weak weak(omitted, ceremony.context(2), before);
  const R::Scalar w = scalar<R>(2222);
  const R::Point V = unknown_point<R>("commitment");
  const R::Scalar c = weak.challenge({R::mul_base_vartime(w), V});
  const DecryptionProof<R> forged{c, w - c * declassify(x)};  // a test's key
  const R::Point M = R::mul_vartime(forged.s.inverse_vartime(), V - R::mul_vartime(c, weak.composite.B));
  auto ciphertexts = ceremony.ciphertexts;
  const R::Point rest =
      R::mul_vartime(weak.weights[1], weak.alphas[1]) + R::mul_vartime(weak.weights[2], weak.alphas[2]);
  ciphertexts[0].alpha = R::mul_vartime(weak.weights[0].inverse_vartime(), M - rest);
  const DecryptionStatement<R> after{ceremony.dealt.Y_j[1], ciphertexts, shares};

  EXPECT_NE(shares[0], x * ciphertexts[0].alpha);  // the statement is false …
  EXPECT_TRUE(Weak(omitted, ceremony.context(2), after).accepts(forged));
  const auto first = decryption_shares<R>(ceremony.dealt.x[0], List(ciphertexts));
  const auto honest = decryption_shares<R>(x, List(ciphertexts));
  const std::array<TrusteeShares<R>, 2> lied{{{1, first}, {2, shares}}};
  const std::array<TrusteeShares<R>, 2> true_ones{{{1, first}, {2, honest}}};
  const auto garbage = combine_vartime<R>(List(ciphertexts), lied, kTwoOfThree).value();
  const auto right = combine_vartime<R>(List(ciphertexts), true_ones, kTwoOfThree).value();
  EXPECT_NE(garbage[0], right[0]);  // … and the plaintext another
  EXPECT_EQ(verify(ceremony.context(2), after, forged).error(), Fault::kShareProofInvalid);
}

// A136, beta alone unhashed: the proof stands while the vote under it is exchanged.
TEST(Decryption, FakeProofWithBetaExchanged) {
  const Ceremony ceremony(3);
  const auto honest = ceremony.statement(2);
  const auto proof = Weak({"ciphertexts"}, ceremony.context(2), honest).prove(ceremony.dealt.x[1]);
  auto ciphertexts = ceremony.ciphertexts;
  const R::Point difference = unknown_point<R>("B") - ceremony.messages[1];
  ciphertexts[1].beta = ciphertexts[1].beta + difference;
  const DecryptionStatement<R> exchanged{honest.Y_j, ciphertexts, honest.shares};
  EXPECT_TRUE(Weak({"ciphertexts"}, ceremony.context(2), exchanged).accepts(proof));
  const std::array<TrusteeShares<R>, 2> given{{{1, ceremony.shares[0]}, {2, ceremony.shares[1]}}};
  EXPECT_EQ(combine_vartime<R>(List(ciphertexts), given, kTwoOfThree).value()[1], unknown_point<R>("B"));
  EXPECT_EQ(verify(ceremony.context(2), exchanged, proof).error(), Fault::kShareProofInvalid);
  EXPECT_EQ(verify(ceremony.context(2), exchanged, ceremony.proofs[1]).error(), Fault::kShareProofInvalid);
}

// A136, shares unhashed: with the weights known, two errors are made to cancel; vote 1 decrypts to B.
TEST(Decryption, FakeProofWithSharesChosenLast) {
  const Omitted omitted{"outputs"};
  const Ceremony ceremony(3);
  const auto honest = ceremony.statement(2);
  Weak weak(omitted, ceremony.context(2), honest);
  const auto proof = Weak(omitted, ceremony.context(2), honest).prove(ceremony.dealt.x[1]);
  const std::array<std::uint32_t, 2> trustees{1, 2};
  const R::Scalar lambda = lagrange_at_zero<R>(trustees)[1];
  const R::Point error =
      R::mul_vartime(lambda.inverse_vartime(), ceremony.messages[1] - unknown_point<R>("B"));
  auto shares = ceremony.shares[1];
  shares[1] = shares[1] + error;
  shares[0] = shares[0] - R::mul_vartime(weak.weights[1] * weak.weights[0].inverse_vartime(), error);
  const DecryptionStatement<R> lied{honest.Y_j, honest.ciphertexts, shares};
  EXPECT_TRUE(Weak(omitted, ceremony.context(2), lied).accepts(proof));
  const std::array<TrusteeShares<R>, 2> given{{{1, ceremony.shares[0]}, {2, shares}}};
  EXPECT_EQ(combine_vartime<R>(ceremony.list(), given, kTwoOfThree).value()[1], unknown_point<R>("B"));
  EXPECT_EQ(verify(ceremony.context(2), lied, proof).error(), Fault::kShareProofInvalid);
}

// A01, context: the proof moves to another trustee, election or label only if that frame is omitted.
TEST(Decryption, ProofMovesToAnotherContextOnlyIfTheFieldIsOmitted) {
  const Ceremony ceremony(2);
  const auto honest = ceremony.statement(2);
  for (const ContextField& field : context_fields(ceremony.context(2))) {
    const auto proof = Weak({field.label}, ceremony.context(2), honest).prove(ceremony.dealt.x[1]);
    EXPECT_TRUE(Weak({field.label}, field.changed, honest).accepts(proof)) << field.label;
    EXPECT_EQ(verify(field.changed, honest, proof).error(), Fault::kShareProofInvalid) << field.label;
  }
}

// A137: no proof, a proof for fewer or more shares, a proof of another shape.
TEST(Decryption, MissingProofsAndOtherShapes) {
  const Ceremony ceremony(4);
  EXPECT_EQ(decode_decryption_proof<R>({}).error(), Fault::kShareProofMissing);
  const auto encoded = ceremony.proofs[1].encode();
  for (const std::size_t length : {1U, 32U, 63U})
    EXPECT_EQ(decode_decryption_proof<R>(ByteView(encoded).first(length)).error(), Fault::kProofEncoding);
  Bytes longer = copy_of(encoded);
  longer.resize(128);
  EXPECT_EQ(decode_decryption_proof<R>(longer).error(), Fault::kProofEncoding);
  auto noncanonical = encoded;
  std::fill(noncanonical.begin() + 32, noncanonical.end(), std::uint8_t{0xff});
  EXPECT_EQ(decode_decryption_proof<R>(noncanonical).error(), Fault::kScalarNoncanonical);

  const auto honest = ceremony.statement(2);
  const auto& proof = ceremony.proofs[1];
  EXPECT_EQ(
      verify(ceremony.context(2), {honest.Y_j, honest.ciphertexts, honest.shares.first(3)}, proof).error(),
      Fault::kShareProofMissing);
  EXPECT_EQ(
      verify(ceremony.context(2), {honest.Y_j, honest.ciphertexts.first(3), honest.shares}, proof).error(),
      Fault::kShareProofMissing);
  EXPECT_EQ(verify(ceremony.context(2), {honest.Y_j, honest.ciphertexts, {}}, proof).error(),
            Fault::kShareProofMissing);
  // Three of four rows on both sides: a proof for four does not cover them.
  const DecryptionStatement<R> three{honest.Y_j, honest.ciphertexts.first(3), honest.shares.first(3)};
  EXPECT_EQ(verify(ceremony.context(2), three, proof).error(), Fault::kShareProofInvalid);
}

// A12.
TEST(Decryption, IdentityIsRefused) {
  const Ceremony ceremony(3);
  const auto honest = ceremony.statement(2);
  EXPECT_EQ(verify(ceremony.context(2), {{}, honest.ciphertexts, honest.shares}, ceremony.proofs[1]).error(),
            Fault::kPointIdentity);
  auto ciphertexts = ceremony.ciphertexts;
  ciphertexts[1].alpha = R::Point::identity();
  const auto shares = decryption_shares<R>(ceremony.dealt.x[1], List(ciphertexts));
  const DecryptionStatement<R> statement{honest.Y_j, ciphertexts, shares};
  SystemRng rng;
  auto transcript = ceremony.context(2).begin<Transcript>();
  const auto proof = prove_decryption_shares(statement, ceremony.dealt.x[1], transcript, rng);
  EXPECT_TRUE(Weak({}, ceremony.context(2), statement).accepts(proof));
  EXPECT_EQ(verify(ceremony.context(2), statement, proof).error(), Fault::kPointIdentity);
}

TEST(Combine, RefusesByName) {
  const Ceremony ceremony(3);
  const auto combine = [&](const std::vector<TrusteeShares<R>>& given, const Quorum& quorum = kTwoOfThree) {
    return combine_vartime<R>(ceremony.list(), given, quorum);
  };
  const auto& shares = ceremony.shares;
  EXPECT_EQ(combine({}).error(), Fault::kTallyInsufficientShares);
  EXPECT_EQ(combine({{1, shares[0]}}).error(), Fault::kTallyInsufficientShares);
  EXPECT_EQ(combine({{1, shares[0]}, {2, shares[1]}}, {0, 3}).error(), Fault::kTallyInsufficientShares);
  EXPECT_EQ(combine({{0, shares[0]}, {2, shares[1]}}).error(), Fault::kShareTrustee);
  EXPECT_EQ(combine({{1, shares[0]}, {4, shares[1]}}).error(), Fault::kShareTrustee);
  EXPECT_EQ(combine({{2, shares[1]}, {2, shares[1]}}).error(), Fault::kShareTrustee);
  EXPECT_EQ(combine({{1, shares[0]}, {2, std::span(shares[1]).first(2)}}).error(), Fault::kShareProofMissing);
  EXPECT_EQ(combine({{1, shares[0]}, {2, {}}}).error(), Fault::kShareProofMissing);
  EXPECT_EQ(combine({{1, shares[0]}, {2, shares[1]}}).value(), ceremony.messages);
  // One trustee's shares under another's index are somebody else's polynomial.
  EXPECT_NE(combine({{1, shares[0]}, {3, shares[1]}}).value(), ceremony.messages);
}

}  // namespace
}  // namespace psephos
