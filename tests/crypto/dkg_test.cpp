#include "crypto/threshold/dkg.h"

#include <gtest/gtest.h>
#include <sodium.h>

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

/// The static secret inside a sealed one; only tests look.
SecretScalar static_secret(const DkgSecret& secret) {
  const SecretBytes<DkgSecret::kWidth> sealed = secret.seal_bytes();
  return SecretScalar::from_wide(sealed.expose().first<32>());
}

/// Gives the listed scalars, 64 bytes each, then fresh ones.
struct ScriptedRng final : Rng {
  std::vector<Scalar> script;
  std::size_t next = 0;
  SystemRng fresh;
  explicit ScriptedRng(std::vector<Scalar> scalars) : script(std::move(scalars)) {}
  void fill(std::span<std::uint8_t> out) override {
    if (next == script.size()) return fresh.fill(out);
    std::ranges::fill(out, std::uint8_t{0});
    std::ranges::copy(script[next++].encode(), out.begin());
  }
};
struct ConstantRng final : Rng {
  void fill(std::span<std::uint8_t> out) override { std::ranges::fill(out, std::uint8_t{7}); }
};

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
  /// Trustee i's opening, known to a cheat before its time.
  CocktailMsg1 peek(std::uint32_t i) {
    return CocktailMsg1::decode(setup->inner(), participant(i).open(transcript.announcements).value())
        .value();
  }
  /// A dealer's message with a polynomial of the test's choice.
  CocktailMsg1 deal(std::uint32_t i, const CocktailSession& session, Rng& with) {
    return cocktail_deal(session, i, static_secret(secrets[i - 1]), {}, with);
  }
  CocktailMsg1 deal(std::uint32_t i) { return deal(i, setup->inner(), rng); }
  /// Everybody announces, `cheat` announces and opens `msg1` instead of what its program would.
  void play(std::uint32_t cheat, const Bytes& msg1) {
    announce();
    transcript.announcements[cheat - 1].hash = dkg_opening_hash(*setup, cheat, msg1);
    for (std::uint32_t i = 1; i <= n(); ++i) {
      if (i == cheat) {
        transcript.openings.push_back(msg1);
        continue;
      }
      DkgParticipant process = participant(i);
      transcript.openings.push_back(process.open(transcript.announcements).value());
      secrets[i - 1] = clone(process.secret());
    }
  }
  /// What dealer `from` would send to `to` if its plaintext were this. Written from cocktail-dkg, not with
  /// it.
  Bytes seal_to(const CocktailMsg1& msg1, std::uint32_t from, std::uint32_t to, ByteView plaintext) {
    const SecretScalar d = static_secret(secrets[to - 1]);
    Bytes input = copy_of(bytes_of("COCKTAIL-DKG-Ristretto255-SHA512-H6"));
    append(input, (d * msg1.E).encode());
    append(input, (d * static_keys[from - 1]).encode());
    append(input, msg1.E.encode());
    append(input, static_keys[from - 1].encode());
    append(input, static_keys[to - 1].encode());
    const Bytes length = {64, 0, 0, 0, 0, 0, 0, 0};
    append(input, length);
    append(input, setup->inner().context);
    const Digest512 key = sha512(input);
    Bytes out(plaintext.size() + crypto_aead_xchacha20poly1305_ietf_ABYTES);
    crypto_aead_xchacha20poly1305_ietf_encrypt(out.data(), nullptr, plaintext.data(), plaintext.size(),
                                               nullptr, 0, nullptr, key.data() + 32, key.data());
    return out;
  }
  DkgRejection judge(std::uint32_t complainer, ByteView complaint) const {
    return judge_dkg_complaint_vartime(*setup, transcript.announcements, transcript.openings, complainer,
                                       complaint);
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

/// All honest trustees and the auditor refuse alike.
void expect_public_fault(Ceremony& c, std::uint32_t cheat, Fault fault) {
  const DkgRejection expected{fault, cheat};
  for (std::uint32_t i = 1; i <= c.n(); ++i)
    if (i != cheat) {
      const auto outcome = c.finish(i);
      ASSERT_FALSE(outcome.has_value());
      EXPECT_EQ(outcome.error(), expected) << name_of(outcome.error().fault);
    }
  c.transcript.certificates.resize(c.n());
  const auto verdict = c.verify();
  ASSERT_FALSE(verdict.has_value());
  EXPECT_EQ(verdict.error(), expected) << name_of(verdict.error().fault);
}

/// The honest trustees accept; the cheat's place is taken by a message that is as it should be.
void expect_accepted(Ceremony& c, std::uint32_t dealer) {
  for (std::uint32_t i = 1; i <= c.n(); ++i) {
    if (i != dealer) {
      EXPECT_TRUE(c.finish(i).has_value());
    }
  }
}

// A130: the last trustee cancels the others' contributions.
TEST(Dkg, RogueKey) {
  for (const bool copied : {false, true}) {
    Ceremony c(2, 3);
    c.announce();
    CocktailMsg1 rogue = c.deal(3);
    const Point target = rogue.C[0];
    const CocktailMsg1 victim = c.peek(1);
    rogue.C[0] = target - victim.C[0] - c.peek(2).C[0];
    if (copied) rogue.pop = victim.pop;
    c.transcript = {};
    c.play(3, rogue.encode());
    expect_public_fault(c, 3, Fault::kDkgPopInvalid);
  }
  Ceremony twin(2, 3);
  twin.play(3, twin.deal(3).encode());
  expect_accepted(twin, 3);
}

// A130 for static keys: a key whose owner cannot prove it, and a proof made at another place.
TEST(Dkg, StaticKeyWithoutPossession) {
  Ceremony c(2, 3);
  c.announce();
  EXPECT_TRUE(check_dkg_announcements(*c.setup, c.transcript.announcements).has_value());
  c.transcript.announcements[1].possession = c.transcript.announcements[0].possession;
  const DkgRejection expected{Fault::kDkgPopInvalid, 2};
  EXPECT_EQ(check_dkg_announcements(*c.setup, c.transcript.announcements).error(), expected);
  DkgParticipant process = c.participant(1);
  EXPECT_EQ(process.open(c.transcript.announcements).error(), expected);
}

// A131: another polynomial than announced.
TEST(Dkg, OpeningOtherThanAnnounced) {
  Ceremony c(2, 3);
  c.announce();
  c.open();
  const Bytes announced = c.transcript.openings[2];
  c.transcript.openings[2] = c.deal(3).encode();
  expect_public_fault(c, 3, Fault::kDkgCommitMismatch);
  c.transcript.openings[2] = announced;
  expect_accepted(c, 3);
}

// A131: nothing opens before everybody has announced, and announcements cannot change afterwards.
TEST(Dkg, OpeningBeforeAllAnnounced) {
  Ceremony c(2, 3);
  c.announce();
  const DkgRejection nobody{Fault::kDkgCommitMismatch, 0};
  const DkgRejection first{Fault::kDkgCommitMismatch, 1};
  DkgParticipant process = c.participant(1);
  const std::span<const DkgAnnouncement> all = c.transcript.announcements;
  EXPECT_EQ(process.open(all.first(2)).error(), nobody);
  EXPECT_EQ(process.open({}).error(), nobody);

  std::vector<DkgAnnouncement> spoken_for = c.transcript.announcements;
  spoken_for[0].hash[0] ^= 1;
  EXPECT_EQ(process.open(spoken_for).error(), first);

  std::vector<DkgAnnouncement> changed = c.transcript.announcements;
  changed[2].hash = dkg_opening_hash(*c.setup, 3, c.deal(3).encode());
  const Bytes opening = process.open(all).value();
  EXPECT_EQ(process.open(changed).error(), nobody);
  EXPECT_EQ(process.open(all).value(), opening);
  // Nor after a restart, nor at the end.
  DkgParticipant restarted = DkgParticipant::create(*c.setup, 1, clone(process.secret())).value();
  EXPECT_EQ(restarted.open(changed).error(), nobody);
  c.open();
  EXPECT_EQ(restarted.finish(changed, c.transcript.openings).error(), nobody);
  EXPECT_TRUE(restarted.finish(all, c.transcript.openings).has_value());
  // Without having opened there is nothing to finish.
  Ceremony fresh(2, 3);
  fresh.announce();
  std::vector<Bytes> openings;
  for (std::uint32_t i = 1; i <= 3; ++i) openings.push_back(fresh.peek(i).encode());
  EXPECT_EQ(fresh.participant(1).finish(fresh.transcript.announcements, openings).error(), nobody);
}

TEST(Dkg, AnEarlierAttemptIsNotOpenedAfterALaterOne) {
  Ceremony c(2, 3);
  c.announce();
  const DkgTranscript first = c.transcript;
  const DkgSetup first_setup = *c.setup;
  c.begin(2, session_of("definition", 2));
  c.announce();
  c.open();
  DkgParticipant process = DkgParticipant::create(first_setup, 1, clone(c.secrets[0])).value();
  EXPECT_EQ(process.open(first.announcements).error(), (DkgRejection{Fault::kDkgCommitMismatch, 0}));
  c.certify();
  EXPECT_TRUE(c.verify().has_value());
}

TEST(Dkg, OwnOpeningReplaced) {
  Ceremony c(2, 3);
  c.announce();
  c.open();
  std::vector<Bytes> replaced = c.transcript.openings;
  replaced[1] = c.deal(2).encode();
  EXPECT_EQ(c.participant(2).finish(c.transcript.announcements, replaced).error(),
            (DkgRejection{Fault::kDkgCommitMismatch, 2}));
  EXPECT_TRUE(c.finish(2).has_value());
}

// A132: one coefficient more or fewer than the quorum.
TEST(Dkg, Degree) {
  for (const std::uint32_t coefficients : {1U, 2U, 4U, 5U, 3U}) {
    Ceremony c(3, 5);
    CocktailSession other = c.setup->inner();
    other.quorum = coefficients;
    c.play(4, c.deal(4, other, c.rng).encode());
    if (coefficients == 3)
      expect_accepted(c, 4);
    else
      expect_public_fault(c, 4, Fault::kDkgDegree);
  }
}

// K04: all of them deal too few; the manifest's quorum is what counts.
TEST(Dkg, EverybodyDealsAnotherDegree) {
  Ceremony c(2, 5);
  c.announce();
  c.open();
  c.certify();
  EXPECT_TRUE(c.verify().has_value());
  const DkgSetup claimed = DkgSetup::create(c.setup->session(), 3, c.static_keys).value();
  const auto verdict = verify_dkg_transcript_vartime(claimed, c.transcript);
  ASSERT_FALSE(verdict.has_value());
  EXPECT_EQ(verdict.error(), (DkgRejection{Fault::kDkgDegree, 1}));
}

/// Dealer 1 sends trustee 2 a plaintext of the test's choice.
Ceremony with_plaintext(const std::function<Bytes(ByteView honest)>& choose) {
  Ceremony c(2, 3);
  CocktailMsg1 msg1 = c.deal(1);
  const SecretScalar d = static_secret(c.secrets[1]);
  const CocktailSharedPoints shared(d * msg1.E, d * c.static_keys[0]);
  const SecretScalar share = std::move(cocktail_open(c.setup->inner(), 1, 2, msg1, shared).value().share);
  msg1.ciphertexts[1] = c.seal_to(msg1, 1, 2, choose(share.seal_bytes().expose()));
  c.play(1, msg1.encode());
  return c;
}

/// Only trustee 2 sees the fault; her complaint lets everybody see it, and names the dealer.
void expect_private_fault(Ceremony& c, Fault fault) {
  const DkgRejection expected{fault, 1};
  const auto outcome = c.finish(2);
  ASSERT_FALSE(outcome.has_value());
  EXPECT_EQ(outcome.error(), expected) << name_of(outcome.error().fault);
  EXPECT_TRUE(c.finish(3).has_value());
  const Bytes complaint =
      c.participant(2).complain(c.transcript.announcements, c.transcript.openings, c.rng).value();
  EXPECT_EQ(complaint.size(), DkgComplaint::kWidth);
  EXPECT_EQ(DkgComplaint::decode(complaint)->encode(), complaint);
  EXPECT_EQ(c.judge(2, complaint), expected);
}

// A133: an inconsistent share for one trustee.
TEST(Dkg, ShareOffThePolynomial) {
  Ceremony c = with_plaintext([](ByteView honest) {
    return copy_of((Scalar::decode(honest).value() + Scalar::from_u64(1)).encode());
  });
  expect_private_fault(c, Fault::kDkgShareInvalid);
  Ceremony twin = with_plaintext([](ByteView honest) { return copy_of(honest); });
  expect_accepted(twin, 1);
}

TEST(Dkg, ShareNotReduced) {
  Ceremony c = with_plaintext([](ByteView honest) {
    // The same residue, ℓ higher.
    Bytes out = copy_of(honest);
    const Bytes order = from_hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010").value();
    unsigned carry = 0;
    for (std::size_t i = 0; i < 32; ++i) {
      carry += static_cast<unsigned>(out[i]) + order[i];
      out[i] = static_cast<std::uint8_t>(carry);
      carry >>= 8;
    }
    return out;
  });
  expect_private_fault(c, Fault::kDkgShareInvalid);
}

TEST(Dkg, ShareThatDoesNotDecrypt) {
  Ceremony c(2, 3);
  CocktailMsg1 msg1 = c.deal(1);
  msg1.ciphertexts[1][0] ^= 1;
  c.play(1, msg1.encode());
  expect_private_fault(c, Fault::kDkgDecryption);
}

// A ciphertext of one recipient handed to another, and of one dealer copied by another.
TEST(Dkg, CiphertextFromElsewhere) {
  Ceremony c(2, 3);
  CocktailMsg1 msg1 = c.deal(1);
  msg1.ciphertexts[1] = msg1.ciphertexts[2];
  c.play(1, msg1.encode());
  expect_private_fault(c, Fault::kDkgDecryption);

  Ceremony copy(2, 3);
  copy.announce();
  const Bytes stolen = copy.peek(2).encode();
  copy.transcript = {};
  copy.play(1, stolen);  // whole, proof of possession included
  EXPECT_EQ(copy.finish(3).error(), (DkgRejection{Fault::kDkgDecryption, 1}));
}

TEST(Dkg, UnfoundedComplaints) {
  Ceremony c(2, 3);
  c.announce();
  c.open();
  const DkgRejection liar{Fault::kDkgComplaintUnfounded, 2};
  EXPECT_EQ(c.participant(2).complain(c.transcript.announcements, c.transcript.openings, c.rng).error(),
            liar);

  // The truth about an honest dealer shows an honest dealer.
  const auto complain_about = [&](std::uint32_t dealer, const SecretScalar& d) {
    const CocktailMsg1 msg1 =
        CocktailMsg1::decode(c.setup->inner(), c.transcript.openings[dealer - 1]).value();
    const std::array inputs{msg1.E, c.static_keys[dealer - 1]};
    const std::array outputs{d * inputs[0], d * inputs[1]};
    Transcript transcript = dkg_complaint_transcript(*c.setup, 2, dealer, c.transcript.openings[dealer - 1]);
    const auto proof =
        prove_batched_dleq<Ristretto>({Ristretto::mul_base(d), inputs, outputs}, d, transcript, c.rng);
    return DkgComplaint{dealer, outputs[0], outputs[1], proof};
  };
  const SecretScalar d = static_secret(c.secrets[1]);
  EXPECT_EQ(c.judge(2, complain_about(1, d).encode()), liar);
  // Points of another key would show garbage, and do not verify.
  EXPECT_EQ(c.judge(2, complain_about(1, SecretScalar::random(c.rng)).encode()), liar);
  DkgComplaint off = complain_about(1, d);
  off.ephemeral = off.ephemeral + Point::generator();
  EXPECT_EQ(c.judge(2, off.encode()), liar);
  off = complain_about(1, d);
  off.fixed = off.fixed + Point::generator();
  EXPECT_EQ(c.judge(2, off.encode()), liar);
  // Nonsense is unfounded too: somebody is always to answer for it.
  EXPECT_EQ(c.judge(2, {}), liar);
  Bytes padded = complain_about(1, d).encode();
  padded.push_back(0);
  EXPECT_EQ(c.judge(2, padded), liar);
  for (const std::uint32_t dealer : {0U, 4U, 0xffffffffU}) {
    DkgComplaint nobody = complain_about(1, d);
    nobody.dealer = dealer;
    EXPECT_EQ(c.judge(2, nobody.encode()), liar);
  }
}

// A true complaint proves nothing when any byte, its author, or the message it is about is another.
TEST(Dkg, ComplaintIsBound) {
  Ceremony c(2, 3);
  CocktailMsg1 msg1 = c.deal(1);
  msg1.ciphertexts[1][0] ^= 1;
  msg1.ciphertexts[2][0] ^= 1;
  c.play(1, msg1.encode());
  const Bytes complaint =
      c.participant(2).complain(c.transcript.announcements, c.transcript.openings, c.rng).value();
  EXPECT_EQ(c.judge(2, complaint), (DkgRejection{Fault::kDkgDecryption, 1}));
  EXPECT_EQ(c.judge(3, complaint), (DkgRejection{Fault::kDkgComplaintUnfounded, 3}));
  for (std::size_t at = 0; at < complaint.size(); ++at) {
    Bytes flipped = complaint;
    flipped[at] ^= 1;
    EXPECT_EQ(c.judge(2, flipped), (DkgRejection{Fault::kDkgComplaintUnfounded, 2})) << at;
  }
  // The proof is for this dealer and this message, not only for these points.
  const SecretScalar d = static_secret(c.secrets[1]);
  const std::array inputs{msg1.E, c.static_keys[0]};
  const std::array outputs{d * inputs[0], d * inputs[1]};
  const auto prove_in = [&](std::uint32_t dealer, ByteView message) {
    Transcript transcript = dkg_complaint_transcript(*c.setup, 2, dealer, message);
    const auto proof =
        prove_batched_dleq<Ristretto>({c.static_keys[1], inputs, outputs}, d, transcript, c.rng);
    return DkgComplaint{1, outputs[0], outputs[1], proof}.encode();
  };
  EXPECT_EQ(c.judge(2, prove_in(1, msg1.encode())), (DkgRejection{Fault::kDkgDecryption, 1}));
  EXPECT_EQ(c.judge(2, prove_in(3, msg1.encode())), (DkgRejection{Fault::kDkgComplaintUnfounded, 2}));
  EXPECT_EQ(c.judge(2, prove_in(1, c.transcript.openings[2])),
            (DkgRejection{Fault::kDkgComplaintUnfounded, 2}));
  // A fault that everybody can see comes first.
  c.transcript.openings[2] = c.deal(3).encode();
  EXPECT_EQ(c.judge(2, complaint), (DkgRejection{Fault::kDkgCommitMismatch, 3}));
}

// A154: messages of a rehearsal, with the same keys, fed to production.
TEST(Dkg, MessagesOfAnotherSession) {
  Ceremony rehearsal(2, 3, session_of("rehearsal"));
  rehearsal.announce();
  rehearsal.open();
  rehearsal.certify();
  ASSERT_TRUE(rehearsal.verify().has_value());
  for (const DkgSession& other : {session_of("production"), session_of("rehearsal", 2)}) {
    const DkgSetup setup = DkgSetup::create(other, 2, rehearsal.static_keys).value();
    EXPECT_EQ(verify_dkg_transcript_vartime(setup, rehearsal.transcript).error(),
              (DkgRejection{Fault::kDkgPopInvalid, 1}));
    // The trustees announce anew, but one opens what it dealt in the rehearsal.
    Ceremony mixed(2, 3);
    mixed.static_keys = rehearsal.static_keys;
    mixed.secrets.clear();
    for (const DkgSecret& secret : rehearsal.secrets) {
      SecretBytes<DkgSecret::kWidth> sealed = secret.seal_bytes();
      std::ranges::fill(sealed.expose_mutable().last<72>(), std::uint8_t{0});
      mixed.secrets.push_back(DkgSecret::from_secret_bytes(sealed).value());
    }
    mixed.begin(2, other);
    mixed.play(2, rehearsal.transcript.openings[1]);
    expect_public_fault(mixed, 2, Fault::kDkgPopInvalid);
  }
  // Another order of the same trustees is another session as well.
  std::vector<Point> swapped = rehearsal.static_keys;
  std::swap(swapped[0], swapped[1]);
  const DkgSetup setup = DkgSetup::create(session_of("rehearsal"), 2, swapped).value();
  EXPECT_EQ(verify_dkg_transcript_vartime(setup, rehearsal.transcript).error(),
            (DkgRejection{Fault::kDkgPopInvalid, 1}));
}

// A18: a generator that repeats itself.
TEST(Dkg, NoncesDoNotRepeat) {
  ConstantRng constant;
  const DkgSecret first = DkgSecret::create(constant);
  const DkgSecret second = DkgSecret::create(constant);
  EXPECT_EQ(first.static_key(), second.static_key());  // the generator does repeat
  std::vector<Point> keys{first.static_key()};
  SystemRng rng;
  for (int i = 0; i < 2; ++i) keys.push_back(DkgSecret::create(rng).static_key());
  std::vector<Bytes> nonce_commitments;
  std::vector<Bytes> messages;
  for (const std::uint64_t attempt : {1U, 2U}) {
    const DkgSetup setup = DkgSetup::create(session_of("definition", attempt), 2, keys).value();
    const DkgParticipant participant =
        DkgParticipant::create(setup, 1, clone(attempt == 1 ? first : second)).value();
    const DkgAnnouncement announcement = participant.announce();
    nonce_commitments.push_back(copy_of(ByteView(announcement.possession).first(32)));
    messages.push_back(copy_of(announcement.hash));
  }
  EXPECT_NE(nonce_commitments[0], nonce_commitments[1]);
  EXPECT_NE(messages[0], messages[1]);

  const SecretScalar x = SecretScalar::random(constant);
  const auto a = cocktail_sign(x, bytes_of("one"));
  const auto b = cocktail_sign(x, bytes_of("two"));
  EXPECT_FALSE(equal(ByteView(a).first(32), ByteView(b).first(32)));
  EXPECT_EQ(a, cocktail_sign(x, bytes_of("one")));

  // Two complaints by one trustee with the same generator: U = s·G + c·P_i differs.
  Ceremony c(2, 3);
  std::vector<Point> commitments;
  for (const std::uint32_t dealer : {1U, 3U}) {
    c.begin(2, session_of("definition", dealer));
    CocktailMsg1 msg1 = c.deal(dealer);
    msg1.ciphertexts[1][0] ^= 1;
    c.play(dealer, msg1.encode());
    const Bytes bytes =
        c.participant(2).complain(c.transcript.announcements, c.transcript.openings, constant).value();
    const DkgComplaint complaint = DkgComplaint::decode(bytes).value();
    EXPECT_EQ(complaint.dealer, dealer);
    commitments.push_back(Ristretto::mul_base_vartime(complaint.proof.s) +
                          Ristretto::mul_vartime(complaint.proof.c, c.static_keys[1]));
  }
  EXPECT_NE(commitments[0], commitments[1]);
}

// With R the identity the equation can hold, but such a signature would be z = c·x and give x away.
TEST(Dkg, SignatureWithoutNonce) {
  SystemRng rng;
  const Scalar x = declassify(SecretScalar::random(rng));  // a test's own
  const Point X = Ristretto::mul_base_vartime(x);
  const ByteView message = bytes_of("message");
  ByteArray<64> signature{};
  Bytes input = copy_of(bytes_of("COCKTAIL-DKG-Ristretto255-SHA512-H7"));
  append(input, Point::identity().encode());
  append(input, X.encode());
  append(input, message);
  const Scalar z = Scalar::from_wide(sha512(input)) * x;
  std::ranges::copy(z.encode(), signature.begin() + 32);
  EXPECT_FALSE(cocktail_verify_vartime(X, message, signature));
  EXPECT_TRUE(cocktail_verify_vartime(X, message, cocktail_sign(SecretScalar::of(x), message)));
}

// A06: with the key left out of c, (R, z) is a signature under c⁻¹·(z·G − R), whoever made it.
TEST(Dkg, A06_NoSignatureFitsAKeyMadeForIt) {
  SystemRng rng;
  const SecretScalar x = SecretScalar::random(rng);
  const ByteView message = bytes_of("message");
  const auto signature = cocktail_sign(x, message);
  Bytes input = copy_of(bytes_of("COCKTAIL-DKG-Ristretto255-SHA512-H7"));
  append(input, ByteView(signature).first(32));
  append(input, message);
  const Scalar careless = Scalar::from_wide(sha512(input));
  const Point R = Point::decode(ByteView(signature).first(32)).value();
  const Point zG = Ristretto::mul_base_vartime(Scalar::decode(ByteView(signature).last(32)).value());
  const Point made = Ristretto::mul_vartime(careless.inverse_vartime(), zG - R);
  EXPECT_EQ(zG, R + Ristretto::mul_vartime(careless, made));
  EXPECT_FALSE(cocktail_verify_vartime(made, message, signature));
  EXPECT_TRUE(cocktail_verify_vartime(Ristretto::mul_base(x), message, signature));
}

TEST(Dkg, CertificateOnAnotherTranscript) {
  Ceremony c(2, 3);
  c.announce();
  c.open();
  c.certify();
  ASSERT_TRUE(c.verify().has_value());
  const DkgTranscript good = c.transcript;
  std::swap(c.transcript.certificates[1], c.transcript.certificates[2]);
  EXPECT_EQ(c.verify().error(), (DkgRejection{Fault::kDkgTranscriptMismatch, 2}));
  c.transcript = good;
  c.transcript.certificates[2] = {};
  EXPECT_EQ(c.verify().error(), (DkgRejection{Fault::kDkgTranscriptMismatch, 3}));
  c.transcript.certificates.pop_back();
  EXPECT_EQ(c.verify().error(), (DkgRejection{Fault::kDkgTranscriptMismatch, 0}));
  c.transcript = good;
  c.transcript.openings.pop_back();
  EXPECT_EQ(c.verify().error(), (DkgRejection{Fault::kDkgCommitMismatch, 0}));
  c.transcript = good;
  c.transcript.announcements.push_back(good.announcements[0]);
  EXPECT_EQ(c.verify().error(), (DkgRejection{Fault::kDkgCommitMismatch, 0}));
}

// Dealer 3 shows trustee 1 another message than trustee 2, with announcements to match: each is content with
// what it sees, and no set of certificates is good for either view.
TEST(Dkg, SplitView) {
  Ceremony c(2, 3);
  c.announce();
  std::array<Bytes, 2> versions{c.deal(3).encode(), c.deal(3).encode()};
  std::vector<DkgTranscript> views;
  std::vector<DkgCertificate> certificates;
  for (std::uint32_t i = 1; i <= 2; ++i) {
    DkgTranscript view = c.transcript;
    view.announcements[2].hash = dkg_opening_hash(*c.setup, 3, versions[i - 1]);
    DkgParticipant process = c.participant(i);
    const Bytes own = process.open(view.announcements).value();
    for (std::uint32_t j = 1; j <= 2; ++j)
      view.openings.push_back(i == j ? own : c.participant(j).open(view.announcements).value());
    view.openings.push_back(versions[i - 1]);
    certificates.push_back(process.finish(view.announcements, view.openings).value().certificate);
    views.push_back(view);
  }
  for (std::uint32_t i = 1; i <= 2; ++i) {
    DkgTranscript& view = views[i - 1];
    view.certificates = {certificates[0], certificates[1], {}};
    EXPECT_EQ(verify_dkg_transcript_vartime(*c.setup, view).error(),
              (DkgRejection{Fault::kDkgTranscriptMismatch, 3 - i}));
  }
}

// No byte of a ceremony can change: the certificate covers ciphertexts and announcements too.
TEST(Dkg, EveryByteCounts) {
  Ceremony c(2, 3);
  c.announce();
  c.open();
  c.certify();
  const DkgTranscript good = c.transcript;
  ASSERT_TRUE(c.verify().has_value());
  for (std::size_t at = 0; at < good.openings[0].size(); ++at) {
    c.transcript.openings[0][at] ^= 1;
    EXPECT_EQ(c.verify().error(), (DkgRejection{Fault::kDkgCommitMismatch, 1})) << at;
    // Even if the announcement follows.
    c.transcript.announcements[0].hash = dkg_opening_hash(*c.setup, 1, c.transcript.openings[0]);
    EXPECT_FALSE(c.verify().has_value()) << at;
    c.transcript = good;
  }
  for (std::size_t at = 0; at < DkgAnnouncement::kWidth; ++at) {
    ByteArray<DkgAnnouncement::kWidth> bytes = good.announcements[0].encode();
    bytes[at] ^= 1;
    c.transcript.announcements[0] = DkgAnnouncement::decode(bytes).value();
    EXPECT_FALSE(c.verify().has_value()) << at;
    c.transcript = good;
  }
  for (std::size_t at = 0; at < sizeof(DkgCertificate); ++at) {
    c.transcript.certificates[0][at] ^= 1;
    EXPECT_EQ(c.verify().error(), (DkgRejection{Fault::kDkgTranscriptMismatch, 1})) << at;
    c.transcript = good;
  }
}

TEST(Dkg, MalformedOpenings) {
  const Bytes identity(32, 0);
  const Bytes odd = from_hex("0100000000000000000000000000000000000000000000000000000000000000").value();
  const Bytes no_point = from_hex("26948d35ca62e643e26a83177332e6b6afeb9d08e4268b650f1f5bbd8d81d371").value();
  ASSERT_EQ(Point::decode(odd).error(), Fault::kPointNoncanonical);
  ASSERT_EQ(Point::decode(no_point).error(), Fault::kPointInvalid);
  struct Case {
    std::size_t at;
    Bytes put;
    Fault fault;
  };
  // 2 of 3: C at 0 and 32, pop at 64, E at 128, frames at 160, 216, 272; 328 bytes.
  const std::vector<Case> cases = {{0, identity, Fault::kPointIdentity},
                                   {32, identity, Fault::kPointIdentity},
                                   {128, identity, Fault::kPointIdentity},
                                   {0, odd, Fault::kPointNoncanonical},
                                   {128, no_point, Fault::kPointInvalid},
                                   {64, odd, Fault::kDkgPopInvalid},
                                   {64, identity, Fault::kDkgPopInvalid},
                                   {96, Bytes(32, 0xff), Fault::kDkgPopInvalid},
                                   {160, Bytes{0, 0, 0, 0, 0, 0, 0, 49}, Fault::kWireLength},
                                   {272, Bytes{0xff, 0, 0, 0, 0, 0, 0, 48}, Fault::kWireLength}};
  for (const Case& wrong : cases) {
    Ceremony c(2, 3);
    Bytes msg1 = c.deal(2).encode();
    ASSERT_EQ(msg1.size(), 328U);
    std::ranges::copy(wrong.put, msg1.begin() + static_cast<std::ptrdiff_t>(wrong.at));
    c.play(2, msg1);
    expect_public_fault(c, 2, wrong.fault);
  }
  for (const int delta : {-328, -1, 1, 31}) {
    Ceremony c(2, 3);
    Bytes msg1 = c.deal(2).encode();
    msg1.resize(static_cast<std::size_t>(328 + delta));
    c.play(2, msg1);
    expect_public_fault(c, 2, Fault::kWireLength);
  }
}

// All dealers together can make the key vanish; then there is none.
TEST(Dkg, JointKeyMayNotBeTheIdentity) {
  for (const bool vanishing : {true, false}) {
    Ceremony c(2, 3);
    const Scalar one = Scalar::from_u64(1);
    const Scalar last = vanishing ? -(one + one) : one;
    std::vector<CocktailMsg1> all;
    for (std::uint32_t i = 1; i <= 3; ++i) {
      ScriptedRng rng({i == 3 ? last : one});
      all.push_back(c.deal(i, c.setup->inner(), rng));
      EXPECT_TRUE(cocktail_pop_valid(c.setup->inner(), all.back()));
    }
    const auto keys = dkg_keys(*c.setup, all);
    EXPECT_EQ(keys.has_value(), !vanishing);
    if (vanishing) {
      EXPECT_EQ(keys.error(), (DkgRejection{Fault::kPointIdentity, 0}));
    }
  }
}

// A dealer's zero coefficient would be the identity on the wire; it draws again.
TEST(Dkg, ZeroCoefficientsAreDrawnAgain) {
  Ceremony c(2, 3);
  ScriptedRng rng(
      {Scalar(), Scalar::from_u64(5), Scalar(), Scalar::from_u64(6), Scalar(), Scalar::from_u64(7)});
  const CocktailMsg1 msg1 = c.deal(1, c.setup->inner(), rng);
  EXPECT_EQ(msg1.C[0], Ristretto::mul_base_vartime(Scalar::from_u64(5)));
  EXPECT_EQ(msg1.C[1], Ristretto::mul_base_vartime(Scalar::from_u64(6)));
  EXPECT_EQ(msg1.E, Ristretto::mul_base_vartime(Scalar::from_u64(7)));
}

TEST(Dkg, Setup) {
  SystemRng rng;
  std::vector<Point> keys;
  for (std::uint32_t i = 0; i < kDkgMaxTrustees; ++i) keys.push_back(DkgSecret::create(rng).static_key());
  const auto create = [&](std::uint32_t quorum, std::size_t n, std::uint64_t attempt = 1) {
    return DkgSetup::create(session_of("definition", attempt), quorum, std::span(keys).first(n));
  };
  const DkgRejection invalid{Fault::kDkgSetup, 0};
  EXPECT_TRUE(create(2, 3).has_value());
  EXPECT_TRUE(create(kDkgMaxTrustees - 1, kDkgMaxTrustees).has_value());
  EXPECT_EQ(create(0, 3).error(), invalid);
  EXPECT_EQ(create(1, 3).error(), invalid);  // one trustee alone could decrypt
  EXPECT_EQ(create(3, 3).error(), invalid);  // A140: nobody may be lost
  EXPECT_EQ(create(4, 3).error(), invalid);
  EXPECT_EQ(create(0xffffffff, 3).error(), invalid);
  EXPECT_EQ(create(2, 2).error(), invalid);
  EXPECT_EQ(create(2, 0).error(), invalid);
  EXPECT_EQ(create(2, 3, 0).error(), invalid);
  keys.push_back(DkgSecret::create(rng).static_key());
  EXPECT_EQ(create(2, kDkgMaxTrustees + 1).error(), invalid);
  const Point third = keys[2];
  keys[2] = keys[0];
  EXPECT_EQ(create(2, 5).error(), (DkgRejection{Fault::kDkgSetup, 3}));
  keys[2] = Point::identity();
  EXPECT_EQ(create(2, 5).error(), (DkgRejection{Fault::kPointIdentity, 3}));
  keys[2] = third;
  EXPECT_TRUE(create(2, 5).has_value());
}

TEST(Dkg, ParticipantBelongsToItsPlace) {
  Ceremony c(2, 3);
  for (const std::uint32_t index : {0U, 1U, 3U, 4U, 0xffffffffU}) {
    const auto participant = DkgParticipant::create(*c.setup, index, clone(c.secrets[1]));
    ASSERT_FALSE(participant.has_value());
    EXPECT_EQ(participant.error(), (DkgRejection{Fault::kDkgSetup, index}));
  }
  EXPECT_TRUE(DkgParticipant::create(*c.setup, 2, clone(c.secrets[1])).has_value());
}

TEST(Dkg, SealedSecret) {
  Ceremony c(2, 3);
  c.announce();
  c.open();
  const SecretBytes<DkgSecret::kWidth> sealed = c.secrets[0].seal_bytes();
  EXPECT_EQ(declassify(DkgSecret::from_secret_bytes(sealed)->seal_bytes()),
            declassify(sealed));  // a test's own
  SecretBytes<DkgSecret::kWidth> unreduced = c.secrets[0].seal_bytes();
  unreduced.expose_mutable()[31] |= 0x80;
  EXPECT_EQ(DkgSecret::from_secret_bytes(unreduced).error(), Fault::kScalarNoncanonical);
  SecretBytes<DkgSecret::kWidth> zero = c.secrets[0].seal_bytes();
  std::ranges::fill(zero.expose_mutable().first<32>(), std::uint8_t{0});
  EXPECT_EQ(DkgSecret::from_secret_bytes(zero).error(), Fault::kPointIdentity);
  // A process that starts again says the same again.
  EXPECT_EQ(c.participant(1).announce(), c.transcript.announcements[0]);
  EXPECT_EQ(c.participant(1).open(c.transcript.announcements).value(), c.transcript.openings[0]);
}

}  // namespace
}  // namespace psephos
