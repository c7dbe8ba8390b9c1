#include <fcntl.h>
#include <fmt/format.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <charconv>
#include <chrono>
#include <csignal>
#include <thread>

#include "collector/admin.h"
#include "collector/collector.h"
#include "collector/directory_lock.h"
#include "collector/export.h"
#include "collector/http_server.h"
#include "collector/operator.h"
#include "collector/phone_client.h"
#include "collector/sqlite_store.h"
#include "collector/trust_client.h"
#include "collector/witness_client.h"
#include "protocol/eid/openssl_eid.h"
#include "protocol/files/files.h"
#include "protocol/files/program.h"
#include "protocol/files/roll_files.h"

namespace psephos::collector {
namespace {

namespace fs = std::filesystem;

constexpr const char* kDescription =
    "Takes ballots: checks them, keeps them in one append-only log that witnesses co-sign, and answers with "
    "receipts. Exit status: 0 done, 1 refused (the reason is on standard error), 2 usage.";

struct Options {
  fs::path directory = ".";
  std::optional<std::string> passphrase_file;
  std::string origin = "localhost";
  std::string seal_cost = "moderate";
  fs::path manifest;
  std::string listen = "127.0.0.1:8443";
  std::vector<std::string> witnesses;
  TrustAddresses trust;
  PhoneAddresses phones;
  fs::path relying_party;
  fs::path file;
  fs::path out;
  bool json = false;
  std::uint64_t from = 0;
  std::optional<std::uint64_t> until;
  std::string unit, election_id, form = "tabs";
};

fs::path socket_path(const fs::path& directory) {
  return directory / "admin.socket";
}
fs::path manifest_path(const fs::path& directory) {
  return directory / "manifest";
}

Result<void, Rejection> init(const Options& options) {
  const auto cost = seal_cost(options.seal_cost);
  if (!cost) return std::unexpected(cost.error());
  const auto passphrase =
      read_passphrase(options.passphrase_file, "the collector's keys", PassphraseUse::kCreate);
  if (!passphrase) return std::unexpected(passphrase.error());
  SystemRng rng;
  const auto keys = create_keys(options.directory, options.origin, *passphrase, *cost, rng);
  if (!keys) return std::unexpected(keys.error());
  const boost::json::object out{
      {"origin", options.origin},
      {"log_key", to_hex(keys->log_key.verify_key().encode())},
      {"service_key", to_hex(keys->service_key.verify_key().encode())},
      {"tls_certificate_sha256", to_hex(keys->certificate_sha256())},
  };
  fmt::print("{}\n", boost::json::serialize(out));
  return {};
}

Result<HttpServer::Settings, Rejection> parse_listen(const std::string& text) {
  HttpServer::Settings settings;
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos) return reject(Reason::kUsage, "--listen " + text + ": not ADDRESS:PORT");
  settings.address = text.substr(0, colon);
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data() + colon + 1, end, settings.port);
  if (error != std::errc() || at != end)
    return reject(Reason::kUsage, "--listen " + text + ": not ADDRESS:PORT");
  return settings;
}

