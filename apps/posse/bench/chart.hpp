#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

namespace posse::bench {

/// One line of a panel.
struct chart_line {
  std::string name; ///< the same in all panels: one colour, one entry below
  bool is_ours{false};
  std::vector<std::pair<double, double>> points; ///< x, y > 0, by rising x
};

struct chart_panel {
  std::string title;
  std::vector<chart_line> lines; ///< at least one, with a point each
};

/// A picture (SVG, self-contained) of panels side by side with one legend, both
/// axes logarithmic; x is marked where there are points.
std::string to_svg(std::span<const chart_panel> panels,
                   const std::string& x_label, const std::string& y_label);

} // namespace posse::bench
