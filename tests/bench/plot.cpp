#include "tests/bench/plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

#include "crypto/invariant.h"

namespace psephos::bench {

namespace {

constexpr double kPlotWidth = 400, kPlotHeight = 300;
constexpr double kLeft = 74, kRight = 26, kTop = 84, kBottom = 62;  // margins of each plot
constexpr double kLegendHeight = 34;
constexpr std::size_t kColours = 4;

// Colours that the colour-blind tell apart (Okabe & Ito), darker or lighter for the ground they stand on.
constexpr std::string_view kStyle = R"(
text { font-family: system-ui, "Segoe UI", "DejaVu Sans", sans-serif; font-size: 12px; fill: #24292f; }
.title { font-size: 16px; font-weight: 600; }
.plot { font-size: 13px; font-weight: 600; }
.label, .tick { fill: #57606a; }
.ground { fill: #ffffff; }
.frame { fill: none; stroke: #8c959f; }
.decade { stroke: #d8dee4; }
.step { stroke: #eff2f5; }
.line { fill: none; stroke-width: 2; stroke-linejoin: round; }
.goal { fill: none; stroke-width: 1.5; stroke-dasharray: 5 4; }
.s0 { stroke: #0066ad; } .m0 { fill: #0066ad; }
.s1 { stroke: #c24e00; } .m1 { fill: #c24e00; }
.s2 { stroke: #00805c; } .m2 { fill: #00805c; }
.s3 { stroke: #a5508a; } .m3 { fill: #a5508a; }
.key { stroke: #57606a; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; }
  .label, .tick { fill: #9da7b3; }
  .ground { fill: #0d1117; }
  .frame { stroke: #6e7681; }
  .decade { stroke: #2d333b; }
  .step { stroke: #1b2027; }
  .s0 { stroke: #58a6e8; } .m0 { fill: #58a6e8; }
  .s1 { stroke: #f0883e; } .m1 { fill: #f0883e; }
  .s2 { stroke: #3fb98f; } .m2 { fill: #3fb98f; }
  .s3 { stroke: #d98cc0; } .m3 { fill: #d98cc0; }
  .key { stroke: #9da7b3; }
}
)";

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  return out;
}

/// step · 10^exponent as people write it: "0.03", "1,000"; powers from a million on as "10⁶".
std::string number_text(int step, int exponent) {
  if (exponent < 0) return fmt::format("{:.{}f}", step * std::pow(10.0, exponent), -exponent);
  if (exponent >= 6 && step == 1) {
    constexpr std::array<std::string_view, 10> kRaised = {"⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"};
    std::string text = "10";
    for (const char digit : std::to_string(exponent)) text += kRaised[static_cast<std::size_t>(digit - '0')];
    return text;
  }
  std::string text = std::to_string(step) + std::string(static_cast<std::size_t>(exponent), '0');
  for (std::size_t at = text.size(); at > 3;) text.insert(at -= 3, ",");
  return text;
}

/// A logarithmic axis from a step 1, 2 or 5 below all values to one above them, with some air.
class Axis {
 public:
  Axis(double low, double high, double from, double to) : from_(from), to_(to) {
    constexpr double kAir = 1.15;
    low_ = std::log10(step_at_most(low / kAir));
    high_ = std::log10(step_at_least(high * kAir));
  }
  double at(double value) const {
    return from_ + (std::log10(value) - low_) / (high_ - low_) * (to_ - from_);
  }
  /// Whether the line at step · 10^n has its number: every decade, and steps of 3 where decades are few.
  bool numbered(int step) const { return step == 1 || (step == 3 && high_ - low_ < 2); }
  int first_decade() const { return static_cast<int>(std::floor(low_ + 1e-9)); }
  int last_decade() const { return static_cast<int>(std::ceil(high_ - 1e-9)); }
  bool holds(double value) const {
    return std::log10(value) > low_ - 1e-9 && std::log10(value) < high_ + 1e-9;
  }

 private:
  static double step_at_most(double value) {
    const double decade = std::pow(10, std::floor(std::log10(value)));
    double best = decade;
    for (const double step : {2.0, 5.0})
      if (step * decade <= value * (1 + 1e-9)) best = step * decade;
    return best;
  }
  static double step_at_least(double value) {
    const double decade = std::pow(10, std::floor(std::log10(value)));
    for (const double step : {1.0, 2.0, 5.0})
      if (step * decade >= value * (1 - 1e-9)) return step * decade;
    return 10 * decade;
  }
  double low_ = 0, high_ = 1, from_, to_;
};

/// A mark of its own shape for each colour.
std::string mark(std::size_t colour, double x, double y) {
  switch (colour % kColours) {
    case 0:
      return fmt::format("<circle class=\"m0\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"4\"/>\n", x, y);
    case 1:
      return fmt::format("<rect class=\"m1\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"7\" height=\"7\"/>\n", x - 3.5,
                         y - 3.5);
    case 2:
      return fmt::format("<path class=\"m2\" d=\"M{:.1f} {:.1f}l4.6 8h-9.2z\"/>\n", x, y - 5.2);
    default:
      return fmt::format("<path class=\"m3\" d=\"M{:.1f} {:.1f}l4.8 4.8l-4.8 4.8l-4.8 -4.8z\"/>\n", x,
                         y - 4.8);
  }
}

std::string text_at(double x, double y, std::string_view style, std::string_view anchor,
                    std::string_view text, std::string_view more = {}) {
  return fmt::format("<text class=\"{}\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\"{}>{}</text>\n", style,
                     x, y, anchor, more, escaped(text));
}

std::string line(std::string_view style, double x1, double y1, double x2, double y2) {
  return fmt::format("<line class=\"{}\" x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\"/>\n", style,
                     x1, y1, x2, y2);
}

std::string plot_svg(const Plot& plot, double left, double top) {
  double x_low = HUGE_VAL, x_high = 0, y_low = HUGE_VAL, y_high = 0;
  for (const Series& series : plot.series)
    for (const auto& [x, y] : series.points) {
      x_low = std::min(x_low, x);
      x_high = std::max(x_high, x);
      y_low = std::min(y_low, y);
      y_high = std::max(y_high, y);
    }
  invariant(x_high > 0 && y_high > 0, "there is a point, and coordinates are positive");
  const double right = left + kPlotWidth, bottom = top + kPlotHeight;
  const Axis x_axis(x_low, x_high, left, right), y_axis(y_low, y_high, bottom, top);

  std::string out = text_at(left, top - 14, "plot", "start", plot.title);
  const auto grid = [&](const Axis& axis, auto&& draw) {
    for (int decade = axis.first_decade(); decade <= axis.last_decade(); ++decade)
      for (int step = 1; step < 10; ++step)
        if (const double value = step * std::pow(10.0, decade); axis.holds(value)) draw(decade, step, value);
  };
  for (const bool decades : {false, true}) {  // fine lines below
    grid(x_axis, [&](int, int step, double value) {
      if ((step == 1) == decades)
        out += line(decades ? "decade" : "step", x_axis.at(value), top, x_axis.at(value), bottom);
    });
    grid(y_axis, [&](int, int step, double value) {
      if ((step == 1) == decades)
        out += line(decades ? "decade" : "step", left, y_axis.at(value), right, y_axis.at(value));
    });
  }
  grid(x_axis, [&](int decade, int step, double value) {
    if (x_axis.numbered(step))
      out += text_at(x_axis.at(value), bottom + 18, "tick", "middle", number_text(step, decade));
  });
  grid(y_axis, [&](int decade, int step, double value) {
    if (y_axis.numbered(step))
      out += text_at(left - 8, y_axis.at(value) + 4, "tick", "end", number_text(step, decade));
  });
  out += fmt::format("<rect class=\"frame\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\"/>\n",
                     left, top, kPlotWidth, kPlotHeight);
  out += text_at((left + right) / 2, bottom + 42, "label", "middle", plot.x_label);
  const double label_x = left - 56, label_y = (top + bottom) / 2;
  out += text_at(label_x, label_y, "label", "middle", plot.y_label,
                 fmt::format(" transform=\"rotate(-90 {:.1f} {:.1f})\"", label_x, label_y));

  std::size_t colour = kColours - 1;
  for (const Series& series : plot.series) {
    if (!series.dashed) colour = (colour + 1) % kColours;
    std::string points;
    for (const auto& [x, y] : series.points)
      points += fmt::format("{}{:.1f},{:.1f}", points.empty() ? "" : " ", x_axis.at(x), y_axis.at(y));
    out += fmt::format("<polyline class=\"{} s{}\" points=\"{}\"/>\n", series.dashed ? "goal" : "line",
                       colour, points);
    if (!series.dashed)
      for (const auto& [x, y] : series.points) out += mark(colour, x_axis.at(x), y_axis.at(y));
  }
  return out;
}

}  // namespace

std::string svg(const Figure& figure) {
  invariant(!figure.plots.empty(), "a figure has a plot");
  const double column = kLeft + kPlotWidth + kRight;
  const double width = column * static_cast<double>(figure.plots.size());
  const double legend_y = kTop + kPlotHeight + kBottom + 8;
  const double height = legend_y + kLegendHeight;
  std::string out = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0:.0f} {1:.0f}\" width=\"{0:.0f}\" "
      "height=\"{1:.0f}\" role=\"img\">\n<title>{2}</title>\n<desc>{3}</desc>\n<style>{4}</style>\n"
      "<rect class=\"ground\" width=\"100%\" height=\"100%\"/>\n",
      width, height, escaped(figure.title), escaped(figure.description), kStyle);
  out += text_at(kLeft, 32, "title", "start", figure.title);
  for (std::size_t i = 0; i < figure.plots.size(); ++i)
    out += plot_svg(figure.plots[i], kLeft + column * static_cast<double>(i), kTop);

  std::vector<const Series*> shown;
  const Series* dashed = nullptr;  // one of them speaks for all
  for (const Series& series : figure.plots.front().series) {
    if (series.dashed)
      dashed = &series;
    else
      shown.push_back(&series);
  }
  if (dashed != nullptr) shown.push_back(dashed);
  double x = kLeft;
  for (std::size_t i = 0; i < shown.size(); ++i) {
    constexpr double kKey = 28, kGap = 8, kAfter = 20, kLetter = 6.6;
    if (shown[i]->dashed) {
      out += line("goal key", x, legend_y, x + kKey, legend_y);
    } else {
      out += line(fmt::format("line s{}", i % kColours), x, legend_y, x + kKey, legend_y);
      out += mark(i, x + kKey / 2, legend_y);
    }
    out += text_at(x + kKey + kGap, legend_y + 4, "legend", "start", shown[i]->name);
    x += kKey + kGap + kLetter * static_cast<double>(shown[i]->name.size()) + kAfter;
  }
  return out + "</svg>\n";
}

}  // namespace psephos::bench