/// Waits for a signal that asks to stop; the signals are blocked in every thread.
class StopSignals {
 public:
  StopSignals() {
    sigemptyset(&set_);
    for (const int signal : {SIGTERM, SIGINT, SIGUSR1}) sigaddset(&set_, signal);
    pthread_sigmask(SIG_BLOCK, &set_, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
  }
  int wait() const {
    int signal = 0;
    while (sigwait(&set_, &signal) != 0) {
    }
    return signal;
  }
  /// From inside: as if somebody had asked.
  static void raise() { ::kill(::getpid(), SIGUSR1); }

 private:
  sigset_t set_{};
};

/// None where no service is named.
Result<std::unique_ptr<PhoneRelay>, Rejection> relay_of(const Options& options, const Election& election,
                                                        Rng& rng) {
  const bool mobile_id = !options.phones.mobile_id.empty();
  const bool smart_id = !options.phones.smart_id.empty();
  if ((mobile_id || smart_id) == options.relying_party.empty())
    return reject(Reason::kUsage, "--relying-party goes with --mobile-id, --smart-id or both");
  if (options.relying_party.empty()) return std::unique_ptr<PhoneRelay>();
  const auto file = read_file(options.relying_party, 65'536);
  if (!file) return std::unexpected(file.error());
  auto party = RelyingParty::read(*file);
  if (!party) return std::unexpected(party.error());
  const auto connect = http_phones(options.phones);
  if (!connect) return std::unexpected(connect.error());
  return std::make_unique<PhoneRelay>(
      election,
      PhoneRelay::Settings{.party = std::move(*party), .mobile_id = mobile_id, .smart_id = smart_id},
      *connect, rng);
}

Result<void, Rejection> serve(const Options& options) {
  const StopSignals signals;  // before any thread
  auto settings = parse_listen(options.listen);
  if (!settings) return std::unexpected(settings.error());
  const auto manifest = read_file(options.manifest, limits::kManifestBytes);
  if (!manifest) return std::unexpected(manifest.error());
  const auto election = Election::open(*manifest, std::nullopt);
  if (!election) return std::unexpected(election.error());
  const auto lock = DirectoryLock::take(options.directory);
  if (!lock) return std::unexpected(lock.error());
  const auto passphrase =
      read_passphrase(options.passphrase_file, "the collector's keys", PassphraseUse::kOpen);
  if (!passphrase) return std::unexpected(passphrase.error());
  auto keys = load_keys(options.directory, *passphrase);
  if (!keys) return std::unexpected(keys.error());
  const auto eid = OpensslEidVerifier::create(election->definition().eid);
  if (!eid) return reject(eid.error(), "eID profile of the definition");

  const auto& roster = election->definition().witnesses;
  if (options.witnesses.size() > roster.size())
    return reject(Reason::kUsage, fmt::format("--witness: the election has {} witnesses", roster.size()));
  std::vector<std::unique_ptr<WitnessTransport>> transports;
  for (const std::string& url : options.witnesses) {
    auto transport = http_witness(url);
    if (!transport) return std::unexpected(transport.error());
    transports.push_back(std::move(*transport));
  }

  const auto connect = http_trust(options.trust);
  if (!connect) return std::unexpected(connect.error());
  EvidenceSource evidence(**eid, *connect);

  auto store =
      SqliteStore::open(store_path(options.directory), election->fingerprint(), StoreAccess::kReadWrite);
  if (!store) return std::unexpected(store.error());

  SystemRng rng;
  const auto phones = relay_of(options, *election, rng);
  if (!phones) return std::unexpected(phones.error());
  std::mutex broken_mutex;
  std::optional<Rejection> broken;
  const auto cores = std::max(2U, std::thread::hardware_concurrency());
  auto collector = Collector::open(
      *election, std::move(*store), std::move(*keys), std::move(transports), **eid, evidence, rng,
      {.clock =
           [] {
             return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                                   std::chrono::system_clock::now().time_since_epoch())
                                                   .count());
           },
       .limits = {.threads = cores},
       .timing = {},
       .broken =
           [&](const Rejection& why) {
             spdlog::critical("event=store_broken reason={} detail=\"{}\"", name_of(why.reason), why.object);
             const std::lock_guard guard(broken_mutex);
             if (!broken) broken = why;
             StopSignals::raise();
           },
       .phones = phones->get()});
  if (!collector) return std::unexpected(collector.error());
  // For 'export', which reads the store and not the service.
  if (auto ok = write_file(manifest_path(options.directory), *manifest); !ok) return ok;

  auto server = HttpServer::listen((*collector)->service(), (*collector)->keys().certificate_der,
                                   (*collector)->keys().tls_key_der.expose(), *settings);
  if (!server) return std::unexpected(server.error());
  auto admin =
      AdminServer::listen(socket_path(options.directory), [&](const std::string& command, Bytes argument) {
        return run_operator_command(**collector, command, std::move(argument));
      });
  if (!admin) return std::unexpected(admin.error());

