#include <gtest/gtest.h>

#include <array>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "crypto/group/ristretto.h"
#include "crypto/shuffle/proof.h"
#include "tests/adversary/lying_transcript.h"
#include "tests/adversary/shuffle_forger.h"
#include "tests/crypto/shuffle_fixture.h"

// Attacks on the proof of shuffle that are really carried out: each is shown to work against a verifier that
// errs in one thing, and refused by name by ours.

namespace psephos {
namespace {

using G = Ristretto;
using Point = G::Point;
using Scalar = G::Scalar;
using E = ShuffleEquation;
using adversary::finish_forged_proof;
using adversary::ForcedTranscript;
using adversary::ForgedShuffle;
using adversary::OmittingTranscript;
using adversary::ShuffleOpening;
using adversary::vote_stealing_vector;
using shuffle_test::group_transcript;
using shuffle_test::invalid;
using shuffle_test::kTag;
using shuffle_test::Mix;
using shuffle_test::rejected;
using shuffle_test::sorted_plaintexts;
using sigma_test::multiple;
using sigma_test::scalar;

const auto kAccepted = Result<void, ShuffleRejection>{};

/// A mixer who knows the randomness of the first four ballots, votes (P, P, P, Q), and would like them to be
/// (P, P, Q, Q); two more ballots are none of his business.
struct Cheat {
  static constexpr std::size_t N = 6;
  sigma_test::SeededRng rng{"cheat"};
  G::SecretScalar x = G::SecretScalar::random(rng);
  Point Y = G::mul_base(x);
  Point P = hash_to_group<G>("test/candidate", bytes_of("P"));
  Point Q = hash_to_group<G>("test/candidate", bytes_of("Q"));
  ShuffleGenerators<G> generators =
      ShuffleGenerators<G>::derive(kTag, sigma_test::fingerprint("election A"), N);

  Scalar any() { return declassify(G::SecretScalar::random(rng)); }  // a cheat hides nothing from himself
  std::vector<Scalar> many(std::size_t n) {
    std::vector<Scalar> out(n);
    for (Scalar& y : out) y = any();
    return out;
  }
  Ciphertext<G> enc(const Point& M, const Scalar& r) { return encrypt<G>(Y, M, G::SecretScalar::of(r)); }

