// The collector's relay to the services that phones hear, against their simulators.
#include "collector/relay.h"

#include <gtest/gtest.h>
#include <openssl/sha.h>

#include <chrono>
#include <future>
#include <thread>

#include "protocol/container.h"
#include "tests/collector/collector_fixture.h"
#include "tests/trust-services/services/mobile_id.h"
#include "tests/trust-services/services/smart_id.h"

namespace psephos::test {
namespace {

using collector::PhoneRelay;
using collector::PhoneTransport;
using std::chrono::milliseconds;
using std::chrono::steady_clock;
using trust::MobileIdFault;
using trust::PhoneKey;
using trust::SmartIdFault;

constexpr std::string_view kPhone = "+37200000766";

Bytes sha384(ByteView message) {
  Bytes out(SHA384_DIGEST_LENGTH);
  SHA384(message.data(), message.size(), out.data());
  return out;
}

std::int64_t real_ms() {
  return std::chrono::duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count();
}

/// What phones say, in the process: with its delays, its closed connections, and the time that it may take.
struct Simulators {
  Simulators(TestElection& e, std::int64_t now_unix_s)
      : mobile_id(e.ca(), rng, now_unix_s), smart_id(e.ca(), rng, now_unix_s) {}
  SystemRng rng;
  trust::MobileId mobile_id;
  trust::SmartId smart_id;
};
class InProcess final : public PhoneTransport {
 public:
  explicit InProcess(Simulators& of) : of_(of) {}
  Result<Answer, Rejection> exchange(PhoneMethod service, std::string_view method, std::string_view path,
                                     std::string_view json, milliseconds timeout) override {
    const bool mobile_id = service == PhoneMethod::kMobileId;
    const trust::HttpRequest request{.method = std::string(method),
                                     .target = (mobile_id ? "/mobile-id" : "/smart-id") + std::string(path),
                                     .content_type = "application/json",
                                     .body = copy_of(bytes_of(json))};
    auto reply =
        mobile_id ? of_.mobile_id.handle(request, real_ms()) : of_.smart_id.handle(request, real_ms());
    std::this_thread::sleep_for(std::min(reply.delay, timeout));
    if (reply.dropped || reply.delay > timeout) return reject(Reason::kServiceUnavailable, "no answer");
    return Answer{static_cast<int>(reply.status), std::move(reply.body)};
  }

 private:
  Simulators& of_;
};

collector::RelyingParty party() {
  return {"00000000-0000-0000-0000-000000000000", "DEMO", {{"en", "Elections"}, {"et", "Valimised õhtul"}}};
}

struct RelayTest : testing::Test {
  RelayTest() {
    now_s = w.options_begin() + 1000;
    for (const std::uint64_t n : {1U, 2U}) {
      const Person& person = w.e->card(n).person;
      phones.mobile_id.open_account(person, std::string(kPhone), PhoneKey::kP256, begin());
      phones.smart_id.open_account(person, PhoneKey::kP256, begin());
    }
    connect();
  }
  std::int64_t begin() const { return static_cast<std::int64_t>(w.options_begin()); }
  void connect(PhoneRelay::Limits limits = {.starting = 2, .polling = 2, .hold = milliseconds(100)},
               bool mobile_id = true, bool smart_id = true) {
    relay = std::make_unique<PhoneRelay>(
        w.e->election(), PhoneRelay::Settings{party(), mobile_id, smart_id},
        [this] { return std::make_unique<InProcess>(phones); }, rng, limits);
  }
  ServiceSigned ticket(std::uint64_t n) {
    return w.e->sign_ticket({.fingerprint = w.e->election().fingerprint(),
                             .pseudonym = w.e->pseudonym(n),
                             .unit = Id{"u1"},
                             .roll_version = 1,
                             .counter = 1,
                             .previous = std::nullopt,
                             .checkpoint = {},
                             .nonce = {},
                             .expires_s = now_s + 600});
  }
  PhoneStart request(PhoneMethod method, PhoneAction action, std::uint64_t n = 1) {
    PhoneStart out{.fingerprint = w.e->election().fingerprint(),
                   .method = method,
                   .action = action,
                   .national_id = w.e->card(n).person.national_id,
                   .phone_number = method == PhoneMethod::kMobileId ? std::string(kPhone) : "",
                   .language = Id{"et"},
                   .hash = std::nullopt,
                   .ticket = std::nullopt};
    const Digest256 hash = sha256(bytes_of("to sign"));
    if (action != PhoneAction::kCertificate) out.hash = HashToSign{PhoneHash::kSha256, copy_of(hash)};
    if (action != PhoneAction::kAuthenticate) out.ticket = ticket(n);
    return out;
  }
  Result<PhoneSession, Rejection> start(const PhoneStart& what) {
    std::promise<Result<PhoneSession, Rejection>> promise;
    relay->start(what, now_s, [&](auto result) { promise.set_value(std::move(result)); });
    return promise.get_future().get();
  }
  Result<PhoneAnswer, Rejection> poll(const PhoneSession& session) {
    std::promise<Result<PhoneAnswer, Rejection>> promise;
    relay->poll({w.e->election().fingerprint(), session.session}, now_s,
                [&](auto result) { promise.set_value(std::move(result)); });
    return promise.get_future().get();
  }
  /// Polls to the end.
  Result<PhoneAnswer, Rejection> ask(const PhoneStart& what) {
    const auto session = start(what);
    if (!session) return std::unexpected(session.error());
    for (;;)
      if (auto answer = poll(*session); !answer || answer->state == PhoneState::kFinished) return answer;
  }
  std::optional<Reason> reason(const PhoneStart& what) {
    const auto answer = ask(what);
    return answer ? std::nullopt : std::optional(answer.error().reason);
  }
  /// A relay whose allowances nobody has used.
  void forget_allowances() { connect(); }