  const auto status = (*collector)->status();
  fmt::print("collector ready: https://{}:{} election {} fingerprint {} phase {} log {}\n", settings->address,
             (*server)->port(), election->definition().election.text, to_hex(election->fingerprint()),
             name_of(status.phase), status.head.size);
  std::fflush(stdout);

  signals.wait();
  spdlog::info("event=stopping");
  admin->reset();
  (*server)->stop(std::chrono::seconds(10));
  (*collector)->stop();
  server->reset();
  const auto last = (*collector)->status();
  spdlog::info("event=stopped size={} cosigned_size={}", last.head.size, last.cosigned_size);
  const std::lock_guard guard(broken_mutex);
  if (broken) return std::unexpected(*broken);
  return {};
}

Result<void, Rejection> print_answer(const Options& options, const std::string& command, ByteView argument) {
  const auto answer = ask_admin(socket_path(options.directory), command, argument);
  if (!answer) return std::unexpected(answer.error());
  fmt::print("{}\n", *answer);
  return {};
}

Result<void, Rejection> send_document(const Options& options, const std::string& command) {
  const auto document = read_file(options.file, limits::kDocumentBytes);
  if (!document) return std::unexpected(document.error());
  return print_answer(options, command, *document);
}

Result<void, Rejection> export_command(const Options& options) {
  const auto manifest = read_file(manifest_path(options.directory), limits::kManifestBytes);
  if (!manifest) return std::unexpected(manifest.error());
  const auto election = Election::open(*manifest, std::nullopt);
  if (!election) return std::unexpected(election.error());
  const auto store =
      SqliteStore::open(store_path(options.directory), election->fingerprint(), StoreAccess::kReadOnly);
  if (!store) return std::unexpected(store.error());
  if (auto ok = export_record(*election, **store, options.out); !ok) return ok;
  fmt::print("record written to {}\n", options.out.string());
  return {};
}

Result<void, Rejection> log_key_command(const Options& options) {
  const auto manifest = read_file(options.manifest, limits::kManifestBytes);
  if (!manifest) return std::unexpected(manifest.error());
  const auto election = Election::open(*manifest, std::nullopt);
  if (!election) return std::unexpected(election.error());
  fmt::print("{}\n", election->log_key().encode());
  return {};
}

/// The list with its note beside it; both can be read by the operator's account alone.
Result<void, Rejection> voted_command(const Options& options) {
  boost::json::object question{{"from", options.from}, {"form", options.form}};
  if (options.until) question["until"] = *options.until;
  if (!options.unit.empty()) question["unit"] = options.unit;
  if (!options.election_id.empty()) question["election"] = options.election_id;
  const auto answer =
      ask_admin(socket_path(options.directory), "voted", bytes_of(boost::json::serialize(question)));
  if (!answer) return std::unexpected(answer.error());
  const auto told = boost::json::parse(*answer).as_object();
  const auto text = [&](const char* key) { return std::string_view(told.at(key).as_string()); };
  const auto number = [&](const char* key) { return told.at(key).to_number<std::uint64_t>(); };
  fs::path note = options.out;
  note += ".note";
  if (auto ok = write_secret_file(options.out, bytes_of(text("list"))); !ok) return ok;
  if (auto ok = write_secret_file(note, bytes_of(text("note"))); !ok) return ok;
  fmt::print(
      "entries {} to {}: {} additions, {} removals; next time: --from {}\nwritten to {}, signed in {}\n",
      number("from"), number("next"), number("additions"), number("removals"), number("next"),
      options.out.string(), note.string());
  return {};
}