  /// A false shuffle with its proof, made against a verifier who does not hash the frame `omitted`.
  /// `solve` says whether the prover makes use of that, or cheats without.
  template <class T>
  ForgedShuffle<G> forge(std::string_view omitted, T transcript, bool solve = true) {
    ForgedShuffle<G> f{Y, {}, {}, {}};
    const std::vector<Scalar> rho = many(N), s = many(N);
    const std::vector<Point> votes = {P, P, P, Q, Q, P};
    for (std::size_t i = 0; i < N; ++i) f.input.items.push_back(enc(votes[i], rho[i]));
    // Honest, but for what follows: row i stays row i.
    std::vector<std::vector<Scalar>> M(N, std::vector<Scalar>(N));
    for (std::size_t i = 0; i < N; ++i) M[i][i] = scalar<G>(1);
    for (std::size_t i = 0; i < N; ++i) f.output.items.push_back(f.input.items[i] + enc({}, s[i]));

    const bool steals_a_vote = omitted == "u" || omitted == "A'" || omitted == "h";
    if (steals_a_vote) f.output.items[2] = enc(Q, rho[2] + s[2]);
    if (omitted == "F'") f.output.items[0] = enc(Q, any());
    if (omitted == "Y") f.output.items[0].beta = f.output.items[0].beta + Q - P;
    if (omitted == "C'") {  // doubles one row and halves another: the product of e' is still that of e
      const Scalar half = scalar<G>(2).inverse_vartime();
      M[0][0] = scalar<G>(2);
      M[1][1] = half;
      f.output.items[0] = {G::mul_vartime(half, f.input.items[0].alpha),
                           G::mul_vartime(half, f.input.items[0].beta)};
      f.output.items[1] = f.input.items[1] + f.input.items[1];
      for (std::size_t i = 0; i < 2; ++i) f.output.items[i] = f.output.items[i] + enc({}, s[i]);
    }
    if (omitted == "B'" || omitted == "D'") {  // w_2 and w_3 become −w_3 and w_2 + 2·w_3
      M[2][2] = scalar<G>(2);
      M[2][3] = scalar<G>(1);
      M[3][2] = -scalar<G>(1);
      M[3][3] = Scalar{};
      const Ciphertext<G> a = f.input.items[2], b = f.input.items[3];
      f.output.items[2] = Ciphertext<G>{-b.alpha, -b.beta} + enc({}, s[2]);
      f.output.items[3] = a + b + b + enc({}, s[3]);
    }

    const auto h = generators.all();
    const std::vector<Scalar> r = many(N);
    f.proof.u.resize(N);
    for (std::size_t i = 0; i < N; ++i) f.proof.u[i] = G::mul_base_vartime(r[i]) + G::msm_vartime(M[i], h);
    append_statement(transcript, f.statement(), generators);
    transcript.append_points("u", std::span<const Point>(f.proof.u));
    const std::vector<Scalar> e = transcript.template challenge_vector<G>("e", N);

    ShuffleOpening<G> o{std::vector<Scalar>(N), {}, {}, {Scalar{}}};
    for (std::size_t i = 0; i < N; ++i)
      for (std::size_t j = 0; j < N; ++j) o.e1[j] = o.e1[j] + e[i] * M[i][j];
    if (steals_a_vote) std::ranges::copy(vote_stealing_vector(e, rng), o.e1.begin());
    for (std::size_t i = 0; i < N; ++i) {
      o.a = o.a + e[i] * r[i];
      o.c = o.c + r[i];
      // Output randomness is ρ + s for a stolen vote; else only the part s that is not in the input.
      o.f[0] = o.f[0] + (steals_a_vote ? o.e1[i] * (rho[i] + s[i]) - e[i] * rho[i] : o.e1[i] * s[i]);
    }

    if (solve && omitted == "u") {  // e_0·u_0 + e_1·u_1 and u_0 + u_1 are given
      Point weighted = G::mul_base_vartime(o.a) + G::msm_vartime(o.e1, h);
      Point plain = G::mul_base_vartime(o.c);
      for (const Point& p : h) plain = plain + p;
      for (std::size_t i = 2; i < N; ++i) {
        weighted = weighted - G::mul_vartime(e[i], f.proof.u[i]);
        plain = plain - f.proof.u[i];
      }
      f.proof.u[1] = G::mul_vartime((e[1] - e[0]).inverse_vartime(), weighted - G::mul_vartime(e[0], plain));
      f.proof.u[0] = plain - f.proof.u[1];
    }
    // Two items of a list move so that the weighted sum stays: one vote is another, one ballot is spoilt.
    const auto move_two = [&](CiphertextList<G>& list, std::span<const Scalar> weights,
                              Point Ciphertext<G>::* part) {
      list.items[0].*part = list.items[0].*part + Q - P;
      list.items[1].*part =
          list.items[1].*part - G::mul_vartime(weights[0] * weights[1].inverse_vartime(), Q - P);
    };
    if (omitted == "input alpha") move_two(f.input, e, &Ciphertext<G>::alpha);
    if (omitted == "input beta") move_two(f.input, e, &Ciphertext<G>::beta);
    if (omitted == "output alpha") move_two(f.output, o.e1, &Ciphertext<G>::alpha);
    if (omitted == "output beta") move_two(f.output, o.e1, &Ciphertext<G>::beta);

    finish_forged_proof<G>(f, o, e, h, solve ? omitted : "", transcript, rng);
    return f;
  }
};

class OmitOneField : public testing::TestWithParam<const char*> {};

// A01, A116: whatever is left out of the hash lets somebody prove a falsehood.
TEST_P(OmitOneField, ForgeryPassesTheCarelessVerifierOnly) {
  Cheat cheat;
  const OmittingTranscript careless(group_transcript(), GetParam());
  const ForgedShuffle<G> f = cheat.forge(GetParam(), careless);
  if (f.Y == cheat.Y) {
    EXPECT_NE(sorted_plaintexts<G>(cheat.x, f.input), sorted_plaintexts<G>(cheat.x, f.output));
  }

  OmittingTranscript t = careless;
  EXPECT_EQ(verify_shuffle_vartime(f.statement(), f.proof, t, cheat.generators), kAccepted);
  // Another v, so already the first equation fails.
  Transcript ours = group_transcript();
  EXPECT_EQ(verify_shuffle_vartime(f.statement(), f.proof, ours, cheat.generators), invalid(E::kA));

  // The twin: an honest proof, accepted by either.
  Mix mix(Cheat::N, 1);
  EXPECT_EQ(mix.verify(), kAccepted);
  OmittingTranscript p = careless, q = careless;
  const auto proof = prove_shuffle(mix.statement(), mix.witness, p, mix.generators, mix.rng);
  EXPECT_EQ(verify_shuffle_vartime(mix.statement(), proof, q, mix.generators), kAccepted);
}
INSTANTIATE_TEST_SUITE_P(A116, OmitOneField,
                         testing::Values("Y", "input alpha", "input beta", "output alpha", "output beta", "u",
                                         "A'", "B'", "C'", "D'", "F'"),
                         [](const auto& field) {
                           std::string name = field.param;
                           for (char& c : name)
                             if (c == ' ' || c == '\'') c = '_';
                           return name;
                         });

// The same cheats where everything is hashed, each without solving for anything: every equation is needed.
TEST(ShuffleAttack, EveryEquationStopsItsCheat) {
  const std::map<std::string, Result<void, ShuffleRejection>> expected = {{"u", invalid(E::kA)},
                                                                          {"A'", invalid(E::kA)},
                                                                          {"C'", invalid(E::kC)},
                                                                          {"B'", invalid(E::kD)},
                                                                          {"D'", invalid(E::kD)},
                                                                          {"F'", invalid(E::kFAlpha)},
                                                                          {"output alpha", invalid(E::kA)},
                                                                          {"input beta", invalid(E::kA)},
                                                                          {"Y", invalid(E::kFBeta)}};
  for (const auto& [what, answer] : expected) {
    Cheat cheat;
    const ForgedShuffle<G> f = cheat.forge(what, group_transcript(), false);
    Transcript t = group_transcript();
    EXPECT_EQ(verify_shuffle_vartime(f.statement(), f.proof, t, cheat.generators), answer) << what;
  }
}

// A01, A116: every bound item changed by itself. v is recomputed, so the answer is an equation.
TEST(ShuffleAttack, EveryBoundItemCounts) {
  const Mix good(3, 2);
  ASSERT_EQ(good.verify(), kAccepted);
  const auto with = [&](auto&& change) {
    Mix mix(3, 2);
    change(mix);
    return mix.verify();
  };
  const Point& D = good.Y;
  EXPECT_EQ(with([&](Mix& m) { m.Y = m.Y + D; }), invalid(E::kA));
  for (std::size_t j = 0; j < 6; ++j) {
    EXPECT_EQ(with([&](Mix& m) { m.input.items[j].alpha = m.input.items[j].alpha + D; }), invalid(E::kA));
    EXPECT_EQ(with([&](Mix& m) { m.input.items[j].beta = m.input.items[j].beta + D; }), invalid(E::kA));
    EXPECT_EQ(with([&](Mix& m) { m.output.items[j].alpha = m.output.items[j].alpha + D; }), invalid(E::kA));
    EXPECT_EQ(with([&](Mix& m) { m.output.items[j].beta = m.output.items[j].beta + D; }), invalid(E::kA));
  }
  EXPECT_EQ(with([](Mix& m) { std::swap(m.input, m.output); }), invalid(E::kA));
  EXPECT_EQ(with([](Mix& m) { std::swap(m.output.items[0], m.output.items[2]); }), invalid(E::kA));
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(with([&](Mix& m) { m.proof.u[i] = m.proof.u[i] + D; }), invalid(E::kA));
    EXPECT_EQ(with([&](Mix& m) { m.proof.B[i] = m.proof.B[i] + D; }), invalid(E::kA));
    EXPECT_EQ(with([&](Mix& m) { m.proof.B1[i] = m.proof.B1[i] + D; }), invalid(E::kA));
  }
  EXPECT_EQ(with([&](Mix& m) { m.proof.A1 = m.proof.A1 + D; }), invalid(E::kA));
  EXPECT_EQ(with([&](Mix& m) { m.proof.C1 = m.proof.C1 + D; }), invalid(E::kA));
  EXPECT_EQ(with([&](Mix& m) { m.proof.D1 = m.proof.D1 + D; }), invalid(E::kA));
  for (std::size_t k = 0; k < 2; ++k) {
    EXPECT_EQ(with([&](Mix& m) { m.proof.F1[k].alpha = m.proof.F1[k].alpha + D; }), invalid(E::kA));
    EXPECT_EQ(with([&](Mix& m) { m.proof.F1[k].beta = m.proof.F1[k].beta + D; }), invalid(E::kA));
  }
  EXPECT_EQ(with([&](Mix& m) {
              m.generators = ShuffleGenerators<G>::chosen(
                  "another tag", {m.generators.all().begin(), m.generators.all().end()});
            }),
            invalid(E::kA));
}

// A01: a proof speaks for its election, statement, mixer and mixing group only. The twin is a verifier who
// leaves that item out, so takes the proof in both places.
TEST(ShuffleAttack, ContextIsBound) {
  struct Context {
    std::string suite = "psephos-1", election = "election A", label{kShuffleLabel}, role = "mixer";
    std::uint64_t index = 1;
    std::string group = "mayor, unit 1";
    Transcript transcript() const {
      Transcript t({suite, sigma_test::fingerprint(election), label, role, index});
      t.append("group", bytes_of(group));
      return t;
    }
  };
  Mix mix(3, 1);
  const auto verify = [&](const Context& c) { return mix.verify(c.transcript()); };
  const auto changed = [](auto member, auto value) {
    Context c;
    c.*member = value;
    return c;
  };
  ASSERT_EQ(verify(Context{}), kAccepted);
  EXPECT_EQ(verify(changed(&Context::suite, "psephos-2")), invalid(E::kA));
  EXPECT_EQ(verify(changed(&Context::election, "election B")), invalid(E::kA));
  EXPECT_EQ(verify(changed(&Context::label, "shuffle/v2")), invalid(E::kA));
  EXPECT_EQ(verify(changed(&Context::role, "trustee")), invalid(E::kA));
  EXPECT_EQ(verify(changed(&Context::index, 2U)), invalid(E::kA));
  EXPECT_EQ(verify(changed(&Context::group, "council, unit 1")), invalid(E::kA));

  const OmittingTranscript careless(sigma_test::transcript_for(kShuffleLabel), "group");
  OmittingTranscript p = careless, q = careless;
  p.append("group", bytes_of("mayor, unit 1"));
  q.append("group", bytes_of("council, unit 1"));
  const auto proof = prove_shuffle(mix.statement(), mix.witness, p, mix.generators, mix.rng);
  EXPECT_EQ(verify_shuffle_vartime(mix.statement(), proof, q, mix.generators), kAccepted);
}

// A114: with the logarithms of the generators known, a vote is stolen by a proof that is right in every
// equation. Generators that everybody derives have no such logarithms.
TEST(ShuffleAttack, TrapdooredGeneratorsStealAVote) {
  Cheat cheat;
  const ShuffleGenerators<G> derived = cheat.generators;
  const std::vector<Scalar> logs = cheat.many(Cheat::N);
  std::vector<Point> h;
  for (const Scalar& log : logs) h.push_back(G::mul_base_vartime(log));
  cheat.generators = ShuffleGenerators<G>::chosen(kTag, h);

  ForgedShuffle<G> f{cheat.Y, {}, {}, {}};
  const std::vector<Scalar> rho = cheat.many(Cheat::N), s = cheat.many(Cheat::N), y = cheat.many(Cheat::N);
  const std::vector<Point> before = {cheat.P, cheat.P, cheat.P, cheat.Q, cheat.Q, cheat.P};
  const std::vector<Point> after = {cheat.P, cheat.P, cheat.Q, cheat.Q, cheat.Q, cheat.P};
  for (std::size_t i = 0; i < Cheat::N; ++i) {
    f.input.items.push_back(cheat.enc(before[i], rho[i]));
    f.output.items.push_back(cheat.enc(after[i], rho[i] + s[i]));
    f.proof.u.push_back(G::mul_base_vartime(y[i]));  // a commitment to whatever is needed later
  }
  Transcript t = group_transcript();
  append_statement(t, f.statement(), cheat.generators);
  t.append_points("u", std::span<const Point>(f.proof.u));
  const auto e = t.challenge_vector<G>("e", Cheat::N);
  ShuffleOpening<G> o{e, {}, {}, {Scalar{}}};
  std::ranges::copy(vote_stealing_vector(e, cheat.rng), o.e1.begin());
  for (std::size_t i = 0; i < Cheat::N; ++i) {
    o.a = o.a + e[i] * y[i] - o.e1[i] * logs[i];
    o.c = o.c + y[i] - logs[i];
    o.f[0] = o.f[0] + o.e1[i] * (rho[i] + s[i]) - e[i] * rho[i];
  }
  finish_forged_proof<G>(f, o, e, h, "", t, cheat.rng);

  EXPECT_NE(sorted_plaintexts<G>(cheat.x, f.input), sorted_plaintexts<G>(cheat.x, f.output));
  Transcript naive = group_transcript();
  EXPECT_EQ(verify_shuffle_vartime(f.statement(), f.proof, naive, cheat.generators), kAccepted);
  Transcript ours = group_transcript();
  EXPECT_EQ(verify_shuffle_vartime(f.statement(), f.proof, ours, derived), invalid(E::kA));
  // The twin: an honest mix of as many rows, generators derived.
  EXPECT_EQ(Mix(Cheat::N, 1).verify(), kAccepted);
}

// A115.
TEST(ShuffleAttack, DegenerateGeneratorsAreRefused) {
  const Mix mix(4, 1);
  const auto check = [&](auto&& change) {
    std::vector<Point> h(mix.generators.all().begin(), mix.generators.all().end());
    change(h);
    const auto checked = check_generators<G>(h, 4, mix.Y);
    Transcript t = group_transcript();
    const auto verified =
        verify_shuffle_vartime(mix.statement(), mix.proof, t, ShuffleGenerators<G>::chosen(kTag, h));
    EXPECT_EQ(checked.has_value(), verified.has_value());
    if (!verified && !checked) {
      EXPECT_EQ(verified.error().fault, checked.error());
    }
    return checked;
  };
  const Result<void, Fault> degenerate = std::unexpected(Fault::kCrsDegenerate);
  EXPECT_EQ(check([](auto&) {}), (Result<void, Fault>{}));
  EXPECT_EQ(check([](auto& h) { h[3] = h[1]; }), degenerate);
  EXPECT_EQ(check([](auto& h) { h[0] = Point::identity(); }), degenerate);
  EXPECT_EQ(check([](auto& h) { h[2] = Point::generator(); }), degenerate);
  EXPECT_EQ(check([&](auto& h) { h[1] = mix.Y; }), degenerate);
  EXPECT_EQ(check([](auto& h) { h.pop_back(); }), degenerate);
  EXPECT_EQ(check([](auto& h) { h.clear(); }), degenerate);
  // More than are needed are no harm, whatever they are: only the first N are used.
  EXPECT_EQ(check([](auto& h) { h.push_back(h[0]); }), (Result<void, Fault>{}));
}

// A117: a proof has no place for widths, hash or group; what comes before, after or instead is refused.
TEST(ShuffleAttack, ProofHasNoPlaceForParameters) {
  const Mix mix(3, 1);
  const Bytes good = encode_proof(mix.proof);
  const auto parse = [](Bytes bytes, std::uint64_t N = 3, std::uint64_t W = 1) {
    const auto out = decode_proof<G>(bytes, N, W);
    return out ? kAccepted : Result<void, ShuffleRejection>(std::unexpected(out.error()));
  };
  EXPECT_EQ(parse(good), kAccepted);
  for (const std::size_t extra : {1U, 8U, 32U, 160U}) {
    Bytes longer = good;
    longer.insert(longer.end(), extra, 0);
    EXPECT_EQ(parse(longer), rejected(Fault::kProofParse));
    Bytes before(extra, 0);
    append(before, good);
    EXPECT_EQ(parse(before), rejected(Fault::kProofParse));
    EXPECT_EQ(parse(Bytes(good.begin(), good.end() - std::min<long>(static_cast<long>(extra), 32))),
              rejected(Fault::kProofParse));
  }
  EXPECT_EQ(parse({}), rejected(Fault::kProofParse));
  EXPECT_EQ(parse(good, 0), rejected(Fault::kProofParse));
  EXPECT_EQ(parse(good, 4), rejected(Fault::kProofParse));
  EXPECT_EQ(parse(good, 3, 2), rejected(Fault::kProofParse));
  EXPECT_EQ(parse(good, 3, 0), rejected(Fault::kProofParse));
  // Sizes whose product with the element width would wrap around 64 bits.
  EXPECT_EQ(parse(good, 3 + (1ULL << 59)), rejected(Fault::kProofParse));
  EXPECT_EQ(parse(good, 3, 1 + (1ULL << 59)), rejected(Fault::kProofParse));
  EXPECT_EQ(parse({}, 0, ~0ULL), kAccepted);  // no rows: the width changes nothing
}

// A119: the honest prover, run on an output that is no shuffle of the input.
TEST(ShuffleAttack, OutputThatIsNoPermutation) {
  const auto cheat = [](auto&& change) {
    Mix mix(5, 1);
    change(mix);
    mix.proof = mix.prove();
    const bool is_false = sorted_plaintexts<G>(mix.x, mix.input) != sorted_plaintexts<G>(mix.x, mix.output);
    EXPECT_EQ(mix.verify().has_value(), !is_false);
    return mix.verify();
  };
  EXPECT_EQ(cheat([](Mix&) {}), kAccepted);
  EXPECT_EQ(cheat([](Mix& m) {  // replace one
              m.output.items[3] = encrypt<G>(m.Y, multiple<G>(99), G::SecretScalar::random(m.rng));
            }),
            invalid(E::kFAlpha));
  EXPECT_EQ(cheat([](Mix& m) {  // duplicate one and drop one
              m.output.items[1] = re_encrypt<G>(m.Y, m.output.items[0], G::SecretScalar::random(m.rng));
            }),
            invalid(E::kFAlpha));
  EXPECT_EQ(cheat([](Mix& m) { std::swap(m.output.items[0].beta, m.output.items[4].beta); }),
            invalid(E::kFBeta));
  EXPECT_EQ(cheat([](Mix& m) { m.output.items[2].beta = m.output.items[2].beta + multiple<G>(1); }),
            invalid(E::kFBeta));
  // Two columns of one row exchanged, and a column that moves without its row.
  const auto wide = [](auto&& change) {
    Mix mix(4, 2);
    change(mix.output);
    mix.proof = mix.prove();
    return mix.verify();
  };
  EXPECT_EQ(wide([](CiphertextList<G>&) {}), kAccepted);
  EXPECT_EQ(wide([](CiphertextList<G>& l) { std::swap(l.items[0], l.items[1]); }), invalid(E::kFAlpha, 0));
  EXPECT_EQ(wide([](CiphertextList<G>& l) { std::swap(l.items[1], l.items[3]); }), invalid(E::kFAlpha, 1));
  EXPECT_EQ(wide([](CiphertextList<G>& l) { std::swap(l.items[1].beta, l.items[3].beta); }),
            invalid(E::kFBeta, 1));
}

// A127: a challenge vector with a zero or a repetition, forced through the transcript.
TEST(ShuffleAttack, DegenerateChallengeVector) {
  const auto with = [](std::initializer_list<std::uint64_t> e) {
    Mix mix(4, 1);
    ForcedTranscript<G> t{group_transcript(), std::vector<Scalar>{}, {}, {}};
    for (const std::uint64_t x : e) t.e->push_back(scalar<G>(x));
    ForcedTranscript<G> p = t;
    mix.proof = prove_shuffle(mix.statement(), mix.witness, p, mix.generators, mix.rng);
    return verify_shuffle_vartime(mix.statement(), mix.proof, t, mix.generators);
  };
  EXPECT_EQ(with({5, 6, 7, 8}), kAccepted);
  EXPECT_EQ(with({5, 6, 0, 8}), rejected(Fault::kShuffleDegenerate));
  EXPECT_EQ(with({5, 6, 7, 5}), rejected(Fault::kShuffleDegenerate));
  EXPECT_EQ(with({0, 0, 0, 0}), rejected(Fault::kShuffleDegenerate));
}

// A127: identity commitments, in a proof that is right in every equation: it takes known logarithms of the
// generators to make one. And in every place where one can be written.
TEST(ShuffleAttack, IdentityCommitments) {
  Mix mix(2, 1);
  const std::vector<Point> h = {multiple<G>(11), multiple<G>(13)};
  const auto generators = ShuffleGenerators<G>::chosen(kTag, h);
  const std::vector<Scalar> e = {scalar<G>(5), scalar<G>(6)};
  const auto prove = [&](auto&& change) {
    ShuffleNonces<G> n = ShuffleNonces<G>::expand(SecretBytes<64>::random(mix.rng), 2, 1);
    change(n);
    ForcedTranscript<G> p{group_transcript(), e, {}, {}}, q = p;
    append_statement(p, mix.statement(), generators);
    const auto proof = prove_shuffle_with_nonces(mix.statement(), mix.witness, n, p, generators);
    append_statement(q, mix.statement(), generators);
    q.append_points("u", std::span<const Point>(proof.u));
    EXPECT_EQ(q.challenge_vector<G>("e", 2), e);
    shuffle_detail::append_commitments(q, proof);
    const Scalar v = q.challenge_scalar<G>("v");
    const auto t = Transcript::expand_challenge_vector<G>(sha512(bytes_of("weights")), 2);
    EXPECT_EQ(first_failing_equation_vartime<G>(mix.statement(), proof, generators, e, v, t), std::nullopt);
    ForcedTranscript<G> r{group_transcript(), e, {}, {}};
    return verify_shuffle_vartime(mix.statement(), proof, r, generators);
  };
  const std::size_t first = mix.witness.permutation.expose()[0];  // the row whose e' is e'_0 = e[…]
  EXPECT_EQ(prove([](auto&) {}), kAccepted);
  EXPECT_EQ(prove([&](auto& n) {  // B_0 = b_0·G + e'_0·11·G
              n.b[0] = G::SecretScalar::of(-(e[first] * scalar<G>(11)));
            }),
            rejected(Fault::kShuffleDegenerate));
  EXPECT_EQ(prove([](auto& n) { n.r[1] = G::SecretScalar::of(-scalar<G>(13)); }),  // r_1·G + h_1
            rejected(Fault::kShuffleDegenerate));
  EXPECT_EQ(prove([](auto& n) { n.gamma = G::SecretScalar{}; }), rejected(Fault::kShuffleDegenerate));
  EXPECT_EQ(prove([](auto& n) { n.delta = G::SecretScalar{}; }), rejected(Fault::kShuffleDegenerate));

  const auto with_identity = [](auto&& place) {
    Mix m(3, 2);
    place(m.proof) = Point::identity();
    return m.verify();
  };
  const auto bad = rejected(Fault::kShuffleDegenerate);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(with_identity([i](auto& p) -> Point& { return p.u[i]; }), bad);
    EXPECT_EQ(with_identity([i](auto& p) -> Point& { return p.B[i]; }), bad);
    EXPECT_EQ(with_identity([i](auto& p) -> Point& { return p.B1[i]; }), bad);
  }
  EXPECT_EQ(with_identity([](auto& p) -> Point& { return p.A1; }), bad);
  EXPECT_EQ(with_identity([](auto& p) -> Point& { return p.C1; }), bad);
  EXPECT_EQ(with_identity([](auto& p) -> Point& { return p.D1; }), bad);
  for (std::size_t k = 0; k < 2; ++k) {
    EXPECT_EQ(with_identity([k](auto& p) -> Point& { return p.F1[k].alpha; }), bad);
    EXPECT_EQ(with_identity([k](auto& p) -> Point& { return p.F1[k].beta; }), bad);
  }
}

