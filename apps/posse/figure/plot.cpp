#include "apps/posse/figure/plot.hpp"

#include "apps/posse/figure/markup.hpp"
#include "apps/posse/figure/text_width.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace posse::figure {

namespace {

// All in pixels.
constexpr double title_height = 20;
constexpr double label_height = 28;
constexpr double tick_height = 20;
constexpr double beside_tick = 8;

bool is_placed(double x, double y) {
  return std::isfinite(x) && std::isfinite(y);
}

double top_of(const box& where, const axis& y, const std::string& title) {
  return where.y + (title.empty() ? 0 : title_height)
         + (y.label.empty() ? 8 : label_height);
}

double bottom_of(const box& where, const axis& x) {
  return where.y + where.height - tick_height
         - (x.label.empty() ? 0 : title_height);
}

double widest(std::span<const std::string> labels) {
  double out = 0;
  for (const auto& each : labels)
    out = std::max(out, text_width(each));
  return out;
}

std::vector<double> ticks_of(const axis& a, const scale& at) {
  return a.marks.empty() ? at.ticks(a.wanted) : a.marks;
}

} // namespace

std::string stroke_of(const look& how) {
  std::string out = fmt::format("class=\"s{}\" stroke-width=\"{}\"", how.colour,
                                pixels(how.size));
  if (how.opacity < 1)
    out += fmt::format(" stroke-opacity=\"{:.2g}\"", how.opacity);
  if (how.dashed)
    out += " stroke-dasharray=\"5 3\"";
  return out;
}

std::string fill_of(const look& how) {
  std::string out = fmt::format("class=\"f{}\"", how.colour);
  if (how.opacity < 1)
    out += fmt::format(" fill-opacity=\"{:.2g}\"", how.opacity);
  return out;
}

plot::plot(box where, axis x, axis y, std::string title)
    : where_{where}, x_axis_{std::move(x)}, y_axis_{std::move(y)},
      title_{std::move(title)}, x_at_{x_axis_.how, x_axis_.low, x_axis_.high, 0,
                                      1},
      y_at_{y_axis_.how, y_axis_.low, y_axis_.high, bottom_of(where, x_axis_),
            top_of(where, y_axis_, title_)} {
  y_ticks_ = ticks_of(y_axis_, y_at_);
  y_labels_ = tick_labels(y_ticks_);
  auto right = where_.x + where_.width - beside_tick;
  for (const bool known : {false, true}) {
    x_at_ = scale{x_axis_.how, x_axis_.low, x_axis_.high,
                  where_.x + widest(y_labels_) + beside_tick + 2, right};
    x_ticks_ = ticks_of(x_axis_, x_at_);
    if (known)
      break;
    // Half of the last number may stand beyond its end.
    const auto end =
        x_at_(x_ticks_.back()) + text_width(tick_labels(x_ticks_).back()) / 2;
    right -= std::max(end + 2 - (where_.x + where_.width), 0.0);
  }
}

void plot::align(plot& other) {
  const auto left = std::max(x_at_.first(), other.x_at_.first());
  for (auto* each : {this, &other})
    each->x_at_ = scale{each->x_axis_.how, each->x_axis_.low,
                        each->x_axis_.high, left, each->x_at_.last()};
}

void plot::line(std::span<const point> points, const look& how) {
  std::string run;
  std::size_t length = 0;
  auto end_run = [&] {
    // A point between two gaps is seen, too: as a line without length.
    if (length == 1)
      run += ' ' + run;
    if (length > 0)
      marks_ += fmt::format("<polyline points=\"{}\" {} "
                            "stroke-linejoin=\"round\" "
                            "stroke-linecap=\"round\"/>\n",
                            run, stroke_of(how));
    run.clear();
    length = 0;
  };
  for (const auto& [x, y] : points) {
    const auto at_x = x_at_(x);
    const auto at_y = y_at_(y);
    if (!is_placed(at_x, at_y)) {
      end_run();
      continue;
    }
    run += fmt::format("{}{},{}", length > 0 ? " " : "", pixels(at_x),
                       pixels(at_y));
    ++length;
  }
  end_run();
}

void plot::dots(std::span<const point> points, const look& how) {
  std::string all;
  for (const auto& [x, y] : points)
    if (const auto at_x = x_at_(x), at_y = y_at_(y); is_placed(at_x, at_y))
      all += fmt::format("<circle cx=\"{}\" cy=\"{}\" r=\"{}\"/>", pixels(at_x),
                         pixels(at_y), pixels(how.size));
  if (all.empty())
    return;
  auto ring = how;
  ring.size = 1.5;
  marks_ += fmt::format("<g {}>{}</g>\n",
                        how.hollow ? stroke_of(ring) : fill_of(how), all);
}

