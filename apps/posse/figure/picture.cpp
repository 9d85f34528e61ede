#include "apps/posse/figure/picture.hpp"

#include "apps/posse/figure/markup.hpp"
#include "apps/posse/figure/text_width.hpp"

#include <fmt/format.h>

#include <array>

namespace posse::figure {

namespace {

constexpr double legend_line = 20; // pixels
constexpr double swatch = 26;      // a sample and the gap behind it
constexpr double entry_gap = 16;

// Each has a contrast of 3 to its paper at least, as WCAG 2.1 wants of
// graphics.
constexpr std::array<std::string_view, num_colours + 1> on_light{
    "#0072b2", "#d55e00", "#007f5f", "#b5568f", "#a86b00",
    "#2a8cc7", "#7a5c12", "#555555", "#767676"};
constexpr std::array<std::string_view, num_colours + 1> on_dark{
    "#56b4e9", "#f0883e", "#2fc39a", "#e39ac4", "#e6b93d",
    "#8fd0f5", "#c9ad62", "#c4c4c4", "#949494"};

std::string colours(const std::array<std::string_view, num_colours + 1>& all) {
  std::string out;
  for (std::size_t i = 0; i < all.size(); ++i)
    out += fmt::format(".posse .s{0}{{stroke:{1}}}.posse .f{0}{{fill:{1}}}", i,
                       all[i]);
  return out;
}

std::string style() {
  // Fills first: what strokes has none, unless it is said to.
  return ".posse text{font:13px system-ui,sans-serif;fill:#222}"
         ".posse path,.posse [class^=s]{fill:none}"
         ".posse .paper{fill:#fff}.posse .title{font-weight:600}"
         ".posse .title,.posse .middle{text-anchor:middle}"
         ".posse .end{text-anchor:end}"
         ".posse .grid{stroke:#e3e3e3}.posse .axis{stroke:#555}"
         + colours(on_light)
         + "@media(prefers-color-scheme:dark){.posse text{fill:#e4e4e4}"
           ".posse .paper{fill:#16191d}"
           ".posse .grid{stroke:#343a41}.posse .axis{stroke:#9aa0a6}"
         + colours(on_dark) + "}";
}

std::string sample_of(const legend_entry& entry, double x, double y) {
  auto how = entry.how;
  switch (entry.kind) {
  case sample::dot:
    how.size = 1.5; // of a ring's line
    how.opacity = 1;
    return fmt::format("<circle cx=\"{}\" cy=\"{}\" r=\"4\" {}/>",
                       pixels(x + 10), pixels(y - 4),
                       how.hollow ? stroke_of(how) : fill_of(how));
  case sample::area:
    return fmt::format("<rect x=\"{}\" y=\"{}\" width=\"20\" height=\"10\" "
                       "{}/>",
                       pixels(x), pixels(y - 9), fill_of(how));
  case sample::line:
    break;
  }
  return fmt::format("<path d=\"M{} {}h20\" {}/>", pixels(x), pixels(y - 4),
                     stroke_of(how));
}

/// The legend, in as many lines as it takes. @returns its height.
double draw_legend(const picture& p, std::string& out) {
  if (p.legend.empty())
    return 0;
  double x = 2, y = 16;
  for (const auto& entry : p.legend) {
    const auto width = swatch + text_width(entry.name);
    if (x > 2 && x + width > p.width) {
      x = 2;
      y += legend_line;
    }
    out += fmt::format("{}<text x=\"{}\" y=\"{}\">{}</text>\n",
                       sample_of(entry, x, y), pixels(x + swatch), pixels(y),
                       escaped(entry.name));
    x += width + entry_gap;
  }
  return y + 10;
}

} // namespace

std::string to_svg(const picture& p) {
  std::string legend;
  const auto legend_height = draw_legend(p, legend);
  std::string plots;
  for (std::size_t i = 0; i < p.plots.size(); ++i)
    plots += p.plots[i].svg(fmt::format("{}-{}", p.id, i));
  return fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"posse\" viewBox=\"0 0 "
      "{0} {1}\" width=\"{0}\" height=\"{1}\" role=\"img\" "
      "aria-labelledby=\"{2}-title {2}-desc\">\n"
      "<title id=\"{2}-title\">{3}</title>\n<desc id=\"{2}-desc\">{4}</desc>\n"
      "<style>{5}</style>\n"
      "<rect width=\"100%\" height=\"100%\" class=\"paper\"/>\n"
      "{6}<g transform=\"translate(0 {7})\">\n{8}</g>\n</svg>\n",
      pixels(p.width), pixels(p.height + legend_height), escaped(p.id),
      escaped(p.title), escaped(p.description), style(), legend,
      pixels(legend_height), plots);
}

} // namespace posse::figure
