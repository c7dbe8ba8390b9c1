#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <iostream>

#include "protocol/checks/verification.h"
#include "protocol/eid/openssl_eid.h"
#include "protocol/files/files.h"
#include "protocol/files/program.h"
#include "protocol/files/record_directory.h"
#include "voter-client/ballot_text.h"
#include "voter-client/core/https_client.h"
#include "voter-client/core/session.h"
#include "voter-client/file_signer.h"
#include "voter-client/pin_source.h"
#include "voter-client/pkcs11_signer.h"
#include "voter-client/qr.h"
#include "voter-client/texts.h"

namespace {

using namespace psephos;  // NOLINT(google-build-using-namespace)
using fmt::literals::operator""_a;

struct Options {
  std::string server, fingerprint, language, state_directory;
  std::string module = "opensc-pkcs11.so", voter;
  std::optional<std::string> card_file, pin1_file, pin2_file;
  std::vector<std::string> choose;
  std::optional<std::string> receipt_out, qr_out, code_out;
  std::string code, receipt_in, manifest;
  bool yes = false;
  bool no_qr = false;
  std::optional<Language> spoken;  ///< once the election is known
};

std::string_view locale() {
  return message_locale([](const char* name) { return std::getenv(name); });
}

Language spoken(const Options& options) {
  return options.spoken ? *options.spoken : choose_language(options.language, locale(), {});
}

/// From now on the client speaks with regard to the election's languages. @return that of its names.
Result<Id, Rejection> settle_language(const Election& election, Options& options) {
  options.spoken = choose_language(options.language, locale(), election.definition().languages.front().text);
  return language_of(election, options.language, locale());
}

template <TextId kId, class... Values>
void print_line(const Options& options, const Values&... values) {
  fmt::print("{}\n", say<kId>(spoken(options), values...));
}

std::filesystem::path state_directory(const Options& options) {
  if (!options.state_directory.empty()) return options.state_directory;
  if (const char* state = std::getenv("XDG_STATE_HOME"); state != nullptr && *state == '/')
    return std::filesystem::path(state) / "psephos";
  const char* home = std::getenv("HOME");
  return std::filesystem::path(home != nullptr ? home : ".") / ".local" / "state" / "psephos";
}

Result<std::optional<Digest256>, Rejection> announced(const Options& options) {
  if (options.fingerprint.empty()) return std::optional<Digest256>();
  auto fingerprint = parse_fingerprint(options.fingerprint);
  if (!fingerprint) return reject(Reason::kUsage, say<TextId::kFingerprintForm>(spoken(options)));
  return std::optional(*fingerprint);
}

/// The election as the announced fingerprint fixes it, a pinned connection, and what this computer knows of
/// the log.
struct Connection {
  Election election;
  std::unique_ptr<EidVerifier> eid;
  HttpsClient transport;
  HeadMemory heads;

