#include "apps/posse/report/learning_figures.hpp"

#include "apps/posse/figure/picture.hpp"
#include "apps/posse/report/quantile_of.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <optional>

namespace posse::report {

namespace {

using figure::point;

constexpr std::size_t most_lines = 32; ///< more would be a smear

struct curve_set {
  std::vector<std::vector<point>> curves; ///< none is empty
  double first{0}, last{0};               ///< steps
  std::vector<double> values;             ///< the finite ones, ascending
};

template <class Value>
curve_set collect(const learning_curves& learning, Value value) {
  curve_set out;
  for (const auto& [pid, points] : learning) {
    std::vector<point> curve;
    for (const auto& each : points)
      if (const std::optional<double> y = value(each)) {
        curve.push_back({static_cast<double>(each.step), *y});
        out.last = std::max(out.last, curve.back().x);
        if (std::isfinite(*y))
          out.values.push_back(*y);
      }
    if (!curve.empty())
      out.curves.push_back(std::move(curve));
  }
  std::ranges::sort(out.values);
  return out;
}

/// An axis that shows where most of the training happens, and whether it cuts
/// off what was before.
figure::axis value_axis(const curve_set& set, std::string label, bool& cut) {
  const auto low = set.values.front();
  const auto high = set.values.back();
  if (low > 0 && high > 20 * low)
    return {std::move(label), low / 1.1, high * 1.1,
            figure::spacing::logarithmic};
  const auto most = quantile_of(set.values, 0.95);
  const auto top = std::min(high, most + std::max(most - low, 0.0));
  cut = top < high;
  const auto room = 0.05 * (top - low);
  return {std::move(label), low - room, top + room};
}

/// At each step what is known of it, in the middle and 5 % from both ends.
void draw_spread(figure::plot& plot, const curve_set& set) {
  std::map<double, std::vector<double>> by_step;
  for (const auto& curve : set.curves)
    for (const auto& [x, y] : curve)
      if (std::isfinite(y))
        by_step[x].push_back(y);
  std::vector<figure::range_at> spread;
  std::vector<point> middle;
  for (auto& [x, ys] : by_step) {
    std::ranges::sort(ys);
    spread.push_back({x, quantile_of(ys, 0.05), quantile_of(ys, 0.95)});
    middle.push_back({x, quantile_of(ys, 0.5)});
  }
  plot.band(spread, {.colour = figure::blue, .opacity = 0.25});
  plot.line(middle, {.colour = figure::blue, .size = 2});
}

void draw_each(figure::plot& plot, const curve_set& set, bool mark_least) {
  const figure::look how{.colour = figure::blue,
                         .size = 1.4,
                         .opacity = set.curves.size() == 1 ? 1 : 0.5};
  for (const auto& curve : set.curves)
    if (curve.size() > 1)
      plot.line(curve, how);
    else // would be a line without length
      plot.dots(curve, {.colour = figure::blue, .size = 2.5});
  if (!mark_least)
    return;
  std::vector<point> least;
  for (const auto& curve : set.curves)
    least.push_back(*std::ranges::min_element(curve, {}, &point::y));
  plot.dots(least, {.colour = figure::vermilion, .size = 3.2});
}

block draw(const curve_set& set, std::string id, std::string title,
           std::string label, std::string text, bool mark_least) {
  if (set.values.empty())
    return {std::move(title), "", "Left out: no value of it is finite."};
  bool cut = false;
  auto axis = value_axis(set, std::move(label), cut);
  figure::picture picture;
  picture.id = std::move(id);
  picture.title = title;
  figure::plot plot{{0, 0, picture.width, picture.height},
                    {"step", set.first, set.last},
                    std::move(axis)};
  const bool many = set.curves.size() > most_lines;
  const auto count = set.curves.size();
  if (many) {
    draw_spread(plot, set);
    picture.legend = {{"median of the particles",
                       {.colour = figure::blue, .size = 2},
                       figure::sample::line},
                      {"5 % to 95 %",
                       {.colour = figure::blue, .opacity = 0.25},
                       figure::sample::area}};
  } else {
    draw_each(plot, set, mark_least);
    picture.legend = {{count == 1 ? "the particle" : "one line a particle",
                       {.colour = figure::blue},
                       figure::sample::line}};
    if (mark_least)
      picture.legend.push_back({"its lowest point",
                                {.colour = figure::vermilion},
                                figure::sample::dot});
  }
  picture.description = fmt::format(
      "Curves of {} particles over {:.0f} steps; values from {:.4g} to {:.4g}.",
      count, set.last, set.values.front(), set.values.back());
  picture.plots.push_back(std::move(plot));
  if (cut)
    text += " What lies above the top, in the first steps, is cut off.";
  return {std::move(title), figure::to_svg(picture), std::move(text)};
}

std::string loss_text(std::size_t curves, std::size_t particles) {
  std::string out =
      "Mean loss of the batches since the point before: curves that still fall "
      "at the end want more steps, one that leaves the others is a particle in "
      "trouble.";
  if (curves < particles)
    out += fmt::format(" Shown are the first {} of {} particles.", curves,
                       particles);
  return out;
}

} // namespace

std::vector<block> learning_figures(const run_record& run) {
  const std::string title = "Training loss";
  if (!run.learning || run.learning->empty())
    return {{title, "",
             run.learning
                 ? "Left out: no particle has told of its training yet."
                 : "Left out: the run has no learning.csv, as runs of earlier "
                   "versions."}};
  std::vector<block> out;
  const auto losses = collect(*run.learning, [](const learning_point& x) {
    return std::optional{x.loss};
  });
  const auto loss = find_setting(run.settings, "infer.loss");
  const auto particles = find_setting(run.settings, "infer.particles");
  out.push_back(draw(losses, "loss", title,
                     loss.empty() ? "loss" : "loss: " + loss,
                     loss_text(losses.curves.size(),
                               std::strtoull(particles.c_str(), nullptr, 10)),
                     false));
  const auto scores = collect(
      *run.learning, [](const learning_point& x) { return x.validation; });
  if (scores.curves.empty())
    return out;
  const bool point_head = find_setting(run.settings, "model.head") == "point";
  out.push_back(draw(
      scores, "validation", "Validation score",
      point_head ? "mean squared error" : "negative log likelihood",
      "On the validation rows, in the units that the networks are trained in: "
      "each particle keeps the parameters of its lowest point, and a curve "
      "that rises after it overfits.",
      true));
  return out;
}

} // namespace posse::report
