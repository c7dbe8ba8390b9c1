#include "crypto/threshold/dkg.h"

#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "crypto/elgamal.h"
#include "crypto/random.h"
#include "crypto/secret/dkg_participant.h"

// The key ceremony (SPEC §7): honest ones, and every fault beside its accepted twin.

namespace psephos {
namespace {

using Point = Ristretto::Point;
using Scalar = Ristretto::Scalar;
using SecretScalar = Ristretto::SecretScalar;

DkgSession session_of(std::string_view definition, std::uint64_t attempt = 1) {
  return {.suite = "psephos-1", .definition_hash = sha256(bytes_of(definition)), .attempt = attempt};
}

DkgSecret clone(const DkgSecret& secret) {
  return DkgSecret::from_secret_bytes(secret.seal_bytes()).value();
}

/// n trustees. Every step of every trustee is a process of its own: nothing survives but the sealed secret.
struct Ceremony {
  SystemRng rng;
  std::vector<DkgSecret> secrets;
  std::vector<Point> static_keys;
  std::optional<DkgSetup> setup;
  DkgTranscript transcript;

  Ceremony(std::uint32_t quorum, std::uint32_t n, DkgSession session = session_of("definition")) {
    for (std::uint32_t i = 0; i < n; ++i) {
      secrets.push_back(DkgSecret::create(rng));
      static_keys.push_back(secrets.back().static_key());
    }
    begin(quorum, session);
  }
  void begin(std::uint32_t quorum, DkgSession session) {
    setup = DkgSetup::create(session, quorum, static_keys).value();
    transcript = {};
  }
  std::uint32_t n() const { return setup->trustees(); }
  DkgParticipant participant(std::uint32_t i) {
    return DkgParticipant::create(*setup, i, clone(secrets[i - 1])).value();
  }
  void announce() {
    for (std::uint32_t i = 1; i <= n(); ++i) transcript.announcements.push_back(participant(i).announce());
  }
  void open() {
    for (std::uint32_t i = 1; i <= n(); ++i) {
      DkgParticipant process = participant(i);
      transcript.openings.push_back(process.open(transcript.announcements).value());
      secrets[i - 1] = clone(process.secret());
    }
  }
  Result<DkgOutcome, DkgRejection> finish(std::uint32_t i) {
    return participant(i).finish(transcript.announcements, transcript.openings);
  }
  std::vector<DkgOutcome> certify() {
    std::vector<DkgOutcome> out;
    for (std::uint32_t i = 1; i <= n(); ++i) {
      out.push_back(finish(i).value());
      transcript.certificates.push_back(out.back().certificate);
    }
    return out;
  }
  Result<DkgKeys, DkgRejection> verify() const { return verify_dkg_transcript_vartime(*setup, transcript); }
};

/// Lagrange coefficient at 0 of trustee i among `quorum`. Only tests hold more than one share.
Scalar lagrange(std::span<const std::uint32_t> quorum, std::uint32_t i) {
  Scalar out = Scalar::from_u64(1);
  for (const std::uint32_t j : quorum)
    if (j != i)
      out = out * Scalar::from_u64(j) * (Scalar::from_u64(j) - Scalar::from_u64(i)).inverse_vartime();
  return out;
}

/// Calls `visit` with every subset of 1 … n of the given size.
void for_each_subset(std::uint32_t n, std::size_t size,
                     const std::function<void(std::span<const std::uint32_t>)>& visit) {
  for (std::uint32_t bits = 0; bits < 1U << n; ++bits) {
    std::vector<std::uint32_t> subset;
    for (std::uint32_t i = 0; i < n; ++i)
      if ((bits >> i & 1U) != 0) subset.push_back(i + 1);
    if (subset.size() == size) visit(subset);
  }
}

TEST(Dkg, HonestCeremonies) {
  for (const auto& [t, n] :
       std::vector<std::pair<std::uint32_t, std::uint32_t>>{{2, 3}, {2, 5}, {3, 5}, {4, 5}, {5, 9}}) {
    Ceremony c(t, n);
    c.announce();
    c.open();
    const std::vector<DkgOutcome> outcomes = c.certify();
    const auto keys = c.verify();
    ASSERT_TRUE(keys.has_value()) << t << " of " << n;
    EXPECT_EQ(keys->verification_keys.size(), n);
    for (std::uint32_t i = 1; i <= n; ++i) {
      EXPECT_EQ(outcomes[i - 1].keys, *keys);
      EXPECT_EQ(Ristretto::mul_base(outcomes[i - 1].secret_share), keys->verification_keys[i - 1]);
    }
  }
}

TEST(Dkg, EveryQuorumOfFiveHoldsTheSameKeyAndNoSmallerOneDoes) {
  Ceremony c(3, 5);
  c.announce();
  c.open();
  const std::vector<DkgOutcome> outcomes = c.certify();
  const DkgKeys keys = c.verify().value();
  const Point message = Ristretto::mul_base(SecretScalar::random(c.rng));
  const SecretScalar r = SecretScalar::random(c.rng);
  const Ciphertext<Ristretto> ciphertext = encrypt<Ristretto>(keys.joint_key, message, r);
  for (std::size_t size = 1; size <= 5; ++size)
    for_each_subset(5, size, [&](std::span<const std::uint32_t> quorum) {
      Point in_exponent;
      Point mask;
      for (const std::uint32_t i : quorum) {
        const Scalar at = lagrange(quorum, i);
        in_exponent = in_exponent + Ristretto::mul_vartime(at, keys.verification_keys[i - 1]);
        mask = mask + Ristretto::mul_vartime(at, outcomes[i - 1].secret_share * ciphertext.alpha);
      }
      EXPECT_EQ(in_exponent == keys.joint_key, size >= 3);
      EXPECT_EQ(ciphertext.beta - mask == message, size >= 3);
    });
}

TEST(Dkg, TwoAttemptsShareNothing) {
  Ceremony c(2, 3);
  c.announce();
  c.open();
  c.certify();
  const DkgTranscript first = c.transcript;
  const DkgKeys first_keys = c.verify().value();
  c.begin(2, session_of("definition", 2));
  c.announce();
  c.open();
  c.certify();
  const DkgKeys second_keys = c.verify().value();
  EXPECT_NE(first_keys.joint_key, second_keys.joint_key);
  for (std::uint32_t i = 0; i < 3; ++i) {
    const auto a = CocktailMsg1::decode(c.setup->inner(), first.openings[i]).value();
    const auto b = CocktailMsg1::decode(c.setup->inner(), c.transcript.openings[i]).value();
    EXPECT_NE(a.C, b.C);
    EXPECT_NE(a.E, b.E);
  }
}

}  // namespace
}  // namespace psephos