/// Entry, time, person, kind and whether the ballot counts, one notice a line.
Result<void, Rejection> notices_command(const Options& options) {
  const boost::json::object question{{"since", options.from}};
  const auto answer =
      ask_admin(socket_path(options.directory), "notices", bytes_of(boost::json::serialize(question)));
  if (!answer) return std::unexpected(answer.error());
  const auto told = boost::json::parse(*answer).as_object();
  const auto& notices = told.at("notices").as_array();
  std::string out;
  for (const auto& value : notices) {
    const auto& notice = value.as_object();
    const auto* time = notice.if_contains("time");
    out += options.json ? boost::json::serialize(notice) + "\n"
                        : fmt::format("{}\t{}\t{}\t{}\t{}\n", notice.at("entry").to_number<std::uint64_t>(),
                                      time != nullptr ? std::string_view(time->as_string()) : "-",
                                      std::string_view(notice.at("person_code").as_string()),
                                      std::string_view(notice.at("kind").as_string()),
                                      notice.at("counts").as_bool() ? "counts" : "does-not-count");
  }
  if (auto ok = write_secret_file(options.out, bytes_of(out)); !ok) return ok;
  fmt::print("{} notices since entry {}; next time: --since {}\nwritten to {}\n", notices.size(),
             options.from, told.at("next").to_number<std::uint64_t>(), options.out.string());
  return {};
}

Result<void, Rejection> check_voted_command(const Options& options) {
  const auto manifest = read_file(options.manifest, limits::kManifestBytes);
  if (!manifest) return std::unexpected(manifest.error());
  const auto election = Election::open(*manifest, std::nullopt);
  if (!election) return std::unexpected(election.error());
  const auto list = read_file(options.file, limits::kDocumentBytes);
  if (!list) return std::unexpected(list.error());
  fs::path note_path = options.file;
  note_path += ".note";
  const auto note = read_file(note_path, kMaxNoteBytes);
  if (!note) return std::unexpected(note.error());
  const auto checked = check_voted_list(*election, text_of(*list), text_of(*note));
  if (!checked) return reject(checked.error().reason, options.file.string() + ": " + checked.error().object);
  fmt::print("{}: entries {} to {} of the log of election {}, signed by its collector\n",
             options.file.string(), checked->from, checked->next, election->definition().election.text);
  return {};
}

