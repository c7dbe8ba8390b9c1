#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/bench/goals.h"
#include "tests/bench/measure.h"

namespace psephos::bench {

/// One figure of a report: a line of the table and an object of the JSON file.
struct Row {
  std::string id;    ///< does not change from version to version
  std::string name;  ///< what was done, for people
  std::string unit;  ///< of `value` and `goal_value`, "us/ciphertext"
  std::optional<double> value;
  std::optional<double> spread;  ///< largest distance of a run from the median, as a part of it
  std::optional<double> ratio;   ///< value ÷ scalarmult_us
  std::optional<double> goal;    ///< that ratio at most
  std::optional<double> goal_value;
  std::size_t n = 0;  ///< items of the list
  std::size_t runs = 0;
  unsigned threads = 1;
  double scalarmult_us = 0;
  std::optional<double> processor_us;                      ///< an item, of all threads
  std::optional<double> wall_us;                           ///< an item
  std::optional<std::uint64_t> memory_bytes;               ///< of the whole list
  std::vector<std::pair<std::string, double>> operations;  ///< of the group, an item; exact

  /// The goal is met if the ratio is no larger; neither met nor missed where there is no goal or no ratio.
  std::optional<bool> met() const;
};

/// A row of what was measured, one item being a `per` ("ciphertext").
Row row_of(std::string id, std::string name, const std::string& per, const Measurement& m, unsigned threads,
           const Goal* goal);

/// "1,000,000".
std::string thousands(std::uint64_t n);
/// Three digits that count, no exponent: "0.402", "38.1", "1530".
std::string three_digits(double value);
/// A ratio as the goals are written: "÷ 95.0" for 1/95, "× 1.10" for 1.1.
std::string in_scalarmults(double ratio);
/// "402 ns", "38.1 µs", "1.53 ms", "12.0 s".
std::string duration(double us);
std::string megabytes(std::uint64_t bytes);

/// The table's head and a line of it.
std::string table_head();
std::string table_line(const Row& row);
/// "3 msm_term_128, 1 addition".
std::string operations_text(const Row& row);

/// A JSON array with one object a row, each on a line of its own. Every object has every key that
/// docs/benchmarks.md lists; what does not apply is null.
std::string json_of(const std::vector<Row>& rows);

}  // namespace psephos::bench
