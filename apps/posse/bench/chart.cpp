#include "apps/posse/bench/chart.hpp"

#include "apps/posse/figure/picture.hpp"

#include <algorithm>
#include <set>

namespace posse::bench {

namespace {

// All in pixels.
constexpr double panel_width = 360;
constexpr double panel_height = 330;

figure::look look_of(std::size_t which, bool is_ours) {
  figure::look out;
  out.colour = which % figure::num_colours;
  out.dashed = which >= figure::num_colours;
  out.size = is_ours ? 2.6 : 1.3;
  return out;
}

figure::plot draw(const chart_panel& panel, double x,
                  const std::vector<std::string>& names,
                  const std::string& x_label, const std::string& y_label) {
  std::set<double> xs;
  std::vector<double> ys;
  for (const auto& line : panel.lines)
    for (const auto& [at, y] : line.points) {
      xs.insert(at);
      ys.push_back(y);
    }
  // A little room on all sides.
  constexpr double room = 1.15;
  constexpr auto how = figure::spacing::logarithmic;
  figure::plot out{{x, 0, panel_width, panel_height},
                   {x_label, *xs.begin() / room, *xs.rbegin() * room, how,
                    std::vector<double>(xs.begin(), xs.end())},
                   {y_label,
                    std::ranges::min(ys) / room,
                    std::ranges::max(ys) * room,
                    how,
                    {},
                    12},
                   panel.title};
  for (const auto& line : panel.lines) {
    const auto which = static_cast<std::size_t>(
        std::ranges::find(names, line.name) - names.begin());
    std::vector<figure::point> points;
    for (const auto& [at, y] : line.points)
      points.push_back({at, y});
    auto how_drawn = look_of(which, line.is_ours);
    out.line(points, how_drawn);
    how_drawn.size = line.is_ours ? 3.2 : 2.2;
    out.dots(points, how_drawn);
  }
  return out;
}

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
  figure::picture out;
  out.id = "chart";
  out.title = y_label + " against " + x_label;
  out.width = panel_width * static_cast<double>(panels.size());
  out.height = panel_height;
  for (const auto& panel : panels) {
    const auto x = panel_width * static_cast<double>(out.plots.size());
    out.plots.push_back(draw(panel, x, names, x_label, y_label));
  }
  for (std::size_t i = 0; i < names.size(); ++i) {
    auto how = look_of(i, true);
    out.legend.push_back({names[i], how, figure::sample::line});
  }
  return figure::to_svg(out);
}

} // namespace posse::bench
