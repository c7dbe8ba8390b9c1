#pragma once
#include <CLI/CLI.hpp>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/rejection.h"

namespace psephos {

/// What a user can do about a refusal, in one sentence; empty where the reason says it all.
std::string_view hint_of(Reason reason);

/// Prints "psephos NAME: REASON: sentence (object)" and a hint to standard error. @return the exit status: 2
/// for USAGE, else 1.
int report(std::string_view program, const Rejection& rejection);

/// How a program tells its users what went wrong, where that is not for experts.
struct Wording {
  std::function<std::string(const Rejection&)> refusal;
  /// Of words that are no command line of this program; `error` is what the parser found, in English.
  std::function<std::string(const std::string& error)> misread;
};

/// A command-line program: commands with options, each a function that succeeds or refuses by name. Usage
/// errors exit with 2 and name the option, refusals with 1, success with 0.
class Program {
 public:
  using Command = std::function<Result<void, Rejection>()>;
  Program(std::string name, const std::string& description);
  CLI::App& app() { return app_; }
  /// Instead of `report`'s text; exit statuses stay.
  void speak(Wording wording) { wording_ = std::move(wording); }
  /// The program without commands: this is what it does.
  void run_as(Command command);
  /// Adds a command; options bind to variables that live until `run` returns.
  CLI::App& command(const std::string& name, const std::string& description, Command run);
  CLI::App& command(CLI::App& parent, const std::string& name, const std::string& description, Command run);
  /// A command that has commands of its own.
  CLI::App& group(const std::string& name, const std::string& description);
  int run(int argc, const char* const* argv);

 private:
  int refuse(const Rejection& rejection) const;
  std::string name_;
  CLI::App app_;
  Command chosen_;
  std::optional<Wording> wording_;
};

}  // namespace psephos
