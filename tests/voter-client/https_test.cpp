#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <cstdio>
#include <fstream>
#include <thread>

#include "collector/http_server.h"
#include "protocol/files/files.h"
#include "tests/collector/collector_fixture.h"
#include "tests/trust-services/test_ca/cards.h"
#include "tests/trust-services/test_ca/token.h"
#include "tests/voter-client/lying_collector.h"
#include "voter-client/core/https_client.h"
#include "voter-client/texts.h"

namespace psephos {
namespace {

using test::CollectorWorld;
namespace net = boost::asio;
namespace ssl = net::ssl;

std::uint64_t now_s() {
  return ClientClock::system().now_ms() / 1000;
}

test::Options open_now(Mode mode = Mode::kTest) {
  test::Options options;
  options.mode = mode;
  options.casting_begins_s = now_s() - 1000;  // the world's clock stands 1000 s after it
  options.casting_ends_s = options.casting_begins_s + 100'000;
  options.grace_ends_s = options.casting_ends_s + 1000;
  return options;
}

/// Somebody on the wire, for one connection: passes everything on, and keeps the lengths of the client's TLS
/// records.
class Eavesdropper {
 public:
  explicit Eavesdropper(const ServerAddress& server)
      : acceptor_(io_, {net::ip::make_address("127.0.0.1"), 0}), wire_([this, server] { pass_on(server); }) {}
  ServerAddress address() const { return {"127.0.0.1", std::to_string(acceptor_.local_endpoint().port())}; }
  /// @pre the client has closed its connection.
  std::vector<std::size_t> record_lengths() {
    wire_.join();
    std::vector<std::size_t> out;
    constexpr std::size_t kHeader = 5;  // type, version, length: RFC 8446 §5.1
    for (std::size_t at = 0; at + kHeader <= sent_.size(); at += kHeader + out.back())
      out.push_back(std::size_t{sent_[at + 3]} << 8U | sent_[at + 4]);
    return out;
  }

 private:
  void pass_on(const ServerAddress& server) {
    net::ip::tcp::socket client = acceptor_.accept();
    net::ip::tcp::socket upstream(io_);
    net::connect(upstream, net::ip::tcp::resolver(io_).resolve(server.host, server.port));
    const auto pump = [](net::ip::tcp::socket& from, net::ip::tcp::socket& to, Bytes* copy) {
      std::array<std::uint8_t, 4096> buffer{};
      boost::system::error_code ended;
      while (const std::size_t n = from.read_some(net::buffer(buffer), ended)) {
        if (copy != nullptr) append(*copy, ByteView(buffer).first(n));
        net::write(to, net::buffer(buffer, n), ended);
        if (ended) break;
      }
      to.shutdown(net::ip::tcp::socket::shutdown_send, ended);
    };
    const std::jthread answers([&] { pump(upstream, client, nullptr); });
    pump(client, upstream, &sent_);
  }
  net::io_context io_;
  net::ip::tcp::acceptor acceptor_;
  Bytes sent_;
  std::jthread wire_;  // last: it uses the others
};

/// A real collector behind real TLS, and the programs that voters run.
class HttpsTest : public ::testing::Test {
 protected:
  explicit HttpsTest(Mode mode = Mode::kTest) : HttpsTest(open_now(mode)) {}
  explicit HttpsTest(const test::Options& options) : world(options) {
    world.start();
    world.open(6);
    serve(world.keys());
  }
  void serve(const collector::CollectorKeys& keys) {
    collector::HttpServer::Settings settings;
    settings.idle = std::chrono::seconds(1);
    server = collector::HttpServer::listen(world.running->service(), keys.certificate_der,
                                           keys.tls_key_der.expose(), settings)
                 .value();
    address = {"127.0.0.1", std::to_string(server->port())};
  }
  ~HttpsTest() override {
    if (server) server->stop(std::chrono::seconds(1));
    world.running->stop();
  }
  const Election& election() const { return world.e->election(); }
  HttpsClient pinned() const {
    return {address, election().definition().collector.tls_certificate_sha256, {}};
  }

