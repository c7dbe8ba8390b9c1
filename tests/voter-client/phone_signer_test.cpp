#include "voter-client/phone_signer.h"

#include <gtest/gtest.h>

#include <limits>

#include "tests/voter-client/lying_phones.h"

namespace psephos {
namespace {

using test::LyingCollector;
using test::LyingPhones;
using test::Phone;
using test::PhoneKey;
using test::TestElection;

// The example of the Mobile-ID REST documentation (SK ID Solutions, "Verification code calculation"), of a
// hash with 20 bytes, and numbers worked out with Python: ((h[0] & 0xfc) << 5) | (h[-1] & 0x7f).
TEST(PhoneCode, OfMobileId) {
  const auto code = [](std::string_view hex) {
    return phone_code(PhoneMethod::kMobileId, from_hex(hex).value());
  };
  EXPECT_EQ(code("2f665f6a6999e0ef0752e00ec9f453adf59d8cb6"), "1462");
  EXPECT_EQ(code("7f83b1657ff1fc53b92dc18148a1d65dfc2d4b1fa3d677284addd200126d9069"), "4073");
  EXPECT_EQ(
      code(
          "bfd76c0ebbd006fee583410547c1887b0292be76d582d96c242d2a792723e3fd6fd061f9d5cfd13b8f961358e6adba4a"),
      "6090");
  EXPECT_EQ(code("0000000000000000000000000000000000000000000000000000000000000000"), "0000");
  EXPECT_EQ(code("03000000000000000000000000000000000000000000000000000000000000ff"), "0127");
  EXPECT_EQ(code("ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"), "8191");
}

// Codes of the tests of SK ID Solutions' Smart-ID client for Java, and numbers worked out with Python.
TEST(PhoneCode, OfSmartId) {
  const auto code = [](ByteView hash) { return phone_code(PhoneMethod::kSmartId, hash); };
  EXPECT_EQ(code(ByteArray<2>{27, 187}), "4555");
  EXPECT_EQ(code(ByteArray<4>{}), "4377");
  EXPECT_EQ(code(sha256(bytes_of("Hello World!"))), "7712");
  EXPECT_EQ(code(sha256(bytes_of("Go ahead, make my day."))), "7782");
  EXPECT_EQ(code(sha256(bytes_of("1310"))), "0005");
}

/// What a voter sees.
struct Seen final : PhoneObserver {
  std::vector<std::pair<std::string, KeyUse>> codes;
  std::vector<std::uint64_t> seconds;
  std::function<void()> at_code, at_waiting;
  void code(std::string_view four_digits, KeyUse use) override {
    codes.emplace_back(four_digits, use);
    if (at_code) at_code();
  }
  void waiting(std::uint64_t seconds_left) override {
    seconds.push_back(seconds_left);
    if (at_waiting) at_waiting();
  }
};

/// Voter 1 with a phone, voter 2 with another, and a relay that lies as the test says.
class PhoneSignerTest : public ::testing::Test {
 protected:
  PhoneSignerTest() {
    for (const std::uint64_t n : {1U, 2U}) {
      const Person& person = e.card(n).person;
      relay.phones.emplace(person.national_id,
                           Phone{PhoneKey::on(EcCurve::kP256, e, person, KeyUse::kAuthentication),
                                 PhoneKey::on(EcCurve::kP384, e, person, KeyUse::kSigning)});
    }
  }
  PhoneSigner signer(PhoneMethod method = PhoneMethod::kMobileId) {
    return {e.election(),
            e.eid(),
            relay,
            clock,
            {method, me.national_id, method == PhoneMethod::kMobileId ? "+37200000766" : "", Id{"et"}},
            seen,
            cancelled};
  }
  Phone& mine() { return relay.phones.at(me.national_id); }
  Phone& hers() { return relay.phones.at(e.card(2).person.national_id); }
  /// Authentication over `message`, which a lie spoils.
  Rejection not_authenticated() {
    auto phone = signer();
    return refusal(phone.sign(KeyUse::kAuthentication, message));
  }
  /// A signature over `message`, honest up to the certificate.
  Rejection not_signed(const std::function<void()>& lie) {
    auto phone = signer();
    phone.authorised(ticket);
    EXPECT_TRUE(phone.signing_certificate());
    lie();
    return refusal(phone.sign(KeyUse::kSigning, message));
  }
  template <class T>
  static Rejection refusal(const Result<T, Rejection>& outcome) {
    EXPECT_FALSE(outcome);
    return outcome ? Rejection{} : outcome.error();
  }

