#pragma once
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include <fstream>
#include <thread>

#include "collector/admin.h"
#include "collector/witness/server.h"
#include "tests/collector/collector_fixture.h"
#include "tests/collector/collector_process.h"
#include "tests/trust-services/services/http_server.h"
#include "voter-client/core/https_client.h"

namespace psephos::test {

inline std::uint64_t unix_ms() {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                        std::chrono::system_clock::now().time_since_epoch())
                                        .count());
}

/// One of the election's witnesses, served over HTTP from this process.
struct ServedWitness {
  ServedWitness(const TestElection& e, std::size_t i, const std::filesystem::path& directory)
      : witness(e, i, directory),
        server(WitnessServer::listen(witness.witness, "127.0.0.1:0").value()),
        url("http://" + server->endpoint()),
        thread([this] { server->run(); }) {}
  ~ServedWitness() {
    server->stop();
    thread.join();
  }
  TestWitness witness;
  std::unique_ptr<WitnessServer> server;
  std::string url;
  std::thread thread;
};

/// The election's trust services, served over HTTP from this process, by its own clock.
class ServedTrust {
 public:
  explicit ServedTrust(trust::TestTrust& trust) {
    router_.add("/ocsp", [&trust](const trust::HttpRequest& request) {
      return trust.ocsp.handle(request, static_cast<std::int64_t>(unix_ms() / 1000));
    });
    router_.add("/tsa", [&trust](const trust::HttpRequest& request) {
      return trust.tsa.handle(request, static_cast<std::int64_t>(unix_ms() / 1000));
    });
    server_ = trust::HttpServer::listen(
                  [this](const trust::HttpRequest& request) { return router_.handle(request); }, {})
                  .value();
  }
  /// For the collector's command line.
  std::vector<std::string> arguments() const {
    const std::string base = "http://127.0.0.1:" + std::to_string(server_->port());
    return {"--time-stamp", base + "/tsa", "--ocsp", base + "/ocsp"};
  }

 private:
  trust::HttpRouter router_;
  std::unique_ptr<trust::HttpServer> server_;
};

/// The real program in a directory of its own, behind real TLS, with three witnesses over HTTP; casting is
/// open.
class ProcessWorld {
 public:
  explicit ProcessWorld(std::uint64_t voters) {
    spdlog::set_level(spdlog::level::warn);  // the witnesses' lines
    // A passphrase in a file of the test's own directory, so that no environment is changed.
    const auto passphrase_file = directory.path() / "passphrase";
    std::ofstream(passphrase_file) << "correct horse battery staple\n";
    const auto passphrase = read_passphrase(passphrase_file.string(), "test", PassphraseUse::kOpen).value();
    SystemRng rng;
    const auto keys =
        collector::create_keys(directory.path(), "localhost", passphrase, kMinSealCost, rng).value();
    pin = keys.certificate_sha256();
    Options options;
    options.casting_begins_s = unix_ms() / 1000 - 60;
    options.casting_ends_s = options.casting_begins_s + 86'400;
    options.grace_ends_s = options.casting_ends_s + 60;
    options.amend = [&](Definition& d) {
      d.collector.origin = "localhost";
      d.collector.log_key = keys.log_key.verify_key().encode();
      d.collector.service_key = keys.service_key.verify_key().encode();
      d.collector.tls_certificate_sha256 = pin;
    };
    e = std::make_unique<TestElection>(options);
    std::ofstream(directory.path() / "manifest.signed", std::ios::binary)
        << text_of(e->election().signed_manifest());
    for (std::size_t i = 0; i < 3; ++i)
      witnesses.push_back(std::make_unique<ServedWitness>(*e, i, directory.path()));
    arguments = {PSEPHOS_COLLECTOR,   "serve",         "--dir",
                 directory.path(),    "--manifest",    directory.path() / "manifest.signed",
                 "--passphrase-file", passphrase_file, "--listen",
                 "127.0.0.1:0"};
    for (const auto& witness : witnesses) {
      arguments.emplace_back("--witness");
      arguments.push_back(witness->url);
    }
    trust.emplace(e->trust());
    for (const std::string& word : trust->arguments()) arguments.push_back(word);
    start();
    std::vector<RollChange> changes;
    for (std::uint64_t n = 1; n <= voters; ++n)
      changes.push_back(
          {RollChangeKind::kAdd, e->card(n).person.national_id, Id{"u" + std::to_string(1 + n % 3)}});
    std::ranges::sort(changes, {}, &RollChange::national_id);
    admin("load", e->roll(1, std::nullopt, changes));
    admin("open", e->phase(PhaseEventKind::kOpened, unix_ms() / 1000));
  }

  void start() {
    process.emplace(arguments, directory.path() / "collector.log");
    const auto ready = process->line();
    ASSERT_TRUE(ready) << "the collector did not start; see its log:\n" << log();
    const std::string prefix = "collector ready: https://127.0.0.1:";
    ASSERT_TRUE(ready->starts_with(prefix)) << *ready;
    port = std::stoi(ready->substr(prefix.size()));
    // From now on the same port, so that clients find it again.
    arguments[9] = "127.0.0.1:" + std::to_string(port);
  }
  std::string log() const {
    std::ifstream in(directory.path() / "collector.log");
    return {std::istreambuf_iterator<char>(in), {}};
  }
  std::string admin(const std::string& command, const Bytes& argument) {
    const auto answer = collector::ask_admin(directory.path() / "admin.socket", command, argument);
    EXPECT_TRUE(answer) << to_string(answer.error());
    return answer.value_or("");
  }
  HttpsClient client() const {
    return HttpsClient({"127.0.0.1", std::to_string(port)}, pin,
                       {.connect = std::chrono::seconds(2), .answer = std::chrono::seconds(15)});
  }

  TemporaryDirectory directory;
  Digest256 pin{};
  std::unique_ptr<TestElection> e;
  std::vector<std::unique_ptr<ServedWitness>> witnesses;
  std::optional<ServedTrust> trust;
  std::vector<std::string> arguments;
  std::optional<Process> process;
  int port = 0;
};

}  // namespace psephos::test
