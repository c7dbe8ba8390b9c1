#include "crypto/proof/one_of_many.h"

#include <gtest/gtest.h>

#include <array>
#include <deque>
#include <functional>
#include <map>
#include <set>

#include "crypto/group/ristretto.h"
#include "tests/crypto/corruptions.h"
#include "tests/crypto/sigma_fixture.h"

namespace psephos {
namespace {

using namespace sigma_test;
using R = Ristretto;
using Equation = OneOfManyEquation;

// A02: there is no way to a verdict without a transcript.
template <class... Arguments>
concept Verifies =
    requires(Arguments&&... arguments) { verify_one_of_many_vartime(std::forward<Arguments>(arguments)...); };
static_assert(
    Verifies<const OneOfManyStatement<R>&, const OneOfManyProof<R>&, Transcript&, const DigitGenerators<R>&>);
static_assert(!Verifies<const OneOfManyStatement<R>&, const OneOfManyProof<R>&, const DigitGenerators<R>&>);
static_assert(!Verifies<const OneOfManyStatement<R>&, const OneOfManyProof<R>&, std::nullptr_t,
                        const DigitGenerators<R>&>);

constexpr std::string_view kTag = "psephos-1/digit-generator";

R::Point key() {
  SeededRng rng("key");
  return R::mul_base(R::SecretScalar::random(rng));
}
const DigitGenerators<R>& generators() {
  static const auto kGenerators = DigitGenerators<R>::derive(kTag, fingerprint("election A"), 256, key());
  return *kGenerators;
}
const ChoiceTable<R>& table(std::size_t n) {
  static std::deque<ChoiceTable<R>> tables;
  for (const auto& known : tables)
    if (known.size() == n) return known;
  std::vector<R::Point> points;
  for (std::size_t i = 0; i < n; ++i) points.push_back(unknown_point<R>("choice " + std::to_string(i)));
  return tables.emplace_back(std::move(points));
}

/// A valid ballot selection: statement, proof and the context both were made in.
struct Cast {
  BoundContext context;
  OneOfManyStatement<R> statement;
  OneOfManyProof<R> proof;
  std::size_t l;
  R::SecretScalar r;
};

Cast cast(const std::string& seed, std::size_t n, std::size_t l) {
  SeededRng rng(seed);
  auto r = R::SecretScalar::random(rng);
  const auto c = encrypt<R>(key(), table(n)[l], r);
  Cast out{{}, {key(), c.alpha, c.beta, table(n)}, {}, l, std::move(r)};
  out.context.proof = kOneOfManyLabel;
  out.context.pseudonym = seed;
  auto transcript = out.context.begin<Transcript>();
  out.proof = prove_one_of_many(out.statement, l, out.r, transcript, generators(), rng);
  return out;
}

/// nullopt if it verifies.
std::optional<OneOfManyRejection> verify(const BoundContext& context, const OneOfManyStatement<R>& statement,
                                         const OneOfManyProof<R>& proof) {
  auto transcript = context.begin<Transcript>();
  const auto outcome = verify_one_of_many_vartime(statement, proof, transcript, generators());
  if (outcome) return std::nullopt;
  return outcome.error();
}
std::optional<OneOfManyRejection> verify(const Cast& cast) {
  return verify(cast.context, cast.statement, cast.proof);
}
OneOfManyRejection invalid(Equation equation) {
  return {Fault::kOneOfManyInvalid, equation};
}

// ---- Honest proofs.

// A55: as many bytes for every choice.
TEST(OneOfMany, IsAcceptedRoundTripsAndHasOneLength) {
  for (const std::size_t n : {1U, 2U, 3U, 4U, 5U, 16U, 17U, 138U}) {
    std::set<std::size_t> choices{0, n / 3, n - 1};
    for (const std::size_t l : choices) {
      const Cast honest = cast("honest", n, l);
      EXPECT_EQ(verify(honest), std::nullopt) << n << ' ' << l;
      const Bytes bytes = honest.proof.encode();
      EXPECT_EQ(bytes.size(), 32 * one_of_many_elements(n));
      const auto decoded = OneOfManyProof<R>::decode(bytes, n);
      ASSERT_TRUE(decoded.has_value());
      EXPECT_EQ(*decoded, honest.proof);
    }
  }
  EXPECT_EQ(32 * one_of_many_elements(138), 864U);
}

TEST(OneOfMany, DecodeIsStrict) {
  const Bytes bytes = cast("strict", 5, 2).proof.encode();
  const auto fault = [&](const Bytes& changed, std::size_t n = 5) {
    const auto proof = OneOfManyProof<R>::decode(changed, n);
    return proof ? std::nullopt : std::optional(proof.error());
  };
  EXPECT_EQ(fault(bytes), std::nullopt);
  for (const std::size_t n : {1U, 4U, 17U, 64U, 5000U}) EXPECT_EQ(fault(bytes, n), Fault::kProofEncoding);
  EXPECT_EQ(fault(bytes, 16), std::nullopt);  // the same shape, and another statement
  for (const std::size_t length : {0U, 32U, 64U, 543U, 545U, 576U}) {
    Bytes other = bytes;
    other.resize(length);
    EXPECT_EQ(fault(other), Fault::kProofEncoding) << length;
  }
  const Bytes order = from_hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010").value();
  for (std::size_t element = 0; element < one_of_many_elements(5); ++element) {
    const bool is_point = element < 8;
    const auto with = [&](ByteView value) {
      Bytes other = bytes;
      std::ranges::copy(value, other.begin() + static_cast<long>(32 * element));
      return fault(other);
    };
    EXPECT_EQ(with(Bytes(32, 0xff)), is_point ? Fault::kPointNoncanonical : Fault::kScalarNoncanonical);
    EXPECT_EQ(with(Bytes(32, 0)), is_point ? std::optional(Fault::kPointIdentity) : std::nullopt);
    if (!is_point) {
      EXPECT_EQ(with(order), Fault::kScalarNoncanonical);
    } else {  // a field element that no group element has
      Bytes none(32, 0);
      none[0] = 2;
      while (crypto_core_ristretto255_is_valid_point(none.data()) == 1) none[0] += 2;
      EXPECT_EQ(with(none), Fault::kPointInvalid);
    }
  }
}

// A12, with an honest twin: only the identity is refused.
TEST(OneOfMany, IdentityIsRefused) {
  const Cast honest = cast("identity", 5, 1);
  EXPECT_EQ(verify(honest), std::nullopt);
  auto statement = honest.statement;
  statement.Y = R::Point::identity();
  EXPECT_EQ(verify(honest.context, statement, honest.proof), OneOfManyRejection{Fault::kPointIdentity});
  // r = 0: the proof would be right, and the vote in clear.
  SystemRng rng;
  const auto none = secret<R>(0);
  const OneOfManyStatement<R> clear{key(), {}, table(5)[1], table(5)};
  auto transcript = honest.context.begin<Transcript>();
  const auto proof = prove_one_of_many(clear, 1, none, transcript, generators(), rng);
  auto again = honest.context.begin<Transcript>();
  append_statement(again, clear, generators());
  one_of_many_detail::append_commitments(again, proof);
  EXPECT_EQ(first_failing_equation_vartime(clear, proof, again.challenge_scalar<R>("c"), generators()),
            Equation::kNone);
  EXPECT_EQ(verify(honest.context, clear, proof), OneOfManyRejection{Fault::kPointIdentity});
}

// A115: generators that degenerate are not to be had.
TEST(OneOfMany, DegenerateGeneratorsAreRefused) {
  const auto derive = [](const R::Point& Y) {
    return DigitGenerators<R>::derive(kTag, fingerprint("election A"), 17, Y);
  };
  EXPECT_TRUE(derive(key()).has_value());
  EXPECT_EQ(derive(generators().H()).error(), Fault::kCrsDegenerate);
  EXPECT_EQ(derive(generators().digits(3)[11]).error(), Fault::kCrsDegenerate);
  EXPECT_TRUE(derive(generators().digits(4)[12]).has_value());  // one that is not among those
  EXPECT_NE(DigitGenerators<R>::derive(kTag, fingerprint("election B"), 17, key())->H(), generators().H());
}

// Nonces are new each time, and with a stuck generator new for each statement (A18).
TEST(OneOfMany, CommitmentsDoNotRepeat) {
  const Cast one = cast("nonce", 5, 2);
  const auto prove = [&](const OneOfManyStatement<R>& statement, const BoundContext& context) {
    SeededRng stuck("stuck");
    auto transcript = context.begin<Transcript>();
    return prove_one_of_many(statement, 2, one.r, transcript, generators(), stuck);
  };
  const auto first = prove(one.statement, one.context);
  EXPECT_EQ(prove(one.statement, one.context), first);
  BoundContext later = one.context;
  later.counter += 1;
  const auto second = prove(one.statement, later);
  EXPECT_NE(second.A, first.A);
  EXPECT_NE(second.B, first.B);
  EXPECT_NE(second.E[0], first.E[0]);
}

// ---- A19, A20: what an encryption of a choice shows.

TEST(OneOfMany, A19_NoSmallRandomnessGuessesTheChoice) {
  const Cast one = cast("one", 138, 77);
  const Cast two = cast("two", 138, 77);
  EXPECT_NE(one.statement.alpha, two.statement.alpha);
  EXPECT_NE(one.statement.beta, two.statement.beta);
  // Whoever guesses r finds beta − r·Y in the table, for one candidate or another.
  std::set<R::Point> masks;
  for (const R::Point& M : table(138).points()) masks.insert(one.statement.beta - M);
  R::Point rG;
  R::Point rY;
  for (std::uint32_t r = 0; r < 1U << 16U; ++r) {
    ASSERT_NE(rG, one.statement.alpha) << r;
    ASSERT_FALSE(masks.contains(rY)) << r;
    rG = rG + R::Point::generator();
    rY = rY + key();
  }
}

// Both parts of every ciphertext of A and of B are elements of the group of prime order, encoded canonically:
// there is no coset to be in. A distinguisher that counts any bit of the bytes has no advantage, for two
// candidates and for a mark and none (P and 2·P).
TEST(OneOfMany, A20_BytesDoNotDependOnTheChoice) {
  constexpr std::size_t kBallots = 5000;
  SeededRng rng("distinguisher");
  const auto secrets = [&] {
    std::vector<R::SecretScalar> out;
    for (std::size_t i = 0; i < kBallots; ++i) out.push_back(R::SecretScalar::random(rng));
    return out;
  };
  const R::Point& P = table(138)[0];
  for (const auto& choices : {std::array{P, table(138)[1]}, {P, P + P}}) {
    std::array<std::array<int, 512>, 2> ones{};
    for (std::size_t choice = 0; choice < 2; ++choice) {
      const auto r = secrets();
      const auto alpha = R::mul_batch(r, R::Point::generator());
      const auto rY = R::mul_batch(r, key());
      for (std::size_t i = 0; i < kBallots; ++i) {
        const auto bytes = Ciphertext<R>{alpha[i], choices[choice] + rY[i]}.encode();
        ASSERT_TRUE(R::Point::decode(ByteView(bytes).first(32)).has_value());
        ASSERT_TRUE(R::Point::decode(ByteView(bytes).last(32)).has_value());
        for (std::size_t bit = 0; bit < 512; ++bit) ones[choice][bit] += bytes[bit / 8] >> (bit % 8) & 1;
      }
    }
    // The difference of two such counts has a standard deviation of 50; the seed is fixed.
    for (std::size_t bit = 0; bit < 512; ++bit) EXPECT_LT(std::abs(ones[0][bit] - ones[1][bit]), 300) << bit;
  }
}

// ---- Wrong witnesses and values outside the set.

TEST(OneOfMany, A63_WrongWitnessesAreRefused) {
  SystemRng rng;
  const Cast honest = cast("witness", 5, 2);
  const auto refused = [&](const OneOfManyStatement<R>& statement, std::size_t l, const R::SecretScalar& r) {
    auto transcript = honest.context.begin<Transcript>();
    const auto proof = prove_one_of_many(statement, l, r, transcript, generators(), rng);
    return verify(honest.context, statement, proof);
  };
  EXPECT_EQ(refused(honest.statement, 2, honest.r), std::nullopt);
  EXPECT_EQ(refused(honest.statement, 3, honest.r), invalid(Equation::kBeta));
  EXPECT_EQ(refused(honest.statement, 2, secret<R>(5)), invalid(Equation::kAlpha));
  // Well-formed over a point that is no candidate: a random one, a shifted one, a candidate of another table.
  for (const R::Point& M : {unknown_point<R>("nobody"), table(5)[2] + R::Point::generator(), table(138)[9],
                            R::Point::identity(), table(5)[0] + table(5)[1]}) {
    const auto c = encrypt<R>(key(), M, honest.r);
    for (std::size_t l = 0; l < 5; ++l)
      EXPECT_EQ(refused({key(), c.alpha, c.beta, table(5)}, l, honest.r), invalid(Equation::kBeta));
  }
  // Under another key (A102).
  const R::Point other = unknown_point<R>("another key");
  const auto c = encrypt<R>(other, table(5)[2], honest.r);
  EXPECT_EQ(refused({key(), c.alpha, c.beta, table(5)}, 2, honest.r), invalid(Equation::kBeta));
}

/// The prover of SPEC §6.1 written a second time, over public values and with digits of any kind. What it
/// commits to can be changed before the challenge, and what it answers after.
struct Cheat {
  std::vector<R::Scalar> delta, a;
  R::Scalar r;
  OneOfManyNonces<R> n;
  std::size_t m;

