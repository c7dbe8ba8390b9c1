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
    case Reason::kTlsPinMismatch:
      return "somebody else may be answering under this address; nothing was sent to it";
    case Reason::kServiceUnavailable:
      return "check the address and your connection; then try again";
    case Reason::kAckUnverifiable:
    case Reason::kReceiptMismatch:
    case Reason::kNotRecorded:
      return "do not take this ballot for cast: try again, vote on paper if it goes on, and tell the "
             "commission";
    case Reason::kHeadUnwitnessed:
      return "too few witnesses vouch for the log: keep the receipt, check again later, and tell the "
             "commission";
    case Reason::kLogHeadRegression:
    case Reason::kLogEquivocation:
      return "the log contradicts what this computer has seen of it before; tell the commission and an "
             "auditor";
    case Reason::kRMismatch:
    case Reason::kVoterMismatch:
      return "what was cast is not what you chose: cast again on another computer, and tell the commission";
    case Reason::kVerifyUnknown:
      return "the code is wrong, was used too often, or its time is over";
    case Reason::kPinWrong:
      return "try again; after three wrong entries the card locks the PIN";
    case Reason::kModuleMissing:
      return "install OpenSC and give --module, e.g. opensc-pkcs11.so";
    case Reason::kTokenNotPresent:
      return "put the card into the reader";
    case Reason::kCardAmbiguous:
      return "give --voter with the personal identifier, e.g. PNOEE-38001085718";
    case Reason::kRngHealth:
      return "nothing was signed or sent; restart the computer, or use another one";
    case Reason::kRollFormat:
      return "nothing was taken over; have the list made anew by whoever signed it";
    case Reason::kRollForeign:
      return "compare the file with --election-id";
    case Reason::kRollChainGap:
      return "every document of the roll before is needed, in order, and the list whose number follows";
    case Reason::kTestModeForbidden:
      return "use an eID card; software cards serve test elections only";
    default:
      return "";
  }
}

namespace {

int print(std::string_view program, std::string_view text, Reason reason) {
  std::fputs(("psephos " + std::string(program) + ": " + std::string(text) + "\n").c_str(), stderr);
  return reason == Reason::kUsage ? 2 : 1;
}

}  // namespace

int report(std::string_view program, const Rejection& rejection) {
  const std::string_view hint = hint_of(rejection.reason);
  std::string text = to_string(rejection);
  if (!hint.empty()) text += "\n  hint: " + std::string(hint);
  return print(program, text, rejection.reason);
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

int Program::refuse(const Rejection& rejection) const {
  if (!wording_) return report(name_, rejection);
  return print(name_, wording_->refusal(rejection), rejection.reason);
}

int Program::run(int argc, const char* const* argv) {
  try {
    app_.parse(argc, argv);
    if (!chosen_) throw CLI::RequiredError("no command; see --help", CLI::ExitCodes::RequiredError);
    const auto outcome = chosen_();
    if (!outcome) return refuse(outcome.error());
    if (std::fflush(stdout) != 0)
      return refuse({Reason::kFileUnreadable, "standard output cannot be written"});
    return 0;
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app_.exit(error);  // --help
    if (wording_) return print(name_, wording_->misread(error.what()), Reason::kUsage);
    return report(name_, {Reason::kUsage, error.what()});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "psephos %s: internal error: %s\n", name_.c_str(), error.what());
    return 1;
  }
}

}  // namespace psephos
