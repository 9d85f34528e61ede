#include "apps/posse/bench/chart.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <set>
#include <string_view>

namespace posse::bench {

namespace {

// All in pixels.
constexpr double panel_width = 300;
constexpr double panel_height = 260;
constexpr double left = 62; ///< of a panel, for the numbers of its axis
constexpr double top = 34;
constexpr double bottom = 62;
constexpr double gap = 18;
constexpr double legend_line = 20;
constexpr double legend_width = 190;

// Okabe and Ito (2008): told apart by people who see few colours, too.
constexpr std::array<std::string_view, 8> colours{
    "#d55e00", "#0072b2", "#009e73", "#cc79a7",
    "#e69f00", "#56b4e9", "#8c6d1f", "#555555"};

/// How the line of that number is drawn: beyond the colours, in dashes.
std::string stroke(std::size_t which) {
  return fmt::format("stroke=\"{}\"{}", colours[which % colours.size()],
                     which < colours.size() ? "" : " stroke-dasharray=\"5 3\"");
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
    case '&':
      out += "&amp;";
      break;
    case '<':
      out += "&lt;";
      break;
    case '>':
      out += "&gt;";
      break;
    default:
      out += c;
    }
  }
  return out;
}

/// From numbers to pixels, by their logarithms.
struct scale {
  double low, high;   ///< numbers
  double first, last; ///< pixels

  double operator()(double x) const {
    const auto share = std::log(x / low) / std::log(high / low);
    return first + share * (last - first);
  }
};

/// 1, 2 and 5 times powers of ten between the two.
std::vector<double> round_numbers(double low, double high) {
  std::vector<double> out;
  for (double power = std::pow(10, std::floor(std::log10(low))); power <= high;
       power *= 10)
    for (const double digit : {1.0, 2.0, 5.0})
      if (digit * power >= low && digit * power <= high)
        out.push_back(digit * power);
  return out;
}

class panel_picture {
public:
  panel_picture(const chart_panel& panel, double x,
                const std::vector<std::string>& names)
      : panel_{panel}, names_{names}, x_at_{1, 2, x + left, x + panel_width},
        y_at_{1, 2, top + panel_height, top} {
    std::vector<double> ys;
    for (const auto& line : panel.lines)
      for (const auto& [at, y] : line.points) {
        xs_.insert(at);
        ys.push_back(y);
      }
    // A little room on all sides, and some width where there is one number.
    constexpr double room = 1.15;
    x_at_.low = *xs_.begin() / room;
    x_at_.high = *xs_.rbegin() * room;
    y_at_.low = std::ranges::min(ys) / room;
    y_at_.high = std::ranges::max(ys) * room;
  }

  std::string draw(const std::string& x_label) const {
    std::string out = fmt::format(
        "<text x=\"{:.1f}\" y=\"{:.1f}\" class=\"title\">{}</text>\n",
        (x_at_.first + x_at_.last) / 2, top - 12, escaped(panel_.title));
    out += axes(x_label);
    for (const auto& line : panel_.lines)
      out += drawn(line);
    return out;
  }

private:
  std::string axes(const std::string& x_label) const {
    std::string out;
    const auto base = y_at_.first;
    for (const auto y : round_numbers(y_at_.low, y_at_.high))
      out += fmt::format(
          "<path d=\"M{:.1f} {:.1f}H{:.1f}\" class=\"grid\"/>"
          "<text x=\"{:.1f}\" y=\"{:.1f}\" class=\"y\">{:g}</text>\n",
          x_at_.first, y_at_(y), x_at_.last, x_at_.first - 6, y_at_(y) + 4, y);
    for (const auto x : xs_)
      out += fmt::format(
          "<text x=\"{:.1f}\" y=\"{:.1f}\" class=\"x\">{:g}</text>\n", x_at_(x),
          base + 16, x);
    out += fmt::format(
        "<text x=\"{:.1f}\" y=\"{:.1f}\" class=\"x\">{}</text>\n"
        "<path d=\"M{:.1f} {:.1f}V{:.1f}H{:.1f}\" class=\"axis\"/>\n",
        (x_at_.first + x_at_.last) / 2, base + 34, escaped(x_label),
        x_at_.first, y_at_.last, base, x_at_.last);
    return out;
  }

  std::string drawn(const chart_line& line) const {
    const auto which = static_cast<std::size_t>(
        std::ranges::find(names_, line.name) - names_.begin());
    const auto colour = colours[which % colours.size()];
    std::string points, dots;
    for (const auto& [x, y] : line.points) {
      points += fmt::format("{:.1f},{:.1f} ", x_at_(x), y_at_(y));
      dots += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"{}\" "
                          "fill=\"{}\"/>",
                          x_at_(x), y_at_(y), line.is_ours ? 3.2 : 2.2, colour);
    }
    return fmt::format("<polyline points=\"{}\" {} stroke-width=\"{}\" "
                       "class=\"line\"/>{}\n",
                       points, stroke(which), line.is_ours ? 2.6 : 1.3, dots);
  }

  const chart_panel& panel_;
  const std::vector<std::string>& names_;
  scale x_at_;
  scale y_at_;
  std::set<double> xs_;
};

/// Of all lines, ours first, then as they come.
std::vector<std::string> names_of(std::span<const chart_panel> panels) {
  std::vector<std::string> out;
  for (const bool ours : {true, false})
    for (const auto& panel : panels)
      for (const auto& line : panel.lines)
        if (line.is_ours == ours
            && std::ranges::find(out, line.name) == out.end())
          out.push_back(line.name);
  return out;
}

} // namespace

std::string to_svg(std::span<const chart_panel> panels,
                   const std::string& x_label, const std::string& y_label) {
  const auto names = names_of(panels);
  const auto width =
      static_cast<double>(panels.size()) * (panel_width + gap) + gap + 10;
  const auto legend_top = top + panel_height + bottom;
  const auto columns =
      std::max<std::size_t>(static_cast<std::size_t>(width / legend_width), 1);
  const auto legend_rows = (names.size() + columns - 1) / columns;
  const auto height =
      legend_top + static_cast<double>(legend_rows) * legend_line + 10;
  std::string out = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0:.0f} "
      "{1:.0f}\""
      " width=\"{0:.0f}\" height=\"{1:.0f}\">\n"
      "<style>text{{font:12px sans-serif;fill:#222}}.title{{font-size:14px;"
      "font-weight:bold;text-anchor:middle}}.x{{text-anchor:middle}}"
      ".y{{text-anchor:end}}.grid{{stroke:#e4e4e4;fill:none}}"
      ".axis{{stroke:#444;fill:none}}.line{{fill:none}}</style>\n"
      "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
      "<text transform=\"translate(16 {2:.0f}) rotate(-90)\" class=\"x\">{3}"
      "</text>\n",
      width, height, top + panel_height / 2, escaped(y_label));
  double x = gap / 2;
  for (const auto& panel : panels) {
    out += panel_picture{panel, x, names}.draw(x_label);
    x += panel_width + gap;
  }
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto at = gap + static_cast<double>(i % columns) * legend_width;
    const auto y = legend_top + static_cast<double>(i / columns) * legend_line;
    out += fmt::format("<path d=\"M{:.0f} {:.0f}h20\" {} stroke-width=\"3\"/>"
                       "<text x=\"{:.0f}\" y=\"{:.0f}\">{}</text>\n",
                       at, y - 4, stroke(i), at + 26, y, escaped(names[i]));
  }
  return out + "</svg>\n";
}

} // namespace posse::bench
