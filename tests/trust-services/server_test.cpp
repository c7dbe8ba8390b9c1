// The program as scripts use it: started by its command line, asked over HTTP, commanded by its control port.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>
#include <thread>

#include "crypto/random.h"
#include "protocol/eid/certificate.h"
#include "tests/support/run_program.h"
#include "tests/trust-services/openssl_services.h"
#include "tests/trust-services/services/card_index.h"
#include "tests/trust-services/services/control.h"
#include "tests/trust-services/services/http_server.h"
#include "tests/trust-services/services/test_trust.h"
#include "tests/trust-services/test_ca/cards.h"

namespace psephos::trust {
namespace {

namespace fs = std::filesystem;
namespace beast = boost::beast;
namespace http = beast::http;
using boost::asio::ip::tcp;
using testing::HasSubstr;

std::int64_t clock_unix_s() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

/// A connection that is kept for several requests.
class Client {
 public:
  explicit Client(std::uint16_t port) : stream_(io_) {
    stream_.connect(tcp::endpoint(boost::asio::ip::make_address("127.0.0.1"), port));
  }
  /// Status and body; nullopt if the connection was closed instead.
  std::optional<std::pair<unsigned, std::string>> ask(http::verb method, const std::string& target,
                                                      const std::string& content_type, ByteView body) {
    http::request<http::string_body> request(method, target, 11, std::string(text_of(body)));
    request.set(http::field::host, "127.0.0.1");
    if (!content_type.empty()) request.set(http::field::content_type, content_type);
    request.prepare_payload();
    beast::error_code error;
    http::write(stream_, request, error);
    http::response<http::string_body> response;
    if (!error) http::read(stream_, buffer_, response, error);
    if (error) return std::nullopt;
    return std::pair{response.result_int(), response.body()};
  }
  auto post(const std::string& target, std::string_view json) {
    return ask(http::verb::post, target, "application/json", bytes_of(json));
  }
  auto get(const std::string& target) { return ask(http::verb::get, target, "", {}); }

