#include "runtime/core/random.hpp"
#include "runtime/posterior/laplace.hpp"
#include "test/support/catch.hpp"

#include <ATen/ATen.h>

#include <cmath>
#include <limits>
#include <numbers>

using namespace posse;
using Catch::Approx;
using Catch::Matchers::ContainsSubstring;

namespace {

/// A linear regression y = X theta + noise of variance 1/2, whose evidence has
/// a closed form.
struct regression {
  at::Tensor x;
  at::Tensor y;
  at::Tensor theta; ///< the mode, for a prior's precision

  explicit regression(double precision) {
    auto numbers = make_generator(3);
    x = at::randn({20, 3}, numbers, at::kDouble);
    y = x.sum(1) + at::randn({20}, numbers, at::kDouble).mul_(std::sqrt(0.5));
    theta = at::linalg_solve(curvature() + at::eye(3, at::kDouble) * precision,
                             x.t().mv(y) * 2);
  }

  at::Tensor curvature() const { return x.t().mm(x) * 2; }

  double log_likelihood() const {
    return -(y - x.mv(theta)).square().sum().item<double>()
           - 10 * std::log(std::numbers::pi);
  }

  laplace_evidence evidence() const {
    auto spectrum = decompose(curvature());
    REQUIRE(spectrum);
    return {spectrum->values, theta.square().sum().item<double>(),
            log_likelihood()};
  }

  /// log N(y; 0, X X^T / precision + I / 2).
  double exact(double precision) const {
    const auto covariance =
        x.mm(x.t()) / precision + at::eye(20, at::kDouble) / 2;
    return -(y.dot(at::linalg_solve(covariance, y)).item<double>()
             + at::logdet(covariance).item<double>()
             + 20 * std::log(2 * std::numbers::pi))
           / 2;
  }
};

} // namespace

TEST_CASE("Laplace's evidence of a linear regression is exact",
          "[runtime][posterior][laplace]") {
  const double precision = GENERATE(0.01, 1.0, 30.0);
  const regression r{precision};
  CHECK(r.evidence().log_evidence(precision)
        == Approx(r.exact(precision)).epsilon(1e-10));
}

TEST_CASE("the best precision is where the evidence is highest",
          "[runtime][posterior][laplace]") {
  const auto evidence = regression{1}.evidence();
  const auto best = evidence.best_precision();
  CAPTURE(best);
  CHECK(best > 1e-5);
  CHECK(best < 1e5);
  for (double factor : {0.1, 0.9, 0.999, 1.001, 1.1, 10.0})
    CHECK(evidence.log_evidence(best * factor) < evidence.log_evidence(best));
  // MacKay's fixed point.
  const auto& h = evidence.curvatures;
  CHECK(best * evidence.squared_norm
        == Approx((h / (h + best)).sum().item<double>()).epsilon(1e-9));
}

TEST_CASE("the precision of parameters that are 0 or say nothing is bounded",
          "[runtime][posterior][laplace]") {
  const auto ones = at::ones({4}, at::kDouble);
  CHECK(laplace_evidence{ones, 0, -3}.best_precision() == Approx(1e6));
  CHECK(laplace_evidence{at::zeros_like(ones), 1, -3}.best_precision()
        == Approx(1e-6));
}

TEST_CASE("the root of a covariance is one", "[runtime][posterior][laplace]") {
  const auto curvature = regression{1}.curvature();
  auto spectrum = decompose(curvature);
  REQUIRE(spectrum);
  const auto root = spectrum->root_of_covariance(0.7);
  const auto exact = at::linalg_inv(curvature + at::eye(3, at::kDouble) * 0.7);
  CHECK(at::allclose(root.mm(root.t()), exact, 1e-10, 1e-14));
}

TEST_CASE("rounding gives no negative curvature",
          "[runtime][posterior][laplace]") {
  const auto x = at::ones({1, 40}, at::kDouble) / 3;
  auto spectrum = decompose(x.t().mm(x));
  REQUIRE(spectrum);
  CHECK(spectrum->values.min().item<double>() >= 0);
  CHECK(spectrum->values.max().item<double>() == Approx(40.0 / 9));
}

TEST_CASE("a curvature that is no number is named",
          "[runtime][posterior][laplace]") {
  auto curvature = at::eye(3, at::kDouble);
  curvature[1][1] = std::numeric_limits<double>::quiet_NaN();
  auto spectrum = decompose(curvature);
  REQUIRE_FALSE(spectrum);
  CHECK(spectrum.error().code == errc::non_finite);
  CHECK_THAT(spectrum.error().message, ContainsSubstring("curvature"));
}

TEST_CASE("precisions to try are half decades around 1",
          "[runtime][posterior][laplace]") {
  const auto all = precisions_to_try();
  REQUIRE(all.size() == 17);
  CHECK(all.front() == Approx(1e-4));
  CHECK(all[8] == 1);
  CHECK(all[9] == Approx(std::sqrt(10.0)));
  CHECK(all.back() == Approx(1e4));
}
