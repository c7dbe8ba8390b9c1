#include <fmt/format.h>
#include <signal.h>

#include <charconv>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "crypto/random.h"
#include "protocol/files/files.h"
#include "protocol/files/program.h"
#include "protocol/files/progress.h"
#include "tests/trust-services/services/card_index.h"
#include "tests/trust-services/services/control.h"
#include "tests/trust-services/services/http_server.h"
#include "tests/trust-services/services/phone_book.h"
#include "tests/trust-services/services/test_trust.h"

namespace {

using namespace psephos;         // NOLINT(google-build-using-namespace)
using namespace psephos::trust;  // NOLINT(google-build-using-namespace)
namespace fs = std::filesystem;

constexpr const char* kDescription =
    "The trust services of test elections, simulated: status of certificates, time-stamps and signatures "
    "with "
    "phones over HTTP, with faults to order. Never for a real election.\n\n"
    "  /ocsp       RFC 6960: POST application/ocsp-request, or GET /ocsp/BASE64\n"
    "  /tsa        RFC 3161: POST application/timestamp-query\n"
    "  /mobile-id  the Mobile-ID REST interface\n"
    "  /smart-id   the Smart-ID interface for relying parties, version 2\n\n"
    "The control port, on loopback unless told otherwise, takes JSON:\n\n"
    "  POST /control/ocsp   {\"fault\": \"stale\"}, with \"amount\" (s or ms) and \"requests\" where wanted\n"
    "                       {\"national_id\": \"PNOEE-...\", \"status\": \"suspended\"}\n"
    "                       {\"serial\": \"4f...\", \"status\": \"good\"}   or revoked, unknown\n"
    "  POST /control/tsa    {\"fault\": \"wrong-nonce\", \"requests\": 1}\n"
    "  POST /control/mobile-id, /control/smart-id   {\"fault\": \"slow-user\", \"amount\": 20000}\n"
    "  POST /control/reset  no faults, every card good, an empty journal\n"
    "  GET  /control/faults   their names, with the usual amount\n"
    "  GET  /control/journal  a line for each time-stamp: genTime, serial number, imprint\n\n"
    "Runs until SIGTERM or SIGINT. Exit status: 0 done, 1 refused, 2 usage.";

struct Options {
  fs::path ca;
  std::vector<fs::path> cards;
  fs::path phones;
  std::string listen = "127.0.0.1:0", control = "127.0.0.1:0";
  fs::path ports_file, journal;
  std::size_t threads = 2;
  std::string ocsp_key = "p256", tsa_key = "p256", responder_id = "name", ocsp_signer = "delegated";
};

std::int64_t clock_unix_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}
std::int64_t clock_unix_s() {
  return clock_unix_ms() / 1000;
}

std::unexpected<Rejection> cannot(std::string what) {
  return reject(Reason::kFileUnreadable, std::move(what));
}

ServiceKey key_named(const std::string& name) {
  if (name == "p384") return ServiceKey::kP384;
  return name == "rsa2048" ? ServiceKey::kRsa2048 : ServiceKey::kP256;
}

Result<HttpServer::Settings, Rejection> parse_address(const char* option, const std::string& text,
                                                      std::size_t threads) {
  HttpServer::Settings settings;
  settings.threads = threads;
  const std::size_t colon = text.rfind(':');
  const char* end = text.data() + text.size();
  const auto wrong = reject(Reason::kUsage, fmt::format("{} {}: not ADDRESS:PORT", option, text));
  if (colon == std::string::npos) return wrong;
  settings.address = text.substr(0, colon);
  const auto [at, error] = std::from_chars(text.data() + colon + 1, end, settings.port);
  if (error != std::errc() || at != end) return wrong;
  return settings;
}

/// Whole or not at all, so that whoever waits for the file never reads half of it.
Result<void, Rejection> write_ports(const fs::path& path, std::uint16_t listen, std::uint16_t control) {
  const fs::path unfinished = path.string() + ".part";
  std::ofstream out(unfinished);
  out << fmt::format("listen={}\ncontrol={}\n", listen, control);
  out.close();
  std::error_code error;
  if (out) fs::rename(unfinished, path, error);
  if (!out || error) return cannot(path.string());
  return {};
}

