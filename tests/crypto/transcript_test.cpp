#include "crypto/transcript.h"

#include <gtest/gtest.h>

#include <set>

#include "crypto/elgamal.h"
#include "crypto/group/ristretto.h"
#include "crypto/group/tiny.h"
#include "tests/crypto/sigma_fixture.h"

namespace psephos {
namespace {

using namespace sigma_test;
using R = Ristretto;

ProofContext context() {
  return {kSuite, fingerprint("election A"), "label/v1", "role", 7};
}

TEST(Transcript, IsWhatTheSpecSays) {
  Transcript transcript(context());
  OmittingTranscript spec(context(), {});
  std::vector<R::Point> points;
  for (std::uint64_t i = 0; i < 5; ++i) points.push_back(multiple<R>(i));
  const auto append_all = [&](auto& t) {
    t.append("bytes", bytes_of("some bytes"));
    t.append("empty", {});
    t.append_u64("number", 0x0102030405060708);
    t.append_value("point", points[3]);
    t.append_value("scalar", scalar<R>(9));
    t.append_points("points", std::span<const R::Point>(points));
    t.append_points("none", std::span<const R::Point>());
  };
  append_all(transcript);
  append_all(spec);
  EXPECT_EQ(transcript.challenge_bytes("one"), spec.challenge_bytes("one"));
  EXPECT_EQ(transcript.challenge_bytes("one"),
            spec.challenge_bytes("one"));  // another: the first is absorbed
  EXPECT_EQ(transcript.challenge_scalar<R>("two"), spec.challenge_scalar<R>("two"));
  for (const std::size_t n : {0U, 1U, 3U, 4U, 5U, 9U})
    EXPECT_EQ(transcript.challenge_vector<R>("many", n), spec.challenge_vector<R>("many", n));
}

// The first challenge, computed from SPEC §5.1 by hand with another implementation of SHA-512.
TEST(Transcript, FixedValue) {
  const Digest256 zero{};
  Transcript transcript({"psephos-1", zero, "label/v1", "role", 7});
  transcript.append("x", bytes_of("data"));
  EXPECT_EQ(to_hex(transcript.challenge_bytes("c")),
            "a4f9c0103eff6d2687d5676e7ff9ff24c67dbcc2ecb1dadf27a33c468e05da49"
            "137720ba6a5037be42c6beb62e08b7185e0a7b9d67a080b474b55084f069dd29");
}

TEST(Transcript, EveryFieldOfTheContextIsBound) {
  std::set<Digest512> challenges;
  const auto add = [&](const ProofContext& c) {
    EXPECT_TRUE(challenges.insert(Transcript(c).challenge_bytes("c")).second);
  };
  add(context());
  ProofContext changed = context();
  changed.suite = "psephos-2";
  add(changed);
  changed = context();
  changed.fingerprint[31] ^= 1;
  add(changed);
  changed = context();
  changed.label = "label/v2";
  add(changed);
  changed = context();
  changed.role = "rol";
  add(changed);
  changed = context();
  changed.index = 8;
  add(changed);
  changed = context();  // a byte moved from one field to the next
  changed.label = "label/v1r";
  changed.role = "ole";
  add(changed);
}

// No two sequences of frames give one stream of bytes: length prefixes leave no second reading.
TEST(Transcript, NoTwoSequencesOfFramesAreOne) {
  using Frames = std::vector<std::pair<std::string, std::string>>;
  const Frames sequences[] = {{},
                              {{"", ""}},
                              {{"", ""}, {"", ""}},
                              {{"a", ""}},
                              {{"", "a"}},
                              {{"ab", ""}},
                              {{"a", "b"}},
                              {{"", "ab"}},
                              {{"a", ""}, {"b", ""}},
                              {{"a", ""}, {"", "b"}},
                              {{"a", "b"}, {"c", "d"}},
                              {{"a", "bc"}, {"", "d"}},
                              {{"a", "bcd"}},
                              {{"c", "d"}, {"a", "b"}},
                              // the frame (b, c) as data of the first
                              {{"a", std::string("\0\0\0\1b\0\0\0\0\0\0\0\1c", 14)}},
                              {{"a", ""}, {"b", "c"}}};
  std::set<Digest512> challenges;
  for (const Frames& frames : sequences) {
    Transcript transcript(context());
    for (const auto& [label, data] : frames) transcript.append(label, bytes_of(data));
    EXPECT_TRUE(challenges.insert(transcript.challenge_bytes("c")).second);
  }
  EXPECT_EQ(challenges.size(), std::size(sequences));
}

TEST(Transcript, ChallengesDifferByLabelOrderAndPast) {
  std::set<Digest512> challenges;
  Transcript one(context());
  Transcript two(context());
  EXPECT_TRUE(challenges.insert(one.challenge_bytes("a")).second);
  EXPECT_TRUE(challenges.insert(one.challenge_bytes("b")).second);
  EXPECT_TRUE(challenges.insert(two.challenge_bytes("b")).second);
  EXPECT_TRUE(challenges.insert(two.challenge_bytes("a")).second);
  Transcript appended(context());  // a frame with a challenge's label is not a challenge
  appended.append("a", {});
  EXPECT_TRUE(challenges.insert(appended.challenge_bytes("a")).second);
}

TEST(Transcript, CopiesShareThePrefixAndNothingMore) {
  Transcript prefix(context());
  prefix.append("x", bytes_of("y"));
  Transcript copy = prefix;
  copy.append("more", {});
  Transcript again(context());
  again.append("x", bytes_of("y"));
  EXPECT_EQ(prefix.challenge_bytes("c"), again.challenge_bytes("c"));
  Transcript other = copy;
  EXPECT_EQ(copy.challenge_bytes("c"), other.challenge_bytes("c"));
}

TEST(Transcript, WeightsHave128Bits) {
  Transcript transcript(context());
  const auto weights = transcript.challenge_vector<R>("w", 101);
  ASSERT_EQ(weights.size(), 101U);
  std::set<ByteArray<32>> distinct;
  std::uint8_t seen = 0;
  for (const auto& weight : weights) {
    const auto bytes = weight.encode();
    distinct.insert(bytes);
    seen |= bytes[15];
    for (std::size_t i = 16; i < 32; ++i) EXPECT_EQ(bytes[i], 0);
  }
  EXPECT_EQ(distinct.size(), 101U);
  EXPECT_EQ(seen, 0xff);
}

// Lists longer than what is hashed or expanded together, up to their ends.
TEST(Transcript, LongListsAreWhatTheSpecSays) {
  std::vector<R::Point> points;
  for (std::uint64_t i = 0; i < 131; ++i) points.push_back(multiple<R>(i));
  for (const std::size_t n : {63U, 64U, 65U, 127U, 128U, 129U, 131U}) {
    const auto list = std::span<const R::Point>(points).first(n);
    std::vector<Ciphertext<R>> pairs;
    for (const R::Point& p : list) pairs.push_back({p, points[1]});
    Transcript transcript(context());
    OmittingTranscript spec(context(), {});
    const auto append_all = [&](auto& t) {
      t.append_points("points", list);
      t.append_points("ciphertexts", std::span<const Ciphertext<R>>(pairs));
    };
    append_all(transcript);
    append_all(spec);
    EXPECT_EQ(transcript.challenge_bytes("c"), spec.challenge_bytes("c")) << n;
  }
  for (const std::size_t n : {1023U, 1024U, 1025U, 4095U, 5003U}) {
    Transcript transcript(context());
    OmittingTranscript spec(context(), {});
    EXPECT_EQ(transcript.challenge_vector<R>("many", n), spec.challenge_vector<R>("many", n)) << n;
  }
}

// Any part of a challenge vector, by itself.
TEST(Transcript, PartsOfAChallengeVector) {
  const Digest512 s = sha512(bytes_of("seed"));
  const auto all = Transcript::expand_challenge_vector<R>(s, 2100);
  for (std::size_t i = 0; i < all.size(); ++i) EXPECT_EQ(Transcript::expand_challenge<R>(s, i), all[i]) << i;
  for (const std::size_t first : {0U, 1U, 3U, 4U, 1022U})
    for (const std::size_t n : {0U, 1U, 2U, 5U, 8U, 1000U}) {
      std::vector<R::Scalar> part(n);
      Transcript::expand_challenges<R>(s, first, part);
      EXPECT_TRUE(std::ranges::equal(part, std::span(all).subspan(first, n))) << first << " " << n;
    }
}

/// A generator stuck at one value, as after a cloned virtual machine.
class StuckRng final : public Rng {
 public:
  void fill(std::span<std::uint8_t> out) override { std::ranges::fill(out, std::uint8_t{42}); }
};

// A18: with a generator that repeats, nonces still differ whenever statement, secret or label does.
TEST(Transcript, HedgedNonceSurvivesAStuckGenerator) {
  StuckRng stuck;
  std::vector<R::Scalar> nonces;
  Transcript transcript(context());
  const auto add = [&](const Transcript& t, std::string_view label, std::uint64_t x) {
    nonces.push_back(declassify(t.hedged_nonce<R>(label, secret<R>(x), stuck)));
  };
  add(transcript, "l", 1);
  add(transcript, "l", 2);
  add(transcript, "m", 1);
  transcript.append("statement", bytes_of("s"));
  add(transcript, "l", 1);
  for (std::size_t i = 0; i < nonces.size(); ++i)
    for (std::size_t k = 0; k < i; ++k) EXPECT_NE(nonces[i], nonces[k]);
  add(transcript, "l", 1);
  EXPECT_EQ(nonces[4], nonces[3]);
  SystemRng rng;
  EXPECT_NE(declassify(transcript.hedged_nonce<R>("l", secret<R>(1), rng)),
            declassify(transcript.hedged_nonce<R>("l", secret<R>(1), rng)));
  Transcript untouched(context());
  untouched.append("statement", bytes_of("s"));
  EXPECT_EQ(transcript.challenge_bytes("c"), untouched.challenge_bytes("c"));
}

}  // namespace
}  // namespace psephos
