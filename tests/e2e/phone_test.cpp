// Voters with nothing but a phone: the program vote, a collector behind TLS, its relay, and the two services
// over HTTP. Ballots are logged with evidence like anybody's; whatever a service answers instead is told to
// the voter in her language.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>

#include "collector/http_server.h"
#include "collector/phone_client.h"
#include "collector/sqlite_store.h"
#include "tests/collector/collector_fixture.h"
#include "tests/support/run_program.h"
#include "tests/trust-services/services/http_server.h"
#include "tests/trust-services/services/mobile_id.h"
#include "tests/trust-services/services/smart_id.h"
#include "voter-client/texts.h"

namespace psephos::test {
namespace {

using trust::MobileIdFault;
using trust::PhoneKey;
using trust::SmartIdFault;

constexpr const char* kNumber = "+37200000766";

std::int64_t real_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

Options open_now() {
  Options options;
  options.casting_begins_s = static_cast<std::uint64_t>(real_ms() / 1000) - 1000;
  options.casting_ends_s = options.casting_begins_s + 100'000;
  options.grace_ends_s = options.casting_ends_s + 1000;
  return options;
}

class PhoneVoting : public ::testing::Test {
 protected:
  PhoneVoting()
      : world(open_now()), mobile_id(world.e->ca(), rng, begin()), smart_id(world.e->ca(), rng, begin()) {
    router.add("/mobile-id", [this](const trust::HttpRequest& r) { return mobile_id.handle(r, real_ms()); });
    router.add("/smart-id", [this](const trust::HttpRequest& r) { return smart_id.handle(r, real_ms()); });
    services = trust::HttpServer::listen([this](const trust::HttpRequest& r) { return router.handle(r); },
                                         {.threads = 4})
                   .value();
    const std::string base = "http://127.0.0.1:" + std::to_string(services->port());
    relay = std::make_unique<collector::PhoneRelay>(
        world.e->election(),
        collector::PhoneRelay::Settings{
            {"00000000-0000-0000-0000-000000000000", "DEMO", {{"en", "Elections"}}}, true, true},
        collector::http_phones({base + "/mobile-id", base + "/smart-id"}).value(), rng,
        collector::PhoneRelay::Limits{.starting = 2, .polling = 2});
    world.phones = relay.get();
    world.start();
    world.open(6);
    const auto keys = world.keys();
    server = collector::HttpServer::listen(world.running->service(), keys.certificate_der,
                                           keys.tls_key_der.expose(), {})
                 .value();
    for (const std::uint64_t n : {1U, 2U}) {
      mobile_id.open_account(world.e->card(n).person, kNumber, PhoneKey::kP256, begin());
      smart_id.open_account(world.e->card(n).person, PhoneKey::kRsa2048, begin());
    }
  }
  ~PhoneVoting() override {
    server->stop(std::chrono::seconds(1));
    world.running.reset();
  }
  std::int64_t begin() const { return static_cast<std::int64_t>(world.e->options().casting_begins_s); }

  /// `vote cast` by voter n: of unit u2 or u3, where the lists are mayor and c2.
  Ended cast(std::uint64_t n, std::vector<std::string> with, const std::string& language = "en") {
    std::vector<std::string> words = {"cast",
                                      "--server",
                                      "127.0.0.1:" + std::to_string(server->port()),
                                      "--fingerprint",
                                      to_hex(world.e->election().fingerprint()),
                                      "--state",
                                      (world.directory.path() / "client").string(),
                                      "--voter",
                                      world.e->card(n).person.national_id,
                                      "--choose",
                                      "mayor=mayor-102",
                                      "--choose",
                                      "council=c2-101",
                                      "--yes",
                                      "--no-terminal-qr",
                                      "--lang",
                                      language};
    words.insert(words.end(), with.begin(), with.end());
    return run_program(PSEPHOS_BIN "/vote", words, world.directory.path());
  }
  /// Every fault leads to the reason's text, each in another language, and nothing is logged.
  template <class Service, class Fault>
  void expect_told(Service& service, const std::vector<std::string>& with,
                   std::initializer_list<std::pair<Fault, Reason>> faults) {
    const std::uint64_t size = world.running->status().head.size;
    int turn = 0;
    for (const auto& [fault, reason] : faults) {
      const auto language = static_cast<Language>(turn++ % 4);
      service.set_fault({fault});
      const Ended ended = cast(1, with, std::string(code_of(language)));
      EXPECT_EQ(ended.status, 1) << name_of(reason);
      EXPECT_NE(ended.err.find(reason_text(reason, language)), std::string::npos)
          << name_of(reason) << ": " << ended.err;
      EXPECT_NE(ended.err.find("[" + std::string(name_of(reason))), std::string::npos) << ended.err;
      world.now_ms += 61'000;  // so that her phone may ring again
    }
    EXPECT_EQ(world.running->status().head.size, size);
    service.set_fault({Fault::kNone});
  }

