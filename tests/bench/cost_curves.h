#pragma once
#include <cstddef>
#include <string>
#include <vector>

#include "tests/bench/goals.h"
#include "tests/bench/measure.h"
#include "tests/bench/report.h"

namespace psephos::bench {

/// What one step costs for lists of growing length, on one thread.
struct CostCurve {
  std::string id, name;
  const Goals* goals;
  std::vector<Measurement> points;
};

/// 1,000, 3,000, 10,000, 30,000 … up to `max_items`, which is the last one; for a smaller maximum the steps
/// from a tenth of it.
std::vector<std::size_t> curve_sizes(std::size_t max_items);

/// Proving, verifying, sharing, verifying shares. Each point is repeated while `seconds` last, and run once
/// at least. Shows its progress on standard error.
std::vector<CostCurve> measure_cost_curves(std::size_t max_items, double seconds);

/// One row a point, without verdict, and one row a curve: largest cost of an item ÷ smallest, from 10^4 items
/// on, in scalarmults, with kLinearWithin as goal. The value is absent where fewer than two points say
/// something about it.
std::vector<Row> rows_of(const std::vector<CostCurve>& curves);
std::string table_of(const std::vector<CostCurve>& curves);
/// "linear within 20 % …" or not, one line a curve.
std::string linearity_text(const std::vector<Row>& rows);
/// Two log-log plots: time of the whole list, and of one ciphertext, with the goals dashed.
std::string svg_of(const std::vector<CostCurve>& curves);

}  // namespace psephos::bench
