#include "apps/posse/report/classification_figures.hpp"

#include "apps/posse/figure/picture.hpp"
#include "runtime/posterior/calibration_curves.hpp"
#include "runtime/posterior/classification_metrics.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace posse::report {

namespace {

using figure::point;

const figure::look right_look{.colour = figure::blue, .opacity = 0.85};
const figure::look wrong_look{.colour = figure::vermilion, .opacity = 0.85};
const figure::look ideal{.colour = figure::quiet, .size = 1.3, .dashed = true};

std::vector<std::uint8_t> hits_of(const classification_predictions& x) {
  std::vector<std::uint8_t> out;
  for (std::size_t i = 0; i < x.row.size(); ++i)
    out.push_back(x.predicted[i] == x.target[i] ? 1 : 0);
  return out;
}

std::vector<double> confidences_of(const classification_predictions& x) {
  std::vector<double> out;
  for (std::size_t i = 0; i < x.row.size(); ++i) {
    const auto* first = x.probabilities.data() + i * x.classes;
    out.push_back(*std::max_element(first, first + x.classes));
  }
  return out;
}

bool all_zero(const std::vector<double>& values) {
  return std::ranges::all_of(values, [](double x) { return x == 0; });
}

block reliability_figure(const classification_predictions& x) {
  const auto bins = bins_of_equal_width(
      at::tensor(confidences_of(x)), at::tensor(hits_of(x)).to(at::kBool),
      default_reliability_bins);
  const auto width = 1 / static_cast<double>(bins.size());
  std::vector<figure::bar> accuracy, counts;
  std::vector<point> means;
  double most = 0, error = 0;
  for (std::size_t k = 0; k < bins.size(); ++k) {
    const auto& bin = bins[k];
    const auto left = (static_cast<double>(k) + 0.08) * width;
    const auto right = (static_cast<double>(k) + 0.92) * width;
    const auto count = static_cast<double>(bin.count);
    most = std::max(most, count);
    counts.push_back({left, right, 0, count});
    if (bin.count == 0)
      continue;
    accuracy.push_back({left, right, 0, bin.accuracy});
    means.push_back({bin.confidence, bin.accuracy});
    error += count / static_cast<double>(x.row.size())
             * std::abs(bin.accuracy - bin.confidence);
  }
  figure::picture p;
  p.id = "reliability";
  p.title = "Reliability";
  p.description = fmt::format(
      "{} test rows in {} bins of confidence; their expected calibration error "
      "is {:.4f}.",
      x.row.size(), bins.size(), error);
  constexpr double counts_height = 130;
  constexpr double gap_between = 12;
  figure::plot above{{0, 0, p.width, p.height}, {"", 0, 1}, {"accuracy", 0, 1}};
  figure::axis count_axis{"test rows", 0, 1.05 * most};
  count_axis.wanted = 3;
  figure::plot below{{0, p.height + gap_between, p.width, counts_height},
                     {"confidence", 0, 1},
                     std::move(count_axis)};
  above.align(below);
  const figure::look gap{.colour = figure::vermilion, .size = 3};
  above.bars(accuracy, {.colour = figure::blue, .opacity = 0.6});
  above.diagonal(ideal);
  above.dots(means, gap);
  below.bars(counts, {.colour = figure::quiet, .opacity = 0.8});
  p.height += gap_between + counts_height;
  p.plots.push_back(std::move(above));
  p.plots.push_back(std::move(below));
  p.legend = {{"accuracy in the bin",
               {.colour = figure::blue, .opacity = 0.6},
               figure::sample::area},
              {"at its mean confidence", gap, figure::sample::dot},
              {"calibrated", ideal, figure::sample::line}};
  return {p.title, figure::to_svg(p),
          "Dots below the diagonal are overconfident, above it underconfident; "
          "a bin with few rows says little."};
}

block retention_figure(const classification_predictions& x) {
  constexpr std::size_t points = 50;
  const auto hits = hits_of(x);
  const bool one_network = all_zero(x.mutual_information);
  figure::picture p;
  p.id = "retention";
  p.title = "Accuracy when uncertain rows are set aside";
  double lowest = 1;
  auto curve = [&](const std::vector<double>& uncertainty) {
    std::vector<point> out;
    for (const auto& each : accuracy_by_retention(uncertainty, hits, points)) {
      out.push_back({each.kept, each.accuracy});
      lowest = std::min(lowest, each.accuracy);
    }
    return out;
  };
  const auto by_entropy = curve(x.entropy);
  const auto by_information =
      one_network ? std::vector<point>{} : curve(x.mutual_information);
  // The least of round numbers that leaves the curves some height.
  const double bottom = std::clamp(std::floor(lowest * 10) / 10, 0.0, 0.9);
  p.description = fmt::format(
      "With all {} rows the accuracy is {:.4f}, with the more certain half by "
      "entropy {:.4f}.",
      x.row.size(), by_entropy.back().y,
      by_entropy[(by_entropy.size() - 1) / 2].y);
  figure::plot plot{{0, 0, p.width, p.height},
                    {"share of rows kept", 0, 1},
                    {"accuracy", bottom, 1}};
  const figure::look entropy{.colour = figure::blue, .size = 2};
  const figure::look information{
      .colour = figure::vermilion, .size = 2, .dashed = true};
  plot.line(by_entropy, entropy);
  plot.line(by_information, information);
  p.plots.push_back(std::move(plot));
  p.legend = {{"by entropy", entropy, figure::sample::line}};
  if (!one_network)
    p.legend.push_back(
        {"by mutual information", information, figure::sample::line});
  return {p.title, figure::to_svg(p),
          "Rows are set aside from the right, the most uncertain first: the "
          "steeper the accuracy rises to the left, the better the uncertainty "
          "tells which predictions are wrong."};
}

/// @param most Of the values' range; > 0.
block histogram_figure(const classification_predictions& x,
                       const std::vector<double>& values, double most,
                       std::string id, std::string title, std::string text) {
  constexpr std::size_t bins = 20;
  const auto hits = hits_of(x);
  std::vector<double> right, wrong;
  for (std::size_t i = 0; i < values.size(); ++i)
    (hits[i] != 0 ? right : wrong).push_back(std::min(values[i], most));
  double top = 0;
  auto bars_of = [&](const std::vector<double>& part, double from, double to) {
    std::vector<figure::bar> out;
    const auto counts = histogram(part, 0, most, bins);
    const auto width = most / bins;
    for (std::size_t k = 0; k < bins && !part.empty(); ++k) {
      const auto share =
          static_cast<double>(counts[k]) / static_cast<double>(part.size());
      top = std::max(top, share);
      out.push_back({(static_cast<double>(k) + from) * width,
                     (static_cast<double>(k) + to) * width, 0, share});
    }
    return out;
  };
  const auto right_bars = bars_of(right, 0.08, 0.48);
  const auto wrong_bars = bars_of(wrong, 0.52, 0.92);
  figure::picture p;
  p.id = std::move(id);
  p.title = std::move(title);
  p.description =
      fmt::format("Histograms of {} right and {} wrong predictions.",
                  right.size(), wrong.size());
  figure::plot plot{
      {0, 0, p.width, p.height},
      {"nats", 0, most},
      {"share of the rows that are right, or wrong", 0, 1.05 * top}};
  plot.bars(right_bars, right_look);
  plot.bars(wrong_bars, wrong_look);
  p.plots.push_back(std::move(plot));
  p.legend = {{fmt::format("right ({})", right.size()), right_look,
               figure::sample::area},
              {fmt::format("wrong ({})", wrong.size()), wrong_look,
               figure::sample::area}};
  return {p.title, figure::to_svg(p), std::move(text)};
}

block information_figure(const classification_predictions& x) {
  const std::string title = "Mutual information of class and particle";
  if (all_zero(x.mutual_information))
    return {title, "",
            "Left out: a single network cannot disagree with itself."};
  return histogram_figure(
      x, x.mutual_information, std::ranges::max(x.mutual_information),
      "information", title,
      "The epistemic part of the entropy, what the particles disagree about: "
      "where wrong predictions have much of it, more data would help; where "
      "they have little, all particles make the same mistake.");
}

} // namespace

std::vector<block> classification_figures(const classification_predictions& x) {
  const auto most =
      std::log(static_cast<double>(std::max<std::size_t>(x.classes, 2)));
  return {reliability_figure(x), retention_figure(x),
          histogram_figure(
              x, x.entropy, most, "entropy", "Entropy of the predictions",
              "Right predictions should be at the left, wrong ones further to "
              "the right: wrong ones at the left were made with confidence. "
              "The axis ends at the entropy of a guess."),
          information_figure(x)};
}

} // namespace posse::report
