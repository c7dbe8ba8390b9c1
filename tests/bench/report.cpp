#include "tests/bench/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>
#include <iterator>

#include "crypto/group/kernels.h"

namespace psephos::bench {

std::optional<bool> Row::met() const {
  if (!ratio || !goal) return std::nullopt;
  return *ratio <= *goal;
}

Row row_of(std::string id, std::string name, const std::string& per, const Measurement& m, unsigned threads,
           const Goal* goal) {
  Row row{.id = std::move(id),
          .name = std::move(name),
          .unit = "us/" + per,
          .value = m.us.median,
          .spread = std::nullopt,
          .ratio = m.ratio.median,
          .goal = std::nullopt,
          .goal_value = std::nullopt,
          .n = m.n,
          .runs = m.runs,
          .threads = threads,
          .scalarmult_us = m.scalarmult_us,
          .processor_us = m.processor_us,
          .wall_us = m.wall_us,
          .memory_bytes = m.memory_bytes,
          .operations = {}};
  if (m.runs > 1) row.spread = m.us.spread;
  if (goal != nullptr) {
    row.goal = goal->scalarmults;
    row.goal_value = goal->us;
  }
  return row;
}

std::string thousands(std::uint64_t n) {
  std::string text = std::to_string(n);
  for (std::size_t at = text.size(); at > 3;) text.insert(at -= 3, ",");
  return text;
}

std::string three_digits(double value) {
  if (value <= 0) return "0";
  const int digits_before = static_cast<int>(std::floor(std::log10(value))) + 1;
  return fmt::format("{:.{}f}", value, std::max(0, 3 - digits_before));
}

std::string in_scalarmults(double ratio) {
  return ratio < 1 ? "÷ " + three_digits(1 / ratio) : "× " + three_digits(ratio);
}

std::string duration(double us) {
  if (us < 1) return three_digits(1e3 * us) + " ns";
  if (us < 1e3) return three_digits(us) + " µs";
  if (us < 1e6) return three_digits(1e-3 * us) + " ms";
  return three_digits(1e-6 * us) + " s";
}

std::string megabytes(std::uint64_t bytes) {
  return three_digits(1e-6 * static_cast<double>(bytes)) + " MB";
}

std::string table_head() {
  return fmt::format("{:<40} {:>9}  {:>9} {:<11} {:>7}  {:>7}  {:>7} {:>8}  {}\n", "", "list of", "time",
                     "per", "spread", "ratio", "goal", "", "verdict");
}

std::string table_line(const Row& row) {
  const std::string per = row.unit.substr(row.unit.find('/') + 1);
  const auto met = row.met();
  return fmt::format("{:<40} {:>9}  {:>9} {:<11} {:>7}  {:>7}  {:>7} {:>8}  {}\n", row.name, thousands(row.n),
                     row.value ? duration(*row.value) : "", per,
                     row.spread ? fmt::format("± {:.0f} %", 100 * *row.spread) : "one run",
                     row.ratio ? in_scalarmults(*row.ratio) : "", row.goal ? in_scalarmults(*row.goal) : "",
                     row.goal_value ? duration(*row.goal_value) : "",
                     !met   ? "no goal"
                     : *met ? "met"
                            : "not met");
}

std::string operations_text(const Row& row) {
  std::string text;
  for (const auto& [name, times] : row.operations)
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", times, name);
  return text;
}

namespace {

std::string quoted(std::string_view text) {
  return boost::json::serialize(boost::json::string(text));
}
std::string number(double value) {
  return fmt::format("{:.6g}", value);
}
template <class T>
std::string number_or_null(const std::optional<T>& value) {
  return value ? number(static_cast<double>(*value)) : "null";
}

std::string object_of(const Row& row) {
  const auto met = row.met();
  std::string operations;
  for (const auto& [name, times] : row.operations)
    operations += (operations.empty() ? "" : ", ") + quoted(name) + ": " + number(times);
  const std::vector<std::pair<std::string_view, std::string>> fields = {
      {"name", quoted(row.name)},
      {"value", number_or_null(row.value)},
      {"unit", quoted(row.unit)},
      {"ratio", number_or_null(row.ratio)},
      {"goal", number_or_null(row.goal)},
      {"met", !met   ? "null"
              : *met ? "true"
                     : "false"},
      {"id", quoted(row.id)},
      {"spread", number_or_null(row.spread)},
      {"runs", std::to_string(row.runs)},
      {"n", std::to_string(row.n)},
      {"goal_value", number_or_null(row.goal_value)},
      {"path", kernel_path() == KernelPath::kVector ? quoted("vector") : quoted("portable")},
      {"kernels", quoted(kernel_name())},
      {"threads", std::to_string(row.threads)},
      {"scalarmult_us", number(row.scalarmult_us)},
      {"processor_us", number_or_null(row.processor_us)},
      {"wall_us", number_or_null(row.wall_us)},
      {"memory_bytes", row.memory_bytes ? std::to_string(*row.memory_bytes) : "null"},
      {"operations", "{" + operations + "}"},
  };
  std::string out;
  for (const auto& [key, value] : fields) out += (out.empty() ? "{" : ", ") + quoted(key) + ": " + value;
  return out + "}";
}

}  // namespace

std::string json_of(const std::vector<Row>& rows) {
  std::string out = "[\n";
  for (std::size_t i = 0; i < rows.size(); ++i)
    out += object_of(rows[i]) + (i + 1 < rows.size() ? ",\n" : "\n");
  return out + "]\n";
}

}  // namespace psephos::bench