/// A mix of N rows of W columns by a mixer who gives `lazy` offsets of column `from` to column `to` as well.
Mix lazy_mix(std::size_t N, std::size_t W, std::size_t from, std::size_t to,
             std::span<const std::size_t> lazy) {
  Mix mix(N, W);
  for (const std::size_t i : lazy) {
    const auto& s = mix.witness.s;
    const std::size_t row = mix.witness.permutation.expose()[i];
    mix.output.items[row * W + to] = re_encrypt<G>(mix.Y, mix.input.items[i * W + to], s[i * W + from]);
    mix.witness.s[i * W + to] = s[i * W + from].clone();
  }
  mix.proof = mix.prove();
  return mix;
}

// A121: the proof is right, and whoever subtracts columns follows the row.
TEST(ShuffleAttack, A121_OneOffsetForTwoColumns) {
  const std::size_t N = 5;
  for (const std::size_t W : {2U, 3U})
    for (std::size_t from = 0; from < W; ++from)
      for (std::size_t to = 0; to < W; ++to) {
        if (from == to) continue;
        for (std::size_t i = 0; i < N; ++i) {
          const Mix mix = lazy_mix(N, W, from, to, std::array{i});
          const std::size_t row = mix.witness.permutation.expose()[i];
          const auto difference = [&](const CiphertextList<G>& list, std::size_t at) {
            return list.row(at)[to].alpha - list.row(at)[from].alpha;
          };
          EXPECT_EQ(difference(mix.output, row), difference(mix.input, i));
          EXPECT_EQ(mix.verify(), rejected(Fault::kMixOffsetReused, E::kNone, row)) << W << from << to;
        }
      }
  const Mix all = lazy_mix(N, 2, 0, 1, std::vector<std::size_t>{0, 1, 2, 3, 4});
  EXPECT_EQ(all.verify(), rejected(Fault::kMixOffsetReused, E::kNone, 0));
  EXPECT_EQ(describe(all.verify().error()), "MIX_OFFSET_REUSED (output, row 0)");
  // A proof that is wrong besides is refused as wrong.
  Mix wrong = lazy_mix(N, 2, 0, 1, std::array<std::size_t, 1>{0});
  wrong.proof.k_C = wrong.proof.k_C + scalar<G>(1);
  EXPECT_EQ(wrong.verify(), invalid(E::kC));
  // The twins: nobody lazy; and rows of one column, where equal offsets say nothing.
  for (const std::size_t W : {1U, 2U, 3U}) EXPECT_EQ(lazy_mix(N, W, 0, 0, {}).verify(), kAccepted);
  EXPECT_EQ(lazy_mix(N, 1, 0, 0, std::vector<std::size_t>{0, 1, 2}).verify(), kAccepted);
}