  struct Ran {
    int status;
    std::string output;  ///< both streams
  };
  Ran run(const std::string& program, const std::string& arguments) const {
    // The client's words are English unless a test asks for others: no locale, and the election's first.
    return shell(fmt::format("LC_ALL=C {}/{} {} --server 127.0.0.1:{} --fingerprint {}", PSEPHOS_BIN, program,
                             arguments, address.port, to_hex(election().fingerprint())));
  }
  static Ran shell(const std::string& command) {
    std::FILE* pipe = ::popen((command + " 2>&1 </dev/null").c_str(), "r");
    Ran out{-1, {}};
    std::array<char, 4096> buffer{};
    while (const std::size_t n = std::fread(buffer.data(), 1, buffer.size(), pipe))
      out.output.append(buffer.data(), n);
    out.status = WEXITSTATUS(::pclose(pipe));
    return out;
  }

  CollectorWorld world;
  std::unique_ptr<collector::HttpServer> server;
  ServerAddress address;
};

TEST_F(HttpsTest, CastsOverThePinnedConnection) {
  HttpsClient anybody = HttpsClient::unpinned(address, {});
  const auto opened = fetch_election(anybody, election().fingerprint());
  ASSERT_TRUE(opened) << to_string(opened.error());
  HttpsClient transport = pinned();
  HeadMemory heads;
  Session session(*opened, world.e->eid(), transport, heads, world.e->rng(),
                  {[&] { return world.now_ms.load(); }, ClientClock::system().sleep_ms});
  test::TestSigner card(*world.e, 1);
  const auto authorisation = session.authenticate(card);
  ASSERT_TRUE(authorisation) << to_string(authorisation.error());
  const auto ballot = session.seal(*authorisation, std::vector<std::size_t>{1, 2}, card);
  ASSERT_TRUE(ballot) << to_string(ballot.error());
  std::this_thread::sleep_for(std::chrono::milliseconds(1500));  // the server closes the idle connection
  const auto outcome = session.submit(*ballot);
  ASSERT_TRUE(outcome) << to_string(outcome.error());
  EXPECT_TRUE(outcome->recorded);
}

TEST_F(HttpsTest, AnotherCertificateIsRefusedBeforeAnythingIsSent) {  // A52, A53
  const auto other = collector::make_tls_identity("localhost", static_cast<std::int64_t>(now_s()));
  auto keys = world.keys();
  keys.tls_key_der = SecretBuffer(other.key_der.size());
  std::ranges::copy(other.key_der.expose(), keys.tls_key_der.expose_mutable().begin());
  keys.certificate_der = other.certificate_der;
  server->stop(std::chrono::seconds(1));
  serve(keys);
  HttpsClient transport = pinned();
  const auto reply = transport.exchange("POST", "/v1/challenge", {}, 65'536);
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().reason, Reason::kTlsPinMismatch);
  HttpsClient twin(address, sha256(other.certificate_der), {});
  EXPECT_TRUE(twin.exchange("POST", "/v1/challenge", {}, 65'536));
}

TEST_F(HttpsTest, OlderTlsIsRefused) {  // A52: the right certificate, the wrong protocol
  net::io_context io;
  ssl::context tls(ssl::context::tlsv12_server);
  const auto keys = world.keys();
  const std::uint8_t* key_at = keys.tls_key_der.expose().data();
  EVP_PKEY* key = d2i_AutoPrivateKey(nullptr, &key_at, static_cast<long>(keys.tls_key_der.size()));
  ASSERT_EQ(SSL_CTX_use_PrivateKey(tls.native_handle(), key), 1);
  EVP_PKEY_free(key);
  ASSERT_EQ(SSL_CTX_use_certificate_ASN1(tls.native_handle(), static_cast<int>(keys.certificate_der.size()),
                                         keys.certificate_der.data()),
            1);
  net::ip::tcp::acceptor acceptor(io, {net::ip::make_address("127.0.0.1"), 0});
  boost::system::error_code handshake;
  const std::jthread old_server([&] {
    ssl::stream<net::ip::tcp::socket> stream(acceptor.accept(), tls);
    stream.handshake(ssl::stream_base::server, handshake);
  });
  HttpsClient transport({"127.0.0.1", std::to_string(acceptor.local_endpoint().port())},
                        election().definition().collector.tls_certificate_sha256, {});
  const auto reply = transport.exchange("GET", "/v1/manifest", {}, limits::kManifestBytes);
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().reason, Reason::kTlsPinMismatch);
}

TEST_F(HttpsTest, AnswersAreBounded) {
  HttpsClient transport = pinned();
  EXPECT_EQ(transport.exchange("GET", "/v1/manifest", {}, 100).error().reason, Reason::kWireLimit);
  EXPECT_TRUE(transport.exchange("GET", "/v1/manifest", {}, limits::kManifestBytes));
}

TEST_F(HttpsTest, NobodyThere) {
  server->stop(std::chrono::seconds(0));
  server.reset();
  HttpsClient transport = pinned();
  EXPECT_EQ(transport.exchange("GET", "/v1/manifest", {}, 100).error().reason, Reason::kServiceUnavailable);
}

/// Mayor as ever; the council is chosen by marking up to two of its four choices.
class HttpsSeveralTest : public HttpsTest {
 protected:
  HttpsSeveralTest() : HttpsTest(several()) {}
  static test::Options several() {
    test::Options options = open_now();
    options.amend = [](Definition& d) { d.contests[1].several = SeveralRule{.min = 0, .max = 2}; };
    return options;
  }
};

// A55: what the wire shows of a voter who casts is the same for every choice in every contest. All ballots
// are on one ticket, whose length depends on how many witnesses signed the checkpoint in it: the first is
// accepted, the others lose to it.
TEST_F(HttpsSeveralTest, A55_RecordLengthsDoNotDependOnTheChoice) {
  test::TestSigner card(*world.e, 1);
  HttpsClient transport = pinned();
  HeadMemory heads;
  Session session(election(), world.e->eid(), transport, heads, world.e->rng(), ClientClock::system());
  const auto authorisation = session.authenticate(card);
  ASSERT_TRUE(authorisation) << to_string(authorisation.error());
  std::optional<int> status;
  const auto lengths = [&](const std::vector<std::size_t>& choices, std::size_t more_bytes = 0) {
    auto ballot = session.seal(*authorisation, choices, card).value();
    ballot.submission.resize(ballot.submission.size() + more_bytes);
    Eavesdropper wire(address);
    {
      HttpsClient client(wire.address(), election().definition().collector.tls_certificate_sha256, {});
      const auto reply = client.exchange("POST", "/v1/ballot", ballot.submission, 200'000);
      status = reply ? std::optional(reply->status) : std::nullopt;
    }
    return wire.record_lengths();
  };
  const std::vector<std::size_t> expected = lengths({0, 0, 0, 0, 0});
  ASSERT_EQ(status, 200);
  for (std::size_t mayor = 0; mayor < 4; ++mayor)
    for (std::size_t marks = 0; marks < 16; ++marks) {
      if (std::popcount(marks) > 2) continue;
      EXPECT_EQ(lengths({mayor, marks & 1U, marks >> 1U & 1U, marks >> 2U & 1U, marks >> 3U & 1U}), expected)
          << mayor << " " << marks;
      EXPECT_TRUE(status.has_value());  // it was sent, and answered
    }
  EXPECT_NE(lengths({0, 0, 0, 0, 0}, 1), expected);  // a byte more shows
}

TEST(ServerAddress, Parsing) {
  EXPECT_EQ(ServerAddress::parse("localhost:8443")->host, "localhost");
  EXPECT_EQ(ServerAddress::parse("[::1]:8443")->host, "::1");
  for (const char* bad : {"", "localhost", ":1", "host:", "host:x", "::1:8443", "host:123456"})
    EXPECT_EQ(ServerAddress::parse(bad).error().reason, Reason::kUsage) << bad;
}

TEST_F(HttpsTest, Programs) {
  const std::filesystem::path home = world.directory.path() / "voters";
  std::filesystem::create_directories(home);
  std::vector<trust::RollVoter> voters;
  for (std::uint64_t n = 1; n <= 7; ++n) voters.push_back({world.e->card(n).person, "u1"});
  const auto cards = home / "cards";
  ASSERT_TRUE(trust::write_cards(world.e->ca(), voters, cards, static_cast<std::int64_t>(now_s()) - 500,
                                 world.e->rng()));
  const auto id = [&](std::uint64_t n) { return world.e->card(n).person.national_id; };
  const auto voter = [&](std::uint64_t n) {
    return fmt::format("--card-file {} --voter {} --state {}", cards.string(), id(n),
                       (home / std::to_string(n)).string());
  };
  // Voter 3 is in u1 (1 + 3 mod 3), whose council list is c1.
  const Ran contests = run("vote", "contests --lang et " + voter(3));
  EXPECT_EQ(contests.status, 0) << contests.output;
  EXPECT_NE(contests.output.find("Volikogu (council)"), std::string::npos) << contests.output;
  EXPECT_NE(contests.output.find("c1-blank"), std::string::npos);
  EXPECT_NE(contests.output.find("Hääletamiseks: vote cast --choose"), std::string::npos) << contests.output;

  const std::string choose = " --choose mayor=mayor-102 --choose council=c1-103 --yes";
  const auto receipt = home / "receipt";
  const auto code = home / "code";
  const Ran cast = run("vote", fmt::format("cast {}{} --receipt {} --code {} --qr {}", voter(3), choose,
                                           receipt.string(), code.string(), (home / "code.png").string()));
  EXPECT_EQ(cast.status, 0) << cast.output;
  EXPECT_EQ(cast.output.find("replaces"), std::string::npos);
  const Ran recast = run("vote", fmt::format("cast {}{} --receipt {} --code {}", voter(3), choose,
                                             receipt.string(), code.string()));
  EXPECT_EQ(recast.status, 0) << recast.output;
  EXPECT_NE(recast.output.find("It replaces your earlier ballot."), std::string::npos) << recast.output;

  const std::string check = "check --code " + code.string() + " --state " + (home / "3").string();
  const Ran checked = run("vote", check + " --voter " + id(3));
  EXPECT_EQ(checked.status, 0) << checked.output;
  EXPECT_NE(checked.output.find("Mayor: Bo (mayor-102)"), std::string::npos) << checked.output;
  EXPECT_NE(checked.output.find("Council: Fil (c1-103)"), std::string::npos);
  EXPECT_NE(checked.output.find(id(3)), std::string::npos);
  EXPECT_NE(checked.output.find("Status: this is your current ballot."), std::string::npos) << checked.output;
  // Names of a language that the election lacks are in its first.
  const Ran in_khmer = run("vote", check + " --lang km");
  EXPECT_EQ(in_khmer.status, 0) << in_khmer.output;
  EXPECT_NE(in_khmer.output.find("Mayor: Bo (mayor-102)"), std::string::npos) << in_khmer.output;
  EXPECT_NE(in_khmer.output.find(text(TextId::kStatusCurrent, Language::kKhmer)), std::string::npos)
      << in_khmer.output;
  const Ran in_finnish = run("vote", check + " --lang fi");
  EXPECT_EQ(in_finnish.status, 2);
  EXPECT_NE(in_finnish.output.find("--lang: this election is in en, et [USAGE]"), std::string::npos)
      << in_finnish.output;
  const Ran other = run("vote", check + " --voter " + id(4));
  EXPECT_EQ(other.status, 1);
  EXPECT_NE(other.output.find("VOTER_MISMATCH"), std::string::npos) << other.output;

  const auto manifest = home / "manifest";
  ASSERT_TRUE(write_file(manifest, election().signed_manifest()));
  const std::string offline =
      fmt::format("{}/vote receipt --in {} --manifest {} --fingerprint {} >/dev/null 2>&1", PSEPHOS_BIN,
                  receipt.string(), manifest.string(), to_hex(election().fingerprint()));
  EXPECT_EQ(std::system(offline.c_str()), 0);
  auto bytes = read_file(receipt, 1 << 20).value();
  bytes[bytes.size() / 2] ^= 1;
  ASSERT_TRUE(write_file(receipt, bytes));
  EXPECT_NE(std::system(offline.c_str()), 0);

  const Ran stranger = run("vote", "cast " + voter(7) + choose);
  EXPECT_EQ(stranger.status, 1);
  EXPECT_NE(stranger.output.find("VOTER_NOT_ON_ROLL"), std::string::npos) << stranger.output;
  const Ran half = run("vote", "cast " + voter(6) + " --choose mayor=mayor-102 --yes");
  EXPECT_EQ(half.status, 2);
  EXPECT_NE(half.output.find("contest council needs a choice"), std::string::npos) << half.output;

  std::ofstream(home / "plan") << "# a comment\n"
                               << id(1) << "\tmayor=mayor-101,council=c2-101\n"
                               << id(2) << "\tmayor=mayor-102,council=c2-102\n"
                               << id(1) << "\tmayor=mayor-103,council=c2-blank\n"
                               << id(7) << "\tmayor=mayor-103,council=c2-blank\tVOTER_NOT_ON_ROLL\n";
  const std::string replay =
      fmt::format("--cards {} --connections 2 --plan {}", cards.string(), (home / "plan").string());
  const Ran replayed = run("replay-voters", replay);
  EXPECT_EQ(replayed.status, 0) << replayed.output;
  EXPECT_NE(replayed.output.find("3 ballots cast, each receipt verified; 1 replaced an earlier one; "
                                 "1 refused as VOTER_NOT_ON_ROLL"),
            std::string::npos)
      << replayed.output;
  std::ofstream(home / "plan") << id(7) << "\tmayor=mayor-103,council=c2-blank\n";
  const Ran unplanned = run("replay-voters", replay);
  EXPECT_EQ(unplanned.status, 1);
  EXPECT_NE(unplanned.output.find("COUNT_MISMATCH"), std::string::npos) << unplanned.output;
}

/// An election in production; its twin in test mode is the one above, where the same words are accepted.
class ProductionTest : public HttpsTest {
 protected:
  ProductionTest() : HttpsTest(Mode::kProduction) {}
};

TEST_F(ProductionTest, A39_SoftwareCardsAreOfNoUse) {
  const std::filesystem::path home = world.directory.path() / "voters";
  std::filesystem::create_directories(home);
  const auto cards = home / "cards";
  ASSERT_TRUE(trust::write_cards(world.e->ca(), {{world.e->card(3).person, "u1"}}, cards,
                                 static_cast<std::int64_t>(now_s()) - 500, world.e->rng()));
  const std::string id = world.e->card(3).person.national_id;
  const std::string voter =
      fmt::format("--card-file {} --voter {} --state {}", cards.string(), id, (home / "state").string());
  const std::uint64_t size = world.running->status().head.size;
  for (const std::string& words :
       {"contests " + voter, "cast " + voter + " --choose mayor=mayor-102 --choose council=c1-103 --yes"}) {
    const Ran ran = run("vote", words);
    EXPECT_EQ(ran.status, 1) << ran.output;
    EXPECT_NE(ran.output.find("[TEST_MODE_FORBIDDEN: " + cards.string() + "]"), std::string::npos)
        << ran.output;
  }
  std::ofstream(home / "plan") << id << "\tmayor=mayor-101,council=c1-101\n";
  const Ran bulk =
      run("replay-voters", fmt::format("--cards {} --plan {}", cards.string(), (home / "plan").string()));
  EXPECT_EQ(bulk.status, 1) << bulk.output;
  EXPECT_NE(bulk.output.find("TEST_MODE_FORBIDDEN"), std::string::npos) << bulk.output;
  EXPECT_EQ(world.running->status().head.size, size);
  // The mode is no switch: it is in what the fingerprint fixes, and the same manifest in test mode is
  // another.
  Manifest switched = election().manifest();
  switched.definition.mode = Mode::kTest;
  const auto document = encode(SignedDocument{.body = encode(switched), .signatures = {}});
  EXPECT_EQ(Election::open(document, election().fingerprint()).error().reason, Reason::kManifestFpMismatch);
  // A card in a reader, here in this process's memory, casts as ever.
  HttpsClient transport = pinned();
  HeadMemory heads;
  Session session(election(), world.e->eid(), transport, heads, world.e->rng(), ClientClock::system());
  test::TestSigner card(*world.e, 3);
  const auto authorisation = session.authenticate(card);
  ASSERT_TRUE(authorisation) << to_string(authorisation.error());
  const auto ballot = session.seal(*authorisation, std::vector<std::size_t>{1, 2}, card);
  ASSERT_TRUE(ballot);
  EXPECT_TRUE(session.submit(*ballot));
}

TEST_F(HttpsTest, RefusalsInTheVotersLanguage) {
  const std::string state = (world.directory.path() / "state").string();
  for (const Language language : kLanguages) {
    const Ran ran =
        run("vote", fmt::format("contests --module none.so --state {} --lang {}", state, code_of(language)));
    EXPECT_EQ(ran.status, 1) << ran.output;
    EXPECT_EQ(ran.output,
              "psephos vote: " + refusal_text({Reason::kModuleMissing, "none.so"}, language) + "\n");
  }
  // Without a wish, the locale; without that, the election's first language, once it is known.
  const auto output = [&](const std::string& locale) {
    return shell(fmt::format("LC_ALL={} {}/vote contests --module none.so --state {} --server 127.0.0.1:{} "
                             "--fingerprint {}",
                             locale, PSEPHOS_BIN, state, address.port, to_hex(election().fingerprint())))
        .output;
  };
  const Rejection missing{Reason::kModuleMissing, "none.so"};
  EXPECT_EQ(output("ru_EE.UTF-8"), "psephos vote: " + refusal_text(missing, Language::kRussian) + "\n");
  EXPECT_EQ(output("C"), "psephos vote: " + refusal_text(missing, Language::kEnglish) + "\n");
}

/// An election whose first language is Estonian.
class EstonianTest : public HttpsTest {
 protected:
  EstonianTest() : HttpsTest(estonian()) {}
  static test::Options estonian() {
    test::Options options = open_now();
    options.amend = [](Definition& d) {
      std::ranges::reverse(d.languages);
      std::ranges::reverse(d.title);
      for (Unit& unit : d.units) std::ranges::reverse(unit.names);
      for (Contest& contest : d.contests) {
        std::ranges::reverse(contest.title);
        for (ChoiceList& list : contest.lists)
          for (Choice& choice : list.choices) {
            std::ranges::reverse(choice.names);
            std::ranges::reverse(choice.group);
          }
      }
    };
    return options;
  }
};

TEST_F(EstonianTest, TheElectionsFirstLanguage) {
  ASSERT_EQ(election().definition().languages.front().text, "et");
  const Ran ran = run("vote", fmt::format("contests --module none.so --state {}",
                                          (world.directory.path() / "state").string()));
  EXPECT_EQ(ran.output,
            "psephos vote: " + refusal_text({Reason::kModuleMissing, "none.so"}, Language::kEstonian) + "\n");
}

TEST_F(HttpsTest, NoFingerprintNoVote) {
  const Ran ran = shell(fmt::format("{}/vote contests --server 127.0.0.1:{}", PSEPHOS_BIN, address.port));
  EXPECT_EQ(ran.status, 1);
  EXPECT_NE(ran.output.find("MANIFEST_FP_UNPINNED"), std::string::npos) << ran.output;
}

TEST_F(HttpsTest, CardInAReader) {
  if (!std::filesystem::exists(PSEPHOS_SOFTHSM)) GTEST_SKIP() << "softhsm2 is not installed";
  const std::filesystem::path home = world.directory.path() / "token";
  std::filesystem::create_directories(home);
  ASSERT_EQ(::setenv("SOFTHSM2_CONF", (home / "softhsm2.conf").c_str(), 1), 0);
  ASSERT_TRUE(trust::prepare_softhsm());
  {
    const auto module = pkcs11::Module::load(PSEPHOS_SOFTHSM);
    ASSERT_TRUE(module);
    ASSERT_TRUE(trust::issue_token(*module, world.e->ca(), world.e->card(5).person, {"1234", "12345"},
                                   static_cast<std::int64_t>(now_s()) - 500, world.e->rng()));
  }
  std::ofstream(home / "pin1") << "1234\n";
  std::ofstream(home / "pin2") << "12345\n";
  std::ofstream(home / "wrong") << "54321\n";
  const auto cast = [&](const std::string& pin2) {
    return run("vote", fmt::format("cast --module {} --state {} --pin1-file {} --pin2-file {} "
                                   "--choose mayor=mayor-101 --choose council=c2-101 --yes",
                                   PSEPHOS_SOFTHSM, (home / "state").string(), (home / "pin1").string(),
                                   (home / pin2).string()));
  };
  const Ran wrong = cast("wrong");
  EXPECT_EQ(wrong.status, 1);
  EXPECT_NE(wrong.output.find("PIN_WRONG"), std::string::npos) << wrong.output;
  const Ran done = cast("pin2");
  EXPECT_EQ(done.status, 0) << done.output;
  EXPECT_EQ(done.output.find("12345"), std::string::npos);
}

}  // namespace
}  // namespace psephos
