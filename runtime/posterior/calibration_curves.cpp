#include "runtime/posterior/calibration_curves.hpp"

#include "runtime/posterior/gaussian_mixture.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace posse {

namespace {

/// The numbers of the points by rising `key`; equal ones in their order.
std::vector<std::size_t> order_by(std::span<const double> key) {
  std::vector<std::size_t> out(key.size());
  std::iota(out.begin(), out.end(), std::size_t{0});
  std::ranges::stable_sort(
      out, [key](std::size_t a, std::size_t b) { return key[a] < key[b]; });
  return out;
}

} // namespace

std::vector<double> coverage_at(const gaussian_predictions& predictions,
                                std::span<const double> levels) {
  const auto& [targets, means, deviations] = predictions;
  std::vector<double> out;
  for (const double level : levels) {
    const double reach = normal_quantile(0.5 + level / 2);
    std::size_t inside = 0;
    for (std::size_t i = 0; i < targets.size(); ++i)
      if (std::abs(targets[i] - means[i]) <= reach * deviations[i])
        ++inside;
    out.push_back(targets.empty() ? 0
                                  : static_cast<double>(inside)
                                        / static_cast<double>(targets.size()));
  }
  return out;
}

std::vector<uncertainty_bin>
error_by_uncertainty(const gaussian_predictions& predictions,
                     std::size_t bins) {
  const auto& [targets, means, deviations] = predictions;
  const auto order = order_by(deviations);
  const auto rows = order.size();
  std::vector<uncertainty_bin> out;
  std::size_t begin = 0;
  for (std::size_t k = 1; k <= bins && begin < rows; ++k) {
    auto end = rows * k / bins;
    while (end > begin && end < rows
           && deviations[order[end]] == deviations[order[end - 1]])
      ++end;
    if (end <= begin)
      continue; // those before took its points, too
    uncertainty_bin bin;
    bin.count = end - begin;
    for (; begin < end; ++begin) {
      const auto i = order[begin];
      const auto error = targets[i] - means[i];
      bin.deviation += deviations[i] * deviations[i];
      bin.rmse += error * error;
    }
    bin.deviation = std::sqrt(bin.deviation / static_cast<double>(bin.count));
    bin.rmse = std::sqrt(bin.rmse / static_cast<double>(bin.count));
    out.push_back(bin);
  }
  return out;
}

std::vector<retention_point>
accuracy_by_retention(std::span<const double> uncertainty,
                      std::span<const std::uint8_t> right, std::size_t points) {
  const auto order = order_by(uncertainty);
  const auto rows = order.size();
  // right_among[n]: how many of the n most certain are right.
  std::vector<double> right_among{0};
  for (std::size_t begin = 0; begin < rows;) {
    auto end = begin;
    std::size_t hits = 0;
    for (; end < rows && uncertainty[order[end]] == uncertainty[order[begin]];
         ++end)
      hits += right[order[end]] != 0 ? 1 : 0;
    const auto share =
        static_cast<double>(hits) / static_cast<double>(end - begin);
    const auto before = right_among.back();
    for (std::size_t n = 1; n <= end - begin; ++n)
      right_among.push_back(before + share * static_cast<double>(n));
    begin = end;
  }
  std::vector<retention_point> out;
  for (std::size_t k = 1; k <= points; ++k) {
    const auto kept = (rows * k + points - 1) / points;
    if (kept == 0
        || (!out.empty() && kept == (rows * (k - 1) + points - 1) / points))
      continue; // fewer rows than points
    out.push_back({static_cast<double>(kept) / static_cast<double>(rows),
                   right_among[kept] / static_cast<double>(kept)});
  }
  return out;
}

std::vector<std::size_t> histogram(std::span<const double> values, double low,
                                   double high, std::size_t bins) {
  std::vector<std::size_t> out(bins, 0);
  for (const double x : values) {
    if (!(x >= low && x <= high))
      continue;
    const auto at = static_cast<std::size_t>((x - low) / (high - low)
                                             * static_cast<double>(bins));
    ++out[std::min(at, bins - 1)];
  }
  return out;
}

} // namespace posse
