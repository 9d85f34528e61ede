#include "runtime/posterior/predictive_distance.hpp"
#include "test/support/catch.hpp"

#include <ATen/ATen.h>

#include <cmath>
#include <numbers>
#include <vector>

using namespace posse;
using Catch::Approx;

namespace {

double normal_cdf(double x) {
  return std::erfc(-x / std::numbers::sqrt2) / 2;
}

struct mixture {
  std::vector<double> means;
  std::vector<double> deviations;
  operator gaussian_mixture() const { return {means, deviations}; }
};

} // namespace

TEST_CASE("the total variation of two Gaussians is that of their formula",
          "[runtime][posterior]") {
  // Of one deviation, d deviations apart: 2 Phi(d / 2) - 1, in any units.
  const double d = GENERATE(0.0, 0.1, 1.0, 3.0, 20.0);
  const double unit = GENERATE(1.0, 1e-6);
  CAPTURE(d, unit);
  const mixture f{{5}, {unit}};
  const mixture g{{5 + d * unit}, {unit}};
  const auto tv = total_variation(f, g);
  CHECK(tv == Approx(2 * normal_cdf(d / 2) - 1).margin(0.005));
  CHECK(total_variation(g, f) == Approx(tv).margin(1e-12));
}

TEST_CASE("the total variation of mixtures agrees with a fine sum",
          "[runtime][posterior]") {
  const mixture f{{-3, 0.5, 4}, {0.2, 1, 0.5}};
  const mixture g{{-3, 2}, {0.4, 2}};
  double sum = 0;
  constexpr double width = 1e-4;
  for (double x = -12; x < 14; x += width)
    sum +=
        width
        * std::abs(std::exp(log_density(f, x)) - std::exp(log_density(g, x)));
  const auto tv = total_variation(f, g);
  CHECK(tv == Approx(sum / 2).margin(0.005));
  CHECK(tv <= sum / 2 + 1e-6);
  // The same mixture with its members in another order, each twice.
  const mixture again{{4, -3, 0.5, 4, -3, 0.5}, {0.5, 0.2, 1, 0.5, 0.2, 1}};
  CHECK(total_variation(f, again) == Approx(0).margin(1e-12));
}

TEST_CASE("classes agree where the most probable one is the same",
          "[runtime][posterior]") {
  const auto p = at::tensor({0.7, 0.2, 0.1, 0.3, 0.6, 0.1}).view({2, 3});
  const auto q = at::tensor({0.5, 0.4, 0.1, 0.6, 0.3, 0.1}).view({2, 3});
  const auto d = distance_of_classes(p, q);
  CHECK(d.agreement == Approx(0.5));
  CHECK(d.total_variation == Approx((0.2 + 0.3) / 2));
  CHECK(distance_of_classes(p, p).total_variation == 0);
}
