#include "apps/posse/report/regression_figures.hpp"

#include "apps/posse/figure/picture.hpp"
#include "apps/posse/report/quantile_of.hpp"
#include "runtime/posterior/calibration_curves.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace posse::report {

namespace {

using figure::point;

figure::plot whole(const figure::picture& p, figure::axis x, figure::axis y) {
  return {{0, 0, p.width, p.height}, std::move(x), std::move(y)};
}

gaussian_predictions moments_of(const regression_predictions& x) {
  return {x.target, x.mean, x.std};
}

/// `count` numbers from 0 to n - 1, evenly spaced, with both ends.
std::vector<std::size_t> evenly_spaced(std::size_t n, std::size_t count) {
  std::vector<std::size_t> out;
  if (n <= count)
    count = n;
  for (std::size_t i = 0; i < count; ++i)
    out.push_back(count == 1 ? 0
                             : (i * (n - 1) + (count - 1) / 2) / (count - 1));
  return out;
}

bool is_inside(const regression_predictions& x, std::size_t row) {
  return x.target[row] >= x.q05[row] && x.target[row] <= x.q95[row];
}

// -- coverage
// ------------------------------------------------------------------

block coverage_figure(const regression_predictions& x) {
  const std::string title = "Calibration of the intervals";
  if (x.q05.empty())
    return {title, "",
            "Left out: a point head predicts no noise, so there is no density "
            "that could be calibrated."};
  constexpr int steps = 50;
  std::vector<double> levels;
  std::vector<figure::range_at> expected;
  const auto rows = static_cast<double>(x.row.size());
  for (int i = 1; i < steps; ++i) {
    const double level = static_cast<double>(i) / steps;
    levels.push_back(level);
    const double reach = 1.96 * std::sqrt(level * (1 - level) / rows);
    expected.push_back(
        {level, std::max(level - reach, 0.0), std::min(level + reach, 1.0)});
  }
  const auto shares = coverage_at(moments_of(x), levels);
  std::vector<point> curve;
  for (std::size_t i = 0; i < levels.size(); ++i)
    curve.push_back({levels[i], shares[i]});
  std::size_t inside = 0;
  for (std::size_t i = 0; i < x.row.size(); ++i)
    inside += is_inside(x, i) ? 1 : 0;
  const double own = static_cast<double>(inside) / rows;

  figure::picture p;
  p.id = "coverage";
  p.title = title;
  p.description = fmt::format(
      "Share of the {} test targets in the central intervals. In that of 50 %: "
      "{:.3f}; of 90 %: {:.3f}; in the mixture's own of 90 %: {:.3f}.",
      x.row.size(), shares[steps / 2 - 1], shares[steps * 9 / 10 - 1], own);
  auto plot = whole(p, {"nominal probability", 0, 1}, {"share inside", 0, 1});
  const figure::look area{.colour = figure::quiet, .opacity = 0.25};
  const figure::look ideal{
      .colour = figure::quiet, .size = 1.3, .dashed = true};
  const figure::look ours{.colour = figure::blue, .size = 2.2};
  const figure::look ring{
      .colour = figure::vermilion, .size = 5, .hollow = true};
  plot.band(expected, area);
  plot.diagonal(ideal);
  plot.line(curve, ours);
  plot.dots(std::vector<point>{{0.9, own}}, ring);
  p.plots.push_back(std::move(plot));
  p.legend = {{"one Gaussian", ours, figure::sample::line},
              {"mixture, 90 %", ring, figure::sample::dot},
              {"95 % of calibrated posteriors", area, figure::sample::area}};
  return {title, figure::to_svg(p),
          "Below the diagonal the intervals are too narrow (overconfident), "
          "above it too wide; inside the shaded area the difference may be "
          "chance. The curve is that of the Gaussian with the mixture's mean "
          "and variance, the ring the mixture's own interval."};
}

// -- intervals
// -----------------------------------------------------------------

struct drawn_rows {
  std::vector<figure::range_at> intervals;
  std::vector<point> means, inside, outside;
  std::vector<double> values;
};

drawn_rows pick_rows(const regression_predictions& x) {
  std::vector<std::size_t> order(x.row.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, [&x](std::size_t a, std::size_t b) {
    return x.mean[a] < x.mean[b];
  });
  drawn_rows out;
  for (const auto rank : evenly_spaced(order.size(), most_rows_drawn)) {
    const auto row = order[rank];
    const auto at = static_cast<double>(rank + 1);
    const bool has_interval = !x.q05.empty();
    out.means.push_back({at, x.mean[row]});
    auto& targets =
        has_interval && !is_inside(x, row) ? out.outside : out.inside;
    targets.push_back({at, x.target[row]});
    out.values.insert(out.values.end(), {x.mean[row], x.target[row]});
    if (has_interval) {
      out.intervals.push_back({at, x.q05[row], x.q95[row]});
      out.values.insert(out.values.end(), {x.q05[row], x.q95[row]});
    }
  }
  return out;
}

block interval_figure(const regression_predictions& x) {
  const auto rows = pick_rows(x);
  const auto [low, high] = std::ranges::minmax(rows.values);
  const double room = 0.04 * (high - low);
  const auto total = x.row.size();
  const auto shown = rows.means.size();
  figure::picture p;
  p.id = "intervals";
  p.title = "Predictions of the test rows";
  p.description = fmt::format(
      "{} of {} test rows by rising prediction; values from {:.4g} to {:.4g}.",
      shown, total, low, high);
  auto plot = whole(
      p,
      {"test rows by rising prediction", 0.5, static_cast<double>(total) + 0.5},
      {"target", low - room, high + room});
  const figure::look interval{
      .colour = figure::blue, .size = 2.4, .opacity = 0.4};
  const figure::look mean{.colour = figure::quiet, .size = 1.3};
  const figure::look hit{.colour = figure::blue, .size = 2.2};
  const figure::look miss{
      .colour = figure::vermilion, .size = 3, .hollow = true};
  plot.strokes(rows.intervals, interval);
  plot.line(rows.means, mean);
  plot.dots(rows.inside, hit);
  plot.dots(rows.outside, miss);
  p.plots.push_back(std::move(plot));
  std::string text;
  if (rows.intervals.empty()) {
    p.legend = {{"predicted mean", mean, figure::sample::line},
                {"target", hit, figure::sample::dot}};
    text = "Targets should lie around the line of the predicted means, without "
           "a bend or a drift. A point head has no predictive intervals.";
  } else {
    p.legend = {{"mean", mean, figure::sample::line},
                {"90 % interval", interval, figure::sample::line},
                {"target inside", hit, figure::sample::dot},
                {"outside", miss, figure::sample::dot}};
    text = "One target in ten should be outside of its interval, on both sides "
           "and all along, not in one stretch.";
  }
  text += shown < total
              ? fmt::format(" Shown are {} of {} rows, evenly spaced in this "
                            "order.",
                            shown, total)
              : std::string{" All rows are shown."};
  return {p.title, figure::to_svg(p), std::move(text)};
}

// -- errors
// --------------------------------------------------------------------

double top_of(std::vector<double> values, double share) {
  std::ranges::sort(values);
  return quantile_of(values, share);
}

block error_figure(const regression_predictions& x) {
  const std::string title = "Error against predicted deviation";
  if (std::ranges::all_of(x.std, [](double s) { return s == 0; }))
    return {title, "",
            "Left out: one particle with a point head predicts no deviation."};
  constexpr std::size_t most_bins = 10;
  constexpr std::size_t least_rows = 10; // of a bin, on average
  const auto bins = error_by_uncertainty(
      moments_of(x),
      std::clamp<std::size_t>(x.row.size() / least_rows, 1, most_bins));
  std::vector<double> errors;
  for (std::size_t i = 0; i < x.row.size(); ++i)
    errors.push_back(std::abs(x.target[i] - x.mean[i]));
  std::vector<point> binned, each;
  double right = top_of(x.std, 0.99);
  double top = top_of(errors, 0.97);
  for (const auto& bin : bins) {
    binned.push_back({bin.deviation, bin.rmse});
    right = std::max(right, bin.deviation);
    top = std::max(top, bin.rmse);
  }
  constexpr std::size_t most_dots = 400;
  for (const auto i : evenly_spaced(errors.size(), most_dots))
    each.push_back({x.std[i], errors[i]});

  figure::picture p;
  p.id = "errors";
  p.title = title;
  p.description =
      fmt::format("{} bins of test rows by predicted deviation, from {:.4g} "
                  "with an RMSE of "
                  "{:.4g} to {:.4g} with {:.4g}.",
                  bins.size(), bins.front().deviation, bins.front().rmse,
                  bins.back().deviation, bins.back().rmse);
  auto plot = whole(p, {"predicted standard deviation", 0, 1.05 * right},
                    {"absolute error", 0, 1.08 * top});
  const figure::look row{.colour = figure::quiet, .size = 1.8, .opacity = 0.5};
  const figure::look ideal{
      .colour = figure::quiet, .size = 1.3, .dashed = true};
  const figure::look ours{.colour = figure::blue, .size = 2};
  plot.dots(each, row);
  plot.diagonal(ideal);
  plot.line(binned, ours);
  plot.dots(binned, {.colour = figure::blue, .size = 3.5});
  p.plots.push_back(std::move(plot));
  p.legend = {{"RMSE of a bin", ours, figure::sample::dot},
              {"test row", row, figure::sample::dot},
              {"as predicted", ideal, figure::sample::line}};
  return {
      title, figure::to_svg(p),
      "Bins of equally many rows of like deviation: on the dashed line "
      "errors are as large as predicted, above it larger; a flat curve says "
      "that the deviation does not tell good predictions from bad ones."};
}

// -- variance
// ------------------------------------------------------------------

block variance_figure(const regression_predictions& x) {
  const std::string title = "Epistemic share of the variance";
  if (x.aleatoric_std.empty())
    return {title, "",
            "Left out: a point head predicts no noise; all of its deviation is "
            "the disagreement of the particles."};
  std::vector<double> shares;
  for (std::size_t i = 0; i < x.row.size(); ++i) {
    const auto epistemic = x.epistemic_std[i] * x.epistemic_std[i];
    const auto all = epistemic + x.aleatoric_std[i] * x.aleatoric_std[i];
    if (all > 0)
      shares.push_back(epistemic / all);
  }
  if (std::ranges::all_of(shares, [](double s) { return s == 0; }))
    return {title, "",
            "Left out: a single network cannot disagree with itself; all of "
            "its variance is aleatoric."};
  constexpr std::size_t bins = 20;
  const auto counts = histogram(shares, 0, 1, bins);
  std::vector<figure::bar> bars;
  for (std::size_t k = 0; k < bins; ++k)
    bars.push_back({(static_cast<double>(k) + 0.08) / bins,
                    (static_cast<double>(k) + 0.92) / bins, 0,
                    static_cast<double>(counts[k])});
  std::ranges::sort(shares);
  figure::picture p;
  p.id = "variance";
  p.title = title;
  p.description =
      fmt::format("Histogram of {} test rows; the median share is {:.3f}.",
                  shares.size(), quantile_of(shares, 0.5));
  auto plot = whole(
      p, {"epistemic variance / whole variance", 0, 1},
      {"test rows", 0, 1.05 * static_cast<double>(std::ranges::max(counts))});
  plot.bars(bars, {.colour = figure::blue, .opacity = 0.85});
  p.plots.push_back(std::move(plot));
  return {title, figure::to_svg(p),
          fmt::format("Left: the networks agree and what remains is noise; "
                      "right: they disagree, and more data there would help. "
                      "Half of the rows have less than {:.1f} %.",
                      100 * quantile_of(shares, 0.5))};
}

} // namespace

std::vector<block> regression_figures(const regression_predictions& x) {
  return {coverage_figure(x), interval_figure(x), error_figure(x),
          variance_figure(x)};
}

} // namespace posse::report
