#include <fmt/format.h>

#include <chrono>
#include <exception>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "crypto/random.h"
#include "protocol/files/program.h"
#include "protocol/files/progress.h"
#include "protocol/national_id.h"
#include "tests/trust-services/test_ca/ca.h"
#include "tests/trust-services/test_ca/cards.h"
#include "tests/trust-services/test_ca/token.h"

namespace {

using namespace psephos;         // NOLINT(google-build-using-namespace)
using namespace psephos::trust;  // NOLINT(google-build-using-namespace)

struct Options {
  std::string directory, roll, out, national_id, given_name, surname, module, pin1, pin2;
  std::uint64_t first = 0, count = 0;
  std::vector<std::string> units;
  std::string curve = "p384";
};

/// An hour ago, so that a card can be used at once whatever the other clocks say.
std::int64_t valid_from_unix_s() {
  constexpr std::int64_t kHour = 3600;
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
             .count() -
         kHour;
}

std::unexpected<Rejection> cannot(std::string what) {
  return reject(Reason::kFileUnreadable, std::move(what));
}

Result<void, Rejection> init(const Options& options) {
  const EcCurve curve = options.curve == "p256" ? EcCurve::kP256 : EcCurve::kP384;
  SystemRng rng;
  for (const CaPurpose purpose : {CaPurpose::kCards, CaPurpose::kTimeStamps}) {
    const auto ca = TestCa::create(rng, valid_from_unix_s(), curve, purpose);
    if (const auto saved = ca.save(options.directory); !saved) return cannot(saved.error());
  }
  fmt::print(
      "Test CA made. Trust anchors of the election: {0}/issuing.der, {0}/root.der\n"
      "Time-stamp anchors: {0}/tsa-issuing.der, {0}/tsa-root.der\n",
      options.directory);
  return {};
}

Result<void, Rejection> roll(const Options& options) {
  const std::string text = write_roll(artificial_voters(options.first, options.count, options.units));
  std::ofstream out(options.out, std::ios::binary);
  out << text;
  if (!out.flush()) return cannot(options.out);
  fmt::print("Roll of {} artificial voters: {}\n", options.count, options.out);
  return {};
}

Result<void, Rejection> issue(const Options& options) {
  const auto ca = TestCa::load(options.directory);
  if (!ca) return cannot(ca.error());
  const auto voters = read_roll(options.roll);
  if (!voters) return cannot(voters.error());
  SystemRng rng;
  const auto begin = std::chrono::steady_clock::now();
  {
    Progress progress("cards", voters->size(), "cards");
    const auto written = write_cards(*ca, *voters, options.out, valid_from_unix_s(), rng,
                                     [&](std::uint64_t n) { progress.advance(n); });
    if (!written) return cannot(written.error());
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  fmt::print("{} software cards issued in {:.1f} s: {}\n", voters->size(), seconds.count(), options.out);
  return {};
}

Result<void, Rejection> issue_to_token(const Options& options) {
  if (!is_national_id(options.national_id)) return reject(Reason::kVoterIdFormat, options.national_id);
  const auto ca = TestCa::load(options.directory);
  if (!ca) return cannot(ca.error());
  if (const auto ready = prepare_softhsm(); !ready) return cannot(ready.error());
  const auto module = pkcs11::Module::load(options.module);
  if (!module) return reject(reason_of(module.error()), options.module);
  SystemRng rng;
  const Person person{options.national_id, options.given_name, options.surname};
  if (const auto issued =
          issue_token(*module, *ca, person, {options.pin1, options.pin2}, valid_from_unix_s(), rng);
      !issued)
    return reject(Reason::kServiceUnavailable, issued.error());
  fmt::print("Card of {} {} ({}) issued into two tokens\n", person.given_name, person.surname,
             person.national_id);
  return {};
}

int run(int argc, char** argv) {
  Options options;
  Program program("test-ca", "A certificate authority for test elections, modelled on the Estonian eID.");
  const auto add = [&](const char* name, const char* help, Result<void, Rejection> (*run)(const Options&)) {
    return &program.command(name, help, [&options, run] { return run(options); });
  };
  CLI::App* sub = add("init", "make a root and an issuing authority, and two more for time-stamps", init);
  sub->add_option("--dir", options.directory, "directory of the test CA")->required();

  sub->add_option(
         "--curve", options.curve,
         "of its own keys and of the cards it issues: p384 as on Estonian cards, or p256, which is ten "
         "times faster")
      ->check(CLI::IsMember({"p384", "p256"}))
      ->capture_default_str();

  sub = add("roll", "write a roll of artificial voters", roll);
  sub->add_option("--count", options.count, "how many")->required();
  sub->add_option("--first", options.first, "number of the first one");
  sub->add_option("--units", options.units, "tally units, dealt in turn")->required()->delimiter(',');
  sub->add_option("--out", options.out, "file to write (tab-separated)")->required();

  sub = add("issue", "issue a software card to every voter of a roll", issue);
  sub->add_option("--dir", options.directory, "directory of the test CA")->required();
  sub->add_option("--roll", options.roll, "roll (tab-separated: national_id, unit, given_name, surname)")
      ->required();
  sub->add_option("--out", options.out, "card file to write")->required();

  sub = add("issue-token", "issue a card into two SoftHSM2 tokens (SOFTHSM2_CONF names their configuration)",
            issue_to_token);
  options.module = "/usr/lib/softhsm/libsofthsm2.so";
  sub->add_option("--dir", options.directory, "directory of the test CA")->required();
  sub->add_option("--national-id", options.national_id, "PNOEE-…")->required();
  sub->add_option("--given", options.given_name, "given name")->required();
  sub->add_option("--surname", options.surname, "surname")->required();
  sub->add_option("--module", options.module, "PKCS#11 module")->capture_default_str();
  sub->add_option("--pin1", options.pin1, "PIN1, authentication")->required();
  sub->add_option("--pin2", options.pin2, "PIN2, signature")->required();

  return program.run(argc, argv);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& e) {
    return report("test-ca", Rejection{Reason::kFileUnreadable, e.what()});
  }
}
