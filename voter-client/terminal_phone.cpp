#include "voter-client/terminal_phone.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <utility>

#include "crypto/invariant.h"

namespace psephos {

using fmt::literals::operator""_a;

namespace {

std::atomic<bool> interrupted = false;
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler sets it");

/// While it lives, the first SIGINT sets `interrupted` and nothing else.
class Interruptible {
 public:
  Interruptible() {
    struct sigaction action{};
    action.sa_handler = [](int) { interrupted = true; };
    action.sa_flags = SA_RESTART | static_cast<int>(SA_RESETHAND);
    sigemptyset(&action.sa_mask);
    invariant(::sigaction(SIGINT, &action, &before_) == 0, "SIGINT can be handled");
  }
  ~Interruptible() { ::sigaction(SIGINT, &before_, nullptr); }
  Interruptible(const Interruptible&) = delete;
  Interruptible& operator=(const Interruptible&) = delete;

 private:
  struct sigaction before_{};
};

/// Five rows of three columns each, row by row, # for a block.
constexpr std::array<std::string_view, 10> kDigits = {
    "#### ## ## ####", " # ##  #  # ###", "###  #####  ###", "###  ####  ####", "# ## ####  #  #",
    "####  ###  ####", "####  #### ####", "###  #  #  #  #", "#### ##### ####", "#### ####  ####"};

}  // namespace

std::string big_digits(std::string_view digits) {
  std::string out;
  for (std::size_t row = 0; row < 5; ++row) {
    for (const char digit : digits) {
      invariant(digit >= '0' && digit <= '9', "codes are made of digits");
      out += "  ";
      for (const char cell : kDigits[static_cast<std::size_t>(digit - '0')].substr(3 * row, 3))
        out += cell == '#' ? "██" : "  ";
    }
    out += "\n";
  }
  return out;
}

struct TerminalPhone::Screen final : PhoneObserver {
  Screen(Language language, std::FILE* where)
      : spoken(language), out(where), terminal(::isatty(::fileno(where)) != 0) {}
  void code(std::string_view four_digits, KeyUse use) override {
    fmt::print(out, "{}\n{}\n",
               use == KeyUse::kAuthentication ? say<TextId::kPhoneIdentify>(spoken)
                                              : say<TextId::kPhoneSign>(spoken),
               say<TextId::kPhoneCode>(spoken, "code"_a = four_digits));
    if (terminal) fmt::print(out, "\n{}\n", big_digits(four_digits));
    std::fflush(out);
  }
  void waiting(std::uint64_t seconds_left) override {
    if (!terminal) return;
    fmt::print(out, "\r{}\x1b[K", say<TextId::kPhoneWaiting>(spoken, "seconds"_a = seconds_left));
    std::fflush(out);
    line = true;
  }
  void end() {
    if (!std::exchange(line, false)) return;
    fmt::print(out, "\r\x1b[K");
    std::fflush(out);
  }
  const Language spoken;
  std::FILE* const out;
  const bool terminal;
  bool line = false;  ///< the cursor is behind the seconds
};

TerminalPhone::TerminalPhone(const Election& election, const EidVerifier& eid, Transport& transport,
                             ClientClock clock, PhoneAccount account, Language spoken, std::FILE* out)
    : screen_(std::make_unique<Screen>(spoken, out)),
      phone_(election, eid, transport, std::move(clock), std::move(account), *screen_, interrupted) {
  interrupted = false;
}
TerminalPhone::~TerminalPhone() = default;

Result<Bytes, Rejection> TerminalPhone::signing_certificate() {
  const Interruptible while_waiting;
  auto outcome = phone_.signing_certificate();
  screen_->end();
  return outcome;
}

Result<Signed, Rejection> TerminalPhone::sign(KeyUse use, ByteView message) {
  const Interruptible while_waiting;
  auto outcome = phone_.sign(use, message);
  screen_->end();
  return outcome;
}

void TerminalPhone::authorised(const ServiceSigned& ticket) {
  phone_.authorised(ticket);
}

}  // namespace psephos
