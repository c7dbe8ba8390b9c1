#pragma once
#include <string>
#include <utility>
#include <vector>

namespace psephos::bench {

/// A line of a plot with a mark at each point. Dashed lines have no marks, and share the colour of the series
/// before them.
struct Series {
  std::string name;
  std::vector<std::pair<double, double>> points;  ///< both coordinates are positive
  bool dashed = false;
};

/// One plot with logarithmic axes. A decade has the same length on all plots of a figure.
struct Plot {
  std::string title, x_label, y_label;
  std::vector<Series> series;
};

/// Plots side by side over one legend: a self-contained SVG file, legible on light and on dark ground. Every
/// plot has the same series.
struct Figure {
  std::string title;
  std::string description;  ///< for readers who do not see it
  std::vector<Plot> plots;
};
/// @pre at least one plot, all with the same series, at least one point in each plot; up to four series that
/// are not dashed.
std::string svg(const Figure& figure);

}  // namespace psephos::bench
