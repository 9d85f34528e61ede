#include "runtime/device/helping_threads.hpp"
#include "runtime/posterior/stein_discrepancy.hpp"
#include "test/runtime/posterior/reference.hpp"
#include "test/runtime/posterior/svgd_rows.hpp"
#include "test/support/catch.hpp"

#include <cmath>
#include <limits>

using namespace posse;
using namespace posse::testing;
using Catch::Approx;
using Catch::Matchers::ContainsSubstring;

namespace {

double discrepancy(const at::Tensor& theta, const at::Tensor& score,
                   kernel_kind kernel, double h = 1) {
  auto found =
      squared_stein_discrepancy(theta.unbind(0), score.unbind(0), kernel, h);
  REQUIRE(found);
  return *found;
}

/// The kernel and its gradients at one pair, from its definition.
struct kernel_at {
  double k;
  at::Tensor grad_x;
  at::Tensor grad_y;
  double trace; ///< of grad_x grad_y k
};

kernel_at rbf_at(const at::Tensor& x, const at::Tensor& y, double h) {
  const auto r2 = (x - y).square().sum().item<double>();
  const auto k = std::exp(-r2 / h);
  const auto grad = 2 / h * k * (x - y);
  const auto p = static_cast<double>(x.numel());
  return {k, -grad, grad, k * (2 * p / h - 4 * r2 / (h * h))};
}

kernel_at linear_at(const at::Tensor& x, const at::Tensor& y) {
  return {x.dot(y).item<double>() + 1, y, x, static_cast<double>(x.numel())};
}

/// The mean of u over all pairs, pair by pair.
double by_loops(const at::Tensor& theta, const at::Tensor& score,
                kernel_kind kernel, double h) {
  const auto x = theta.to(at::kDouble);
  const auto s = score.to(at::kDouble);
  const auto n = x.size(0);
  double sum = 0;
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < n; ++j) {
      const auto at = kernel == kernel_kind::rbf ? rbf_at(x[i], x[j], h)
                                                 : linear_at(x[i], x[j]);
      sum += (at.k * s[i].dot(s[j]) + s[i].dot(at.grad_y) + s[j].dot(at.grad_x))
                 .item<double>()
             + at.trace;
    }
  return sum / static_cast<double>(n * n);
}

} // namespace

TEST_CASE("the Stein discrepancy is the equation's mean over pairs",
          "[runtime][stein]") {
  // One particle; one block of columns and several; several segments.
  for (auto [n, p] : {std::pair{1, 3}, {2, 1}, {7, 33}, {17, 300}, {9, 5000}}) {
    for (auto type : {at::kDouble, at::kFloat}) {
      INFO(n << " particles of " << p << ", " << type);
      const auto theta = draws({n, p}, 1, type) + 3;
      const auto score = draws({n, p}, 2, type);
      const double h = 2.0 * p; // so that pairs reach each other
      // 1e-10: the terms of a pair are 1e2 times their sum at most.
      CHECK(discrepancy(theta, score, kernel_kind::rbf, h)
            == Approx(by_loops(theta, score, kernel_kind::rbf, h))
                   .epsilon(1e-10));
      CHECK(discrepancy(theta, score, kernel_kind::linear)
            == Approx(by_loops(theta, score, kernel_kind::linear, 0))
                   .epsilon(1e-10));
    }
  }
}

TEST_CASE("the Stein discrepancy is what SVGD's direction does to the "
          "particles' own expectation",
          "[runtime][stein]") {
  // KSD^2 = E[s . phi + div phi] (Liu & Wang, NeurIPS 2016, theorem 3.1), phi
  // by its definition and its divergence by central differences: no second
  // derivative of the kernel is written down here.
  const auto x = draws({6, 3}, 3);
  const auto s = draws({6, 3}, 4);
  const auto kernel = GENERATE(kernel_kind::rbf, kernel_kind::linear);
  const double h = 4;
  const auto phi = [&](const at::Tensor& y) {
    auto sum = at::zeros_like(y);
    for (std::int64_t j = 0; j < 6; ++j) {
      const auto at =
          kernel == kernel_kind::rbf ? rbf_at(x[j], y, h) : linear_at(x[j], y);
      sum += at.k * s[j] + at.grad_x;
    }
    return at::Tensor{sum / 6};
  };
  double expectation = 0;
  for (std::int64_t i = 0; i < 6; ++i) {
    expectation += s[i].dot(phi(x[i])).item<double>() / 6;
    for (std::int64_t c = 0; c < 3; ++c) {
      const double step = 1e-5;
      auto up = x[i].clone();
      auto down = x[i].clone();
      up[c] += step;
      down[c] -= step;
      expectation += ((phi(up) - phi(down))[c] / (2 * step)).item<double>() / 6;
    }
  }
  // 1e-8: an error of step^2 and one of rounding over step.
  CHECK(discrepancy(x, s, kernel, h) == Approx(expectation).epsilon(1e-8));
}

