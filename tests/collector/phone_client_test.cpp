// The relay's way to the services over HTTP, against the simulators behind their sockets.
#include "collector/phone_client.h"

#include <gtest/gtest.h>

#include <future>

#include "tests/support/test_election.h"
#include "tests/trust-services/services/http_server.h"
#include "tests/trust-services/services/mobile_id.h"
#include "tests/trust-services/services/smart_id.h"

namespace psephos::test {
namespace {

using collector::PhoneRelay;

struct PhoneClientTest : testing::Test {
  PhoneClientTest() {
    router.add("/mobile-id", [&](const trust::HttpRequest& r) { return mobile_id.handle(r, 0); });
    router.add("/smart-id", [&](const trust::HttpRequest& r) { return smart_id.handle(r, 0); });
    server =
        trust::HttpServer::listen([&](const trust::HttpRequest& r) { return router.handle(r); }, {}).value();
    mobile_id.open_account(e.card(1).person, "+37200000766", trust::PhoneKey::kP256, begin());
    smart_id.open_account(e.card(1).person, trust::PhoneKey::kP256, begin());
  }
  std::int64_t begin() const { return static_cast<std::int64_t>(e.options().casting_begins_s); }
  Result<PhoneAnswer, Rejection> authenticate(PhoneMethod method) {
    const std::string base = "http://127.0.0.1:" + std::to_string(server->port());
    const auto connect = collector::http_phones({base + "/mobile-id", base + "/smart-id"});
    if (!connect) return std::unexpected(connect.error());
    PhoneRelay relay(e.election(),
                     {.party = {"00000000-0000-0000-0000-000000000000", "DEMO", {{"en", "Elections"}}},
                      .mobile_id = true,
                      .smart_id = true},
                     *connect, rng, {.starting = 1, .polling = 1});
    std::promise<Result<PhoneSession, Rejection>> started;
    relay.start({.fingerprint = e.election().fingerprint(),
                 .method = method,
                 .action = PhoneAction::kAuthenticate,
                 .national_id = e.card(1).person.national_id,
                 .phone_number = method == PhoneMethod::kMobileId ? "+37200000766" : "",
                 .language = Id{"en"},
                 .hash = HashToSign{PhoneHash::kSha256, copy_of(sha256(bytes_of("to sign")))},
                 .ticket = std::nullopt},
                e.options().casting_begins_s, [&](auto result) { started.set_value(std::move(result)); });
    const auto session = started.get_future().get();
    if (!session) return std::unexpected(session.error());
    std::promise<Result<PhoneAnswer, Rejection>> answered;
    relay.poll({e.election().fingerprint(), session->session}, e.options().casting_begins_s,
               [&](auto result) { answered.set_value(std::move(result)); });
    return answered.get_future().get();
  }
  TestElection e;
  SystemRng rng;
  trust::MobileId mobile_id{e.ca(), rng, begin()};
  trust::SmartId smart_id{e.ca(), rng, begin()};
  trust::HttpRouter router;
  std::unique_ptr<trust::HttpServer> server;
};

TEST_F(PhoneClientTest, What_phones_sign_comes_over_sockets) {
  for (const PhoneMethod method : {PhoneMethod::kMobileId, PhoneMethod::kSmartId}) {
    const auto answer = authenticate(method);
    ASSERT_TRUE(answer) << to_string(answer.error());
    const auto signer = e.eid().verify(answer->certificate, KeyUse::kAuthentication, bytes_of("to sign"),
                                       answer->signature, begin());
    ASSERT_TRUE(signer) << name_of(signer.error());
    EXPECT_EQ(signer->national_id, e.card(1).person.national_id);
  }
}

TEST_F(PhoneClientTest, A_service_that_hangs_up_is_down) {
  mobile_id.set_fault({trust::MobileIdFault::kDown});
  EXPECT_EQ(authenticate(PhoneMethod::kMobileId).error().reason, Reason::kMobileServiceDown);
  EXPECT_TRUE(authenticate(PhoneMethod::kSmartId));
}

TEST(PhoneAddresses, Are_read_before_anybody_is_asked) {
  EXPECT_TRUE(collector::http_phones({"http://mobile.example", ""}));
  for (const auto& addresses :
       {collector::PhoneAddresses{"mobile.example", ""}, {"http://mobile.example", "ftp://smart.example"}})
    EXPECT_EQ(collector::http_phones(addresses).error().reason, Reason::kUsage);
}

}  // namespace
}  // namespace psephos::test