int run(int argc, const char* const* argv) {
  spdlog::set_default_logger(spdlog::stderr_logger_mt("collector"));
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%e%z level=%l %v");

  Options options;
  Program program("collector", kDescription);
  const auto with_directory = [&](CLI::App& app) -> CLI::App& {
    app.add_option("--dir", options.directory, "the collector's directory (default: the current one)");
    return app;
  };
  const auto with_passphrase = [&](CLI::App& app) -> CLI::App& {
    app.add_option("--passphrase-file", options.passphrase_file,
                   "file with the passphrase of the keys (default: PSEPHOS_PASSPHRASE, or ask)");
    return app;
  };
  CLI::App& init_app = program.command(
      "init", "Make the keys and the TLS certificate; print what the definition needs of them",
      [&] { return init(options); });
  with_passphrase(with_directory(init_app));
  init_app.add_option("--origin", options.origin, "host name of the service (default: localhost)");
  init_app.add_option("--seal-cost", options.seal_cost,
                      "cost of one guess at the passphrase: moderate, or interactive for demonstrations");

  CLI::App& serve_app = program.command(
      "serve", "Serve over HTTPS until SIGTERM or SIGINT; nothing acknowledged is lost, even by a power cut",
      [&] { return serve(options); });
  with_passphrase(with_directory(serve_app));
  serve_app.add_option("--manifest", options.manifest, "the election's signed manifest")->required();
  serve_app.add_option("--listen", options.listen,
                       "ADDRESS:PORT (default: 127.0.0.1:8443; port 0: any free one)");
  serve_app.add_option("--witness", options.witnesses,
                       "http://HOST:PORT of each witness, in the order of the definition");
  serve_app
      .add_option("--time-stamp", options.trust.time_stamps,
                  "address of the time-stamping service (RFC 3161); again for a second one, asked when the "
                  "first does not answer well")
      ->required()
      ->allow_extra_args(false);
  serve_app
      .add_option("--ocsp", options.trust.statuses,
                  "address of the service for the status of voters' certificates (RFC 6960); again for a "
                  "second one")
      ->required()
      ->allow_extra_args(false);
  serve_app.add_option("--mobile-id", options.phones.mobile_id,
                       "address of the Mobile-ID service (REST), for voters who sign with it");
  serve_app.add_option("--smart-id", options.phones.smart_id,
                       "address of the Smart-ID service (interface for relying parties, version 2)");
  serve_app.add_option("--relying-party", options.relying_party,
                       "JSON file with what the contract with these services says, kept like a password: "
                       "uuid, name, and display_text by language, which phones show");

  CLI::App& log_key_app =
      program.command("log-key", "Print the log's verifier key, for 'witness serve --log-key'",
                      [&] { return log_key_command(options); });
  log_key_app.add_option("--manifest", options.manifest, "the election's signed manifest")->required();

  const auto document_command = [&](const std::string& name, const std::string& description) {
    CLI::App& app =
        program.command(name, description, [&options, name] { return send_document(options, name); });
    with_directory(app);
    app.add_option("FILE", options.file, "the signed document")->required();
  };
  document_command("load", "Load the roll (version 1) or a change set, whole or not at all");
  document_command("open", "Open casting, on the commission's signed event");
  document_command("close",
                   "Close casting: from then on only revocations, restorations and roll corrections");
  document_command("seal", "Seal the log: nothing enters any more");
  document_command("revoke",
                   "Apply a signed list of voters whose ballots do not count (a paper ballot was cast)");
  document_command("restore", "Apply a signed list of voters whose last ballot counts again");

  CLI::App& status_app =
      program.command("status", "Phase, log, ballots, roll and witnesses, in numbers",
                      [&] { return print_answer(options, options.json ? "status-json" : "status", {}); });
  with_directory(status_app);
  status_app.add_flag("--json", options.json, "as JSON");

  CLI::App& voted_app = program.command(
      "voted",
      "Write who has voted, for polling stations: whose ballot counts now, or what has changed since --from. "
      "The "
      "file names persons. Example: collector voted --election-id KOV_2027 --from 4711 --out voted-0002.tsv",
      [&] { return voted_command(options); });
  with_directory(voted_app);
  voted_app.add_option("--from", options.from,
                       "entry of the log where the list before ended (default: 0, all)");
  voted_app.add_option("--until", options.until, "entries of the log to look at (default: all there are)");
  voted_app.add_option("--unit", options.unit, "voters of this unit only");
  voted_app.add_option("--election-id", options.election_id,
                       "how the state names the election, e.g. KOV_2027 (default: the definition's name)");
  voted_app
      .add_option("--form", options.form,
                  "tabs, json, or the public interface's whole list: online-local, online-national")
      ->check(CLI::IsMember({"tabs", "json", "online-local", "online-national"}));
  voted_app.add_option("--out", options.out, "file for the list; its signed note goes beside it, .note")
      ->required();

  CLI::App& check_voted_app = program.command(
      "check-voted", "At a polling station: a list and its note are the election's collector's",
      [&] { return check_voted_command(options); });
  check_voted_app.add_option("--manifest", options.manifest, "the election's signed manifest")->required();
  check_voted_app.add_option("FILE", options.file, "the list; its note lies beside it, .note")->required();

  CLI::App& notices_app = program.command(
      "notices",
      "Write what voters are to be told by another way: each ballot accepted, and ballots that count no more "
      "or "
      "again. The file names persons. Example: collector notices --since 4711 --out notices.tsv",
      [&] { return notices_command(options); });
  with_directory(notices_app);
  notices_app.add_option("--since", options.from, "entry of the log where the notices before ended")
      ->required();
  notices_app.add_flag("--json", options.json, "a JSON object a line");
  notices_app.add_option("--out", options.out, "file for the notices")->required();

  CLI::App& export_app =
      program.command("export", "Write the sealed log into a record: public and sworn tier",
                      [&] { return export_command(options); });
  with_directory(export_app);
  export_app.add_option("--out", options.out, "directory of the record, new or empty")->required();
  return program.run(argc, argv);
}

}  // namespace
}  // namespace psephos::collector

int main(int argc, char** argv) {
  return psephos::collector::run(argc, argv);
}
