#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>
#include <boost/json.hpp>

#include "tests/collector/process_world.h"

// The collector as operators run it: one program, its commands, its files, its socket and its port.
namespace psephos::test {
namespace {

namespace net = boost::asio;
using tcp = net::ip::tcp;

struct Ended {
  int status;
  std::string output, errors;
};
/// Runs `collector` with these words to its end.
Ended run(const std::filesystem::path& directory, std::vector<std::string> words) {
  words.insert(words.begin(), PSEPHOS_COLLECTOR);
  const auto log = directory / "command.log";
  std::filesystem::remove(log);
  Process process(words, log);
  Ended out{};
  while (const auto line = process.line()) out.output += *line + "\n";
  out.status = process.wait();
  std::ifstream in(log);
  out.errors.assign(std::istreambuf_iterator<char>(in), {});
  return out;
}
void expect_refused(const Ended& ended, const std::string& reason) {
  EXPECT_EQ(ended.status, reason == "USAGE" ? 2 : 1);
  EXPECT_EQ(ended.output, "");
  EXPECT_NE(ended.errors.find("psephos collector: " + reason + ":"), std::string::npos) << ended.errors;
}
std::filesystem::path write(const std::filesystem::path& path, ByteView bytes) {
  std::ofstream(path, std::ios::binary) << text_of(bytes);
  return path;
}

TEST(CollectorProgramTest, Keys_are_made_once_and_open_with_their_passphrase_only) {
  TemporaryDirectory directory;
  const auto passphrase = write(directory.path() / "passphrase", bytes_of("open sesame\n"));
  const auto wrong = write(directory.path() / "wrong", bytes_of("close sesame\n"));
  const std::string keys = directory.path() / "keys";
  const std::vector<std::string> init{
      "init", "--dir", keys, "--seal-cost", "interactive", "--passphrase-file", passphrase};
  const auto made = run(directory.path(), init);
  ASSERT_EQ(made.status, 0) << made.errors;
  const auto printed = boost::json::parse(made.output).as_object();
  for (const auto* field : {"log_key", "service_key", "tls_certificate_sha256"})
    EXPECT_EQ(printed.at(field).as_string().size(), 64U) << field;
  EXPECT_EQ(printed.at("origin").as_string(), "localhost");
  expect_refused(run(directory.path(), init), "STORE_KEY_EXISTS");
  expect_refused(run(directory.path(), {"init", "--dir", keys + "2", "--origin", "not a host", "--seal-cost",
                                        "interactive", "--passphrase-file", passphrase}),
                 "USAGE");
  EXPECT_FALSE(std::filesystem::exists(keys + "2"));
  TestElection e;
  const auto manifest = write(directory.path() / "manifest", e.election().signed_manifest());
  const auto serve = [&](const std::string& with_manifest, const std::string& with_passphrase,
                         const std::string& time_stamps = "http://127.0.0.1:1/tsa",
                         const std::vector<std::string>& more = {}) {
    std::vector<std::string> words{"serve",
                                   "--dir",
                                   keys,
                                   "--manifest",
                                   with_manifest,
                                   "--listen",
                                   "127.0.0.1:0",
                                   "--passphrase-file",
                                   with_passphrase,
                                   "--time-stamp",
                                   time_stamps,
                                   "--ocsp",
                                   "http://127.0.0.1:1/ocsp"};
    words.insert(words.end(), more.begin(), more.end());
    return run(directory.path(), words);
  };
  expect_refused(serve(manifest, wrong), "SECRET_UNREADABLE");
  expect_refused(serve(manifest, passphrase), "MANIFEST_INVALID");  // an election that names other keys
  expect_refused(serve(passphrase, passphrase), "WIRE_MISSING_FIELD");
  expect_refused(serve(manifest, passphrase, "tsa.example"), "USAGE");
  // Phones: an address and the file of the contract, both or neither.
  const std::string tsa = "http://127.0.0.1:1/tsa";
  const std::string party =
      write(directory.path() / "party", bytes_of(R"({"uuid":"00000000-0000-0000-0000-000000000000",)"
                                                 R"("name":"DEMO","display_text":{"en":"Elections"}})"));
  const std::string phone = "http://127.0.0.1:1/mobile-id";
  expect_refused(serve(manifest, passphrase, tsa, {"--mobile-id", phone}), "USAGE");
  expect_refused(serve(manifest, passphrase, tsa, {"--relying-party", party}), "USAGE");
  expect_refused(serve(manifest, passphrase, tsa, {"--mobile-id", phone, "--relying-party", manifest}),
                 "USAGE");
  expect_refused(serve(manifest, passphrase, tsa, {"--mobile-id", phone, "--relying-party", party}),
                 "MANIFEST_INVALID");
}

TEST(CollectorProgramTest, Words_that_are_off_are_named) {
  TemporaryDirectory directory;
  expect_refused(run(directory.path(), {}), "USAGE");
  expect_refused(run(directory.path(), {"conquer"}), "USAGE");
  expect_refused(run(directory.path(), {"serve"}), "USAGE");
  expect_refused(run(directory.path(), {"serve", "--manifest", "x", "--listen", "nowhere"}), "USAGE");
  expect_refused(run(directory.path(), {"status", "--dir", directory.path()}), "SERVICE_UNAVAILABLE");
  expect_refused(run(directory.path(), {"load", "--dir", directory.path(), directory.path() / "none"}),
                 "FILE_UNREADABLE");
  for (const auto* command : {"init", "serve", "log-key", "load", "open", "close", "seal", "revoke",
                              "restore", "status", "voted", "check-voted", "notices", "export"})
    EXPECT_EQ(run(directory.path(), {command, "--help"}).status, 0) << command;
}

TEST(CollectorProgramTest, An_operator_takes_an_election_through_its_phases) {
  ProcessWorld world(3);
  const std::string dir = world.directory.path();
  const auto command = [&](std::vector<std::string> words) {
    words.insert(words.begin() + 1, {"--dir", dir});
    return run(world.directory.path(), words);
  };
  const auto document = [&](const std::string& name, const Bytes& bytes) {
    return write(world.directory.path() / name, bytes).string();
  };
  EXPECT_EQ(run(world.directory.path(), {"log-key", "--manifest", world.directory.path() / "manifest.signed"})
                .output,
            world.e->election().log_key().encode() + "\n");
  const auto status = [&] { return boost::json::parse(command({"status", "--json"}).output).as_object(); };
  EXPECT_EQ(status().at("phase").as_string(), "casting");
  EXPECT_EQ(status().at("voters").to_number<int>(), 3);
  EXPECT_EQ(status().at("log_size").to_number<int>(), 2);

  const NationalId id = world.e->card(2).person.national_id;
  const auto revoke = document("revoke", world.e->revocation(1, RevocationKind::kRevoke, {id}));
  EXPECT_EQ(command({"revoke", revoke}).output, "revocation list applied: log entry 2\n");
  expect_refused(command({"revoke", revoke}), "REVOCATION_DUPLICATE");
  expect_refused(command({"restore", revoke}), "USAGE");
  expect_refused(
      command({"seal", document("seal", world.e->phase(PhaseEventKind::kLogSealed, unix_ms() / 1000))}),
      "PHASE_MOVE_FORBIDDEN");
  expect_refused(command({"export", "--out", dir + "/record"}), "PHASE_NOT_CLOSED");
  EXPECT_FALSE(std::filesystem::exists(dir + "/record"));
  EXPECT_EQ(
      command({"close", document("close", world.e->phase(PhaseEventKind::kCastingClosed, unix_ms() / 1000))})
          .output,
      "casting closed: log entry 3\n");
  EXPECT_EQ(command({"restore", document("restore", world.e->revocation(2, RevocationKind::kRestore, {id}))})
                .output,
            "restoration list applied: log entry 4\n");
  EXPECT_EQ(command({"seal", dir + "/seal"}).output, "log sealed: log entry 5\n");
  for (int i = 0; i < 100 && status().at("cosigned_size").to_number<int>() < 6; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  world.process->send(SIGINT);
  EXPECT_EQ(world.process->wait(), 0);
  // Export needs no running collector, and no passphrase.
  const auto exported = command({"export", "--out", dir + "/record"});
  EXPECT_EQ(exported.status, 0) << exported.errors;
  EXPECT_EQ(std::filesystem::file_size(dir + "/record/public/log/entries"), 6 * 34U);
  expect_refused(command({"export", "--out", dir + "/record"}), "FILE_UNREADABLE");
  expect_refused(command({"status"}), "SERVICE_UNAVAILABLE");
}

TEST(CollectorProgramTest, Lists_of_persons_are_files_of_its_account) {
  ProcessWorld world(3);
  const std::string dir = world.directory.path();
  const auto command = [&](std::vector<std::string> words) {
    words.insert(words.begin() + 1, {"--dir", dir});
    return run(world.directory.path(), words);
  };
  const auto voted = command({"voted", "--election-id", "KOV_2027", "--out", dir + "/voted"});
  EXPECT_EQ(voted.status, 0) << voted.errors;
  EXPECT_EQ(voted.output, "entries 0 to 2: 0 additions, 0 removals; next time: --from 2\nwritten to " + dir +
                              "/voted, signed in " + dir + "/voted.note\n");
  const auto notices = command({"notices", "--since", "0", "--out", dir + "/notices"});
  EXPECT_EQ(notices.output,
            "0 notices since entry 0; next time: --since 2\nwritten to " + dir + "/notices\n");
  for (const auto* file : {"voted", "voted.note", "notices"}) {
    const auto mode = std::filesystem::status(world.directory.path() / file).permissions();
    EXPECT_EQ(mode & std::filesystem::perms::all,
              std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  }
  const std::vector<std::string> check{"check-voted", "--manifest", dir + "/manifest.signed", dir + "/voted"};
  const auto checked = run(world.directory.path(), check);
  EXPECT_EQ(checked.output, dir +
                                "/voted: entries 0 to 2 of the log of election test-2026, signed by "
                                "its collector\n");
  std::ifstream in(dir + "/voted");
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), "2\nKOV_2027\n0\t2\n*\n");
  write(dir + "/voted", bytes_of("2\nKOV_2027\n0\t1\n*\n"));
  expect_refused(run(world.directory.path(), check), "EVIDENCE_FILE_ALTERED");
  std::filesystem::remove(dir + "/voted.note");
  expect_refused(run(world.directory.path(), check), "FILE_UNREADABLE");
  expect_refused(command({"voted", "--from", "3", "--out", dir + "/more"}), "USAGE");
  expect_refused(command({"voted", "--form", "xml", "--out", dir + "/more"}), "USAGE");
  expect_refused(command({"notices", "--since", "3", "--out", dir + "/more"}), "USAGE");
  EXPECT_FALSE(std::filesystem::exists(dir + "/more"));
}

TEST(CollectorProgramTest, One_process_to_a_directory_and_one_manifest_to_a_store) {
  ProcessWorld world(3);
  auto arguments = world.arguments;
  arguments[9] = "127.0.0.1:0";
  {
    Process second(arguments, world.directory.path() / "second.log");
    EXPECT_EQ(second.line(), std::nullopt);
    EXPECT_EQ(second.wait(), 1);
  }
  std::ifstream in(world.directory.path() / "second.log");
  const std::string why((std::istreambuf_iterator<char>(in)), {});
  EXPECT_NE(why.find("SERVICE_UNAVAILABLE"), std::string::npos) << why;
  EXPECT_NE(world.admin("status", {}).find("phase        casting"), std::string::npos);
}

TEST(CollectorProgramTest, Only_its_own_account_can_ask_it) {
  ProcessWorld world(3);
  const auto mode = std::filesystem::status(world.directory.path() / "admin.socket").permissions();
  EXPECT_EQ(mode & std::filesystem::perms::all,
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  for (const auto* file : {"store.sqlite", "keys.sealed"}) {
    const auto secret = std::filesystem::status(world.directory.path() / file).permissions();
    EXPECT_EQ(secret & (std::filesystem::perms::group_all | std::filesystem::perms::others_all),
              std::filesystem::perms::none);
  }
}

TEST(CollectorProgramTest, Its_answers_come_over_the_pinned_certificate_only) {
  ProcessWorld world(3);
  auto honest = world.client();
  EXPECT_EQ(honest.exchange("GET", "/v1/manifest", {}, 1U << 20U)->body,
            world.e->election().signed_manifest());
  Digest256 other = world.pin;
  other[0] ^= 1;
  HttpsClient deceived({"127.0.0.1", std::to_string(world.port)}, other, {});
  EXPECT_FALSE(deceived.exchange("GET", "/v1/manifest", {}, 1U << 20U));
}

TEST(CollectorProgramTest, Too_long_a_body_is_refused_by_name_before_it_is_used) {
  ProcessWorld world(3);
  // Many times over: the refusal must never be lost to the reset of a connection whose bytes nobody read.
  for (int i = 0; i < 40; ++i) {
    auto client = world.client();
    const auto reply = client.exchange("POST", "/v1/verify", Bytes(100'000), 1U << 20U);
    ASSERT_TRUE(reply) << "attempt " << i;
    EXPECT_EQ(reply->status, 400U);
    const auto refusal = decode<Refusal>(decode<ServiceSigned>(reply->body)->body).value();
    EXPECT_EQ(reason_from(refusal.reason), Reason::kWireLimit);
  }
}

/// A TLS client with its hands free.
class RawClient {
 public:
  RawClient(const ProcessWorld& world, int max_version)
      : tls_(net::ssl::context::tls_client), stream_(io_, tls_) {
    SSL_set_max_proto_version(stream_.native_handle(), max_version);
    stream_.next_layer().connect(
        {net::ip::make_address("127.0.0.1"), static_cast<std::uint16_t>(world.port)});
  }
  bool handshake() {
    boost::system::error_code error;
    stream_.handshake(net::ssl::stream_base::client, error);
    return !error;
  }
  void send(const std::string& text) {
    boost::system::error_code ignored;
    net::write(stream_, net::buffer(text), ignored);
  }
  void send_below(const std::string& text) { net::write(stream_.next_layer(), net::buffer(text)); }
  /// All that comes until the server closes.
  std::string rest() {
    std::string out;
    boost::system::error_code ended;
    net::read(stream_, net::dynamic_buffer(out), ended);
    return out;
  }

 private:
  net::io_context io_;
  net::ssl::context tls_;
  net::ssl::stream<tcp::socket> stream_;
};

TEST(CollectorProgramTest, The_port_speaks_TLS_1_3_and_bounded_HTTP_and_nothing_else) {
  ProcessWorld world(3);
  EXPECT_FALSE(RawClient(world, TLS1_2_VERSION).handshake());
  RawClient plain(world, TLS1_3_VERSION);
  plain.send_below("GET /v1/manifest HTTP/1.1\r\n\r\n");
  EXPECT_FALSE(plain.handshake());

  const auto answer_to = [&](const std::string& request) {
    RawClient client(world, TLS1_3_VERSION);
    EXPECT_TRUE(client.handshake());
    client.send(request);
    return client.rest();
  };
  const auto first_line = [](const std::string& text) { return text.substr(0, text.find("\r\n")); };
  EXPECT_EQ(first_line(answer_to("GET /v1/manifest HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")),
            "HTTP/1.1 200 OK");
  // A body of unknown or too great length is not read.
  EXPECT_EQ(
      first_line(answer_to("POST /v1/ballot HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")),
      "HTTP/1.1 400 Bad Request");
  EXPECT_EQ(first_line(answer_to("POST /v1/ballot HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\n\r\n")),
            "HTTP/1.1 400 Bad Request");
  EXPECT_EQ(first_line(answer_to("POST /nothing HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n")),
            "HTTP/1.1 404 Not Found");
  // No HTTP, or a header without end: the connection is closed without a word.
  EXPECT_EQ(answer_to("ceci n'est pas une requête\r\n\r\n"), "");
  EXPECT_EQ(answer_to("GET / HTTP/1.1\r\nX: " + std::string(20'000, 'x')), "");
  // Two requests on one connection, sent at once.
  const std::string both = answer_to(
      "POST /v1/challenge HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"
      "GET /v1/checkpoint HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(first_line(both), "HTTP/1.1 200 OK");
  EXPECT_NE(both.find("HTTP/1.1", 8), std::string::npos);
}

}  // namespace
}  // namespace psephos::test