TEST_CASE("draws of the posterior have a small Stein discrepancy, others a "
          "large one",
          "[runtime][stein]") {
  // Of a standard normal in two dimensions the score is -x, and the bias of
  // the V-statistic E[u(x, x)] / N = (2 + 4/h) / N.
  const std::int64_t n = 500;
  const double h = 2;
  const double bias = (2 + 4 / h) / static_cast<double>(n);
  const auto of = [&](const at::Tensor& x) {
    return discrepancy(x, -x, kernel_kind::rbf, h);
  };
  const auto x = draws({n, 2}, 5);
  // The rest of the statistic has mean 0 and a deviation of about the bias.
  CHECK(of(x) < 4 * bias);
  CHECK(of(x + 1) > 20 * bias);
  CHECK(of(x + 2) > of(x + 1));
  CHECK(of(x * 0.5) > 10 * bias); // too narrow
}

TEST_CASE("with the linear kernel it is the distance of two moments",
          "[runtime][stein]") {
  // |1/N sum s x^T + I|^2 + |mean s|^2, multiplied out.
  const auto x = draws({7, 4}, 6);
  const auto s = draws({7, 4}, 7);
  const auto moment = s.t().matmul(x) / 7 + at::eye(4, at::kDouble);
  const auto expected = moment.square().sum() + s.mean(0).square().sum();
  CHECK(discrepancy(x, s, kernel_kind::linear)
        == Approx(expected.item<double>()).epsilon(1e-12));
}

TEST_CASE("the Stein discrepancy has the same bits whoever helps",
          "[runtime][stein]") {
  const auto theta = draws({12, 9000}, 8, at::kFloat);
  const auto score = draws({12, 9000}, 9, at::kFloat);
  const auto alone = discrepancy(theta, score, kernel_kind::rbf, 9000);
  helping_threads help{3};
  const help_scope scope{help};
  CHECK(discrepancy(theta, score, kernel_kind::rbf, 9000) == alone);
}

TEST_CASE("coincident particles have the Stein discrepancy of one",
          "[runtime][stein]") {
  const auto theta = draws({1, 9}, 10);
  const auto score = draws({1, 9}, 11);
  const auto all = [](const at::Tensor& row) {
    return row.expand({5, 9}).contiguous();
  };
  for (auto kernel : {kernel_kind::rbf, kernel_kind::linear})
    CHECK(discrepancy(all(theta), all(score), kernel, 3)
          == Approx(discrepancy(theta, score, kernel, 3)).epsilon(1e-12));
}

TEST_CASE("the Stein discrepancy names what is not finite or does not fit",
          "[runtime][stein]") {
  auto theta = draws({4, 600}, 12, at::kFloat);
  auto score = draws({4, 600}, 13, at::kFloat);
  const auto error = [&](double h = 1) {
    auto found = squared_stein_discrepancy(theta.unbind(0), score.unbind(0),
                                           kernel_kind::rbf, h);
    REQUIRE_FALSE(found);
    return found.error();
  };
  CHECK_THAT(error(0).message, ContainsSubstring("h: expected a number > 0"));
  score[2][599] = std::numeric_limits<float>::infinity();
  CHECK(error().code == errc::non_finite);
  CHECK_THAT(error().message, ContainsSubstring("score: row 2 "));
  theta[3][0] = std::numeric_limits<float>::quiet_NaN();
  CHECK_THAT(error().message, ContainsSubstring("theta: row 3 "));
  score = draws({3, 600}, 14, at::kFloat);
  CHECK(error().code == errc::invalid_argument);
  score = draws({4, 599}, 14, at::kFloat);
  CHECK(error().code == errc::invalid_argument);
}
