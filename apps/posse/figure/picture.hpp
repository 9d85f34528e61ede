#pragma once

#include "apps/posse/figure/plot.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace posse::figure {

enum class sample : std::uint8_t { line, dot, area };

struct legend_entry {
  std::string name;
  look how;
  sample kind{sample::line};
};

/// Plots in one frame, under one legend.
struct picture {
  std::string id;    ///< unique in its document: letters, digits, '-'
  std::string title; ///< what it shows, for those who do not see it
  std::string description;
  double width{420}; ///< in pixels, as the plots' boxes; the legend is added
  double height{290};
  std::vector<plot> plots;
  std::vector<legend_entry> legend;
};

/// An SVG element with its own style: it stands in a page or alone in a file,
/// loads nothing, and turns dark where the reader wants that.
std::string to_svg(const picture& p);

} // namespace posse::figure