  Cheat(std::vector<R::Scalar> digits, const R::Scalar& randomness)
      : delta(std::move(digits)),
        a(delta.size()),
        r(randomness),
        n(OneOfManyNonces<R>::expand(SecretBytes<64>::copy_from(sha512(bytes_of("cheat"))),
                                     delta.size() / 4)),
        m(delta.size() / 4) {
    for (std::size_t j = 0; j < m; ++j)
      for (std::size_t i = 1; i < 4; ++i) {
        a[4 * j + i] = declassify(n.a[3 * j + i - 1]);  // the cheat's own, like all that is declassified here
        a[4 * j] = a[4 * j] - a[4 * j + i];
      }
  }
  static Cheat honest(std::size_t l, std::size_t digits, const R::Scalar& r) {
    std::vector<R::Scalar> delta(4 * digits);
    for (std::size_t j = 0; j < digits; ++j, l /= 4) delta[4 * j + l % 4] = scalar<R>(1);
    return {std::move(delta), r};
  }
  OneOfManyProof<R> commit(const R::Point& Y, const ChoiceTable<R>& T) const {
    const auto H = generators().digits(m);
    const auto vector = [&](const R::SecretScalar& blinding, auto value) {
      std::vector<R::Scalar> values;
      for (std::size_t i = 0; i < a.size(); ++i) values.push_back(value(i));
      return blinding * generators().H() + R::msm_vartime(values, H);
    };
    OneOfManyProof<R> p;
    p.A = vector(n.r_A, [&](std::size_t i) { return a[i]; });
    p.B = vector(n.r_B, [&](std::size_t i) { return delta[i]; });
    p.C = vector(n.r_C, [&](std::size_t i) { return a[i] - delta[i] * a[i] - delta[i] * a[i]; });
    p.D = vector(n.r_D, [&](std::size_t i) { return -(a[i] * a[i]); });
    // p_i by multiplying out, all 4^m of them.
    std::size_t padded = 1;
    for (std::size_t j = 0; j < m; ++j) padded *= 4;
    std::vector<R::Point> sums(m + 1);
    for (std::size_t i = 0; i < padded; ++i) {
      std::vector<R::Scalar> polynomial{scalar<R>(1)};
      for (std::size_t j = 0, rest = i; j < m; ++j, rest /= 4) {
        polynomial.push_back({});
        for (std::size_t k = polynomial.size(); k-- > 0;)
          polynomial[k] = polynomial[k] * a[4 * j + rest % 4] +
                          (k > 0 ? polynomial[k - 1] * delta[4 * j + rest % 4] : R::Scalar());
      }
      for (std::size_t k = 0; k <= m; ++k)
        sums[k] = sums[k] + R::mul_vartime(polynomial[k], T[std::min(i, T.size() - 1)]);
    }
    for (std::size_t k = 0; k < m; ++k) p.E.push_back({R::mul_base(n.rho[k]), n.rho[k] * Y - sums[k]});
    return p;
  }
  void answer(OneOfManyProof<R>& p, const R::Scalar& c) const {
    p.f.clear();
    for (std::size_t j = 0; j < m; ++j)
      for (std::size_t i = 1; i < 4; ++i) p.f.push_back(delta[4 * j + i] * c + a[4 * j + i]);
    p.z_A = declassify(n.r_B * c + n.r_A);
    p.z_C = declassify(n.r_C * c + n.r_D);
    const auto c_to = one_of_many_detail::powers<R>(c, m);
    p.z = r * c_to[m];
    for (std::size_t k = 0; k < m; ++k) p.z = p.z - declassify(n.rho[k] * c_to[k]);
  }
};

using Omitted = std::vector<std::string_view>;

R::Scalar weak_challenge(const Omitted& omitted, const BoundContext& context,
                         const OneOfManyStatement<R>& statement, const OneOfManyProof<R>& proof,
                         const DigitGenerators<R>& h = generators()) {
  auto transcript = context.begin<OmittingTranscript>(omitted);
  append_statement(transcript, statement, h);
  one_of_many_detail::append_commitments(transcript, proof);
  return transcript.challenge_scalar<R>("c");
}
/// The verifier that forgets to hash what is `omitted`.
bool weakly_accepts(const Omitted& omitted, const BoundContext& context,
                    const OneOfManyStatement<R>& statement, const OneOfManyProof<R>& proof,
                    const DigitGenerators<R>& h = generators()) {
  return first_failing_equation_vartime(
             statement, proof, weak_challenge(omitted, context, statement, proof, h), h) == Equation::kNone;
}
/// The honest voter in a world that forgets to hash what is `omitted`.
OneOfManyProof<R> weakly_prove(const Omitted& omitted, const Cast& cast) {
  const auto& st = cast.statement;
  const Cheat prover = Cheat::honest(cast.l, st.T.digits(), declassify(cast.r));
  OneOfManyProof<R> p = prover.commit(st.Y, st.T);
  prover.answer(p, weak_challenge(omitted, cast.context, st, p));
  return p;
}

// A23: two ones, no one, a one that is no bit, a sum off by one; each with the ciphertext that it would
// prove.
TEST(OneOfMany, A23_DigitsThatAreNoUnitVector) {
  const Cast honest = cast("shape", 4, 2);
  const auto rY = honest.statement.beta - table(4)[2];
  const auto s = [](std::int64_t x) {
    return x < 0 ? -scalar<R>(1) : scalar<R>(static_cast<std::uint64_t>(x));
  };
  const auto refused = [&](std::array<std::int64_t, 4> digits, std::int64_t a0) {
    std::vector<R::Scalar> delta;
    R::Point M;
    for (std::size_t i = 0; i < 4; ++i) {
      delta.push_back(s(digits[i]));
      M = M + R::mul_vartime(delta[i], table(4)[i]);
    }
    const OneOfManyStatement<R> statement{key(), honest.statement.alpha, M + rY, table(4)};
    Cheat cheat(delta, declassify(honest.r));
    cheat.a[0] = cheat.a[0] + s(a0);
    OneOfManyProof<R> p = cheat.commit(key(), table(4));
    cheat.answer(p, weak_challenge({}, honest.context, statement, p));
    return verify(honest.context, statement, p);
  };
  EXPECT_EQ(refused({0, 0, 1, 0}, 0), std::nullopt);
  EXPECT_EQ(refused({1, 0, 1, 0}, 0), invalid(Equation::kDigits));  // two ones, committed as such
  EXPECT_EQ(refused({-1, 1, 1, 0}, 0), invalid(Equation::kBits));   // two ones, made to sum up to one
  EXPECT_EQ(refused({0, 0, 0, 0}, 0), invalid(Equation::kDigits));  // no one
  EXPECT_EQ(refused({0, 0, 2, -1}, 0), invalid(Equation::kBits));   // twice one candidate, less another
  EXPECT_EQ(refused({0, 0, 1, 0}, 1), invalid(Equation::kDigits));  // the sum of a off by one
  EXPECT_EQ(refused({0, 1, 1, -1}, 0), invalid(Equation::kBits));
}

// A branch too many or too few has no encoding.
TEST(OneOfMany, A23_OtherShapesAreRefused) {
  const Cast honest = cast("branches", 5, 2);
  const auto refused = [&](auto change) {
    auto proof = honest.proof;
    change(proof);
    return verify(honest.context, honest.statement, proof);
  };
  EXPECT_EQ(refused([](auto&) {}), std::nullopt);
  const OneOfManyRejection shape{Fault::kProofEncoding};
  EXPECT_EQ(refused([](auto& p) { p.f.pop_back(); }), shape);
  EXPECT_EQ(refused([](auto& p) { p.f.push_back(p.f[0]); }), shape);
  EXPECT_EQ(refused([](auto& p) { p.E.pop_back(); }), shape);
  EXPECT_EQ(refused([](auto& p) { p.E.push_back(p.E[0]); }), shape);
  EXPECT_EQ(
      verify(honest.context, {key(), honest.statement.alpha, honest.statement.beta, table(4)}, honest.proof),
      shape);
}

// A110, A26, A27: ciphertexts made from others', under the proofs those have.
TEST(OneOfMany, A110_RelatedCiphertextsHaveNoProof) {
  const Cast one = cast("victim", 5, 1);
  const Cast two = cast("another victim", 5, 3);
  const auto& a = one.statement;
  const auto& b = two.statement;
  const auto minus = R::Point::identity();
  const auto refused = [&](const R::Point& alpha, const R::Point& beta) {
    return verify(one.context, {key(), alpha, beta, table(5)}, one.proof);
  };
  EXPECT_EQ(refused(a.alpha, a.beta), std::nullopt);
  const auto three = scalar<R>(3);
  EXPECT_EQ(refused(R::mul_vartime(three, a.alpha), R::mul_vartime(three, a.beta)),
            invalid(Equation::kDigits));
  EXPECT_EQ(refused(minus - a.alpha, minus - a.beta), invalid(Equation::kDigits));
  EXPECT_EQ(refused(a.alpha + b.alpha, a.beta + b.beta), invalid(Equation::kDigits));
  const auto s = secret<R>(77);
  const auto again = re_encrypt<R>(key(), {a.alpha, a.beta}, s);
  EXPECT_EQ(refused(again.alpha, again.beta), invalid(Equation::kDigits));
  // … also with the proof moved along: z' = z + c^m·s satisfies equation alpha for the old challenge.
  auto transcript = one.context.begin<Transcript>();
  append_statement(transcript, a, generators());
  one_of_many_detail::append_commitments(transcript, one.proof);
  const auto c = transcript.challenge_scalar<R>("c");
  auto moved = one.proof;
  moved.z = moved.z + c * c * declassify(s);  // the cheater chose it
  const OneOfManyStatement<R> related{key(), again.alpha, again.beta, table(5)};
  EXPECT_EQ(first_failing_equation_vartime(related, moved, c, generators()), Equation::kNone);
  EXPECT_EQ(verify(one.context, related, moved), invalid(Equation::kDigits));
}

// ---- A01: weak Fiat–Shamir.

// Each bound field changed alone.
TEST(OneOfMany, EveryBoundFieldIsChecked) {
  const Cast honest = cast("flip", 5, 2);
  for (const ContextField& field : context_fields(honest.context))
    EXPECT_EQ(verify(field.changed, honest.statement, honest.proof), invalid(Equation::kDigits))
        << field.label;
  const R::Point G = R::Point::generator();
  for (R::Point OneOfManyStatement<R>::* const field :
       {&OneOfManyStatement<R>::Y, &OneOfManyStatement<R>::alpha, &OneOfManyStatement<R>::beta}) {
    auto statement = honest.statement;
    statement.*field = statement.*field + G;
    EXPECT_EQ(verify(honest.context, statement, honest.proof), invalid(Equation::kDigits));
  }
  std::vector<R::Point> points(table(5).points().begin(), table(5).points().end());
  std::swap(points[0], points[1]);
  const ChoiceTable<R> swapped(points);
  EXPECT_EQ(
      verify(honest.context, {key(), honest.statement.alpha, honest.statement.beta, swapped}, honest.proof),
      invalid(Equation::kDigits));
  // The last entry repeated: the same sums, another table.
  points.assign(table(5).points().begin(), table(5).points().end());
  points.push_back(points.back());
  const ChoiceTable<R> longer(points);
  EXPECT_EQ(
      verify(honest.context, {key(), honest.statement.alpha, honest.statement.beta, longer}, honest.proof),
      invalid(Equation::kDigits));
  EXPECT_EQ(verify(honest), std::nullopt);
}

// A05: same key, same statement, other election.
TEST(OneOfMany, OtherElectionIsRefused) {
  const Cast honest = cast("election", 5, 2);
  BoundContext other = honest.context;
  other.election = "election B";
  EXPECT_EQ(verify(other, honest.statement, honest.proof), invalid(Equation::kDigits));
  EXPECT_EQ(verify(honest), std::nullopt);
}

TEST(OneOfMany, WithNothingOmittedBothVerifiersAgree) {
  const Cast honest = cast("agree", 5, 2);
  EXPECT_TRUE(weakly_accepts({}, honest.context, honest.statement, honest.proof));
  EXPECT_EQ(verify(honest.context, honest.statement, weakly_prove({}, honest)), std::nullopt);
}

// A field of the context left out lets a proof move to where it was not made.
TEST(OneOfMany, ProofMovesToAnotherContextOnlyIfTheFieldIsOmitted) {
  const Cast honest = cast("move", 5, 4);
  for (const ContextField& field : context_fields(honest.context)) {
    const auto proof = weakly_prove({field.label}, honest);
    EXPECT_TRUE(weakly_accepts({field.label}, honest.context, honest.statement, proof)) << field.label;
    EXPECT_TRUE(weakly_accepts({field.label}, field.changed, honest.statement, proof)) << field.label;
    EXPECT_EQ(verify(field.changed, honest.statement, proof), invalid(Equation::kDigits));
    EXPECT_EQ(verify(field.changed, honest.statement, honest.proof), invalid(Equation::kDigits));
  }
}

// Every frame of the statement and of the commitments left out, and the forgery that this allows. m = 1.
TEST(OneOfMany, ForgeryForEveryOmittedField) {
  const Cast honest = cast("omit", 4, 2);
  const auto& [Y, alpha, beta, T] = honest.statement;
  const R::Point U = unknown_point<R>("nobody knows its logarithm");
  const R::Scalar r = scalar<R>(99);
  const Cheat cheat = Cheat::honest(2, 1, r);
  const auto encrypted = encrypt<R>(Y, T[2], secret<R>(99));
  const auto expect_forged = [&](const Omitted& omitted, const OneOfManyStatement<R>& statement,
                                 const OneOfManyProof<R>& proof) {
    EXPECT_TRUE(weakly_accepts(omitted, honest.context, statement, proof)) << omitted[0];
    EXPECT_EQ(verify(honest.context, statement, proof), invalid(Equation::kDigits)) << omitted[0];
  };
  const auto weak = [&](const Omitted& omitted, const OneOfManyStatement<R>& statement,
                        const OneOfManyProof<R>& proof) {
    return weak_challenge(omitted, honest.context, statement, proof);
  };
  const auto over = [](const R::Point& P, const R::Scalar& s) {
    return R::mul_vartime(s.inverse_vartime(), P);
  };
  // Σ p_i·T_i for the proof's own digits.
  const auto products = [](const OneOfManyProof<R>& p, const R::Scalar& c, std::size_t n) {
    return one_of_many_detail::digit_products<R>(one_of_many_detail::all_digits<R>(p.f, c), scalar<R>(1), c,
                                                 n);
  };
  const auto entries = [&](const OneOfManyProof<R>& p, const R::Scalar& c) {
    return R::msm_vartime(products(p, c, T.size()), T.points());
  };

  {  // alpha, or beta: found after the challenge, so that the ciphertext holds no candidate
    OneOfManyProof<R> p = cheat.commit(Y, T);
    p.E[0].alpha = p.E[0].alpha + U;
    auto c = weak({"alpha"}, {Y, {}, encrypted.beta, T}, p);
    cheat.answer(p, c);
    const R::Point solved_alpha = over(R::mul_base_vartime(p.z) + p.E[0].alpha, c);
    EXPECT_NE(solved_alpha, encrypted.alpha);
    expect_forged({"alpha"}, {Y, solved_alpha, encrypted.beta, T}, p);

    p = cheat.commit(Y, T);
    p.E[0].beta = p.E[0].beta + U;
    c = weak({"beta"}, {Y, encrypted.alpha, {}, T}, p);
    cheat.answer(p, c);
    const R::Point solved_beta = over(R::mul_vartime(p.z, Y) + p.E[0].beta + entries(p, c), c);
    EXPECT_NE(solved_beta, encrypted.beta);
    expect_forged({"beta"}, {Y, encrypted.alpha, solved_beta, T}, p);
  }
  {  // the key: one under which anything is a candidate
    OneOfManyProof<R> p = cheat.commit(Y, T);
    const auto c = weak({"Y"}, {Y, encrypted.alpha, U, T}, p);
    cheat.answer(p, c);
    const R::Point key = over(R::mul_vartime(c, U) - entries(p, c) - p.E[0].beta, p.z);
    expect_forged({"Y"}, {key, encrypted.alpha, U, T}, p);
  }
  // The table: an entry that makes anything a candidate; with the number of entries, also a shorter table.
  for (const std::size_t n : {4U, 3U}) {
    const Omitted omitted = n == 4 ? Omitted{"table"} : Omitted{"table", "choices"};
    OneOfManyProof<R> p = cheat.commit(Y, T);
    const auto c = weak(omitted, {Y, encrypted.alpha, U, T}, p);
    cheat.answer(p, c);
    std::vector<R::Point> points(T.points().begin(), T.points().begin() + static_cast<long>(n));
    const auto p_i = products(p, c, n);
    points[0] = points[0] + over(R::mul_vartime(c, U) - R::msm_vartime(p_i, points) - p.E[0].beta -
                                     R::mul_vartime(p.z, Y),
                                 p_i[0]);
    const ChoiceTable<R> forged(points);
    expect_forged(omitted, {Y, encrypted.alpha, U, forged}, p);
  }
  {  // the generators' tag: a proof moves to generators of another name
    std::vector<R::Point> h{generators().H()};
    h.insert(h.end(), generators().digits(1).begin(), generators().digits(1).end());
    const auto renamed = DigitGenerators<R>::chosen("another tag", h);
    const auto p = weakly_prove({"generators"}, honest);
    EXPECT_TRUE(weakly_accepts({"generators"}, honest.context, honest.statement, p, renamed));
    auto transcript = honest.context.begin<Transcript>();
    EXPECT_EQ(verify_one_of_many_vartime(honest.statement, p, transcript, renamed).error(),
              invalid(Equation::kDigits));
  }
  {  // A or B: another proof out of somebody's proof
    OneOfManyProof<R> p = weakly_prove({"A"}, honest);
    p.A = p.A + generators().H();
    p.z_A = p.z_A + scalar<R>(1);
    expect_forged({"A"}, honest.statement, p);
    p = weakly_prove({"B"}, honest);
    const auto c = weak({"B"}, honest.statement, p);
    p.B = p.B + generators().H();
    p.z_A = p.z_A + c;
    expect_forged({"B"}, honest.statement, p);
  }
  {  // C or D: digits that are no bits, so that twice one candidate less another is one
    const Cheat twice({scalar<R>(2), -scalar<R>(1), {}, {}}, r);
    const R::Point M = T[0] + T[0] - T[1];
    const OneOfManyStatement<R> statement{Y, encrypted.alpha, M + R::mul_vartime(r, Y), T};
    const auto solved = [&](const OneOfManyProof<R>& p, const R::Scalar& c) {
      std::vector<R::Scalar> bits;
      for (const R::Scalar& f : one_of_many_detail::all_digits<R>(p.f, c)) bits.push_back(f * (c - f));
      return R::mul_vartime(p.z_C, generators().H()) + R::msm_vartime(bits, generators().digits(1));
    };
    OneOfManyProof<R> p = twice.commit(Y, T);
    auto c = weak({"C"}, statement, p);
    twice.answer(p, c);
    p.C = over(solved(p, c) - p.D, c);
    expect_forged({"C"}, statement, p);
    p = twice.commit(Y, T);
    c = weak({"D"}, statement, p);
    twice.answer(p, c);
    p.D = solved(p, c) - R::mul_vartime(c, p.C);
    expect_forged({"D"}, statement, p);
  }
  {  // E: anybody's ciphertext, without its randomness
    OneOfManyProof<R> p = cheat.commit(Y, T);
    const auto c = weak({"E"}, honest.statement, p);
    cheat.answer(p, c);
    p.E[0].alpha = R::mul_vartime(c, alpha) - R::mul_base_vartime(p.z);
    p.E[0].beta = R::mul_vartime(c, beta) - entries(p, c) - R::mul_vartime(p.z, Y);
    expect_forged({"E"}, honest.statement, p);
  }
}

// A02: a simulator's conversation satisfies the equations and is no proof.
TEST(OneOfMany, SimulatorIsRefused) {
  SeededRng rng("simulator");
  const Cast honest = cast("simulated", 4, 1);
  const auto& [Y, alpha, beta, T] = honest.statement;
  const auto draw = [&] { return declassify(R::SecretScalar::random(rng)); };
  const R::Scalar c = draw();
  OneOfManyProof<R> p;
  p.B = unknown_point<R>("B");
  p.C = unknown_point<R>("C");
  p.f = {draw(), draw(), draw()};
  p.z_A = draw();
  p.z_C = draw();
  p.z = draw();
  const auto f = one_of_many_detail::all_digits<R>(p.f, c);
  std::vector<R::Scalar> bits;
  for (const R::Scalar& x : f) bits.push_back(x * (c - x));
  const auto H = generators().digits(1);
  p.A = R::mul_vartime(p.z_A, generators().H()) + R::msm_vartime(f, H) - R::mul_vartime(c, p.B);
  p.D = R::mul_vartime(p.z_C, generators().H()) + R::msm_vartime(bits, H) - R::mul_vartime(c, p.C);
  const auto p_i = one_of_many_detail::digit_products<R>(f, scalar<R>(1), c, 4);
  p.E = {{R::mul_vartime(c, alpha) - R::mul_base_vartime(p.z),
          R::mul_vartime(c, beta) - R::msm_vartime(p_i, T.points()) - R::mul_vartime(p.z, Y)}};
  EXPECT_EQ(first_failing_equation_vartime(honest.statement, p, c, generators()), Equation::kNone);
  EXPECT_EQ(verify(honest.context, honest.statement, p), invalid(Equation::kDigits));
  EXPECT_EQ(verify(honest.context, honest.statement, {p.A, p.B, p.C, p.D, {{}}, {{}, {}, {}}, {}, {}, {}}),
            invalid(Equation::kDigits));
}

// ---- Batches.

/// Proofs over tables of several sizes; every second one over a table that is another object.
std::vector<Cast> many(std::size_t count) {
  static const std::array<std::size_t, 4> sizes{5, 2, 17, 5};
  std::vector<Cast> out;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t n = sizes[i % sizes.size()];
    out.push_back(cast("batch " + std::to_string(i), n, i % n));
  }
  return out;
}
std::vector<std::optional<OneOfManyRejection>> verify_batch(const std::vector<Cast>& casts) {
  std::vector<OneOfManyClaim<R>> claims;
  for (const Cast& one : casts) claims.push_back({one.statement, one.proof, one.context.begin<Transcript>()});
  Transcript batch = transcript_for(kOneOfManyBatchLabel, "election A", "verifier");
  return verify_one_of_many_batch_vartime<R>(claims, batch, generators());
}

TEST(OneOfManyBatch, AcceptsWhatIsValid) {
  EXPECT_TRUE(verify_batch({}).empty());
  for (const std::size_t count : {1U, 2U, 3U, 9U, 40U})
    EXPECT_EQ(verify_batch(many(count)), std::vector<std::optional<OneOfManyRejection>>(count));
}

// Whatever is wrong with some of them, each gets the answer that it gets alone.
TEST(OneOfManyBatch, NamesEachFailingProofAndItsEquation) {
  std::vector<Cast> casts = many(37);
  const R::Point G = R::Point::generator();
  casts[0].proof.z = casts[0].proof.z + scalar<R>(1);
  casts[7].proof.z_C = casts[7].proof.z_C + scalar<R>(1);
  casts[8].proof.E.pop_back();
  casts[21].context.counter += 1;
  casts[22].statement.alpha = R::Point::identity();
  casts[36].statement.beta = casts[36].statement.beta + G;
  const auto outcomes = verify_batch(casts);
  std::size_t failed = 0;
  for (std::size_t i = 0; i < casts.size(); ++i) {
    EXPECT_EQ(outcomes[i], verify(casts[i])) << i;
    failed += outcomes[i] ? 1U : 0U;
  }
  EXPECT_EQ(failed, 6U);
  EXPECT_EQ(outcomes[0], invalid(Equation::kAlpha));
  EXPECT_EQ(outcomes[7], invalid(Equation::kBits));
  EXPECT_EQ(outcomes[8], OneOfManyRejection{Fault::kProofEncoding});
  EXPECT_EQ(outcomes[22], OneOfManyRejection{Fault::kPointIdentity});
}

// Two proofs whose errors would cancel if all weights were one.
TEST(OneOfManyBatch, ErrorsDoNotCancel) {
  std::vector<Cast> casts = many(5);
  casts[0].proof.z_A = casts[0].proof.z_A + scalar<R>(1);
  casts[4].proof.z_A = casts[4].proof.z_A - scalar<R>(1);
  const auto outcomes = verify_batch(casts);
  EXPECT_EQ(outcomes[0], invalid(Equation::kDigits));
  EXPECT_EQ(outcomes[4], invalid(Equation::kDigits));
  for (const std::size_t i : {1U, 2U, 3U}) EXPECT_EQ(outcomes[i], std::nullopt);
}

// The weights depend on every byte of every proof, so no response can be chosen to fit them.
TEST(OneOfManyBatch, WeightsBindEveryResponse) {
  const Cast honest = cast("weights", 4, 1);
  const auto weights = [&](const OneOfManyProof<R>& p) {
    auto own = honest.context.begin<Transcript>();
    append_statement(own, honest.statement, generators());
    one_of_many_detail::append_commitments(own, p);
    (void)own.challenge_scalar<R>("c");
    one_of_many_detail::append_responses(own, p);
    return own.challenge_bytes("whole");
  };
  const auto before = weights(honest.proof);
  for (R::Scalar OneOfManyProof<R>::* const field :
       {&OneOfManyProof<R>::z_A, &OneOfManyProof<R>::z_C, &OneOfManyProof<R>::z}) {
    auto p = honest.proof;
    p.*field = p.*field + scalar<R>(1);
    EXPECT_NE(weights(p), before);
  }
  for (std::size_t i = 0; i < 3; ++i) {
    auto p = honest.proof;
    p.f[i] = p.f[i] + scalar<R>(1);
    EXPECT_NE(weights(p), before);
  }
}

/// Some of a batch's proofs or statements changed at random: each decoder's and each verifier's answer alone
/// is its answer in the batch. PSEPHOS_CORRUPTIONS says how many changes are tried.
TEST(OneOfManyBatch, AgreesWithSingleOnRandomCorruptions) {
  const Corruptions corruptions("one of many");
  const std::vector<Cast> casts = many(8);
  std::size_t tried = 0, judged = 0, undecodable = 0;
  std::map<Equation, std::size_t> failing;
  for (std::size_t round = 0; tried < corruptions.count; ++round) {
    SeededRng rng = corruptions.rng(round);
    std::vector<Cast> changed;
    for (const Cast& one : casts)
      changed.push_back({one.context, one.statement, one.proof, one.l, one.r.clone()});
    std::set<std::size_t> victims;
    for (std::size_t k = 1 + below(rng, 4); k-- > 0; ++tried) {
      const std::size_t at = below(rng, changed.size()), from = below(rng, changed.size());
      Cast& victim = changed[at];
      victims.insert(at);
      OneOfManyProof<R>& p = victim.proof;
      const std::size_t n = victim.statement.T.size();
      const R::Scalar d = scalar<R>(1 + below(rng, 1000));
      Elements<R> elements;
      switch (below(rng, 8)) {
        case 0: {  // a bit of the encoding
          Bytes bytes = p.encode();
          flip_bit<R>(bytes, rng);
          const auto decoded = OneOfManyProof<R>::decode(bytes, n);
          undecodable += decoded ? 0U : 1U;
          if (decoded) p = *decoded;
          break;
        }
        case 1:  // another's proof, or another's ciphertext
          p = changed[from].proof;
          break;
        case 2:
          victim.statement.alpha = changed[from].statement.alpha;
          victim.statement.beta = changed[from].statement.beta;
          break;
        case 3: {
          const auto fields = context_fields(victim.context);
          victim.context = fields[below(rng, fields.size())].changed;
          break;
        }
        case 4:  // two answers of which errors cancel in a sum without weights
          p.z = p.z + d;
          changed[from].proof.z = changed[from].proof.z - d;
          victims.insert(from);
          break;
        case 5:  // an answer alone: the challenge stays
          for (R::Scalar* x : std::array{&p.z_A, &p.z_C, &p.z}) elements.add(*x);
          elements.add(p.f);
          *elements.scalars[below(rng, elements.scalars.size())] =
              *elements.scalars[below(rng, elements.scalars.size())] + d;
          break;
        default:
          for (R::Point* x : std::array{&p.A, &p.B, &p.C, &p.D}) elements.add(*x);
          elements.add(p.E);
          elements.add(victim.statement.alpha), elements.add(victim.statement.beta);
          elements.add(p.f);
          for (R::Scalar* x : std::array{&p.z_A, &p.z_C, &p.z}) elements.add(*x);
          change_one(elements, rng);
      }
    }
    const auto outcomes = verify_batch(changed);
    for (std::size_t i = 0; i < changed.size(); ++i) {
      const bool same =
          changed[i].proof == casts[i].proof && changed[i].statement.alpha == casts[i].statement.alpha &&
          changed[i].statement.beta == casts[i].statement.beta && changed[i].context == casts[i].context;
      if (!victims.contains(i)) {
        ASSERT_EQ(outcomes[i], std::nullopt) << "round " << round;
        continue;
      }
      ++judged;
      ASSERT_EQ(outcomes[i], verify(changed[i])) << "round " << round;
      ASSERT_EQ(!outcomes[i].has_value(), same) << "round " << round;
      if (outcomes[i]) ++failing[outcomes[i]->equation];
    }
  }
  EXPECT_GE(judged * 2, corruptions.count);
  if (corruptions.count < 1000) return;
  EXPECT_GT(undecodable, 0U);
  for (const Equation equation : {Equation::kNone, Equation::kDigits, Equation::kBits, Equation::kAlpha})
    EXPECT_GT(failing[equation], 0U) << describe(equation);
}

}  // namespace
}  // namespace psephos