  TestElection e;
  LyingCollector collector{e};
  std::uint64_t slept_ms = 0;
  LyingPhones relay{e, collector, slept_ms};
  HeadMemory heads;
  ClientClock clock{[this] { return collector.now_s * 1000 + slept_ms; },
                    [this](std::uint64_t ms) { slept_ms += ms; }};
  Session session{e.election(), e.eid(), relay, heads, e.rng(), clock};
  Seen seen;
  std::atomic<bool> cancelled = false;
  const Person me = e.card(1).person;
  const Bytes message = copy_of(bytes_of("what is to be signed"));
  const ServiceSigned ticket{copy_of(bytes_of("a ticket")), {}};
};

TEST_F(PhoneSignerTest, CastsWithEveryKindOfKey) {
  const auto cast = [&](PhoneMethod method) {
    auto phone = signer(method);
    const auto authorisation = session.authenticate(phone);
    ASSERT_TRUE(authorisation) << to_string(authorisation.error());
    const std::vector<std::size_t> choices{1, 2};
    const auto ballot = session.seal(*authorisation, choices, phone);
    ASSERT_TRUE(ballot) << to_string(ballot.error());
    const auto outcome = session.submit(*ballot);
    ASSERT_TRUE(outcome) << to_string(outcome.error());
    EXPECT_TRUE(outcome->recorded);

    // The codes are those of what was asked, and asked was in the right way.
    ASSERT_EQ(relay.starts.size(), 3U);
    ASSERT_EQ(seen.codes.size(), 2U);
    EXPECT_EQ(seen.codes[0],
              std::pair(phone_code(method, relay.starts[0].hash->value), KeyUse::kAuthentication));
    EXPECT_EQ(seen.codes[1], std::pair(phone_code(method, relay.starts[2].hash->value), KeyUse::kSigning));
    EXPECT_EQ(relay.starts[0].action, PhoneAction::kAuthenticate);
    EXPECT_EQ(relay.starts[0].hash->kind, PhoneHash::kSha256);
    EXPECT_FALSE(relay.starts[0].ticket);
    EXPECT_EQ(relay.starts[1].action, PhoneAction::kCertificate);
    EXPECT_FALSE(relay.starts[1].hash);
    EXPECT_EQ(relay.starts[2].action, PhoneAction::kSign);
    EXPECT_EQ(sha256(relay.starts[2].ticket->body), authorisation->ticket_hash);
    for (const PhoneStart& start : relay.starts) {
      EXPECT_EQ(start.fingerprint, e.election().fingerprint());
      EXPECT_EQ(start.method, method);
      EXPECT_EQ(start.national_id, me.national_id);
      EXPECT_EQ(start.phone_number, method == PhoneMethod::kMobileId ? "+37200000766" : "");
      EXPECT_EQ(start.language, Id{"et"});
    }
  };
  cast(PhoneMethod::kMobileId);
  EXPECT_EQ(relay.starts[2].hash->kind, PhoneHash::kSha384);
  EXPECT_EQ(relay.starts[2].hash->value.size(), 48U);

  mine().signing = PhoneKey::on(EcCurve::kP256, e, me, KeyUse::kSigning);
  relay.starts.clear();
  seen.codes.clear();
  cast(PhoneMethod::kMobileId);
  EXPECT_EQ(relay.starts[2].hash->kind, PhoneHash::kSha256);

  mine() = {PhoneKey::of_rsa(e, me, KeyUse::kAuthentication), PhoneKey::of_rsa(e, me, KeyUse::kSigning)};
  relay.starts.clear();
  seen.codes.clear();
  cast(PhoneMethod::kSmartId);
  EXPECT_EQ(relay.starts[2].hash->kind, PhoneHash::kSha256);
  EXPECT_TRUE(collector.log.replay().findings.empty());
}

// The hash of a phone's authentication is that of SPEC §9.10, whatever came between.
TEST_F(PhoneSignerTest, AsksForTheChallengeItself) {
  auto phone = signer();
  const auto made = phone.sign(KeyUse::kAuthentication, message);
  ASSERT_TRUE(made) << to_string(made.error());
  EXPECT_EQ(relay.starts.at(0).hash->value, copy_of(sha256(message)));
  EXPECT_EQ(e.eid().verify(made->certificate, KeyUse::kAuthentication, message, made->signature,
                           static_cast<std::int64_t>(collector.now_s)),
            me);
}

TEST_F(PhoneSignerTest, RelayThatSwapsTheHash) {
  relay.on_the_way = [&](PhoneStart& start) {
    if (start.hash) start.hash->value[5] ^= 1;  // codes show the first and the last bits
  };
  EXPECT_EQ(not_authenticated().reason, Reason::kMobileHashMismatch);
  EXPECT_EQ(not_signed([] {}).reason, Reason::kMobileHashMismatch);
  // The phone shows what it got; the client shows what it asked for.
  relay.on_the_way = [&](PhoneStart& start) {
    start.hash->value[0] ^= 0x80;
    EXPECT_NE(phone_code(start.method, start.hash->value), seen.codes.back().first);
  };
  EXPECT_EQ(not_authenticated().reason, Reason::kMobileHashMismatch);
}

TEST_F(PhoneSignerTest, AnswersOfAnotherSession) {
  PhoneAnswer old;
  relay.on_the_way_back = [&](PhoneAnswer& answer) { old = answer; };
  auto phone = signer();
  ASSERT_TRUE(phone.sign(KeyUse::kAuthentication, bytes_of("an earlier challenge")));
  relay.on_the_way_back = [&](PhoneAnswer& answer) { answer = old; };
  EXPECT_EQ(not_authenticated().reason, Reason::kMobileHashMismatch);
  // The signature of one key with the certificate of the other, and the other way round.
  relay.on_the_way_back = [&](PhoneAnswer& answer) { answer.certificate = mine().signing.certificate; };
  EXPECT_EQ(not_authenticated().reason, Reason::kCertKeyUsage);
  relay.on_the_way_back = nullptr;
  EXPECT_EQ(not_signed([&] { mine().signing = mine().authentication; }).reason, Reason::kMobileHashMismatch);
}

TEST_F(PhoneSignerTest, AnotherPersonsPhone) {
  relay.on_the_way = [&](PhoneStart& start) { start.national_id = e.card(2).person.national_id; };
  const Rejection other = not_authenticated();
  EXPECT_EQ(other.reason, Reason::kVoterMismatch);
  EXPECT_EQ(other.object, e.card(2).person.national_id);
  auto phone = signer();
  phone.authorised(ticket);
  EXPECT_EQ(refusal(phone.signing_certificate()).reason, Reason::kVoterMismatch);
  // With the certificate of mine, the signature of hers.
  relay.on_the_way = nullptr;
  EXPECT_EQ(not_signed([&] { mine().signing = hers().signing; }).reason, Reason::kMobileHashMismatch);
  relay.on_the_way_back = [&](PhoneAnswer& answer) {
    answer.certificate = hers().authentication.certificate;
  };
  EXPECT_EQ(not_authenticated().reason, Reason::kMobileHashMismatch);
}

// A68: who relays might as well make certificates, but not those of the election's authorities.
TEST_F(PhoneSignerTest, A68_CertificatesOfTheRelaysOwn) {
  const auto foreign =
      trust::TestCa::create(e.rng(), static_cast<std::int64_t>(e.options().casting_begins_s) - 3600);
  const auto issue = [&](PhoneKey& key, KeyUse use) {
    key.certificate =
        foreign.issue(trust::card_fields(me, use, key.ec->point,
                                         static_cast<std::int64_t>(e.options().casting_begins_s) - 3600),
                      e.rng());
  };
  issue(mine().authentication, KeyUse::kAuthentication);
  issue(mine().signing, KeyUse::kSigning);
  EXPECT_EQ(not_authenticated().reason, Reason::kCertChainUntrusted);
  auto phone = signer();
  phone.authorised(ticket);
  EXPECT_EQ(refusal(phone.signing_certificate()).reason, Reason::kCertChainUntrusted);
  mine().signing.certificate = mine().authentication.certificate;
  EXPECT_EQ(refusal(phone.signing_certificate()).reason, Reason::kCertKeyUsage);
  mine().signing.certificate = {0x30, 0x00};
  EXPECT_EQ(refusal(phone.signing_certificate()).reason, Reason::kCertParse);
  EXPECT_EQ(refusal(phone.sign(KeyUse::kSigning, message)).reason, Reason::kCertParse);
}

TEST_F(PhoneSignerTest, SignaturesOfAnotherWidth) {
  const auto with_signature = [&](const std::function<void(Bytes&)>& change) {
    relay.on_the_way_back = [change](PhoneAnswer& answer) {
      if (!answer.signature.empty()) change(answer.signature);
    };
  };
  for (const std::function<void(Bytes&)>& change : std::vector<std::function<void(Bytes&)>>{
           [](Bytes& s) { s.pop_back(); }, [](Bytes& s) { s.push_back(0); },
           [](Bytes& s) { s.insert(s.begin(), 0); }, [](Bytes& s) { s.resize(s.size() / 2); },
           [](Bytes& s) { s.resize(1); }, [](Bytes& s) { s = Bytes(s.size()); },
           [](Bytes& s) {  // r and s padded, as for a wider curve
             s.insert(s.begin() + static_cast<std::ptrdiff_t>(s.size() / 2), 16, 0);
             s.insert(s.begin(), 16, 0);
           }}) {
    with_signature(change);
    EXPECT_EQ(not_authenticated().reason, Reason::kMobileHashMismatch);
    EXPECT_EQ(not_signed([] {}).reason, Reason::kMobileHashMismatch);
  }
  // An authentication key on P-384 signs no SHA-256 here (SPEC §9.10).
  relay.on_the_way_back = nullptr;
  mine().authentication = PhoneKey::on(EcCurve::kP384, e, me, KeyUse::kAuthentication);
  EXPECT_EQ(not_authenticated().reason, Reason::kMobileHashMismatch);
}

TEST_F(PhoneSignerTest, AnswersWithTooMuchOrTooLittle) {
  const auto answers = [&](const std::function<void(PhoneAnswer&)>& change) {
    relay.on_the_way_back = change;
    EXPECT_EQ(not_authenticated().reason, Reason::kWireNoncanonical);
  };
  answers([](PhoneAnswer& answer) { answer.signature.clear(); });
  answers([](PhoneAnswer& answer) { answer.certificate.clear(); });
  answers([](PhoneAnswer& answer) { answer = {PhoneState::kFinished, {}, {}}; });
  answers([](PhoneAnswer& answer) { answer.state = PhoneState::kRunning; });
  answers([](PhoneAnswer& answer) {
    answer.state = PhoneState::kRunning;
    answer.signature.clear();
  });
  auto phone = signer();
  phone.authorised(ticket);
  relay.on_the_way_back = [](PhoneAnswer& answer) { answer.signature = Bytes(96); };
  EXPECT_EQ(refusal(phone.signing_certificate()).reason, Reason::kWireNoncanonical);
  relay.on_the_way_back = nullptr;
  EXPECT_EQ(not_signed([&] {
              relay.on_the_way_back = [&](PhoneAnswer& answer) {
                answer.certificate = mine().signing.certificate;
              };
            }).reason,
            Reason::kWireNoncanonical);
}

TEST_F(PhoneSignerTest, RunsForTwoMinutesAtMost) {
  relay.running_polls = std::numeric_limits<int>::max();
  EXPECT_EQ(not_authenticated().reason, Reason::kMobileTimeout);
  EXPECT_EQ(slept_ms, 120'000U);
  EXPECT_EQ(relay.polls, 120);  // also where the collector does not hold them back
  EXPECT_EQ(seen.seconds.front(), 120U);
  EXPECT_EQ(seen.seconds.back(), 1U);
  EXPECT_TRUE(std::ranges::is_sorted(seen.seconds, std::greater<>()));

  relay.polls = 0;
  relay.poll_takes_ms = 5000;
  EXPECT_EQ(not_authenticated().reason, Reason::kMobileTimeout);
  EXPECT_EQ(relay.polls, 24);
}

TEST_F(PhoneSignerTest, LateAnswers) {
  relay.poll_takes_ms = 5000;
  relay.running_polls = 23;  // the last poll that begins in time brings it
  auto phone = signer();
  EXPECT_TRUE(phone.sign(KeyUse::kAuthentication, message));
  relay.running_polls = 24;
  EXPECT_EQ(not_authenticated().reason, Reason::kMobileTimeout);
}

TEST_F(PhoneSignerTest, LostPollsAreSentAgain) {
  relay.lost_polls = 3;
  auto phone = signer();
  EXPECT_TRUE(phone.sign(KeyUse::kAuthentication, message));
  EXPECT_EQ(relay.polls, 4);
  EXPECT_EQ(relay.starts.size(), 1U);
  relay.lost_polls = std::numeric_limits<int>::max();
  EXPECT_EQ(not_authenticated().reason, Reason::kServiceUnavailable);
  relay.lost_polls = 0;
  relay.refuse_poll = Reason::kRateLimited;
  EXPECT_EQ(not_authenticated().reason, Reason::kRateLimited);
}

TEST_F(PhoneSignerTest, RefusalsKeepTheirNames) {
  for (const Reason reason :
       {Reason::kMobileNotClient, Reason::kMobileUnsuitable, Reason::kMobileOutdated, Reason::kMobileRefused,
        Reason::kMobileServiceDown, Reason::kRateLimited, Reason::kServiceUnavailable}) {
    relay.refuse_start = reason;
    EXPECT_EQ(not_authenticated(), (Rejection{reason, "refused by the collector"}));
  }
  EXPECT_EQ(relay.polls, 0);
  relay.refuse_start.reset();
  for (const Reason reason :
       {Reason::kMobileCancelled, Reason::kMobileTimeout, Reason::kMobileUnreachable, Reason::kMobileDevice,
        Reason::kMobileWrongCode, Reason::kMobileSessionUnknown, Reason::kMobileHashMismatch}) {
    relay.polls = 0;
    relay.refuse_poll = reason;
    EXPECT_EQ(not_authenticated(), (Rejection{reason, "refused by the collector"}));
    EXPECT_EQ(relay.polls, 1);
  }
}

// Whoever has no ticket of the person's has no phone ring for a signature.
TEST_F(PhoneSignerTest, SigningNeedsTheTicket) {
  auto phone = signer();
  EXPECT_EQ(refusal(phone.signing_certificate()).reason, Reason::kAuthChallengeUnknown);
  EXPECT_EQ(refusal(phone.sign(KeyUse::kSigning, message)).reason, Reason::kAuthChallengeUnknown);
  phone.authorised(ticket);
  EXPECT_TRUE(phone.sign(KeyUse::kSigning, message));
  EXPECT_EQ(relay.starts.back().ticket->body, ticket.body);
}

TEST_F(PhoneSignerTest, CancelsAtAnyTime) {
  const auto expect_cancelled = [&] {
    EXPECT_EQ(not_authenticated(), (Rejection{Reason::kMobileCancelled, "on this computer"}));
    cancelled = false;
  };
  cancelled = true;
  expect_cancelled();
  EXPECT_TRUE(seen.codes.empty());
  seen.at_code = [&] { cancelled = true; };
  expect_cancelled();
  EXPECT_TRUE(relay.starts.empty());
  seen.at_code = nullptr;
  seen.at_waiting = [&] { cancelled = true; };  // and the answer that comes is good
  expect_cancelled();
  EXPECT_EQ(relay.polls, 1);
  seen.at_waiting = nullptr;
  relay.running_polls = 100;
  relay.polls = 0;
  relay.before_answer = [&](int poll) { cancelled = poll == 3; };
  expect_cancelled();
  EXPECT_EQ(relay.polls, 3);
}

}  // namespace
}  // namespace psephos
