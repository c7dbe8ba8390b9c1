#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "crypto/group/ristretto.h"
#include "crypto/group/tiny.h"
#include "crypto/shuffle/proof.h"
#include "tests/crypto/shuffle_fixture.h"

namespace psephos {
namespace {

using G = Ristretto;
using E = ShuffleEquation;
using shuffle_test::group_transcript;
using shuffle_test::invalid;
using shuffle_test::Mix;
using shuffle_test::rejected;
using shuffle_test::sorted_plaintexts;

TEST(Shuffle, ProvesAndVerifiesAnyShape) {
  for (const std::size_t N : {0U, 1U, 2U, 3U, 10U, 257U})
    for (const std::size_t W : {1U, 2U, 3U}) {
      Mix mix(N, W);
      EXPECT_EQ(mix.verify(), (Result<void, ShuffleRejection>{})) << N << " rows of " << W;
      EXPECT_EQ(sorted_plaintexts<G>(mix.x, mix.input), sorted_plaintexts<G>(mix.x, mix.output));
      EXPECT_EQ(mix.output.width, W);
      const Bytes bytes = encode_proof(mix.proof);
      EXPECT_EQ(bytes.size(), N == 0 ? 0 : 32 * (5 * N + 3 * W + 6));
      EXPECT_EQ(decode_proof<G>(bytes, N, W).value(), mix.proof);
    }
}

/// The chain of N rows in pieces of every size is the chain row by row.
template <Group H>
void chain_in_pieces(std::size_t N, sigma_test::SeededRng& rng) {
  using Secret = typename H::SecretScalar;
  std::vector<Secret> e1, b;
  for (std::size_t i = 0; i < N; ++i) {
    e1.push_back(Secret::random(rng));
    b.push_back(Secret::random(rng));
  }
  const auto e = [&](std::size_t i) { return declassify(e1[i]); };  // public: a test's own
  for (std::size_t piece = 1; piece <= N + 1; ++piece) {
    const auto chain = shuffle_detail::shuffle_chain<H>(e1, b, piece);
    typename H::Scalar d;
    auto p = H::Scalar::from_u64(1);
    typename H::Scalar sum;
    for (std::size_t i = 0; i < N; ++i) {
      d = d * e(i) + declassify(b[i]);  // public: a test's own
      p = p * e(i);
      sum = sum + e(i);
      ASSERT_EQ(declassify(chain.d[i]), d) << i << " of " << N << " in pieces of " << piece;  // likewise
      ASSERT_EQ(declassify(chain.p[i]), p) << i << " of " << N << " in pieces of " << piece;  // likewise
    }
    EXPECT_EQ(shuffle_detail::parallel_fold(N, e, std::multiplies<>{}, piece), p);
    EXPECT_EQ(shuffle_detail::parallel_fold(N, e, std::plus<>{}, piece), sum);
  }
}

TEST(Shuffle, PiecesOfTheScalarLoopsDoNotShow) {
  sigma_test::SeededRng rng("pieces");
  for (std::size_t N = 1; N <= 9; ++N) {
    chain_in_pieces<Ristretto>(N, rng);
    chain_in_pieces<Tiny7>(N, rng);
    chain_in_pieces<Tiny13>(N, rng);
  }
  chain_in_pieces<Ristretto>(100, rng);
}

TEST(Shuffle, ZeroAndRepeatedChallengesAreFound) {
  const auto has = [](const std::vector<G::Scalar>& e) { return shuffle_detail::has_zero_or_repeated<G>(e); };
  std::vector<G::Scalar> e = Transcript::expand_challenge_vector<G>(sha512(bytes_of("e")), 100);
  EXPECT_FALSE(has({}));
  EXPECT_FALSE(has(e));
  // equal in 64 bits, different above; and zero in 64 bits
  Bytes far(16);
  far[15] = 1;
  const auto high = G::Scalar::from_wide(far);
  e.push_back(e[3] + high);
  EXPECT_FALSE(has(e));
  e.push_back(high);
  EXPECT_FALSE(has(e));
  std::vector<G::Scalar> zero = e;
  zero[50] = G::Scalar{};
  EXPECT_TRUE(has(zero));
  e[99] = e[0];
  EXPECT_TRUE(has(e));
  EXPECT_TRUE(has({G::Scalar{}}));
}

TEST(Shuffle, OutputFollowsTheWitness) {
  Mix mix(5, 2);
  for (std::size_t i = 0; i < 5; ++i)
    for (std::size_t k = 0; k < 2; ++k)
      EXPECT_EQ(mix.output.items[mix.witness.permutation.expose()[i] * 2 + k],
                re_encrypt<G>(mix.Y, mix.input.items[i * 2 + k], mix.witness.s[i * 2 + k]));
}

// A121: with one randomness for all columns of a row, the differences of its columns would not change.
TEST(Shuffle, EveryColumnHasRandomnessOfItsOwn) {
  Mix mix(4, 3);
  std::set<ByteArray<32>> seen;
  for (const auto& s : mix.witness.s)
    EXPECT_TRUE(seen.insert(declassify(s).encode()).second);  // public: a test's own
  const auto differences = [](const CiphertextList<G>& list) {
    std::set<G::Point> out;
    for (std::size_t i = 0; i < list.rows(); ++i)
      for (std::size_t k = 0; k + 1 < list.width; ++k)
        out.insert(list.row(i)[k + 1].alpha - list.row(i)[k].alpha);
    return out;
  };
  std::vector<G::Point> common;
  std::ranges::set_intersection(differences(mix.input), differences(mix.output), std::back_inserter(common));
  EXPECT_TRUE(common.empty());
}

// The spec's proof, computed with the chain one after the other as (6.3.2) has it, passes as well.
TEST(Shuffle, ChainFollowsItsDefinition) {
  Mix mix(4, 1);
  Transcript t = group_transcript();
  append_statement(t, mix.statement(), mix.generators);
  const SecretBytes<64> seed = SecretBytes<64>::random(mix.rng);
  const auto nonces = ShuffleNonces<G>::expand(seed, 4, 1);
  Transcript t2 = t;
  const auto p = prove_shuffle_with_nonces(mix.statement(), mix.witness, nonces, t, mix.generators);
  t2.append_points("u", std::span<const G::Point>(p.u));
  const auto e = t2.challenge_vector<G>("e", 4);
  std::vector<G::Scalar> e1(4);
  for (std::size_t i = 0; i < 4; ++i) e1[mix.witness.permutation.expose()[i]] = e[i];
  for (std::size_t i = 0; i < 4; ++i) {
    const G::Point before = i == 0 ? mix.generators.all()[0] : p.B[i - 1];
    EXPECT_EQ(p.B[i], G::mul_base(nonces.b[i]) + G::mul_vartime(e1[i], before));
    EXPECT_EQ(p.B1[i], G::mul_base(nonces.beta[i]) + nonces.epsilon[i] * before);
  }
}

/// Notes what is hashed.
struct RecordingTranscript {
  Transcript inner = group_transcript();
  std::vector<std::pair<std::string, std::size_t>> frames;  ///< label and size in bytes; 0 is a challenge
  void append(std::string_view label, ByteView data) {
    frames.emplace_back(label, data.size());
    inner.append(label, data);
  }
  void append_u64(std::string_view label, std::uint64_t value) { append(label, u64be(value)); }
  template <class Encodable>
  void append_value(std::string_view label, const Encodable& value) {
    append(label, value.encode());
  }
  template <class Point>
  void append_points(std::string_view label, std::span<const Point> points) {
    append(label, encode_all(points));
  }
  void append_every(std::string_view label, ByteView bytes, std::size_t offset, std::size_t width,
                    std::size_t stride) {
    frames.emplace_back(label, bytes.size() / stride * width);
    inner.append_every(label, bytes, offset, width, stride);
  }
  template <Group H>
  typename H::Scalar challenge_scalar(std::string_view label) {
    frames.emplace_back(label, 0);
    return inner.challenge_scalar<H>(label);
  }
  template <Group H>
  std::vector<typename H::Scalar> challenge_vector(std::string_view label, std::size_t n) {
    frames.emplace_back(label, 0);
    return inner.challenge_vector<H>(label, n);
  }
};

// The table of SPEC §6.3, for three rows of two columns.
TEST(Shuffle, HashesWhatTheSpecSaysInItsOrder) {
  const Mix mix(3, 2);
  RecordingTranscript t;
  ASSERT_TRUE(verify_shuffle_vartime(mix.statement(), mix.proof, t, mix.generators));
  const std::vector<std::pair<std::string, std::size_t>> expected = {{"Y", 32},
                                                                     {"width", 8},
                                                                     {"rows", 8},
                                                                     {"generators", 19},
                                                                     {"input alpha", 192},
                                                                     {"input beta", 192},
                                                                     {"output alpha", 192},
                                                                     {"output beta", 192},
                                                                     {"u", 96},
                                                                     {"e", 0},
                                                                     {"B", 96},
                                                                     {"A'", 32},
                                                                     {"B'", 96},
                                                                     {"C'", 32},
                                                                     {"D'", 32},
                                                                     {"F'", 128},
                                                                     {"v", 0},
                                                                     {"k_A", 32},
                                                                     {"k_B", 96},
                                                                     {"k_C", 32},
                                                                     {"k_D", 32},
                                                                     {"k_E", 96},
                                                                     {"k_F", 64},
                                                                     {"t", 0}};
  EXPECT_EQ(t.frames, expected);
}

// A proof from fixed bytes, so that a change of hashing, nonces or encoding does not go unnoticed.
TEST(Shuffle, KnownAnswer) {
  const Mix mix(3, 2, "known answer");
  EXPECT_EQ(to_hex(sha256(encode_proof(mix.proof))),
            "9793a4add79b240d05c74921617678bd7466a487409f923121f6c93fda67ff5c");
}

TEST(Shuffle, EmptyListHasOneProofOfNoBytes) {
  Mix mix(0, 2);
  EXPECT_TRUE(mix.verify());
  EXPECT_TRUE(encode_proof(mix.proof).empty());
  EXPECT_EQ(decode_proof<G>({}, 0, 2).value(), ShuffleProof<G>{});
  mix.proof.k_A = G::Scalar::from_u64(1);
  EXPECT_EQ(mix.verify(), rejected(Fault::kProofEncoding));
  mix.proof = {};
  mix.proof.u.push_back(mix.Y);
  EXPECT_EQ(mix.verify(), rejected(Fault::kProofEncoding));
}

TEST(Shuffle, ShapesMustFit) {
  const Mix good(3, 2);
  ASSERT_TRUE(good.verify());
  const auto with = [&](auto&& change) {
    Mix mix(3, 2);
    change(mix);
    return mix.verify();
  };
  const auto bad = rejected(Fault::kProofEncoding);
  EXPECT_EQ(with([](Mix& m) { m.proof.u.pop_back(); }), bad);
  EXPECT_EQ(with([](Mix& m) { m.proof.B.pop_back(); }), bad);
  EXPECT_EQ(with([](Mix& m) { m.proof.B1.push_back(m.Y); }), bad);
  EXPECT_EQ(with([](Mix& m) { m.proof.F1.pop_back(); }), bad);
  EXPECT_EQ(with([](Mix& m) { m.proof.k_B.emplace_back(); }), bad);
  EXPECT_EQ(with([](Mix& m) { m.proof.k_E.pop_back(); }), bad);
  EXPECT_EQ(with([](Mix& m) { m.proof.k_F.emplace_back(); }), bad);
  EXPECT_EQ(with([](Mix& m) { m.proof = {}; }), bad);
  // Lists of different sizes or widths, a broken row, a width of nothing.
  EXPECT_EQ(with([](Mix& m) { m.output.items.resize(4); }), bad);
  EXPECT_EQ(with([](Mix& m) { m.input.items.resize(4); }), bad);
  EXPECT_EQ(with([](Mix& m) { m.output.width = 3; }), bad);
  EXPECT_EQ(with([](Mix& m) { m.output.width = m.input.width = 3; }), bad);
  EXPECT_EQ(with([](Mix& m) { m.output.width = m.input.width = 0; }), bad);
  EXPECT_EQ(with([](Mix& m) {
              m.output.items.pop_back();
              m.input.items.pop_back();
            }),
            bad);
  EXPECT_EQ(with([](Mix& m) { m.Y = G::Point::identity(); }), rejected(Fault::kPointIdentity));
}

TEST(Shuffle, FoldedAndPlainChainAgree) {
  Mix mix(6, 1);
  const auto t = Transcript::expand_challenge_vector<G>(sha512(bytes_of("weights")), 6);
  Transcript transcript = group_transcript();
  append_statement(transcript, mix.statement(), mix.generators);
  transcript.append_points("u", std::span<const G::Point>(mix.proof.u));
  const auto e = transcript.challenge_vector<G>("e", 6);
  shuffle_detail::append_commitments(transcript, mix.proof);
  const auto v = transcript.challenge_scalar<G>("v");
  const auto h = mix.generators.all();
  EXPECT_TRUE(folded_chain_holds_vartime(ShuffleLinks<G>::all_of(mix.proof, h[0]), v, t));
  EXPECT_EQ(first_broken_link_vartime(ShuffleLinks<G>::all_of(mix.proof, h[0]), v), std::nullopt);
  for (std::size_t i = 0; i < 6; ++i) {
    ShuffleProof<G> broken = mix.proof;
    broken.k_B[i] = broken.k_B[i] + G::Scalar::from_u64(1);
    EXPECT_FALSE(folded_chain_holds_vartime(ShuffleLinks<G>::all_of(broken, h[0]), v, t));
    EXPECT_EQ(first_broken_link_vartime(ShuffleLinks<G>::all_of(broken, h[0]), v), i);
    broken = mix.proof;
    broken.B1[i] = broken.B1[i] + mix.Y;
    EXPECT_FALSE(folded_chain_holds_vartime(ShuffleLinks<G>::all_of(broken, h[0]), v, t));
    EXPECT_EQ(first_broken_link_vartime(ShuffleLinks<G>::all_of(broken, h[0]), v), i);
  }
}

// A response that is changed breaks the equation it answers for, and that one is named.
TEST(Shuffle, NamesTheFailingEquation) {
  const auto with = [](auto&& change) {
    Mix mix(5, 2);
    change(mix.proof);
    return mix.verify();
  };
  const G::Scalar one = G::Scalar::from_u64(1);
  EXPECT_EQ(with([&](ShuffleProof<G>& p) { p.k_A = p.k_A + one; }), invalid(E::kA));
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(with([&](ShuffleProof<G>& p) { p.k_B[i] = p.k_B[i] + one; }), invalid(E::kB, i));
    EXPECT_EQ(with([&](ShuffleProof<G>& p) { p.k_E[i] = p.k_E[i] + one; }), invalid(E::kA));
  }
  EXPECT_EQ(with([&](ShuffleProof<G>& p) { p.k_C = p.k_C + one; }), invalid(E::kC));
  EXPECT_EQ(with([&](ShuffleProof<G>& p) { p.k_D = p.k_D + one; }), invalid(E::kD));
  for (std::size_t k = 0; k < 2; ++k)
    EXPECT_EQ(with([&](ShuffleProof<G>& p) { p.k_F[k] = p.k_F[k] + one; }), invalid(E::kFAlpha, k));
  EXPECT_EQ(describe(invalid(E::kB, 17).error()), "SHUFFLE_PROOF_INVALID (equation B_17)");
  EXPECT_EQ(describe(invalid(E::kFBeta, 1).error()), "SHUFFLE_PROOF_INVALID (equation F_1, beta)");
}

TEST(Shuffle, DecoderNamesTheBadElement) {
  const Mix mix(3, 2);
  const Bytes good = encode_proof(mix.proof);
  ASSERT_TRUE(decode_proof<G>(good, 3, 2));
  const std::size_t points = 3 * 3 + 3 + 2 * 2;
  for (std::size_t element = 0; element < good.size() / 32; ++element) {
    Bytes bytes = good;
    std::fill_n(bytes.begin() + static_cast<long>(32 * element), 32, std::uint8_t{0xff});
    const Fault fault = element < points ? Fault::kPointNoncanonical : Fault::kScalarNoncanonical;
    ASSERT_FALSE(decode_proof<G>(bytes, 3, 2));
    EXPECT_EQ(decode_proof<G>(bytes, 3, 2).error(), (ShuffleRejection{fault, E::kNone, element}));
  }
}

// A list that the stage before has decoded gives the same answer as its bytes, and half the decodes.
TEST(Shuffle, DecodedListsServeTheNextStage) {
  for (const std::size_t W : {1U, 2U}) {
    Mix first(5, W);
    const Bytes input = encode_list(first.input), output = encode_list(first.output);
    const Bytes proof = encode_proof(first.proof);
    DecodedList<G> kept;
    EncodedShuffle<G> stage{first.Y, W, input, output, proof, nullptr, &kept};
    Transcript t = group_transcript();
    ASSERT_TRUE(verify_shuffle_vartime(stage, t, first.generators));
    ASSERT_EQ(kept.parts.size(), 2 * W);

    Mix second(5, W);
    second.input = first.output;
    ShuffleResult<G> mixed = shuffle<G>(second.Y, second.input, second.rng);
    second.output = std::move(mixed.output);
    second.witness = std::move(mixed.witness);
    second.proof = second.prove();
    for (const bool broken : {false, true}) {
      if (broken) second.proof.k_F[0] = second.proof.k_F[0] + G::Scalar::from_u64(1);
      const Bytes next = encode_list(second.output), next_proof = encode_proof(second.proof);
      const EncodedShuffle<G> by_bytes{second.Y, W, output, next, next_proof};
      const EncodedShuffle<G> by_points{second.Y, W, output, next, next_proof, &kept};
      Transcript a = group_transcript(), b = group_transcript();
      EXPECT_EQ(verify_shuffle_vartime(by_bytes, a, second.generators),
                verify_shuffle_vartime(by_points, b, second.generators));
      EXPECT_EQ(second.verify().has_value(), !broken);
    }
  }
}

// Every element decoded, changed and verified again: no byte of a proof is free.
TEST(Shuffle, NoByteOfAProofIsFree) {
  Mix mix(3, 1);
  const Bytes good = encode_proof(mix.proof);
  for (std::size_t at = 0; at < good.size(); at += 7) {
    Bytes bytes = good;
    bytes[at] ^= 1;
    const auto decoded = decode_proof<G>(bytes, 3, 1);
    if (!decoded) continue;  // refused by name already
    mix.proof = *decoded;
    ASSERT_FALSE(mix.verify()) << at;
    EXPECT_EQ(mix.verify().error().fault, Fault::kShuffleProofInvalid) << at;
  }
}

/// Hands out prepared 64-bit numbers.
struct ScriptedRng final : Rng {
  std::vector<std::uint64_t> numbers;
  std::size_t used = 0;
  void fill(std::span<std::uint8_t> out) override {
    ASSERT_EQ(out.size(), 8U);
    ASSERT_LT(used, numbers.size());
    const auto bytes = u64be(numbers[used++]);
    std::copy(bytes.begin(), bytes.end(), out.begin());
  }
};

// All draws of a list of four lead to all permutations, each once: so a uniform draw is a uniform
// permutation.
TEST(SecretPermutation, EveryPermutationFromOneDraw) {
  std::set<std::vector<std::uint32_t>> seen;
  for (std::uint64_t a = 0; a < 4; ++a)
    for (std::uint64_t b = 0; b < 3; ++b)
      for (std::uint64_t c = 0; c < 2; ++c) {
        ScriptedRng rng;
        rng.numbers = {a, b, c};
        const auto permutation = SecretPermutation::random(4, rng);
        EXPECT_TRUE(seen.insert({permutation.expose().begin(), permutation.expose().end()}).second);
      }
  EXPECT_EQ(seen.size(), 24U);
}

// 2^64 leaves the remainder 1 modulo 3: the one number too many is thrown away, none besides.
TEST(SecretPermutation, RejectsWhatWouldBias) {
  ScriptedRng rng;
  rng.numbers = {~0ULL, ~0ULL, ~0ULL - 1, 1};
  EXPECT_EQ(SecretPermutation::random(3, rng).size(), 3U);
  EXPECT_EQ(rng.used, 4U);
  ScriptedRng even;
  even.numbers = {~0ULL};
  EXPECT_EQ(SecretPermutation::random(2, even).size(), 2U);
  EXPECT_EQ(even.used, 1U);
}

/// A generator that is stuck.
struct StuckRng final : Rng {
  void fill(std::span<std::uint8_t> out) override { std::fill(out.begin(), out.end(), std::uint8_t{7}); }
};

// A18: with the fresh bytes repeating, equal nonces in two contexts would open the permutation to anyone.
TEST(Shuffle, StuckGeneratorGivesOtherNoncesInAnotherContext) {
  Mix mix(4, 1);
  StuckRng stuck;
  const auto prove = [&](std::string_view group) {
    Transcript t = group_transcript("election A", 1, group);
    return prove_shuffle(mix.statement(), mix.witness, t, mix.generators, stuck);
  };
  const auto one = prove("mayor"), again = prove("mayor"), other = prove("council");
  EXPECT_EQ(one, again);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_NE(one.u[i], other.u[i]);
  EXPECT_NE(one.C1, other.C1);
}

}  // namespace
}  // namespace psephos