  static Result<Connection, Rejection> open(const Options& options) {
    const auto fingerprint = announced(options);
    if (!fingerprint) return std::unexpected(fingerprint.error());
    const auto server = ServerAddress::parse(options.server);
    if (!server)
      return reject(Reason::kUsage,
                    say<TextId::kServerAddress>(spoken(options), "address"_a = options.server));
    HttpsClient anybody = HttpsClient::unpinned(*server, {});
    auto election = fetch_election(anybody, *fingerprint);
    if (!election) return std::unexpected(election.error());
    auto eid = OpensslEidVerifier::create(election->definition().eid);
    if (!eid) return reject(eid.error(), "eID profile of the definition");
    auto heads = HeadMemory::in(state_directory(options), *election);
    if (!heads) return std::unexpected(heads.error());
    HttpsClient pinned(*server, election->definition().collector.tls_certificate_sha256, {});
    return Connection{std::move(*election), std::move(*eid), std::move(pinned), std::move(*heads)};
  }
};

Result<std::unique_ptr<Signer>, Rejection> open_signer(const Options& options, const Election& election,
                                                       PinSource& pins) {
  if (options.card_file) {
    if (options.voter.empty())
      return reject(Reason::kUsage, say<TextId::kNeedsVoter>(spoken(options), "option"_a = "--card-file"));
    auto file = CardFile::open(*options.card_file, election.definition().mode);
    if (!file) return reject(reason_of(file.error()), *options.card_file);
    auto card = (*file)->card(options.voter);
    if (!card) return reject(reason_of(card.error()), *options.card_file);
    return std::move(*card);
  }
  auto card = Pkcs11Signer::open(options.module, options.voter, pins);
  if (!card) return reject(reason_of(card.error()), options.module);
  return std::unique_ptr<Signer>(std::move(*card));
}

Result<void, Rejection> contests(Options& options) {
  auto connection = Connection::open(options);
  if (!connection) return std::unexpected(connection.error());
  const Election& election = connection->election;
  const auto language = settle_language(election, options);
  if (!language) return std::unexpected(language.error());
  TerminalPins pins(options.pin1_file, options.pin2_file, spoken(options));
  const auto signer = open_signer(options, election, pins);
  if (!signer) return std::unexpected(signer.error());
  SystemRng rng;
  Session session(election, *connection->eid, connection->transport, connection->heads, rng,
                  ClientClock::system());
  const auto authorisation = session.authenticate(**signer);
  if (!authorisation) return std::unexpected(authorisation.error());
  const std::size_t unit = *election.unit_index(authorisation->ticket.unit);
  fmt::print("{}\n", contests_text(election, unit, *language, spoken(options)));
  if (authorisation->ticket.counter > 1)
    print_line<TextId::kCastBefore>(options, "count"_a = authorisation->ticket.counter - 1);
  print_line<TextId::kHowToVote>(options, "command"_a = "vote cast --choose CONTEST=CHOICE-ID");
  return {};
}

/// The language's own word will do, and "yes" in all.
Result<void, Rejection> confirm(const Options& options) {
  if (options.yes) return {};
  const Language language = spoken(options);
  if (::isatty(STDIN_FILENO) == 0) return reject(Reason::kUsage, say<TextId::kNobodyToAsk>(language));
  const std::string_view word = text(TextId::kYes, language);
  fmt::print("{}", say<TextId::kConfirm>(language, "word"_a = word));
  std::fflush(stdout);
  std::string answer;
  std::getline(std::cin, answer);
  if (answer != word && answer != text(TextId::kYes, Language::kEnglish))
    return reject(Reason::kUsage, say<TextId::kNotConfirmed>(language));
  return {};
}

Result<void, Rejection> write_code(const Options& options, const VerificationCode& code) {
  const SecretBuffer text = write_verification_code(code);
  const auto qr = QrCode::of(text.expose());
  if (!qr) return std::unexpected(qr.error());
  if (options.qr_out) {
    const std::filesystem::path path(*options.qr_out);
    const std::string form = path.extension().string();
    const auto written = form == ".png"   ? write_secret_file(path, qr->png())
                         : form == ".svg" ? write_secret_file(path, bytes_of(qr->svg()))
                                          : write_secret_file(path, text.expose());
    if (!written) return written;
    print_line<TextId::kCodeImageSaved>(options, "file"_a = path.string());
  }
  if (options.code_out) {
    if (auto written = write_secret_file(*options.code_out, text.expose()); !written) return written;
    print_line<TextId::kCodeTextSaved>(options, "file"_a = *options.code_out);
  }
  const bool saved = options.qr_out || options.code_out;
  if (!options.no_qr && (!saved || ::isatty(STDOUT_FILENO) != 0)) {
    print_line<TextId::kCheckElsewhere>(options);
    fmt::print("{}", qr->terminal());
  }
  return {};
}

Result<void, Rejection> cast(Options& options) {
  if (options.qr_out) {
    const std::string form = std::filesystem::path(*options.qr_out).extension().string();
    if (form != ".png" && form != ".svg" && form != ".txt")
      return reject(Reason::kUsage, say<TextId::kQrFile>(spoken(options)));
  }
  std::vector<Choosing> chosen;
  for (const std::string& text : options.choose) {
    auto one = Choosing::parse(text, spoken(options));
    if (!one) return std::unexpected(one.error());
    chosen.push_back(std::move(*one));
  }
  auto connection = Connection::open(options);
  if (!connection) return std::unexpected(connection.error());
  const Election& election = connection->election;
  const auto language = settle_language(election, options);
  if (!language) return std::unexpected(language.error());
  TerminalPins pins(options.pin1_file, options.pin2_file, spoken(options));
  const auto signer = open_signer(options, election, pins);
  if (!signer) return std::unexpected(signer.error());
  SystemRng rng;
  Session session(election, *connection->eid, connection->transport, connection->heads, rng,
                  ClientClock::system());
  const auto authorisation = session.authenticate(**signer);
  if (!authorisation) return std::unexpected(authorisation.error());
  const CastTicket& ticket = authorisation->ticket;
  const std::size_t unit = *election.unit_index(ticket.unit);
  const auto choices = choices_for(election, unit, chosen, spoken(options));
  if (!choices) return std::unexpected(choices.error());

  print_line<TextId::kYourBallot>(options, "title"_a = text_in(election.definition().title, *language),
                                  "unit"_a = text_in(election.definition().units[unit].names, *language));
  fmt::print("{}", choices_text(election, unit, *choices, *language, spoken(options)));
  if (ticket.counter > 1) print_line<TextId::kReplaces>(options);
  if (auto agreed = confirm(options); !agreed) return agreed;
  const auto ballot = session.seal(*authorisation, *choices, **signer);
  if (!ballot) return std::unexpected(ballot.error());
  const auto outcome = session.submit(*ballot, [&](const Rejection& why) {
    fmt::print(stderr, "{} [{}: {}]\n", say<TextId::kWaiting>(spoken(options)), name_of(why.reason),
               why.object);
  });
  if (!outcome) return std::unexpected(outcome.error());

  if (options.receipt_out) {
    if (auto written = write_file(*options.receipt_out, encode(outcome->answer.receipt)); !written)
      return written;
  }
  print_line<TextId::kEntryOfLog>(options, "ballot"_a = to_hex(ballot->code.ballot_id),
                                  "index"_a = outcome->statement.index);
  if (outcome->recorded)
    print_line<TextId::kRecorded>(options, "size"_a = outcome->recorded->checkpoint.size);
  if (ticket.counter > 1) print_line<TextId::kReplaces>(options);
  if (options.receipt_out) print_line<TextId::kReceiptSaved>(options, "file"_a = *options.receipt_out);
  if (auto written = write_code(options, ballot->code); !written) return written;
  if (!outcome->recorded) return reject(Reason::kHeadUnwitnessed, "the receipt is still pending");
  return {};
}

Result<VerificationCode, Rejection> read_code(const std::string& argument) {
  if (argument.starts_with("PSEPHOS1:")) return read_verification_code(bytes_of(argument));
  auto text = read_file(argument, 4096);
  if (!text) return std::unexpected(text.error());
  while (!text->empty() && (text->back() == '\n' || text->back() == '\r')) text->pop_back();
  auto code = read_verification_code(*text);
  sodium_memzero(text->data(), text->size());
  return code;
}

TextId status_text(BallotStatus status) {
  switch (status) {
    case BallotStatus::kCurrent:
      return TextId::kStatusCurrent;
    case BallotStatus::kSuperseded:
      return TextId::kStatusSuperseded;
    case BallotStatus::kRevoked:
      return TextId::kStatusRevoked;
    case BallotStatus::kUndisclosed:
      return TextId::kStatusUndisclosed;
  }
  return TextId::kStatusUndisclosed;
}

Result<void, Rejection> check(Options& options) {
  auto code = read_code(options.code);
  if (!code) return std::unexpected(code.error());
  auto connection = Connection::open(options);
  if (!connection) return std::unexpected(connection.error());
  const Election& election = connection->election;
  const auto language = settle_language(election, options);
  if (!language) return std::unexpected(language.error());
  if (code->fingerprint != election.fingerprint()) return reject(Reason::kElectionFpMismatch, "code");
  SystemRng rng;
  Session session(election, *connection->eid, connection->transport, connection->heads, rng,
                  ClientClock::system());
  const auto answer = session.fetch_ballot(*code);
  if (!answer) return std::unexpected(answer.error());
  const auto voter = options.voter.empty() ? std::nullopt : std::optional<std::string_view>(options.voter);
  const auto verified = check_verification(election, *connection->eid, *code, *answer, voter);
  if (!verified) return std::unexpected(verified.error());
  if (auto seen = connection->heads.see(election, answer->receipt.checkpoint); !seen) return seen;
  print_line<TextId::kCheckedBallot>(options, "given_name"_a = verified->signer.given_name,
                                     "surname"_a = verified->signer.surname,
                                     "national_id"_a = verified->signer.national_id);
  fmt::print("{}", choices_text(election, *election.unit_index(verified->ballot.unit), verified->choices,
                                *language, spoken(options)));
  const auto received = fmt::gmtime(static_cast<std::time_t>(verified->received_ms / 1000));
  print_line<TextId::kCheckedTime>(options, "time"_a = fmt::format("{:%Y-%m-%d %H:%M:%S}", received),
                                   "index"_a = verified->recorded.statement.index,
                                   "size"_a = verified->recorded.checkpoint.size);
  print_line<TextId::kStatus>(options, "status"_a = text(status_text(verified->status), spoken(options)));
  return {};
}

Result<void, Rejection> receipt(Options& options) {
  const auto fingerprint = announced(options);
  if (!fingerprint) return std::unexpected(fingerprint.error());
  if (!*fingerprint) return reject(Reason::kManifestFpUnpinned, "manifest");
  const auto manifest = read_file(options.manifest, limits::kManifestBytes);
  if (!manifest) return std::unexpected(manifest.error());
  const auto election = Election::open(*manifest, *fingerprint);
  if (!election) return std::unexpected(election.error());
  if (auto language = settle_language(*election, options); !language)
    return std::unexpected(language.error());
  const auto bytes = read_file(options.receipt_in, 1U << 20U);
  if (!bytes) return std::unexpected(bytes.error());
  const auto saved = decode<Receipt>(*bytes);
  if (!saved) return std::unexpected(saved.error());
  const auto claimed = decode<ReceiptStatement>(saved->statement.body);
  if (!claimed) return std::unexpected(claimed.error());
  const auto recorded = check_receipt(*election, *saved, claimed->ballot_id);
  if (!recorded) return std::unexpected(recorded.error());
  print_line<TextId::kReceiptHolds>(options, "ballot"_a = to_hex(recorded->statement.ballot_id),
                                    "index"_a = recorded->statement.index,
                                    "size"_a = recorded->checkpoint.size);
  return {};
}

void add_language_option(CLI::App& command, Options& options) {
  command.add_option("--lang", options.language,
                     "language: en, et, ru, km or one of the election's (default: that of the environment)");
}

void add_connection_options(CLI::App& command, Options& options) {
  command.add_option("--server", options.server, "the collector, HOST:PORT")->required();
  command.add_option("--fingerprint", options.fingerprint, "the election's, as the commission announced it");
  add_language_option(command, options);
  command.add_option("--state", options.state_directory,
                     "where the last seen state of the log is kept (default: the user's state directory)");
}

void add_signer_options(CLI::App& command, Options& options) {
  command.add_option("--voter", options.voter, "personal identifier, e.g. PNOEE-38001085718");
  command.add_option("--module", options.module, "PKCS#11 module of the card")->capture_default_str();
  command.add_option("--pin1-file", options.pin1_file, "file with PIN1; else it is asked for");
  command.add_option("--pin2-file", options.pin2_file, "file with PIN2; else it is asked for");
  command.add_option("--card-file", options.card_file, "software cards, for test elections only");
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  Program program("vote", "Cast a ballot with an eID card, and check what was cast.");
  program.speak({.refusal = [&](const Rejection& why) { return refusal_text(why, spoken(options)); },
                 .misread =
                     [&](const std::string& error) {
                       return reason_text(Reason::kUsage, spoken(options)) + " [USAGE: " + error + "]";
                     }});
  CLI::App& contests_command = program.command("contests", "what there is to choose on your ballot",
                                               [&] { return contests(options); });
  add_connection_options(contests_command, options);
  add_signer_options(contests_command, options);

  CLI::App& cast_command =
      program.command("cast", "encrypt, sign and cast a ballot; a later one replaces an earlier one",
                      [&] { return cast(options); });
  add_connection_options(cast_command, options);
  add_signer_options(cast_command, options);
  cast_command
      .add_option("--choose", options.choose,
                  "CONTEST=CHOICE-ID, once for each choice, also for several of one contest")
      ->allow_extra_args(false);
  cast_command.add_flag("--yes", options.yes, "do not ask before signing");
  cast_command.add_option("--receipt", options.receipt_out, "save the receipt in this file");
  cast_command.add_option("--qr", options.qr_out, "save the verification code: .png, .svg or .txt");
  cast_command.add_option("--code", options.code_out, "save the verification code as text");
  cast_command.add_flag("--no-terminal-qr", options.no_qr,
                        "do not show the verification code on the terminal");

  CLI::App& check_command =
      program.command("check", "show what a verification code's ballot holds, as the phone does",
                      [&] { return check(options); });
  add_connection_options(check_command, options);
  check_command.add_option("--code", options.code, "the code's text, or a file with it")->required();
  check_command.add_option("--voter", options.voter, "personal identifier of the person who voted");

  CLI::App& receipt_command = program.command("receipt", "verify a saved receipt, without a network",
                                              [&] { return receipt(options); });
  receipt_command.add_option("--in", options.receipt_in, "the receipt")->required();
  receipt_command.add_option("--manifest", options.manifest, "the election's manifest")->required();
  receipt_command.add_option("--fingerprint", options.fingerprint, "the election's, as announced");
  add_language_option(receipt_command, options);
  return program.run(argc, argv);
}
