#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "crypto/group/kernels.h"
#include "crypto/group/ristretto.h"
#include "crypto/parallel.h"
#include "protocol/files/files.h"
#include "protocol/files/program.h"
#include "protocol/files/progress.h"
#include "tests/bench/report.h"
#include "tests/bench/workloads.h"

/// One mix of one list on all cores, then its verification: ./psephos bench mix.
namespace psephos::bench {
namespace {

constexpr std::size_t kMost = 1'000'000;
using List = MixedList<Ristretto>;

struct Options {
  std::size_t ballots = 10'000;
  std::string json;
  bool portable = false;
};

void print(const std::string& text) {
  std::fputs(text.c_str(), stdout);
  std::fflush(stdout);
}

/// Shows how far a computation is that says nothing of itself: processor time spent, of the processor time
/// that a shorter list led to expect.
class ExpectedProgress {
 public:
  ExpectedProgress(const std::string& label, double expected_us)
      : bar_(label, static_cast<std::uint64_t>(1e-3 * expected_us), "ms of processor time"),
        ticker_([this](const std::stop_token& stop) { tick(stop); }) {}

 private:
  void tick(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (!stopped_.wait_for(lock, stop, std::chrono::milliseconds(200), [] { return false; }) &&
           !stop.stop_requested())
      bar_.at(spent_ms());
    bar_.at(spent_ms());
  }
  std::uint64_t spent_ms() const { return static_cast<std::uint64_t>(1e-3 * (processor_us() - begun_us_)); }

  const double begun_us_ = processor_us();
  Progress bar_;
  std::mutex mutex_;
  std::condition_variable_any stopped_;
  std::jthread ticker_;  // last: it uses all of the above
};

/// What a phase cost: the whole list, all cores.
struct Phase {
  double wall_us = 0, processor_us = 0, scalarmult_us = 0;
  std::uint64_t peak_bytes = 0;
};

Phase timed(const std::string& label, double expected_us, const std::function<void()>& work) {
  reset_peak_memory();
  const unsigned threads = parallelism();
  Phase phase{.scalarmult_us = scalarmult_us(threads) / 2};
  {
    std::optional<ExpectedProgress> progress;
    if (expected_us > 0) progress.emplace(label, expected_us);
    const double wall_before = wall_us(), processor_before = processor_us();
    work();
    phase.wall_us = wall_us() - wall_before;
    phase.processor_us = processor_us() - processor_before;
  }
  phase.peak_bytes = peak_memory_bytes();
  phase.scalarmult_us += scalarmult_us(threads) / 2;
  return phase;
}

Row row_of(const std::string& id, const std::string& name, const Phase& phase, std::size_t n,
           const Goal& goal) {
  const auto items = static_cast<double>(n);
  return {.id = id,
          .name = name,
          .unit = "us/ciphertext",
          .value = phase.processor_us / items,
          .spread = std::nullopt,
          .ratio = phase.processor_us / items / phase.scalarmult_us,
          .goal = goal.scalarmults,
          .goal_value = goal.us,
          .n = n,
          .runs = 1,
          .threads = parallelism(),
          .scalarmult_us = phase.scalarmult_us,
          .processor_us = phase.processor_us / items,
          .wall_us = phase.wall_us / items,
          .memory_bytes = phase.peak_bytes,
          .operations = {}};
}

Result<void, Rejection> run(const Options& options) {
  if (options.portable) use_portable_kernels();
  const std::size_t n = options.ballots;
  print(fmt::format("Mixing a list of {} on {} cores. Kernels: {} ({} path).\n\n", thousands(n),
                    parallelism(), kernel_name(),
                    kernel_path() == KernelPath::kVector ? "vector" : "portable"));

  // A list of a twentieth says how long the phases will take.
  constexpr std::size_t kWorthExpecting = 2000;
  double expected_prove = 0, expected_verify = 0;
  if (n >= kWorthExpecting) {
    const std::size_t sample = std::clamp<std::size_t>(n / 20, 100, 10'000);
    List list(sample);
    const double scale = static_cast<double>(n) / static_cast<double>(sample);
    expected_prove = scale * timed({}, 0, [&] { list.prove(); }).processor_us;
    expected_verify = scale * timed({}, 0, [&] { list.verify(); }).processor_us;
  }

  std::optional<List> list;
  {
    Progress progress("encrypt the ballots", n, "ballots");
    list.emplace(n, [&](std::size_t more) { progress.advance(more); });
  }
  const Phase proving = timed("shuffle and prove", expected_prove, [&] { list->prove(); });
  list->forget_input();
  const Phase verifying = timed("verify", expected_verify, [&] { list->verify(); });

  const std::vector<Row> rows = {
      row_of("mix-prove", "shuffle and prove", proving, n, kProveShuffle.of(kernel_path())),
      row_of("mix-verify", "verify", verifying, n, kVerifyShuffle.of(kernel_path()))};
  print(fmt::format("{:<18} {:>9} {:>14} {:>19} {:>8} {:>8}  {:<8} {:>12}\n", "", "time", "a ciphertext",
                    "of processor time", "ratio", "goal", "verdict", "peak memory"));
  for (const Row& row : rows)
    print(fmt::format("{:<18} {:>9} {:>14} {:>19} {:>8} {:>8}  {:<8} {:>12}\n", row.name,
                      duration(*row.wall_us * static_cast<double>(n)), duration(*row.wall_us),
                      duration(*row.processor_us), in_scalarmults(*row.ratio), in_scalarmults(*row.goal),
                      *row.met() ? "met" : "not met", megabytes(*row.memory_bytes)));
  print(
      fmt::format("\nRatio: processor time a ciphertext to one crypto_scalarmult_ristretto255 on as many "
                  "threads, {} here.\n"
                  "Peak memory is that of the whole process during the phase, lists and proof included.\n",
                  duration(verifying.scalarmult_us)));
  if (options.json.empty()) return {};
  if (auto ok = write_file(options.json, bytes_of(json_of(rows))); !ok) return ok;
  print(fmt::format("Written: {}\n", options.json));
  return {};
}

}  // namespace
}  // namespace psephos::bench

int main(int argc, char** argv) {
  using namespace psephos;
  bench::Options options;
  Program program("bench mix", "Shuffles and proves, then verifies, one list of ballots on all cores.");
  CLI::App& app = program.app();
  app.add_option("--ballots", options.ballots, "length of the list, up to 1000000 (default 10000)")
      ->check(CLI::Range(std::size_t{1}, bench::kMost));
  app.add_option("--json", options.json, "write every figure to this file, one object a row");
  app.add_flag("--portable", options.portable, "the code for any machine, whatever this one can do");
  program.run_as([&] { return bench::run(options); });
  return program.run(argc, argv);
}
