#include "runtime/core/random.hpp"
#include "runtime/posterior/chain_diagnostics.hpp"
#include "runtime/posterior/dual_averaging.hpp"
#include "test/support/catch.hpp"

#include <ATen/ATen.h>

#include <cmath>
#include <limits>

using namespace posse;
using Catch::Approx;
using Catch::Matchers::ContainsSubstring;

namespace {

/// [chains, draws, 1] of x <- phi x + z, from its stationary distribution.
at::Tensor autoregressive(double phi, std::int64_t chains, std::int64_t draws) {
  auto numbers = make_generator(5);
  auto out = at::empty({chains, draws, 1}, at::kDouble);
  const auto z = at::randn({chains, draws}, numbers, at::dtype(at::kDouble));
  for (std::int64_t m = 0; m < chains; ++m) {
    double x = z[m][0].item<double>() / std::sqrt(1 - phi * phi);
    for (std::int64_t i = 0; i < draws; ++i) {
      out[m][i][0] = x;
      x = phi * x + z[m][i].item<double>();
    }
  }
  return out;
}

double only(const at::Tensor& x) {
  return x[0].item<double>();
}

} // namespace

TEST_CASE("split R-hat is what its formula gives by hand",
          "[runtime][posterior][sampler]") {
  // Half chains {1, 3}, {2, 6}, {5, 5}, {4, 8}: means 2, 4, 5, 6, whose
  // variance is 35/12; variances by n - 1: 2, 8, 0, 8, on average 4.5.
  const auto draws =
      at::tensor({1.0, 3.0, 2.0, 6.0, 5.0, 5.0, 4.0, 8.0}).view({2, 4, 1});
  const auto done = diagnose_chains(draws);
  REQUIRE(done);
  CHECK(only(done->r_hat)
        == Approx(std::sqrt((0.5 * 4.5 + 35.0 / 12) / 4.5)).epsilon(1e-12));
  // Of five draws the middle one is left out.
  const auto five = at::cat(
      {draws.narrow(1, 0, 2), at::full({2, 1, 1}, 1e3), draws.narrow(1, 2, 2)},
      1);
  CHECK(at::equal(diagnose_chains(five)->r_hat, done->r_hat));
}

TEST_CASE("effective draws are those of an autoregressive process",
          "[runtime][posterior][sampler]") {
  // The variance of its mean is (1 + phi) / (1 - phi) times that of independent
  // draws.
  const double phi = GENERATE(0.0, 0.5, 0.9, -0.4);
  CAPTURE(phi);
  const auto draws = autoregressive(phi, 4, 20'000);
  const auto done = diagnose_chains(draws);
  REQUIRE(done);
  const double want = 80'000 * (1 - phi) / (1 + phi);
  CHECK(only(done->effective_draws) == Approx(want).epsilon(0.1));
  CHECK(only(done->r_hat) == Approx(1).margin(0.01));
}

TEST_CASE("chains that differ, drift or stand still are found out",
          "[runtime][posterior][sampler]") {
  const auto good = autoregressive(0.2, 2, 1000);
  auto apart = good.clone();
  apart[1].add_(5);
  CHECK(only(diagnose_chains(apart)->r_hat) > 2);
  CHECK(only(diagnose_chains(apart)->effective_draws) < 10);
  // One chain alone that is still on its way.
  auto drifting = good.narrow(0, 0, 1).clone();
  drifting.add_(at::linspace(0, 10, 1000, at::kDouble).view({1, 1000, 1}));
  CHECK(only(diagnose_chains(drifting)->r_hat) > 1.5);
  const auto still = diagnose_chains(at::ones({2, 10, 1}, at::kDouble));
  REQUIRE(still);
  CHECK(only(still->r_hat) == std::numeric_limits<double>::infinity());
  CHECK(only(still->effective_draws) == 0);
}

TEST_CASE("draws that cannot be diagnosed are refused with the reason",
          "[runtime][posterior][sampler]") {
  CHECK_THAT(diagnose_chains(at::ones({2, 3, 1})).error().message,
             ContainsSubstring("expected at least 4 of each chain, got 3"));
  CHECK_THAT(diagnose_chains(at::ones({8})).error().message,
             ContainsSubstring("draws"));
  auto bad = at::ones({1, 4, 2});
  bad[0][2][1] = std::numeric_limits<double>::quiet_NaN();
  CHECK(diagnose_chains(bad).error().code == errc::non_finite);
}

TEST_CASE("dual averaging takes the steps of its paper",
          "[runtime][posterior][sampler]") {
  auto state = start_dual_averaging(0.1);
  CHECK(std::exp(state.log_step) == Approx(0.1));
  const double mu = std::log(1.0);
  double error = 0, average = 0;
  const double outcomes[] = {0.3, 0.95, 0.8, 0.1};
  for (int m = 1; m <= 4; ++m) {
    const double a = outcomes[m - 1];
    adapt(state, a, 0.8);
    error = (1 - 1.0 / (m + 10)) * error + (0.8 - a) / (m + 10);
    const double log_step = mu - std::sqrt(m) / 0.05 * error;
    const double eta = std::pow(m, -0.75);
    average = eta * log_step + (1 - eta) * average;
    CHECK(state.log_step == Approx(log_step).epsilon(1e-12));
    CHECK(state.log_average == Approx(average).epsilon(1e-12));
    CHECK(state.count == m);
  }
  auto lost = start_dual_averaging(0.1);
  auto none = lost;
  adapt(lost, std::numeric_limits<double>::quiet_NaN(), 0.8);
  adapt(none, 0, 0.8);
  CHECK(lost == none);
}

TEST_CASE("dual averaging finds the step that is accepted as often as wanted",
          "[runtime][posterior][sampler]") {
  auto state = start_dual_averaging(1e-4);
  for (int i = 0; i < 2000; ++i)
    adapt(state, std::exp(-std::exp(state.log_step)), 0.8);
  CHECK(std::exp(state.log_average) == Approx(-std::log(0.8)).epsilon(0.02));
}
