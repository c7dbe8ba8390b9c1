#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <optional>
#include <utility>
#include <vector>

#include "crypto/group/kernels.h"
#include "protocol/files/files.h"
#include "protocol/files/program.h"
#include "tests/bench/core_rows.h"
#include "tests/bench/cost_curves.h"
#include "tests/bench/report.h"

/// The cryptographic core against its goals: ./psephos bench crypto. docs/benchmarks.md says how to read it.
namespace psephos::bench {
namespace {

constexpr std::size_t kMost = 1'000'000;
/// Goals are stated for lists of this length; the curves show that longer ones cost no more an item.
constexpr std::size_t kMostInRows = 100'000;

struct Options {
  std::string json, svg;
  bool portable = false, quick = false;
  std::optional<std::size_t> max_items;
  std::optional<double> seconds;
};

void print(const std::string& text) {
  std::fputs(text.c_str(), stdout);
  std::fflush(stdout);
}

Result<void, Rejection> run(const Options& options) {
  if (options.portable) use_portable_kernels();
  const KernelPath path = kernel_path();
  const std::size_t max_items = options.max_items.value_or(options.quick ? 3000 : 100'000);
  const double seconds = options.seconds.value_or(options.quick ? 0.5 : 15);

  print(fmt::format(
      "Kernels: {} ({} path). One crypto_scalarmult_ristretto255 takes {} here, {} where the goals were "
      "set.\n"
      "Ratios are to it: ÷ 95 is 95 times as fast, × 2 twice as slow. They decide; times are processor time\n"
      "of one thread, but for the audit, whose time is that on the wall with two threads.\n\n",
      kernel_name(), path == KernelPath::kVector ? "vector" : "portable", duration(scalarmult_us(1)),
      duration(kReferenceUs)));

  std::vector<Row> rows;
  print(table_head());
  for (const CoreRow& core : core_rows()) {
    const Measurement m =
        measure_growing(core.prepare, std::min(max_items, kMostInRows), core.clock, core.threads, seconds);
    Row row = row_of(core.id, core.name, core.per, m, core.threads,
                     core.goals != nullptr ? &core.goals->of(path) : nullptr);
    if (core.operations) row.operations = core.operations();
    print(table_line(row));
    rows.push_back(std::move(row));
  }

  print("\nGroup operations an item, exact (what a list needs once is left out):\n");
  for (const Row& row : rows)
    if (!row.operations.empty()) print(fmt::format("    {:<40} {}\n", row.name, operations_text(row)));
  for (const Row& row : rows)
    if (row.id == "audit")
      print(
          fmt::format("\nThe audit took {} of processor time a ballot, of {} threads, and {} of memory "
                      "besides the record.\n",
                      duration(*row.processor_us), row.threads, megabytes(*row.memory_bytes)));
  const auto met = std::ranges::count_if(rows, [](const Row& row) { return row.met() == true; });
  const auto judged = std::ranges::count_if(rows, [](const Row& row) { return row.met().has_value(); });

  print("\nCost curves, one thread:\n\n");
  const std::vector<CostCurve> curves = measure_cost_curves(max_items, seconds / 5);
  const std::vector<Row> curve_rows = rows_of(curves);
  rows.insert(rows.end(), curve_rows.begin(), curve_rows.end());
  print(table_of(curves) + "\nFrom 10,000 ciphertexts on, within 20 %:\n" + linearity_text(curve_rows) +
        "\n");
  print(fmt::format("{} of {} goals are met.\n", met, judged));

  for (const auto& [file, text] : {std::pair{options.json, json_of(rows)}, {options.svg, svg_of(curves)}}) {
    if (file.empty()) continue;
    if (auto ok = write_file(file, bytes_of(text)); !ok) return ok;
    print(fmt::format("Written: {}\n", file));
  }
  return {};
}

}  // namespace
}  // namespace psephos::bench

int main(int argc, char** argv) {
  using namespace psephos;
  bench::Options options;
  Program program("bench crypto", "Measures the cryptographic core and compares it with its goals.");
  CLI::App& app = program.app();
  app.add_option("--json", options.json, "write every figure to this file, one object a row");
  app.add_option("--svg", options.svg, "draw the cost curves into this file");
  app.add_option("--max", options.max_items, "longest list, up to 1000000 (default 100000)")
      ->check(CLI::Range(std::size_t{1}, bench::kMost));
  app.add_option("--seconds", options.seconds, "time for the runs of one row (default 15)")
      ->check(CLI::Range(0.001, 3600.0));
  app.add_flag("--portable", options.portable, "the code for any machine, whatever this one can do");
  app.add_flag("--quick", options.quick, "--max 3000 --seconds 0.5: under a minute, too short to judge by");
  program.run_as([&] { return bench::run(options); });
  return program.run(argc, argv);
}