void plot::strokes(std::span<const range_at> ranges, const look& how) {
  std::string path;
  for (const auto& [x, low, high] : ranges) {
    const auto at_x = x_at_(x);
    const auto from = y_at_(low);
    const auto to = y_at_(high);
    if (std::isfinite(at_x) && is_placed(from, to))
      path += fmt::format("M{} {}V{}", pixels(at_x), pixels(from), pixels(to));
  }
  if (!path.empty())
    marks_ += fmt::format("<path d=\"{}\" {}/>\n", path, stroke_of(how));
}

void plot::bars(std::span<const bar> bars, const look& how) {
  std::string all;
  for (const auto& each : bars) {
    const auto left = x_at_(each.left);
    const auto right = x_at_(each.right);
    const auto bottom = y_at_(each.bottom);
    const auto top = y_at_(each.top);
    if (!is_placed(left, right) || !is_placed(bottom, top) || bottom <= top)
      continue;
    all += fmt::format(
        "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"/>", pixels(left),
        pixels(top), pixels(std::max(right - left, 0.5)), pixels(bottom - top));
  }
  if (!all.empty())
    marks_ += fmt::format("<g {}>{}</g>\n", fill_of(how), all);
}

void plot::band(std::span<const range_at> ranges, const look& how) {
  std::string there, back;
  for (const auto& [x, low, high] : ranges) {
    const auto at_x = x_at_(x);
    const auto from = y_at_(low);
    const auto to = y_at_(high);
    if (!std::isfinite(at_x) || !is_placed(from, to))
      continue;
    there += fmt::format("{},{} ", pixels(at_x), pixels(to));
    back = fmt::format("{},{} ", pixels(at_x), pixels(from)) + back;
  }
  if (!there.empty())
    marks_ += fmt::format("<polygon points=\"{}{}\" {}/>\n", there, back,
                          fill_of(how));
}

void plot::diagonal(const look& how) {
  const auto low = std::max(x_at_.low(), y_at_.low());
  const auto high = std::min(x_at_.high(), y_at_.high());
  if (low < high)
    line(std::vector<point>{{low, low}, {high, high}}, how);
}

void plot::grid(std::string& out) const {
  const auto left = x_at_.first();
  const auto right = x_at_.last();
  const auto base = y_at_.first();
  for (std::size_t i = 0; i < y_ticks_.size(); ++i) {
    const auto y = y_at_(y_ticks_[i]);
    out += fmt::format("<path d=\"M{} {}H{}\" class=\"grid\"/>"
                       "<text x=\"{}\" y=\"{}\" class=\"end\">{}</text>\n",
                       pixels(left), pixels(y), pixels(right),
                       pixels(left - beside_tick), pixels(y + 4),
                       escaped(y_labels_[i]));
  }
  // Numbers that would touch their neighbour are left out.
  const auto labels = tick_labels(x_ticks_);
  double taken = -1e9;
  for (std::size_t i = 0; i < x_ticks_.size(); ++i) {
    const auto x = x_at_(x_ticks_[i]);
    const auto half = text_width(labels[i]) / 2;
    if (x - half < taken)
      continue;
    taken = x + half + 6;
    out += fmt::format("<path d=\"M{} {}v4\" class=\"axis\"/>"
                       "<text x=\"{}\" y=\"{}\" class=\"middle\">{}</text>\n",
                       pixels(x), pixels(base), pixels(x), pixels(base + 17),
                       escaped(labels[i]));
  }
}

std::string plot::svg(std::string_view id) const {
  const auto left = x_at_.first();
  const auto right = x_at_.last();
  const auto base = y_at_.first();
  const auto top = y_at_.last();
  std::string out;
  if (!title_.empty())
    out += fmt::format("<text x=\"{}\" y=\"{}\" class=\"title\">{}</text>\n",
                       pixels((left + right) / 2), pixels(where_.y + 14),
                       escaped(title_));
  if (!y_axis_.label.empty())
    out += fmt::format("<text x=\"{}\" y=\"{}\" class=\"label\">{}</text>\n",
                       pixels(where_.x + 2), pixels(top - 14),
                       escaped(y_axis_.label));
  grid(out);
  out += fmt::format(
      "<clipPath id=\"{}\"><rect x=\"{}\" y=\"{}\" width=\"{}\" "
      "height=\"{}\"/></clipPath>\n<g clip-path=\"url(#{})\">\n{}</g>\n",
      id, pixels(left), pixels(top - 4), pixels(right - left + 4),
      pixels(base - top + 4), id, marks_);
  out += fmt::format("<path d=\"M{} {}V{}H{}\" class=\"axis\"/>\n",
                     pixels(left), pixels(top), pixels(base), pixels(right));
  if (!x_axis_.label.empty())
    out += fmt::format(
        "<text x=\"{}\" y=\"{}\" class=\"middle label\">{}</text>\n",
        pixels((left + right) / 2), pixels(base + 36), escaped(x_axis_.label));
  return out;
}

} // namespace posse::figure
