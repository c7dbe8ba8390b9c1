#include "tests/bench/cost_curves.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "crypto/group/kernels.h"
#include "crypto/group/ristretto.h"
#include "protocol/files/progress.h"
#include "tests/bench/plot.h"
#include "tests/bench/workloads.h"

namespace psephos::bench {

std::vector<std::size_t> curve_sizes(std::size_t max_items) {
  const std::size_t from = std::clamp<std::size_t>(max_items / 10, 1, 1000);
  std::vector<std::size_t> sizes;
  for (std::size_t decade = 1; decade < max_items; decade *= 10)
    for (const std::size_t n : {decade, 3 * decade})
      if (n >= from && n < max_items) sizes.push_back(n);
  sizes.push_back(max_items);
  return sizes;
}

std::vector<CostCurve> measure_cost_curves(std::size_t max_items, double seconds) {
  using List = MixedList<Ristretto>;
  constexpr auto kSteps =
      std::to_array({&List::prove, &List::verify, &List::make_shares, &List::verify_shares});
  std::vector<CostCurve> curves = {
      {"curve-prove-shuffle", "re-encrypt, permute, prove", &kProveShuffle, {}},
      {"curve-verify-shuffle", "verify one shuffle", &kVerifyShuffle, {}},
      {"curve-make-shares", "decryption shares", &kMakeShare, {}},
      {"curve-verify-shares", "verify shares", &kVerifyShare, {}},
  };
  const std::vector<std::size_t> sizes = curve_sizes(max_items);
  std::uint64_t total = 0;
  for (const std::size_t n : sizes) total += kSteps.size() * n;
  Progress progress("cost curves", total, "ciphertexts");
  for (const std::size_t n : sizes) {
    List list(n);
    for (std::size_t s = 0; s < kSteps.size(); ++s) {
      if (kSteps[s] == &List::make_shares) list.decode_output();
      curves[s].points.push_back(measure([&] { (list.*kSteps[s])(); }, n, Clock::kProcessor, 1, seconds));
      progress.advance(n);
    }
  }
  return curves;
}

std::vector<Row> rows_of(const std::vector<CostCurve>& curves) {
  std::vector<Row> rows;
  for (const CostCurve& curve : curves)
    for (const Measurement& point : curve.points)
      rows.push_back(row_of(curve.id, curve.name, "ciphertext", point, 1, nullptr));
  for (const CostCurve& curve : curves) {
    double least = 0, most = 0;
    std::size_t judged = 0;
    for (const Measurement& point : curve.points) {
      if (static_cast<double>(point.n) < kLinearFrom) continue;
      least = judged == 0 ? point.ratio.median : std::min(least, point.ratio.median);
      most = std::max(most, point.ratio.median);
      ++judged;
    }
    Row row{.id = "linear-" + curve.id.substr(curve.id.find('-') + 1),
            .name = curve.name,
            .unit = "largest/smallest",
            .value = std::nullopt,
            .spread = std::nullopt,
            .ratio = std::nullopt,
            .goal = kLinearWithin,
            .goal_value = kLinearWithin,
            .n = curve.points.back().n,
            .runs = judged,
            .threads = 1,
            .scalarmult_us = curve.points.back().scalarmult_us,
            .processor_us = std::nullopt,
            .wall_us = std::nullopt,
            .memory_bytes = std::nullopt,
            .operations = {}};
    if (judged >= 2) row.value = row.ratio = most / least;
    rows.push_back(std::move(row));
  }
  return rows;
}

std::string table_of(const std::vector<CostCurve>& curves) {
  std::string out =
      fmt::format("{:<28} {:>11}  {:>10} {:>10}  {:>7}\n", "", "ciphertexts", "all", "each", "ratio");
  for (const CostCurve& curve : curves)
    for (const Measurement& point : curve.points)
      out += fmt::format("{:<28} {:>11}  {:>10} {:>10}  {:>7}\n",
                         &point == &curve.points.front() ? curve.name : "", thousands(point.n),
                         duration(point.us.median * static_cast<double>(point.n)), duration(point.us.median),
                         in_scalarmults(point.ratio.median));
  return out;
}

std::string linearity_text(const std::vector<Row>& rows) {
  std::string out;
  for (const Row& row : rows)
    if (row.id.starts_with("linear-"))
      out += row.value
                 ? fmt::format("    {:<28} {}: the dearest ciphertext costs {:.2f} times the cheapest\n",
                               row.name, *row.met() ? "linear" : "not linear", *row.value)
                 : fmt::format("    {:<28} not judged: that takes --max 30000 or more\n", row.name);
  return out;
}

std::string svg_of(const std::vector<CostCurve>& curves) {
  Plot whole{"The whole list", "ciphertexts", "processor time, seconds", {}};
  Plot each{"One ciphertext", "ciphertexts in the list", "processor time, microseconds", {}};
  for (const CostCurve& curve : curves) {
    Series all{curve.name, {}, false}, one{curve.name, {}, false};
    for (const Measurement& point : curve.points) {
      const auto n = static_cast<double>(point.n);
      all.points.emplace_back(n, 1e-6 * n * point.us.median);
      one.points.emplace_back(n, point.us.median);
    }
    // The goal on this machine: so many of its scalarmults.
    Series all_goal{"goal, same colour", {}, true}, one_goal = all_goal;
    const double goal = curve.goals->of(kernel_path()).scalarmults;
    for (const Measurement& point : {curve.points.front(), curve.points.back()}) {
      const auto n = static_cast<double>(point.n);
      all_goal.points.emplace_back(n, 1e-6 * n * goal * curve.points.back().scalarmult_us);
      one_goal.points.emplace_back(n, goal * curve.points.back().scalarmult_us);
    }
    whole.series.push_back(std::move(all));
    whole.series.push_back(std::move(all_goal));
    each.series.push_back(std::move(one));
    each.series.push_back(std::move(one_goal));
  }
  std::string description;
  for (const CostCurve& curve : curves)
    description +=
        fmt::format("{}{}: {} a ciphertext at {} ciphertexts", description.empty() ? "" : "; ", curve.name,
                    duration(curve.points.back().us.median), thousands(curve.points.back().n));
  return svg({fmt::format("Cost of mixing and decryption on one core ({})", kernel_name()),
              description + ".",
              {std::move(whole), std::move(each)}});
}

}  // namespace psephos::bench
