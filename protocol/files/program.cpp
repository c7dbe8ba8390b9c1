#include "protocol/files/program.h"

#include <cstdio>
#include <exception>

namespace psephos {

std::string_view hint_of(Reason reason) {
  switch (reason) {
    case Reason::kFileUnreadable:
      return "check the path, its permissions and the space on the disk";
    case Reason::kSecretUnreadable:
      return "check the passphrase, and that this is the file it was chosen for";
    case Reason::kStoreKeyExists:
      return "keys are never overwritten; choose another file name";
    case Reason::kManifestFpUnpinned:
      return "give --fingerprint as the commission announced it";
    case Reason::kManifestFpMismatch:
      return "compare the fingerprint with the one the commission announced; do not go on with this manifest";
    case Reason::kSignatureQuorum:
    case Reason::kManifestSignature:
      return "more commission members have to run 'tally sign' on the document";
    case Reason::kUpstreamUnverified:
      return "run 'audit verify' on the record and settle what it names; the secret was not touched";
    case Reason::kDecryptionTwice:
      return "a trustee decrypts one set of lists only; nothing has left this machine";
    case Reason::kTallyInsufficientShares:
      return "more trustees have to run 'tally decrypt'";
    case Reason::kInvalidPlaintext:
      return "this is no invalid vote but proof that something upstream is unsound: do not publish, keep the "
             "record";
    case Reason::kPhaseNotClosed:
      return "seal the log first";
    default:
      return "";
  }
}

int report(std::string_view program, const Rejection& rejection) {
  const std::string_view hint = hint_of(rejection.reason);
  std::string text = "psephos " + std::string(program) + ": " + to_string(rejection) + "\n";
  if (!hint.empty()) text += "  hint: " + std::string(hint) + "\n";
  std::fputs(text.c_str(), stderr);
  return rejection.reason == Reason::kUsage ? 2 : 1;
}

Program::Program(std::string name, const std::string& description)
    : name_(std::move(name)), app_(description, name_) {
  app_.get_formatter()->column_width(36);
}

void Program::run_as(Command command) {
  app_.callback([this, run = std::move(command)] { chosen_ = run; });
}

CLI::App& Program::command(const std::string& name, const std::string& description, Command run) {
  return command(app_, name, description, std::move(run));
}

CLI::App& Program::command(CLI::App& parent, const std::string& name, const std::string& description,
                           Command run) {
  parent.require_subcommand(1);
  CLI::App* sub = parent.add_subcommand(name, description);
  sub->callback([this, chosen = std::move(run)] { chosen_ = chosen; });
  return *sub;
}

CLI::App& Program::group(const std::string& name, const std::string& description) {
  app_.require_subcommand(1);
  return *app_.add_subcommand(name, description);
}

int Program::run(int argc, const char* const* argv) {
  try {
    app_.parse(argc, argv);
    if (!chosen_) return report(name_, {Reason::kUsage, "no command; see --help"});
    const auto outcome = chosen_();
    if (!outcome) return report(name_, outcome.error());
    if (std::fflush(stdout) != 0)
      return report(name_, {Reason::kFileUnreadable, "standard output cannot be written"});
    return 0;
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app_.exit(error);  // --help
    return report(name_, {Reason::kUsage, error.what()});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "psephos %s: internal error: %s\n", name_.c_str(), error.what());
    return 1;
  }
}

}  // namespace psephos