Result<void, Rejection> serve(const Options& options) {
  sigset_t stop;
  sigemptyset(&stop);
  for (const int each : {SIGTERM, SIGINT}) sigaddset(&stop, each);
  pthread_sigmask(SIG_BLOCK, &stop, nullptr);  // before any thread
  ::signal(SIGPIPE, SIG_IGN);

  const auto listen = parse_address("--listen", options.listen, options.threads);
  if (!listen) return std::unexpected(listen.error());
  const auto control_at = parse_address("--control", options.control, 1);
  if (!control_at) return std::unexpected(control_at.error());
  const auto ca = TestCa::load(options.ca);
  if (!ca) return cannot(ca.error());
  const auto time_stamp_ca = TestCa::load(options.ca, CaPurpose::kTimeStamps);
  if (!time_stamp_ca) return cannot(time_stamp_ca.error());
  std::unique_ptr<CardIndex> cards;
  if (!options.cards.empty()) {
    auto opened = CardIndex::open(options.cards);
    if (!opened) return cannot(opened.error());
    cards = std::move(*opened);
  }

  SystemRng rng;
  MobileId mobile_id(*ca, rng, clock_unix_s());
  SmartId smart_id(*ca, rng, clock_unix_s());
  std::unique_ptr<PhoneBook> phones;
  if (!options.phones.empty()) {
    auto opened = PhoneBook::open(options.phones, mobile_id, smart_id, clock_unix_s());
    if (!opened) return cannot(opened.error());
    phones = std::move(*opened);
  }
  OcspOptions ocsp_options;
  ocsp_options.key = key_named(options.ocsp_key);
  if (options.ocsp_signer == "issuer") ocsp_options.signer = OcspSigner::kIssuingAuthority;
  if (options.responder_id == "key") ocsp_options.responder_id = ResponderIdForm::kByKey;
  if (cards)
    ocsp_options.issued = [&](ByteView serial) {
      return cards->issued(serial) || (phones && phones->issued(serial));
    };
  OcspResponder ocsp(*ca, rng, clock_unix_s(), ocsp_options);
  TimeStampAuthority tsa(*time_stamp_ca, rng, clock_unix_s(), {key_named(options.tsa_key)});
  Control control(
      ocsp, tsa, mobile_id, smart_id,
      [&](std::string_view person) {
        std::vector<Bytes> serials = cards ? cards->serials_of(person) : std::vector<Bytes>();
        if (phones)
          for (Bytes& serial : phones->serials_of(person)) serials.push_back(std::move(serial));
        return serials;
      },
      clock_unix_s);
  HttpRouter services;
  services.add("/ocsp", [&](const HttpRequest& request) { return ocsp.handle(request, clock_unix_s()); });
  services.add("/tsa", [&](const HttpRequest& request) { return tsa.handle(request, clock_unix_s()); });
  services.add("/mobile-id",
               [&](const HttpRequest& request) { return mobile_id.handle(request, clock_unix_ms()); });
  services.add("/smart-id",
               [&](const HttpRequest& request) { return smart_id.handle(request, clock_unix_ms()); });

  const auto server =
      HttpServer::listen([&](const HttpRequest& request) { return services.handle(request); }, *listen);
  if (!server) return cannot(server.error());
  const auto control_server =
      HttpServer::listen([&](const HttpRequest& request) { return control.handle(request); }, *control_at);
  if (!control_server) return cannot(control_server.error());
  if (!options.ports_file.empty())
    if (auto written = write_ports(options.ports_file, (*server)->port(), (*control_server)->port());
        !written)
      return written;
  fmt::print("trust-services ready: http://{}:{} control http://{}:{} certificates {} phones {}\n",
             listen->address, (*server)->port(), control_at->address, (*control_server)->port(),
             cards ? fmt::format("{}", cards->certificates()) : "any", phones ? phones->persons() : 0);
  std::fflush(stdout);

  int signal = 0;
  while (sigwait(&stop, &signal) != 0) {
  }
  if (!options.journal.empty()) {
    std::ofstream out(options.journal, std::ios::binary | std::ios::app);
    out << tsa.journal();
    if (!out.flush()) return cannot(options.journal.string());
  }
  return {};
}

int run(int argc, char** argv) {
  Options options;
  Program program("trust-services", kDescription);
  program.run_as([&] { return serve(options); });
  CLI::App& app = program.app();
  app.add_option("--ca", options.ca, "directory of the test CA (made with: test-ca init)")->required();
  app.add_option("--cards", options.cards,
                 "files of cards (made with: test-ca issue); certificates that stand in none are unknown. "
                 "Without this option every certificate of the CA is good");
  app.add_option("--phones", options.phones,
                 "file of persons with Mobile-ID and Smart-ID, a line each: national_id, phone_number, "
                 "given_name, surname, separated by tabs; their keys are made anew");
  app.add_option("--listen", options.listen, "ADDRESS:PORT of the services; port 0: any free one")
      ->capture_default_str();
  app.add_option("--control", options.control, "ADDRESS:PORT of the control port")->capture_default_str();
  app.add_option("--ports-file", options.ports_file,
                 "written when the services can be asked: lines listen=PORT and control=PORT");
  app.add_option("--journal", options.journal, "at the end the journal of time-stamps is appended to it");
  app.add_option("--threads", options.threads, "of the services")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  const auto keys = CLI::IsMember({"p256", "p384", "rsa2048"});
  app.add_option("--ocsp-key", options.ocsp_key, "p256, p384 or rsa2048")->check(keys)->capture_default_str();
  app.add_option("--tsa-key", options.tsa_key, "p256, p384 or rsa2048")->check(keys)->capture_default_str();
  app.add_option("--ocsp-signer", options.ocsp_signer,
                 "delegated: a certificate for this purpose; issuer: the issuing authority's own key")
      ->check(CLI::IsMember({"delegated", "issuer"}))
      ->capture_default_str();
  app.add_option("--responder-id", options.responder_id, "how answers name their signer: name or key")
      ->check(CLI::IsMember({"name", "key"}))
      ->capture_default_str();
  return program.run(argc, argv);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& e) {
    return report("trust-services", Rejection{Reason::kFileUnreadable, e.what()});
  }
}