  struct World : CollectorWorld {
    std::uint64_t options_begin() const { return e->options().casting_begins_s; }
  };
  World w;
  std::uint64_t now_s = 0;
  SystemRng rng;
  Simulators phones{*w.e, begin()};
  std::unique_ptr<PhoneRelay> relay;
};

constexpr PhoneMethod kMethods[] = {PhoneMethod::kMobileId, PhoneMethod::kSmartId};
constexpr PhoneAction kActions[] = {PhoneAction::kAuthenticate, PhoneAction::kCertificate,
                                    PhoneAction::kSign};

TEST_F(RelayTest, Every_action_of_both_services_gives_what_it_is_asked_for) {
  for (const PhoneMethod method : kMethods)
    for (const PhoneAction action : kActions) {
      const auto answer = ask(request(method, action));
      ASSERT_TRUE(answer) << to_string(answer.error());
      EXPECT_EQ(answer->certificate.empty(), action == PhoneAction::kSign);
      EXPECT_EQ(answer->signature.size(), action == PhoneAction::kCertificate ? 0U : 64U);
    }
}

TEST_F(RelayTest, A_phone_that_signs_something_else_is_passed_on_as_it_is) {
  // The client, which computes hash and person itself, is who judges.
  const auto verdict = [&](MobileIdFault fault) -> std::optional<Reason> {
    phones.mobile_id.set_fault({fault});
    const auto answer = ask(request(PhoneMethod::kMobileId, PhoneAction::kAuthenticate));
    if (!answer) return answer.error().reason;
    const auto signer = w.e->eid().verify(answer->certificate, KeyUse::kAuthentication, bytes_of("to sign"),
                                          answer->signature, static_cast<std::int64_t>(now_s));
    return signer ? std::nullopt : std::optional(signer.error());
  };
  EXPECT_EQ(verdict(MobileIdFault::kNone), std::nullopt);
  EXPECT_EQ(verdict(MobileIdFault::kWrongHash), Reason::kSigInvalid);
  phones.mobile_id.set_fault({MobileIdFault::kOtherPerson});
  const auto other = ask(request(PhoneMethod::kMobileId, PhoneAction::kAuthenticate));
  ASSERT_TRUE(other);
  EXPECT_NE(person_of(parse_certificate(other->certificate).value())->national_id,
            w.e->card(1).person.national_id);
}

TEST_F(RelayTest, Mobile_id_reasons_are_those_of_the_table) {
  using enum MobileIdFault;
  const std::pair<MobileIdFault, Reason> session[] = {
      {kNotMidClient, Reason::kMobileNotClient},
      {kUserCancelled, Reason::kMobileCancelled},
      {kTimeout, Reason::kMobileTimeout},
      {kPhoneAbsent, Reason::kMobileUnreachable},
      {kDeliveryError, Reason::kMobileUnreachable},
      {kSimError, Reason::kMobileDevice},
      {kHashMismatch, Reason::kMobileDevice},
      {kUnknownResult, Reason::kMobileServiceDown},
      {kSessionLost, Reason::kMobileSessionUnknown},
  };
  for (const auto& [fault, expected] : session) {
    phones.mobile_id.set_fault({fault});
    for (const PhoneAction action : {PhoneAction::kAuthenticate, PhoneAction::kSign}) {
      forget_allowances();
      EXPECT_EQ(reason(request(PhoneMethod::kMobileId, action)), expected) << name_of(expected);
    }
  }
  const std::pair<MobileIdFault, Reason> certificate[] = {{kNotFound, Reason::kMobileNotClient},
                                                          {kNotActive, Reason::kMobileUnsuitable},
                                                          {kUnknownResult, Reason::kMobileServiceDown}};
  for (const auto& [fault, expected] : certificate) {
    phones.mobile_id.set_fault({fault});
    EXPECT_EQ(reason(request(PhoneMethod::kMobileId, PhoneAction::kCertificate)), expected)
        << name_of(expected);
  }
}

TEST_F(RelayTest, Smart_id_reasons_are_those_of_the_table) {
  using enum SmartIdFault;
  const std::pair<SmartIdFault, Reason> session[] = {
      {kUserRefused, Reason::kMobileCancelled},
      {kUserRefusedDisplayTextAndPin, Reason::kMobileCancelled},
      {kUserRefusedVcChoice, Reason::kMobileCancelled},
      {kUserRefusedConfirmationMessage, Reason::kMobileCancelled},
      {kUserRefusedConfirmationMessageWithVcChoice, Reason::kMobileCancelled},
      {kUserRefusedCertChoice, Reason::kMobileCancelled},
      {kTimeout, Reason::kMobileTimeout},
      {kWrongVc, Reason::kMobileWrongCode},
      {kDocumentUnusable, Reason::kMobileUnsuitable},
      {kInteractionNotSupported, Reason::kMobileOutdated},
      {kUnknownResult, Reason::kMobileServiceDown},
      {kSessionLost, Reason::kMobileSessionUnknown},
      {kHttp404, Reason::kMobileNotClient},
      {kHttp471, Reason::kMobileUnsuitable},
      {kHttp472, Reason::kMobileUnsuitable},
      {kHttp480, Reason::kMobileRefused},
  };
  for (const auto& [fault, expected] : session) {
    phones.smart_id.set_fault({fault});
    for (const PhoneAction action : kActions) {
      forget_allowances();
      EXPECT_EQ(reason(request(PhoneMethod::kSmartId, action)), expected) << name_of(expected);
    }
  }
}

TEST_F(RelayTest, Answers_that_are_none_say_who_is_at_fault) {
  using Mobile = MobileIdFault;
  using Smart = SmartIdFault;
  const std::pair<Mobile, Reason> mobile[] = {
      {Mobile::kHttp400, Reason::kMobileRefused},     {Mobile::kHttp401, Reason::kMobileRefused},
      {Mobile::kHttp405, Reason::kMobileRefused},     {Mobile::kHttp429, Reason::kMobileServiceDown},
      {Mobile::kHttp500, Reason::kMobileServiceDown}, {Mobile::kGarbage, Reason::kMobileServiceDown},
      {Mobile::kDown, Reason::kMobileServiceDown},
  };
  const std::pair<Smart, Reason> smart[] = {
      {Smart::kHttp400, Reason::kMobileRefused},     {Smart::kHttp401, Reason::kMobileRefused},
      {Smart::kHttp403, Reason::kMobileRefused},     {Smart::kHttp429, Reason::kMobileServiceDown},
      {Smart::kHttp500, Reason::kMobileServiceDown}, {Smart::kHttp580, Reason::kMobileServiceDown},
      {Smart::kGarbage, Reason::kMobileServiceDown}, {Smart::kDown, Reason::kMobileServiceDown},
  };
  // At the start of a session, and while it runs.
  const auto expect = [&](auto& service, auto fault, auto none, PhoneMethod method, Reason expected) {
    for (const PhoneAction action : kActions) {
      forget_allowances();
      service.set_fault({fault});
      const auto refused = start(request(method, action));
      ASSERT_FALSE(refused);
      EXPECT_EQ(refused.error().reason, expected) << refused.error().object;
      if (action == PhoneAction::kCertificate && method == PhoneMethod::kMobileId)
        continue;  // has no session
      service.set_fault({none});
      const auto session = start(request(method, action));
      ASSERT_TRUE(session);
      service.set_fault({fault});
      const auto answer = poll(*session);
      ASSERT_FALSE(answer);
      EXPECT_EQ(answer.error().reason, expected) << answer.error().object;
      service.set_fault({none});
      EXPECT_EQ(poll(*session).error().reason, expected) << "the session is over";
    }
  };
  for (const auto& [fault, expected] : mobile)
    expect(phones.mobile_id, fault, Mobile::kNone, PhoneMethod::kMobileId, expected);
  for (const auto& [fault, expected] : smart)
    expect(phones.smart_id, fault, Smart::kNone, PhoneMethod::kSmartId, expected);
}

TEST_F(RelayTest, A_service_that_takes_too_long_has_not_answered) {
  connect({.starting = 1, .polling = 1, .hold = milliseconds(100), .timeout = milliseconds(50)});
  phones.mobile_id.set_fault({MobileIdFault::kSlow, 60'000});
  EXPECT_EQ(reason(request(PhoneMethod::kMobileId, PhoneAction::kCertificate)), Reason::kMobileServiceDown);
  phones.mobile_id.set_fault({MobileIdFault::kSlow, 10});
  EXPECT_EQ(reason(request(PhoneMethod::kMobileId, PhoneAction::kCertificate)), std::nullopt);
}

TEST_F(RelayTest, Only_the_persons_own_ticket_lets_her_phone_ring_for_a_signature) {
  for (const PhoneMethod method : kMethods)
    for (const PhoneAction action : {PhoneAction::kCertificate, PhoneAction::kSign}) {
      PhoneStart asked = request(method, action);
      EXPECT_EQ(reason(asked), std::nullopt);
      asked.ticket.reset();
      EXPECT_EQ(reason(asked), Reason::kAuthChallengeUnknown);
      asked.ticket = ticket(1);
      asked.ticket->signature[0] ^= 1U;
      EXPECT_EQ(reason(asked), Reason::kAuthChallengeUnknown);
      asked.ticket = ticket(2);
      EXPECT_EQ(reason(asked), Reason::kTicketMismatch);
      asked.ticket = ticket(1);
      now_s += 599;
      EXPECT_EQ(reason(asked), std::nullopt);
      now_s += 1;
      EXPECT_EQ(reason(asked), Reason::kTicketExpired);
      auto foreign = decode<CastTicket>(ticket(1).body).value();
      foreign.fingerprint[0] ^= 1U;
      asked.ticket = w.e->sign_ticket(foreign);
      EXPECT_EQ(reason(asked), Reason::kElectionFpMismatch);
    }
  PhoneStart authentication = request(PhoneMethod::kMobileId, PhoneAction::kAuthenticate);
  authentication.ticket = ticket(1);
  EXPECT_EQ(reason(authentication), Reason::kWireNoncanonical);
}

TEST_F(RelayTest, Requests_of_another_form_ring_no_phone) {
  const auto with = [&](PhoneMethod method, PhoneAction action, auto change) {
    PhoneStart asked = request(method, action);
    change(asked);
    return reason(asked);
  };
  const auto mobile_id = PhoneMethod::kMobileId;
  const auto sign = PhoneAction::kSign;
  const auto hash = [](PhoneHash kind, std::size_t bytes) {
    return [=](PhoneStart& r) { r.hash = HashToSign{kind, Bytes(bytes, 7)}; };
  };
  EXPECT_EQ(with(mobile_id, sign, [](PhoneStart& r) { r.fingerprint[0] ^= 1U; }),
            Reason::kElectionFpMismatch);
  EXPECT_EQ(with(mobile_id, sign, hash(PhoneHash::kSha256, 32)), std::nullopt);
  EXPECT_EQ(with(mobile_id, sign, hash(PhoneHash::kSha384, 48)), std::nullopt);
  EXPECT_EQ(with(mobile_id, sign, hash(PhoneHash::kSha256, 48)), Reason::kWireLimit);
  EXPECT_EQ(with(mobile_id, sign, hash(PhoneHash::kSha384, 32)), Reason::kWireLimit);
  EXPECT_EQ(with(mobile_id, sign, [](PhoneStart& r) { r.hash.reset(); }), Reason::kWireMissingField);
  EXPECT_EQ(with(mobile_id, PhoneAction::kCertificate, hash(PhoneHash::kSha256, 32)),
            Reason::kWireNoncanonical);
  EXPECT_EQ(with(mobile_id, PhoneAction::kAuthenticate, hash(PhoneHash::kSha384, 48)),
            Reason::kWireNoncanonical);
  for (const char* number :
       {"", "37200000766", "+0720000076", "+3720000076a", "+1234", "+1234567890123456", "+"})
    EXPECT_EQ(with(mobile_id, sign, [&](PhoneStart& r) { r.phone_number = number; }), Reason::kFieldCharset)
        << number;
  EXPECT_EQ(with(mobile_id, sign, [&](PhoneStart& r) { r.phone_number = "+12345"; }),
            Reason::kMobileNotClient);
  EXPECT_EQ(with(PhoneMethod::kSmartId, sign, [](PhoneStart& r) { r.phone_number = kPhone; }),
            Reason::kFieldCharset);
  // Authentication, since a ticket names only persons whose identifier is good.
  const auto person = [](std::string id) { return [id](PhoneStart& r) { r.national_id = id; }; };
  const auto authenticate = PhoneAction::kAuthenticate;
  EXPECT_EQ(with(mobile_id, authenticate, person("PNOEE-48001010005")), Reason::kMobileNotClient);
  for (const char* id : {"PNOEE-48001010004", "48001010005", "PNOEE-4800101000/", "PNOEE-", "PASXX-AB12345"})
    for (const PhoneMethod method : kMethods)
      EXPECT_EQ(with(method, authenticate, person(id)), Reason::kVoterIdFormat) << id;
}

TEST_F(RelayTest, Authentication_lets_a_phone_ring_three_times_and_once_a_minute) {
  const auto ring = [&](PhoneMethod method, std::uint64_t n) {
    return reason(request(method, PhoneAction::kAuthenticate, n));
  };
  EXPECT_EQ(ring(PhoneMethod::kMobileId, 1), std::nullopt);
  EXPECT_EQ(ring(PhoneMethod::kSmartId, 1), std::nullopt);
  EXPECT_EQ(ring(PhoneMethod::kMobileId, 1), std::nullopt);
  EXPECT_EQ(ring(PhoneMethod::kMobileId, 1), Reason::kRateLimited);
  EXPECT_EQ(ring(PhoneMethod::kSmartId, 1), Reason::kRateLimited);
  EXPECT_EQ(ring(PhoneMethod::kMobileId, 2), std::nullopt);
  EXPECT_EQ(reason(request(PhoneMethod::kMobileId, PhoneAction::kSign)), std::nullopt);
  now_s += 60;
  EXPECT_EQ(ring(PhoneMethod::kMobileId, 1), std::nullopt);
  EXPECT_EQ(ring(PhoneMethod::kMobileId, 1), Reason::kRateLimited);
}

TEST_F(RelayTest, Signatures_have_an_allowance_too) {
  for (int i = 0; i < 20; ++i)
    EXPECT_EQ(reason(request(PhoneMethod::kMobileId, PhoneAction::kCertificate)), std::nullopt);
  EXPECT_EQ(reason(request(PhoneMethod::kMobileId, PhoneAction::kSign)), Reason::kRateLimited);
  now_s += 10;
  EXPECT_EQ(reason(request(PhoneMethod::kMobileId, PhoneAction::kSign)), std::nullopt);
}

TEST(AllowanceOfAnybody, ForgetsThoseWhoHaveItAllAgain) {
  collector::Allowance allowance(2, 60, 2);
  EXPECT_TRUE(allowance.take(Pseudonym{1}, 1000));
  EXPECT_TRUE(allowance.take(Pseudonym{2}, 1050));
  EXPECT_FALSE(allowance.take(Pseudonym{3}, 1050));
  EXPECT_TRUE(allowance.take(Pseudonym{2}, 1050));
  EXPECT_FALSE(allowance.take(Pseudonym{2}, 1050));
  EXPECT_TRUE(allowance.take(Pseudonym{3}, 1060));  // the first is forgotten
  EXPECT_FALSE(allowance.take(Pseudonym{1}, 1060));
  EXPECT_FALSE(allowance.take(Pseudonym{2}, 1060));  // who has none left is not
}

TEST_F(RelayTest, An_answer_that_was_lost_is_given_again) {
  for (const PhoneMethod method : kMethods)
    for (const PhoneAction action : kActions) {
      const auto session = start(request(method, action));
      ASSERT_TRUE(session);
      const auto first = poll(*session);
      ASSERT_TRUE(first);
      const auto again = poll(*session);
      ASSERT_TRUE(again);
      EXPECT_EQ(encode(*again), encode(*first));
    }
  EXPECT_EQ(poll(PhoneSession{}).error().reason, Reason::kMobileSessionUnknown);
}

// A person with two devices: the one whose certificate she showed signs.
TEST_F(RelayTest, The_device_that_showed_its_certificate_signs) {
  phones.smart_id.set_fault({SmartIdFault::kOtherDevice});
  const PhoneStart sign = request(PhoneMethod::kSmartId, PhoneAction::kSign);
  PhoneStart show = request(PhoneMethod::kSmartId, PhoneAction::kCertificate);
  show.ticket = sign.ticket;
  ASSERT_TRUE(ask(show));
  const auto by_document = ask(sign);
  ASSERT_TRUE(by_document);
  phones.smart_id.set_fault({SmartIdFault::kNone});
  const auto same_key = ask(sign);
  ASSERT_TRUE(same_key);
  EXPECT_EQ(by_document->signature, same_key->signature);  // RSA: the same key signs the same
}

TEST_F(RelayTest, A_session_ends_after_two_minutes) {
  const auto first = start(request(PhoneMethod::kMobileId, PhoneAction::kSign));
  const auto second = start(request(PhoneMethod::kMobileId, PhoneAction::kCertificate));
  ASSERT_TRUE(first && second);
  now_s += PhoneRelay::kSessionSeconds - 1;
  EXPECT_TRUE(poll(*first));
  now_s += 1;
  const auto late = poll(*second);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().reason, Reason::kMobileSessionUnknown);
}

TEST_F(RelayTest, Sessions_are_bounded_until_they_end) {
  connect({.sessions = 2, .starting = 1, .polling = 1, .hold = milliseconds(100)});
  const PhoneStart asked = request(PhoneMethod::kMobileId, PhoneAction::kSign);
  const auto first = start(asked);
  ASSERT_TRUE(first && start(asked));
  EXPECT_EQ(reason(asked), Reason::kServiceUnavailable);
  EXPECT_TRUE(poll(*first));
  EXPECT_TRUE(start(asked));
  EXPECT_EQ(reason(asked), Reason::kServiceUnavailable);
  now_s += PhoneRelay::kSessionSeconds;
  EXPECT_EQ(reason(asked), std::nullopt);
}

TEST_F(RelayTest, A_slow_person_is_waited_for) {
  for (const PhoneMethod method : kMethods) {
    phones.mobile_id.set_fault({MobileIdFault::kSlowUser, 3000});
    phones.smart_id.set_fault({SmartIdFault::kSlowUser, 3000});
    const auto session = start(request(method, PhoneAction::kSign));
    ASSERT_TRUE(session);
    const auto running = poll(*session);
    ASSERT_TRUE(running);
    EXPECT_EQ(running->state, PhoneState::kRunning);
    EXPECT_TRUE(running->signature.empty());
    auto answer = poll(*session);
    while (answer && answer->state == PhoneState::kRunning) answer = poll(*session);
    ASSERT_TRUE(answer);
    EXPECT_FALSE(answer->signature.empty());
  }
}

TEST_F(RelayTest, One_poll_at_a_time_holds_a_thread) {
  phones.mobile_id.set_fault({MobileIdFault::kSlowUser, 60'000});
  const auto session = start(request(PhoneMethod::kMobileId, PhoneAction::kSign));
  ASSERT_TRUE(session);
  std::promise<void> held;
  relay->poll({w.e->election().fingerprint(), session->session}, now_s, [&](auto) { held.set_value(); });
  const auto before = steady_clock::now();
  const auto answer = poll(*session);
  EXPECT_LT(steady_clock::now() - before, milliseconds(900));  // the other is held for a second
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->state, PhoneState::kRunning);
  held.get_future().wait();
}

TEST_F(RelayTest, A_service_that_there_is_not_is_no_request) {
  connect({.starting = 1, .polling = 1}, true, false);
  EXPECT_EQ(reason(request(PhoneMethod::kSmartId, PhoneAction::kSign)), Reason::kRequestUnknown);
  EXPECT_EQ(reason(request(PhoneMethod::kMobileId, PhoneAction::kSign)), std::nullopt);
  connect({.starting = 1, .polling = 1}, false, true);
  EXPECT_EQ(reason(request(PhoneMethod::kMobileId, PhoneAction::kSign)), Reason::kRequestUnknown);
}

TEST_F(RelayTest, A_relay_that_stops_answers_everybody) {
  const auto session = start(request(PhoneMethod::kMobileId, PhoneAction::kSign));
  ASSERT_TRUE(session);
  relay->stop();
  EXPECT_EQ(reason(request(PhoneMethod::kMobileId, PhoneAction::kSign)), Reason::kServiceUnavailable);
  const auto answer = poll(*session);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->state, PhoneState::kRunning);
}

/// A service that answers as a test says.
class Scripted final : public PhoneTransport {
 public:
  explicit Scripted(std::string& body) : body_(body) {}
  Result<Answer, Rejection> exchange(PhoneMethod, std::string_view method, std::string_view, std::string_view,
                                     milliseconds) override {
    return Answer{200, copy_of(bytes_of(method == "POST" ? R"({"sessionID":"a-1"})" : body_))};
  }

 private:
  std::string& body_;
};

TEST_F(RelayTest, An_answer_of_another_form_is_no_answer) {
  std::string body;
  relay = std::make_unique<PhoneRelay>(
      w.e->election(), PhoneRelay::Settings{party(), true, true},
      [&] { return std::make_unique<Scripted>(body); }, rng, PhoneRelay::Limits{.starting = 1, .polling = 1});
  const auto after = [&](std::string text) {
    body = std::move(text);
    now_s += 10;
    return reason(request(PhoneMethod::kMobileId, PhoneAction::kSign));
  };
  const auto ok = [](const std::string& value) {
    return R"({"state":"COMPLETE","result":"OK","signature":{"value":")" + value + R"("}})";
  };
  EXPECT_EQ(after(ok("YWJj")), std::nullopt);
  EXPECT_EQ(after(ok(to_base64(Bytes(limits::kSignatureBytes)))), std::nullopt);
  const std::string bad[] = {
      ok(""),
      ok("YWJj\\n"),
      ok("YWI"),
      ok(to_base64(Bytes(limits::kSignatureBytes + 1))),
      R"({"state":"COMPLETE","result":"OK"})",
      R"({"state":"COMPLETE","result":"OK","signature":"YWJj"})",
      R"({"state":"COMPLETE","result":["OK"],"signature":{"value":"YWJj"}})",
      R"({"state":"DONE","result":"OK","signature":{"value":"YWJj"}})",
      R"({"result":"OK"})",
      "[]",
      "",
      ok("YWJj") + "{}",
      std::string(20, '[') + std::string(20, ']'),
      ok("YWJj") + std::string(70'000, ' '),
  };
  for (const std::string& text : bad)
    EXPECT_EQ(after(text), Reason::kMobileServiceDown) << text.substr(0, 80);
}

TEST(RelyingPartyFile, IsReadStrictly) {
  const auto read = [](std::string_view text) { return collector::RelyingParty::read(bytes_of(text)); };
  const std::string head = R"({"uuid":"00000000-0000-0000-0000-000000000000","name":"DEMO","display_text":)";
  const auto good = read(head + R"({"et":"Valimised","en":"Elections"}})");
  ASSERT_TRUE(good);
  EXPECT_EQ(good->name, "DEMO");
  EXPECT_EQ(good->display_texts.at("et"), "Valimised");
  EXPECT_TRUE(read(head + R"({"et":")" + std::string(40, 'x') + R"("}})"));
  EXPECT_TRUE(read(head + R"({"et":"õõõõõõõõõõõõõõõõõõõõ"}})"));
  const std::string bad[] = {
      "",
      "[]",
      head + "{}}",
      head + R"({"et":""}})",
      head + R"({"et":1}})",
      head + R"({"ET":"Valimised"}})",
      head + R"({"et":")" + std::string(41, 'x') + R"("}})",
      head + R"({"et":"õõõõõõõõõõõõõõõõõõõõõ"}})",
      head + R"({"et":"a\u0000b"}})",
      head + R"({"et":"Valimised"},"more":1})",
      R"({"uuid":"0","name":"DEMO","display_text":{"et":"Valimised"}})",
      R"({"uuid":"00000000-0000-0000-0000-00000000000g","name":"DEMO","display_text":{"et":"Valimised"}})",
      R"({"uuid":"00000000-0000-0000-0000-000000000000","name":"","display_text":{"et":"Valimised"}})",
  };
  for (const std::string& text : bad) {
    const auto refused = read(text);
    ASSERT_FALSE(refused) << text;
    EXPECT_EQ(refused.error().reason, Reason::kUsage);
  }
}

// ---- through the service -----------------------------------------------------------------------

struct PhoneServiceTest : testing::Test {
  void open(const PhoneRelay::Limits& limits = {.starting = 4, .polling = 4, .hold = milliseconds(1000)}) {
    relay = std::make_unique<PhoneRelay>(
        w.e->election(), PhoneRelay::Settings{party(), true, true},
        [this] { return std::make_unique<InProcess>(phones); }, rng, limits);
    w.phones = relay.get();
    w.start();
    w.open(30);
    for (std::uint64_t n = 1; n <= 3; ++n) {
      const Person& person = w.e->card(n).person;
      phones.mobile_id.open_account(person, std::string(kPhone), n == 3 ? PhoneKey::kP384 : PhoneKey::kP256,
                                    begin());
      phones.smart_id.open_account(person, PhoneKey::kRsa2048, begin());
    }
  }
  ~PhoneServiceTest() override { w.running.reset(); }
  std::int64_t begin() const { return static_cast<std::int64_t>(w.e->options().casting_begins_s); }
  Bytes start_body(std::uint64_t n, PhoneMethod method, PhoneAction action, std::optional<HashToSign> hash,
                   std::optional<ServiceSigned> ticket) {
    return encode(PhoneStart{.fingerprint = w.e->election().fingerprint(),
                             .method = method,
                             .action = action,
                             .national_id = w.e->card(n).person.national_id,
                             .phone_number = method == PhoneMethod::kMobileId ? std::string(kPhone) : "",
                             .language = Id{"en"},
                             .hash = std::move(hash),
                             .ticket = std::move(ticket)});
  }
  Bytes poll_body(ByteView session_reply) {
    return encode(PhonePoll{w.e->election().fingerprint(), decode<PhoneSession>(session_reply)->session});
  }
  PhoneAnswer ask(std::uint64_t n, PhoneMethod method, PhoneAction action,
                  std::optional<HashToSign> hash = std::nullopt,
                  std::optional<ServiceSigned> ticket = std::nullopt) {
    const auto started =
        w.post("/v1/phone/start", start_body(n, method, action, std::move(hash), std::move(ticket)));
    EXPECT_EQ(started.status, 200);
    if (started.status != 200) return {};
    for (;;) {
      const auto polled = w.post("/v1/phone/poll", poll_body(started.body));
      EXPECT_EQ(polled.status, 200);
      if (polled.status != 200) return {};
      auto answer = decode<PhoneAnswer>(polled.body);
      if (answer->state == PhoneState::kFinished) return std::move(*answer);
    }
  }
  CollectorWorld w;
  SystemRng rng;
  Simulators phones{*w.e, begin()};
  std::unique_ptr<PhoneRelay> relay;
};

TEST_F(PhoneServiceTest, Voters_cast_with_nothing_but_their_phones) {
  open();
  for (const auto& [n, method] : {std::pair<std::uint64_t, PhoneMethod>{1, PhoneMethod::kMobileId},
                                  {2, PhoneMethod::kSmartId},
                                  {3, PhoneMethod::kMobileId}}) {
    // PIN1
    const Bytes challenge = w.post("/v1/challenge").body;
    const Digest256 to_authenticate = sha256(signed_bytes(labels::kEidAuthenticate, challenge));
    const PhoneAnswer authenticated =
        ask(n, method, PhoneAction::kAuthenticate, HashToSign{PhoneHash::kSha256, copy_of(to_authenticate)});
    const auto ticket_reply = w.post(
        "/v1/ticket", encode(Authentication{challenge, authenticated.certificate, authenticated.signature}));
    ASSERT_EQ(ticket_reply.status, 200);
    const auto signed_ticket = decode<ServiceSigned>(ticket_reply.body).value();
    const auto ticket = decode<CastTicket>(signed_ticket.body).value();
    // PIN2
    const PhoneAnswer card = ask(n, method, PhoneAction::kCertificate, std::nullopt, signed_ticket);
    const auto scheme = voter_scheme(parse_certificate(card.certificate).value());
    ASSERT_TRUE(scheme);
    CollectorWorld::Cast cast{
        .seed = BallotSeed::random(w.e->rng()), .fetch_secret = {}, .id = {}, .submission = {}};
    const std::size_t choices[] = {0, 1};
    SignedBallot ballot{.ballot = encode(make_ballot(w.e->election(), ticket, sha256(signed_ticket.body),
                                                     choices, cast.seed, w.e->rng())),
                        .certificate = card.certificate,
                        .scheme = *scheme,
                        .signing_time_s = w.now_ms / 1000,
                        .signature = {},
                        .evidence = std::nullopt};
    const Bytes info = signed_info(ballot);
    const HashToSign hash = *scheme == SignatureScheme::kEcdsaSha384
                                ? HashToSign{PhoneHash::kSha384, sha384(info)}
                                : HashToSign{PhoneHash::kSha256, copy_of(sha256(info))};
    ballot.signature = ask(n, method, PhoneAction::kSign, hash, signed_ticket).signature;
    cast.submission.envelope = {.container = write_container(ballot), .ticket = signed_ticket};
    cast.id = id_of(cast.submission.envelope);
    w.expect_recorded(w.post("/v1/ballot", cast.body()), cast, SubmitOutcome::kAccepted);
  }
}

TEST_F(PhoneServiceTest, Refusals_have_their_statuses) {
  open();
  const HashToSign hash{PhoneHash::kSha256, Bytes(32, 1)};
  const auto expect = [&](const std::string& target, const Bytes& body, Reason reason, int status) {
    const auto reply = w.post(target, body);
    EXPECT_EQ(reply.status, status) << name_of(reason);
    EXPECT_EQ(w.reason_of_reply(reply, body), reason) << name_of(reason);
  };
  const auto mobile_id = PhoneMethod::kMobileId;
  const auto authenticate = PhoneAction::kAuthenticate;
  const auto of_voter = [&](std::uint64_t n) { return start_body(n, mobile_id, authenticate, hash, {}); };
  phones.mobile_id.set_fault({MobileIdFault::kHttp500});
  expect("/v1/phone/start", of_voter(1), Reason::kMobileServiceDown, 503);
  phones.mobile_id.set_fault({MobileIdFault::kHttp401});
  expect("/v1/phone/start", of_voter(1), Reason::kMobileRefused, 403);
  phones.mobile_id.set_fault({MobileIdFault::kUserCancelled});
  const auto started = w.post("/v1/phone/start", of_voter(1));
  ASSERT_EQ(started.status, 200);
  expect("/v1/phone/poll", poll_body(started.body), Reason::kMobileCancelled, 403);
  expect("/v1/phone/poll", poll_body(Bytes(encode(PhoneSession{}))), Reason::kMobileSessionUnknown, 404);
  expect("/v1/phone/start", of_voter(1), Reason::kRateLimited, 429);
  expect("/v1/phone/start", start_body(1, mobile_id, PhoneAction::kSign, hash, {}),
         Reason::kAuthChallengeUnknown, 403);
  expect("/v1/phone/start", Bytes(30'000), Reason::kWireLimit, 400);
  expect("/v1/phone/poll", Bytes(1), Reason::kWireMissingField, 400);
  w.now_ms = w.e->options().casting_ends_s * 1000;
  expect("/v1/phone/start", of_voter(2), Reason::kPhaseClosed, 403);
}

TEST_F(PhoneServiceTest, Without_a_relay_there_is_no_such_request) {
  w.start();
  w.open(1);
  const HashToSign hash{PhoneHash::kSha256, Bytes(32, 1)};
  const Bytes body = start_body(1, PhoneMethod::kMobileId, PhoneAction::kAuthenticate, hash, {});
  for (const char* target : {"/v1/phone/start", "/v1/phone/poll"}) {
    const auto reply = w.post(target, body);
    EXPECT_EQ(reply.status, 404);
    EXPECT_EQ(w.reason_of_reply(reply, body), Reason::kRequestUnknown);
  }
}

TEST_F(PhoneServiceTest, Phones_that_are_thought_over_hold_up_no_ballot) {
  // Two threads that poll, and many more persons who take their time; the service has two threads as well.
  open({.starting = 8, .polling = 2, .hold = milliseconds(2000)});
  phones.mobile_id.set_fault({MobileIdFault::kSlowUser, 600'000});
  constexpr std::uint64_t kVoters = 25;
  std::vector<Bytes> polls;
  for (std::uint64_t n = 1; n <= kVoters; ++n) {
    phones.mobile_id.open_account(w.e->card(n).person, std::string(kPhone), PhoneKey::kP256, begin());
    const auto started =
        w.post("/v1/phone/start", start_body(n, PhoneMethod::kMobileId, PhoneAction::kAuthenticate,
                                             HashToSign{PhoneHash::kSha256, Bytes(32, 1)}, {}));
    ASSERT_EQ(started.status, 200);
    polls.push_back(poll_body(started.body));
  }
  std::atomic<std::uint64_t> held = 0;
  for (const Bytes& body : polls)
    w.running->service().handle({"POST", "/v1/phone/poll", body}, [&](const collector::Reply&) { ++held; });
  std::size_t still_held_after = 0;
  for (int i = 0; i < 3; ++i) {
    const auto cast = w.cast(30);
    w.expect_recorded(w.post("/v1/ballot", cast.body()), cast, SubmitOutcome::kAccepted);
    if (held < kVoters) ++still_held_after;
  }
  EXPECT_GE(still_held_after, 1U);  // else it has shown nothing
  const auto until = steady_clock::now() + std::chrono::seconds(20);
  while (held < kVoters && steady_clock::now() < until) std::this_thread::sleep_for(milliseconds(10));
  EXPECT_EQ(held, kVoters);  // and everybody is answered, though two threads cannot ask for all in time
}

}  // namespace
}  // namespace psephos::test
