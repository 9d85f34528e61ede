#include "runtime/posterior/reliability.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace posse {

namespace {

/// The k with k/bins < confidence <= (k+1)/bins, by the edges as doubles: the
/// product alone can land a bin beside them.
std::int64_t bin_of(double confidence, std::int64_t bins) {
  auto edge = [n = static_cast<double>(bins)](std::int64_t k) {
    return static_cast<double>(k) / n;
  };
  auto k = static_cast<std::int64_t>(confidence * static_cast<double>(bins));
  while (k > 0 && confidence <= edge(k))
    --k;
  while (k < bins - 1 && confidence > edge(k + 1))
    ++k;
  return std::min(k, bins - 1); // the sum of a softmax may round above 1
}

void add(reliability_bin& bin, double confidence, bool right) {
  ++bin.count;
  bin.accuracy += right ? 1 : 0;
  bin.confidence += confidence;
}

/// From sums to averages.
void divide(std::vector<reliability_bin>& bins) {
  for (auto& bin : bins)
    if (bin.count > 0) {
      bin.accuracy /= static_cast<double>(bin.count);
      bin.confidence /= static_cast<double>(bin.count);
    }
}

double gap(const reliability_bin& bin) {
  return std::abs(bin.accuracy - bin.confidence);
}

} // namespace

std::vector<reliability_bin> bins_of_equal_width(const at::Tensor& confidence,
                                                 const at::Tensor& right,
                                                 std::int64_t bins) {
  std::vector<reliability_bin> result(static_cast<std::size_t>(bins));
  auto confidences = confidence.accessor<double, 1>();
  auto rights = right.accessor<bool, 1>();
  for (std::int64_t i = 0; i < confidence.size(0); ++i)
    add(result[static_cast<std::size_t>(bin_of(confidences[i], bins))],
        confidences[i], rights[i]);
  divide(result);
  return result;
}

std::vector<reliability_bin> bins_of_equal_mass(const at::Tensor& confidence,
                                                const at::Tensor& right,
                                                std::int64_t bins) {
  std::vector<reliability_bin> result(static_cast<std::size_t>(bins));
  auto confidences = confidence.accessor<double, 1>();
  auto rights = right.accessor<bool, 1>();
  const auto rows = confidence.size(0);
  std::vector<std::int64_t> order(static_cast<std::size_t>(rows));
  std::iota(order.begin(), order.end(), 0);
  std::ranges::sort(order, {}, [&](std::int64_t i) { return confidences[i]; });
  std::int64_t bin = 0;
  for (std::int64_t place = 0; place < rows; ++place) {
    const auto i = order[static_cast<std::size_t>(place)];
    const bool tied = place > 0
                      && confidences[order[static_cast<std::size_t>(place - 1)]]
                             == confidences[i];
    while (!tied && place >= (bin + 1) * rows / bins)
      ++bin;
    add(result[static_cast<std::size_t>(bin)], confidences[i], rights[i]);
  }
  divide(result);
  return result;
}

double expected_calibration_error(const std::vector<reliability_bin>& bins) {
  double points = 0;
  for (const auto& bin : bins)
    points += static_cast<double>(bin.count);
  double result = 0;
  for (const auto& bin : bins)
    if (bin.count > 0)
      result += static_cast<double>(bin.count) / points * gap(bin);
  return result;
}

double max_calibration_error(const std::vector<reliability_bin>& bins) {
  double result = 0;
  for (const auto& bin : bins)
    result = std::max(result, gap(bin));
  return result;
}

} // namespace posse
