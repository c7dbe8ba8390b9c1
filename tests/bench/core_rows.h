#pragma once
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "tests/bench/goals.h"
#include "tests/bench/measure.h"

namespace psephos::bench {

/// A row of the table before it is measured.
struct CoreRow {
  std::string id, name;
  std::string per;  ///< what one item of the list is
  const Goals* goals = nullptr;
  Clock clock = Clock::kProcessor;
  unsigned threads = 1;
  Prepare prepare;
  /// Group operations an item, exact, by name; absent where the work is not generic over the group.
  std::function<std::vector<std::pair<std::string, double>>()> operations;
};

/// All rows, in the table's order.
std::vector<CoreRow> core_rows();

}  // namespace psephos::bench