 private:
  boost::asio::io_context io_;
  beast::tcp_stream stream_;
  beast::flat_buffer buffer_;
};

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string pattern = (fs::temp_directory_path() / "server.XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory() { fs::remove_all(path_); }
  std::string operator/(std::string_view name) const { return path_ / name; }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

TEST(HttpServer, KeepsConnectionsDelaysAndDrops) {
  HttpRouter router;
  router.add("/echo", [](const HttpRequest& request) {
    return text_reply(200, request.method + " " + request.target + " " + request.content_type + " " +
                               std::string(text_of(request.body)));
  });
  router.add("/slow", [](const HttpRequest&) {
    HttpReply reply = text_reply(200, "at last");
    reply.delay = std::chrono::milliseconds(300);
    return reply;
  });
  router.add("/gone", [](const HttpRequest&) {
    HttpReply reply;
    reply.dropped = true;
    return reply;
  });
  const auto server =
      HttpServer::listen([&](const HttpRequest& request) { return router.handle(request); }, {.threads = 1});
  ASSERT_TRUE(server) << server.error();
  Client client((*server)->port());
  EXPECT_EQ(client.ask(http::verb::post, "/echo/deep?x=1", "text/x", bytes_of("body")),
            (std::pair{200U, std::string("POST /echo/deep?x=1 text/x body")}));
  EXPECT_EQ(client.get("/echo?x"), (std::pair{200U, std::string("GET /echo?x  ")}));
  EXPECT_EQ(client.get("/echoes")->first, 404U);
  EXPECT_EQ(client.get("/")->first, 404U);

  // One thread answers others while an answer waits.
  const auto begin = std::chrono::steady_clock::now();
  std::jthread waiting([&] {
    Client other((*server)->port());
    EXPECT_EQ(other.get("/slow"), (std::pair{200U, std::string("at last")}));
    EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(300));
  });
  EXPECT_EQ(client.get("/echo")->first, 200U);
  waiting.join();
  EXPECT_EQ(client.get("/gone"), std::nullopt);

  Client fresh((*server)->port());
  EXPECT_EQ(fresh.post("/echo", std::string(HttpServer::kMaxBodyBytes, 'x'))->first, 200U);
  EXPECT_EQ(fresh.post("/echo", std::string(HttpServer::kMaxBodyBytes + 1, 'x'))->first, 413U);
}

TEST(HttpServer, AnAddressThatIsTakenIsRefused) {
  const auto handler = [](const HttpRequest&) { return HttpReply(); };
  const auto first = HttpServer::listen(handler, {});
  ASSERT_TRUE(first);
  HttpServer::Settings settings;
  settings.port = (*first)->port();
  EXPECT_THAT(HttpServer::listen(handler, settings).error(), HasSubstr("in use"));
  settings.address = "nowhere";
  EXPECT_FALSE(HttpServer::listen(handler, settings));
}

TEST(Control, OrdersAreDoneOrRefusedWhole) {
  SystemRng rng;
  TestTrust trust(rng, clock_unix_s(), EcCurve::kP256);
  MobileId mobile_id(trust.ca, rng, clock_unix_s());
  SmartId smart_id(trust.ca, rng, clock_unix_s());
  int resets = 0;
  Control control(
      trust.ocsp, trust.tsa, mobile_id, smart_id,
      [](std::string_view person) {
        return person == "PNOEE-38001085718" ? std::vector<Bytes>{{0x41}, {0x42}} : std::vector<Bytes>();
      },
      clock_unix_s);
  control.add(
      "other", [](const HttpRequest& request) { return text_reply(200, request.target); }, [&] { ++resets; });
  const auto post = [&](const std::string& part, std::string_view body) {
    return control.handle({"POST", "/control/" + part, "application/json", copy_of(bytes_of(body))}).status;
  };
  // A garbage answer shows which of the orders had an effect.
  const auto broken = [&] { return trust.ocsp.answer({}, 0).size() > 10; };
  EXPECT_FALSE(broken());
  for (const char* wrong :
       {"", "{", "[]", "{}", R"({"fault":"stal"})", R"({"fault":1})", R"({"fault":"stale","amount":"5"})",
        R"({"fault":"unknown","amount":5})", R"({"fault":"stale","requests":0})",
        R"({"fault":"stale","requests":-1})", R"({"fault":"stale","serial":"41"})",
        R"({"fault":"stale","status":"good"})", R"({"fault":"stale","x":1})", R"({"serial":"41"})",
        R"({"serial":"41","status":"bad"})", R"({"serial":"4","status":"good"})",
        R"({"serial":"","status":"good"})", R"({"serial":"41","status":"good","requests":1})"})
    EXPECT_EQ(post("ocsp", wrong), 400U) << wrong;
  EXPECT_EQ(post("ocsp", R"({"national_id":"PNOEE-38001085719","status":"revoked"})"), 404U);
  for (const char* right : {R"({"fault":"stale"})", R"({"fault":"stale","amount":901,"requests":2})",
                            R"({"fault":"none"})", R"({"serial":"4f01","status":"unknown"})",
                            R"({"national_id":"PNOEE-38001085718","status":"revoked"})"})
    EXPECT_EQ(post("ocsp", right), 200U) << right;
  for (const char* wrong : {"{}", R"({"fault":"stale"})", R"({"serial":"41","status":"good"})"})
    EXPECT_EQ(post("tsa", wrong), 400U) << wrong;
  EXPECT_EQ(post("tsa", R"({"fault":"clock-skew","amount":-5})"), 200U);
  EXPECT_EQ(post("other", ""), 200U);
  EXPECT_EQ(post("nothing", ""), 404U);
  EXPECT_EQ(control.handle({"GET", "/control/ocsp", "", {}}).status, 405U);
  EXPECT_EQ(control.handle({"GET", "/", "", {}}).status, 404U);
  EXPECT_EQ(resets, 0);
  EXPECT_EQ(post("reset", ""), 200U);
  EXPECT_EQ(resets, 1);
  const HttpReply faults = control.handle({"GET", "/control/faults", "", {}});
  EXPECT_THAT(std::string(text_of(faults.body)), HasSubstr(R"("stale":"86400 s")"));
}

TEST(CardIndex, KnowsTheCardsOfItsFiles) {
  const TemporaryDirectory directory;
  SystemRng rng;
  const auto ca = TestCa::create(rng, clock_unix_s(), EcCurve::kP256);
  const auto voters = artificial_voters(0, 20, {"A"});
  ASSERT_TRUE(write_cards(ca, {voters.begin(), voters.begin() + 10}, directory / "one", clock_unix_s(), rng));
  ASSERT_TRUE(write_cards(ca, {voters.begin() + 10, voters.end()}, directory / "two", clock_unix_s(), rng));
  std::uint64_t read = 0;
  const auto index =
      CardIndex::open({directory / "one", directory / "two"}, [&](std::uint64_t n) { read += n; });
  ASSERT_TRUE(index) << index.error();
  EXPECT_EQ(read, 20U);
  EXPECT_EQ((*index)->certificates(), 40U);
  std::set<Bytes> serials;
  for (const RollVoter& voter : voters)
    for (const Bytes& serial : (*index)->serials_of(voter.person.national_id)) {
      EXPECT_TRUE((*index)->issued(serial));
      Bytes other = serial;
      other.back() ^= 1;
      EXPECT_FALSE((*index)->issued(other));
      serials.insert(serial);
    }
  EXPECT_EQ(serials.size(), 40U);
  EXPECT_FALSE((*index)->issued({}));
  EXPECT_TRUE((*index)->serials_of("PNOEE-38001085718").empty());

  EXPECT_FALSE(CardIndex::open({directory / "three"}));
  std::ofstream(directory / "four") << "no database";
  EXPECT_THAT(CardIndex::open({directory / "four"}).error(), HasSubstr("test-ca issue"));
}

/// The program, started for one test.
class Running {
 public:
  Running(std::vector<std::string> words, const TemporaryDirectory& directory) {
    for (const char* each : {"--ports-file", "ports", "--journal", "journal"})
      words.push_back(each[0] == '-' ? each : directory / each);
    words.insert(words.begin(), PSEPHOS_BIN "/trust-services");
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    child_ = ::fork();
    if (child_ == 0) {
      ::execv(argv[0], argv.data());
      ::_exit(127);
    }
    for (int i = 0; i < 1000 && !fs::exists(directory / "ports"); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    std::ifstream in(directory / "ports");
    for (std::string line; std::getline(in, line);) {
      const auto port = static_cast<std::uint16_t>(std::stoi(line.substr(line.find('=') + 1)));
      (line.starts_with("listen=") ? listen : control) = port;
    }
  }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;
  ~Running() { stop(); }
  int stop() {
    if (child_ <= 0) return -1;
    ::kill(child_, SIGTERM);
    int status = 0;
    ::waitpid(child_, &status, 0);
    child_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  std::uint16_t listen = 0, control = 0;

 private:
  pid_t child_ = -1;
};

TEST(TrustServices, AnElectionsScriptGetsEvidenceAndOrdersFaults) {
  const TemporaryDirectory directory;
  const auto run = [&](const char* program, std::vector<std::string> words) {
    return test::run_program(program, std::move(words), directory.path());
  };
  const auto test_ca = [&](std::vector<std::string> words) {
    const auto ended = run(PSEPHOS_BIN "/test-ca", std::move(words));
    EXPECT_EQ(ended.status, 0) << ended.err;
    return ended.out;
  };
  EXPECT_THAT(test_ca({"init", "--dir", directory / "ca", "--curve", "p256"}), HasSubstr("tsa-root.der"));
  test_ca({"roll", "--count", "2", "--units", "A", "--out", directory / "roll"});
  test_ca({"issue", "--dir", directory / "ca", "--roll", directory / "roll", "--out", directory / "cards"});
  const auto voters = read_roll(directory / "roll").value();
  const auto index = CardIndex::open({directory / "cards"}).value();

  Running program({"--ca", directory / "ca", "--cards", directory / "cards"}, directory);
  ASSERT_NE(program.listen, 0);
  ASSERT_NE(program.control, 0);
  Client control(program.control);
  const auto pem = [&](const char* name) {
    const auto der = read_file(fs::path(directory / "ca") / (std::string(name) + ".der"), 8192).value();
    const std::string path = directory / name;
    std::ofstream(path) << pem_of_certificate(der);
    return path;
  };
  // OpenSSL asks over HTTP itself.
  const std::string serial = "0x" + to_hex(index->serials_of(voters.front().person.national_id).at(1));
  const auto ask_status = [&] {
    const auto seen =
        run(PSEPHOS_OPENSSL, {"ocsp", "-issuer", pem("issuing"), "-sha256", "-serial", serial, "-url",
                              "http://127.0.0.1:" + std::to_string(program.listen) + "/ocsp", "-CAfile",
                              pem("root"), "-verify_other", pem("issuing")});
    return seen.out + seen.err;
  };
  EXPECT_THAT(ask_status(), AllOf(HasSubstr("good"), HasSubstr("Response verify OK")));
  const std::string person = R"({"national_id":")" + voters.front().person.national_id + R"(","status":")";
  EXPECT_EQ(control.post("/control/ocsp", person + R"(suspended"})")->first, 200U);
  EXPECT_THAT(ask_status(), HasSubstr("certificateHold"));
  EXPECT_EQ(control.post("/control/ocsp", person + R"(good"})")->first, 200U);
  EXPECT_THAT(ask_status(), HasSubstr(": good"));
  EXPECT_EQ(control.post("/control/ocsp", R"({"fault":"try-later","requests":1})")->first, 200U);
  EXPECT_THAT(ask_status(), HasSubstr("trylater"));
  EXPECT_THAT(ask_status(), HasSubstr(": good"));
  EXPECT_EQ(control.post("/control/ocsp", R"({"fault":"down"})")->first, 200U);
  EXPECT_THAT(ask_status(), HasSubstr("rror querying OCSP responder"));
  EXPECT_EQ(control.post("/control/reset", "")->first, 200U);
  EXPECT_THAT(ask_status(), HasSubstr(": good"));

  std::ofstream(directory / "stamped") << "what is stamped";
  run(PSEPHOS_OPENSSL,
      {"ts", "-query", "-data", directory / "stamped", "-sha256", "-cert", "-out", directory / "query"});
  const Bytes query = read_file(directory / "query", 8192).value();
  Client services(program.listen);
  const auto stamp = services.ask(http::verb::post, "/tsa", "application/timestamp-query", query);
  ASSERT_TRUE(stamp);
  std::ofstream(directory / "answer", std::ios::binary) << stamp->second;
  std::ofstream(directory / "anchors")
      << std::ifstream(pem("tsa-root")).rdbuf() << std::ifstream(pem("tsa-issuing")).rdbuf();
  const auto verdict = run(PSEPHOS_OPENSSL, {"ts", "-verify", "-in", directory / "answer", "-queryfile",
                                             directory / "query", "-CAfile", directory / "anchors"});
  EXPECT_THAT(verdict.out, HasSubstr("Verification: OK")) << verdict.err;
  const auto journal = control.get("/control/journal");
  ASSERT_TRUE(journal);
  EXPECT_EQ(std::count(journal->second.begin(), journal->second.end(), '\n'), 1);
  EXPECT_EQ(services.get("/elsewhere")->first, 404U);

  EXPECT_EQ(program.stop(), 0);
  EXPECT_EQ(text_of(read_file(directory / "journal", 8192).value()), journal->second);
}

TEST(TrustServices, WrongOptionsAreNamed) {
  const TemporaryDirectory directory;
  const auto run = [&](std::vector<std::string> words) {
    return test::run_program(PSEPHOS_BIN "/trust-services", std::move(words), directory.path());
  };
  EXPECT_EQ(run({}).status, 2);
  EXPECT_THAT(run({"--help"}).out, HasSubstr("/control/ocsp"));
  const auto no_ca = run({"--ca", directory / "none"});
  EXPECT_EQ(no_ca.status, 1);
  EXPECT_THAT(no_ca.err, HasSubstr("test-ca init"));
  SystemRng rng;
  for (const CaPurpose purpose : {CaPurpose::kCards, CaPurpose::kTimeStamps})
    ASSERT_TRUE(TestCa::create(rng, clock_unix_s(), EcCurve::kP256, purpose).save(directory / "ca"));
  EXPECT_THAT(run({"--ca", directory / "ca", "--cards", directory / "none"}).err, HasSubstr("none"));
  const auto no_port = run({"--ca", directory / "ca", "--listen", "127.0.0.1"});
  EXPECT_EQ(no_port.status, 2);
  EXPECT_THAT(no_port.err, HasSubstr("--listen"));
  const auto server = HttpServer::listen([](const HttpRequest&) { return HttpReply(); }, {});
  ASSERT_TRUE(server);
  EXPECT_EQ(
      run({"--ca", directory / "ca", "--listen", "127.0.0.1:" + std::to_string((*server)->port())}).status,
      1);
}

}  // namespace
}  // namespace psephos::trust
