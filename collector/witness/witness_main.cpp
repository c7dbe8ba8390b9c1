#include <fmt/core.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <chrono>
#include <cstdio>
#include <optional>

#include "collector/witness/server.h"
#include "collector/witness/witness.h"
#include "protocol/files/keys.h"
#include "protocol/files/passphrase.h"
#include "protocol/files/program.h"

namespace psephos {
namespace {

struct Options {
  std::string name;
  std::string key_file;
  std::string state_file;
  std::string listen;
  std::vector<std::string> log_keys;
  std::string cost = "moderate";
  std::optional<std::string> passphrase_file;

  std::string state() const { return state_file.empty() ? key_file + ".state" : state_file; }
};

std::uint64_t posix_seconds() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(
      std::max<std::int64_t>(0, std::chrono::duration_cast<std::chrono::seconds>(now).count()));
}

Result<void, Rejection> init(const Options& options) {
  if (!is_key_name(options.name))
    return reject(Reason::kUsage, "--name: a host name or URL without scheme, no spaces, no '+'");
  const auto cost = seal_cost(options.cost);
  if (!cost) return std::unexpected(cost.error());
  const auto passphrase =
      read_passphrase(options.passphrase_file, "the witness key " + options.name, PassphraseUse::kCreate);
  if (!passphrase) return std::unexpected(passphrase.error());
  SystemRng rng;
  const SigningKey key = SigningKey::generate(rng);
  const NoteKey public_key = note_key(options.name, NoteKeyType::kCosigner, key);
  const auto written = write_new_signing_key(options.key_file, key_kinds::kWitness, options.name, key,
                                             *passphrase, *cost, rng);
  if (!written) return written;
  if (const auto state = SqliteHeadStore::create(options.state(), public_key); !state) {
    std::remove(options.key_file.c_str());  // a key that was never used or shown
    return std::unexpected(state.error());
  }
  fmt::print("{}\n", public_key.encode());
  fmt::print(stderr,
             "Above: the witness's public key, for the election's definition; in hexadecimal {}.\n"
             "{} holds the sealed key, {} what it has cosigned. Keep both: a witness that has\n"
             "forgotten what it cosigned could cosign a fork, so it does not start without.\n"
             "Next: witness serve --key {} --listen ADDRESS:PORT --log-key VKEY\n",
             to_hex(public_key.key.encode()), options.key_file, options.state(), options.key_file);
  return {};
}

Result<void, Rejection> serve(const Options& options) {
  std::vector<NoteKey> logs;
  for (const std::string& text : options.log_keys) {
    const auto log = NoteKey::decode(text);
    if (!log || log->type != NoteKeyType::kLog)
      return reject(Reason::kUsage, "--log-key: not a log's verifier key: " + text);
    logs.push_back(*log);
  }
  auto state = SqliteHeadStore::open(options.state());
  if (!state) return std::unexpected(state.error());
  const std::string name = state->witness().name;
  const auto passphrase =
      read_passphrase(options.passphrase_file, "the witness key " + name, PassphraseUse::kOpen);
  if (!passphrase) return std::unexpected(passphrase.error());
  auto opened = read_signing_key(options.key_file, key_kinds::kWitness, *passphrase);
  if (!opened) return std::unexpected(opened.error());
  if (note_key(opened->name, NoteKeyType::kCosigner, opened->key) != state->witness())
    return reject(Reason::kStoreInconsistent, options.state() + ": the state of another key");

  Witness witness(name, std::move(opened->key), std::move(logs), *state, posix_seconds);
  const auto server = WitnessServer::listen(witness, options.listen);
  if (!server) return std::unexpected(server.error());
  fmt::print("witness {} listening on {}\n", name, (*server)->endpoint());
  std::fflush(stdout);
  (*server)->run();
  return {};
}

Result<void, Rejection> status(const Options& options) {
  auto state = SqliteHeadStore::open(options.state());
  if (!state) return std::unexpected(state.error());
  fmt::print("witness {}\n", state->witness().encode());
  const auto origins = state->origins();
  if (!origins) return std::unexpected(origins.error());
  for (const std::string& origin : *origins) {
    const auto head = state->last(origin);
    if (!head) return std::unexpected(head.error());
    if (*head) fmt::print("\n{}", (*head)->note);
  }
  const auto proofs = state->equivocations();
  if (!proofs) return std::unexpected(proofs.error());
  for (const Equivocation& proof : *proofs)
    fmt::print("\nLOG_EQUIVOCATION: {} signed two heads of one size:\n{}\n{}", proof.origin, proof.held,
               proof.offered);
  if (!proofs->empty()) return reject(Reason::kLogEquivocation, proofs->front().origin);
  return {};
}

}  // namespace
}  // namespace psephos

int main(int argc, char** argv) {
  using namespace psephos;
  ::umask(077);
  // Lines of JSON on standard error; messages are JSON objects already.
  spdlog::set_default_logger(spdlog::stderr_logger_mt("witness"));
  spdlog::set_pattern(R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l","message":%v})",
                      spdlog::pattern_time_type::utc);
  Options options;
  Program program("witness", "Cosigns the checkpoints of a log, so that everybody is shown the same one");
  CLI::App& init_command =
      program.command("init", "Creates a witness's key and its empty state; prints its public key",
                      [&options] { return init(options); });
  init_command.add_option("--name", options.name, "The witness's name, such as witness.example.org/1")
      ->required();
  init_command.add_option("--cost", options.cost, "Of a guess at the passphrase: moderate or interactive");
  CLI::App& serve_command = program.command("serve", "Answers add-checkpoint over HTTP until SIGTERM",
                                            [&options] { return serve(options); });
  serve_command.add_option("--listen", options.listen, "ADDRESS:PORT; put TLS in front of it in production")
      ->required();
  serve_command.add_option("--log-key", options.log_keys, "Verifier keys of the logs to witness")->required();
  for (CLI::App* command : {&init_command, &serve_command}) {
    command->add_option("--key", options.key_file, "The sealed key")->required();
    command->add_option("--state", options.state_file, "What it has cosigned (SQLite); default KEY.state");
    command->add_option("--passphrase-file", options.passphrase_file,
                        "First line is the passphrase; else PSEPHOS_PASSPHRASE, else asked for");
  }
  CLI::App& status_command =
      program.command("status", "Prints the last heads cosigned, and every proof of two logs in one",
                      [&options] { return status(options); });
  status_command.add_option("--state", options.state_file, "The state of a witness")->required();
  return program.run(argc, argv);
}
