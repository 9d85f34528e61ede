#include "runtime/posterior/classification_metrics.hpp"
#include "runtime/posterior/reliability.hpp"
#include "test/support/catch.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

using namespace posse;
using Catch::Approx;

namespace {

at::Tensor numbers(const std::vector<double>& x) {
  return at::tensor(x, at::kDouble);
}

at::Tensor flags(const std::vector<std::int64_t>& x) {
  return at::tensor(x, at::kLong).to(at::kBool);
}

std::vector<std::int64_t> counts(const std::vector<reliability_bin>& bins) {
  std::vector<std::int64_t> result;
  for (const auto& bin : bins)
    result.push_back(bin.count);
  return result;
}

using counted = std::vector<std::int64_t>;

/// From the definition, without ties: sort pairs, cut at floor(k B / n).
double slow_equal_mass_error(const at::Tensor& confidence,
                             const at::Tensor& right, std::int64_t bins) {
  std::vector<std::pair<double, bool>> points;
  for (std::int64_t i = 0; i < confidence.size(0); ++i)
    points.emplace_back(confidence[i].item<double>(), right[i].item<bool>());
  std::sort(points.begin(), points.end());
  const auto n = static_cast<std::int64_t>(points.size());
  double error = 0;
  for (std::int64_t k = 0; k < bins; ++k) {
    double confident = 0;
    double hits = 0;
    for (auto i = k * n / bins; i < (k + 1) * n / bins; ++i) {
      confident += points[static_cast<std::size_t>(i)].first;
      hits += points[static_cast<std::size_t>(i)].second ? 1 : 0;
    }
    error += std::abs(hits - confident) / static_cast<double>(n);
  }
  return error;
}

} // namespace

TEST_CASE("bins of equal mass hold equally many, the remainder spread",
          "[runtime][classification]") {
  auto confidence = numbers({0.9, 0.3, 0.5, 0.7, 0.6, 0.8, 0.4});
  auto right = flags({1, 0, 1, 0, 1, 1, 0});
  // Ends at floor(7 / 3) = 2, floor(14 / 3) = 4 and 7.
  auto bins = bins_of_equal_mass(confidence, right, 3);
  CHECK(counts(bins) == counted{2, 2, 3});
  CHECK(bins[0].confidence == Approx(0.35)); // 0.3, 0.4
  CHECK(bins[0].accuracy == 0);
  CHECK(bins[1].confidence == Approx(0.55)); // 0.5, 0.6
  CHECK(bins[1].accuracy == 1);
  CHECK(bins[2].confidence == Approx(0.8)); // 0.7, 0.8, 0.9
  CHECK(bins[2].accuracy == Approx(2.0 / 3));
  CHECK(expected_calibration_error(bins)
        == Approx((2 * 0.35 + 2 * 0.45 + 3 * (0.8 - 2.0 / 3)) / 7));
  CHECK(max_calibration_error(bins) == Approx(0.45));
}

TEST_CASE("of fewer points than bins of equal mass some are empty",
          "[runtime][classification]") {
  auto bins = bins_of_equal_mass(numbers({0.6, 0.9}), flags({1, 0}), 5);
  // Ends at 0, 0, 1, 1, 2.
  CHECK(counts(bins) == counted{0, 0, 1, 0, 1});
  CHECK(bins[2].confidence == 0.6);
  CHECK(bins[4].accuracy == 0);
  CHECK(expected_calibration_error(bins) == Approx((0.4 + 0.9) / 2));
}

TEST_CASE("equal confidences share a bin of equal mass",
          "[runtime][classification]") {
  // Four bins of two; the tie of 0.5 reaches from the first into the third.
  auto confidence = numbers({0.3, 0.5, 0.5, 0.5, 0.5, 0.8, 0.9, 0.95});
  auto right = flags({1, 0, 1, 0, 1, 1, 1, 0});
  auto bins = bins_of_equal_mass(confidence, right, 4);
  CHECK(counts(bins) == counted{5, 0, 1, 2});
  // All are tied: one bin, whatever the order.
  bins = bins_of_equal_mass(at::full({8}, 0.7, at::kDouble), right, 4);
  CHECK(counts(bins) == counted{8, 0, 0, 0});
  CHECK(expected_calibration_error(bins) == Approx(0.7 - 5.0 / 8));
}

TEST_CASE("the error on bins of equal mass does not depend on the rows' order",
          "[runtime][classification]") {
  auto generator = at::make_generator<at::CPUGeneratorImpl>(31);
  // Of 20 values each occurs about 15 times.
  auto confidence =
      at::randint(20, {300}, generator, at::kLong).to(at::kDouble) / 40 + 0.5;
  auto right = at::rand({300}, generator, at::kDouble) < confidence;
  auto error =
      expected_calibration_error(bins_of_equal_mass(confidence, right, 15));
  CHECK(error > 0);
  for (int i = 0; i < 5; ++i) {
    auto order = at::randperm(300, generator, at::kLong);
    CHECK(expected_calibration_error(
              bins_of_equal_mass(confidence.index_select(0, order),
                                 right.index_select(0, order), 15))
          == error);
  }
}

TEST_CASE("the error on bins of equal mass is that of the sorted points",
          "[runtime][classification]") {
  auto generator = at::make_generator<at::CPUGeneratorImpl>(32);
  auto logits = at::randn({1, 203, 4}, generator, at::kDouble) * 2;
  auto labels = at::randint(4, {203}, generator, at::kLong);
  auto predictive = predict_classification(logits);
  REQUIRE(predictive);
  auto confidence = predictive->probabilities.amax(1);
  auto right = predictive->predicted == labels;
  for (std::int64_t bins : {1, 10, 15, 202, 203, 500}) {
    INFO(bins);
    auto metrics = evaluate_classification(*predictive, labels, bins);
    REQUIRE(metrics);
    CHECK(metrics->ece_equal_mass
          == Approx(slow_equal_mass_error(confidence, right, bins))
                 .epsilon(1e-12));
  }
  // One bin of either kind is all points.
  auto one = evaluate_classification(*predictive, labels, 1);
  CHECK(one->ece_equal_mass == Approx(one->ece).epsilon(1e-12));
}

TEST_CASE("no points have no calibration error", "[runtime][classification]") {
  CHECK(expected_calibration_error({}) == 0);
  CHECK(max_calibration_error({}) == 0);
}
