#pragma once

#include "apps/posse/figure/scale.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace posse::figure {

/// The colours that figures have: eight that people who see few colours tell
/// apart (Okabe and Ito 2008), on light paper and on dark, then a quiet one.
inline constexpr std::size_t num_colours = 8;
inline constexpr std::size_t blue = 0;
inline constexpr std::size_t vermilion = 1;
inline constexpr std::size_t quiet = num_colours;

/// How marks look.
struct look {
  std::size_t colour{blue}; ///< its number; `quiet`
  double size{1.5};         ///< a line's width or a dot's radius, in pixels
  double opacity{1};        ///< (0, 1]
  bool dashed{false};       ///< lines
  bool hollow{false};       ///< dots: a ring
};

/// The attributes of what is drawn in lines, or filled, in that look.
std::string stroke_of(const look& how);
std::string fill_of(const look& how);

struct point {
  double x{0}, y{0};
};
/// At x, from low to high.
struct range_at {
  double x{0}, low{0}, high{0};
};
/// A rectangle, in numbers.
struct bar {
  double left{0}, right{0}, bottom{0}, top{0};
};

struct axis {
  std::string label;
  double low{0}, high{1}; ///< as scale() takes them
  spacing how{spacing::linear};
  std::vector<double> marks{}; ///< ticks; none: round numbers
  std::size_t wanted{6};       ///< about how many of these
};

/// Where a plot is in its picture, with the numbers around it; in pixels.
struct box {
  double x{0}, y{0}, width{0}, height{0};
};

/// Marks between two axes. What has no place there (NaN, infinities) is left
/// out, a line is broken at it, and what lies beyond the axes is cut off.
class plot {
public:
  /// @param title Stands above it; may be empty.
  plot(box where, axis x, axis y, std::string title = {});

  /// Gives both plots, one below the other, the same left edge: that of the one
  /// whose numbers are wider. To be called before anything is drawn.
  void align(plot& other);

  void line(std::span<const point> points, const look& how);
  void dots(std::span<const point> points, const look& how);
  /// Upright strokes, as of intervals.
  void strokes(std::span<const range_at> ranges, const look& how);
  void bars(std::span<const bar> bars, const look& how);
  /// The area between low and high, by rising x.
  void band(std::span<const range_at> ranges, const look& how);
  /// A line from one corner of the numbers to the other: y = x.
  void diagonal(const look& how);

  /// SVG elements.
  /// @param id Of the plot, unique in its document.
  std::string svg(std::string_view id) const;

private:
  void grid(std::string& out) const;

  box where_;
  axis x_axis_, y_axis_;
  std::string title_;
  std::vector<double> x_ticks_, y_ticks_;
  std::vector<std::string> y_labels_; ///< told first: their width is the margin
  scale x_at_, y_at_;
  std::string marks_;
};

} // namespace posse::figure