  CollectorWorld world;
  SystemRng rng;
  trust::MobileId mobile_id;
  trust::SmartId smart_id;
  trust::HttpRouter router;
  std::unique_ptr<trust::HttpServer> services;
  std::unique_ptr<collector::PhoneRelay> relay;
  std::unique_ptr<collector::HttpServer> server;
};

TEST_F(PhoneVoting, BallotsAreLoggedLikeAnybodys) {
  const Ended first = cast(1, {"--mobile-id", kNumber});
  EXPECT_EQ(first.status, 0) << first.err;
  EXPECT_NE(first.out.find("PIN1"), std::string::npos) << first.out;
  EXPECT_NE(first.out.find("PIN2"), std::string::npos) << first.out;
  const Ended second = cast(2, {"--smart-id"});  // RSA
  EXPECT_EQ(second.status, 0) << second.err;
  const Ended again = cast(1, {"--smart-id"});  // the same voter with another key
  EXPECT_EQ(again.status, 0) << again.err;
  EXPECT_EQ(world.running->status().ballots, 3U);
  const auto store =
      collector::SqliteStore::open(collector::store_path(world.directory.path()),
                                   world.e->election().fingerprint(), collector::StoreAccess::kReadOnly);
  std::vector<EntryBytes> entries;
  std::vector<LoggedItem> items;
  ASSERT_TRUE((*store)->for_each(0, [&](const collector::StoredEntry& stored) -> Result<void, Rejection> {
    entries.push_back(stored.entry);
    items.push_back({stored.salt, stored.item});
    return {};
  }));
  EXPECT_TRUE(replay_items(*world.e, entries, items).findings.empty());
}

TEST_F(PhoneVoting, EveryAnswerOfMobileIdIsTold) {
  using enum MobileIdFault;
  expect_told<trust::MobileId, MobileIdFault>(mobile_id, {"--mobile-id", kNumber},
                                              {{kNotMidClient, Reason::kMobileNotClient},
                                               {kUserCancelled, Reason::kMobileCancelled},
                                               {kTimeout, Reason::kMobileTimeout},
                                               {kPhoneAbsent, Reason::kMobileUnreachable},
                                               {kDeliveryError, Reason::kMobileUnreachable},
                                               {kSimError, Reason::kMobileDevice},
                                               {kHashMismatch, Reason::kMobileDevice},
                                               {kUnknownResult, Reason::kMobileServiceDown},
                                               {kWrongHash, Reason::kMobileHashMismatch},
                                               {kOtherPerson, Reason::kVoterMismatch},
                                               {kSessionLost, Reason::kMobileSessionUnknown},
                                               {kHttp400, Reason::kMobileRefused},
                                               {kHttp401, Reason::kMobileRefused},
                                               {kHttp405, Reason::kMobileRefused},
                                               {kHttp429, Reason::kMobileServiceDown},
                                               {kHttp500, Reason::kMobileServiceDown},
                                               {kGarbage, Reason::kMobileServiceDown},
                                               {kDown, Reason::kMobileServiceDown}});
}

TEST_F(PhoneVoting, EveryAnswerOfSmartIdIsTold) {
  using enum SmartIdFault;
  expect_told<trust::SmartId, SmartIdFault>(
      smart_id, {"--smart-id"},
      {{kUserRefused, Reason::kMobileCancelled},
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
       {kWrongHash, Reason::kMobileHashMismatch},
       {kOtherPerson, Reason::kVoterMismatch},
       {kSessionLost, Reason::kMobileSessionUnknown},
       {kHttp400, Reason::kMobileRefused},
       {kHttp401, Reason::kMobileRefused},
       {kHttp403, Reason::kMobileRefused},
       {kHttp404, Reason::kMobileNotClient},
       {kHttp429, Reason::kMobileServiceDown},
       {kHttp471, Reason::kMobileUnsuitable},
       {kHttp472, Reason::kMobileUnsuitable},
       {kHttp480, Reason::kMobileRefused},
       {kHttp500, Reason::kMobileServiceDown},
       {kHttp580, Reason::kMobileServiceDown},
       {kGarbage, Reason::kMobileServiceDown},
       {kDown, Reason::kMobileServiceDown}});
}

}  // namespace
}  // namespace psephos::test