// Weights known before one of the responses would let two broken links cancel.
TEST(ShuffleAttack, FoldingWeightsComeAfterTheResponses) {
  const auto cancel_two_links = [](Mix& mix, const std::vector<Scalar>& weights) {
    mix.proof.k_B[0] = mix.proof.k_B[0] + weights[1];
    mix.proof.k_B[1] = mix.proof.k_B[1] - weights[0];
  };
  Mix mix(3, 1);
  const std::vector<Scalar> known = {scalar<G>(5), scalar<G>(6), scalar<G>(7)};
  cancel_two_links(mix, known);
  ForcedTranscript<G> predictable{group_transcript(), {}, known, {}};
  EXPECT_EQ(verify_shuffle_vartime(mix.statement(), mix.proof, predictable, mix.generators), kAccepted);
  EXPECT_EQ(mix.verify(), invalid(E::kB, 0));

  // What a verifier who hashes all but these responses would draw, and how it takes the proof made for that.
  for (const bool every_response : {false, true}) {
    Mix honest(3, 1);
    OmittingTranscript t(group_transcript(), "k_B");
    append_statement(t, honest.statement(), honest.generators);
    t.append_points("u", std::span<const Point>(honest.proof.u));
    (void)t.challenge_vector<G>("e", 3);
    shuffle_detail::append_commitments(t, honest.proof);
    (void)t.challenge_scalar<G>("v");
    if (!every_response) shuffle_detail::append_responses(t, honest.proof);
    cancel_two_links(honest, t.challenge_vector<G>("t", 3));
    EXPECT_EQ(honest.verify(), invalid(E::kB, 0));
    if (every_response) continue;
    OmittingTranscript careless(group_transcript(), "k_B");
    EXPECT_EQ(verify_shuffle_vartime(honest.statement(), honest.proof, careless, honest.generators),
              kAccepted);
  }
}

}  // namespace
}  // namespace psephos
