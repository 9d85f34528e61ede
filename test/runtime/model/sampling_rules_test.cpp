#include "runtime/core/random.hpp"
#include "runtime/model/sampling_rules.hpp"
#include "test/support/catch.hpp"

#include <ATen/ATen.h>

#include <array>
#include <cmath>

using namespace posse;
using Catch::Approx;
using Catch::Matchers::ContainsSubstring;

namespace {

constexpr std::int64_t chains = 40'000;
// The variance of so many draws is known to sqrt(2 / 40000) = 0.7 %; four of
// these for the worst of a few comparisons.
constexpr double tolerance = 0.03;

/// What `chains` independent chains on U = a theta^2 / 2 vary by after `steps`
/// steps of a rule, with N = 1 and T = `temperature`.
double variance_of_chains(const optimizer_spec& spec, double a,
                          double temperature, int steps) {
  const auto rule = make_optimizer(spec).value();
  auto numbers = make_generator(7);
  const auto all = at::dtype(at::kDouble);
  const std::vector<at::Tensor> theta{at::zeros({chains}, all)};
  std::vector<std::vector<at::Tensor>> moments(rule->moments().size());
  for (auto& moment : moments)
    moment.push_back(at::zeros({chains}, all));
  for (int step = 1; step <= steps; ++step) {
    const std::vector<at::Tensor> noise{at::randn({chains}, numbers, all)};
    rule->step(theta, std::vector{theta[0] * a}, moments,
               {step, spec.learning_rate, temperature, noise});
  }
  CHECK(std::abs(theta[0].mean().item<double>())
        < 5 * theta[0].std().item<double>() / std::sqrt(double{chains}));
  return theta[0].var(false).item<double>();
}

/// The stationary variance of theta in the recursion
///   v <- k v - lr a theta + sqrt(2 (1 - k) lr) z,   theta <- theta + v,
/// by following its second moments until they stay.
double stationary_variance_of_sghmc(double a, double lr, double k) {
  double vv = 0, vt = 0, tt = 0;
  for (int i = 0; i < 200'000; ++i) {
    const double next_vv = k * k * vv - 2 * k * lr * a * vt
                           + lr * lr * a * a * tt + 2 * (1 - k) * lr;
    const double next_vt = k * vt - lr * a * tt; // of new v and old theta
    tt += 2 * next_vt + next_vv;
    vt = next_vt + next_vv;
    vv = next_vv;
  }
  return tt;
}

} // namespace

TEST_CASE("SGLD's chain has the covariance of the discretised diffusion",
          "[runtime][optimizer][sampler]") {
  // (A - eps A^2 / 4)^-1 with eps = 2 lr / N: not the posterior's 1 / A.
  const double a = GENERATE(0.5, 2.0);
  const double lr = GENERATE(0.4, 0.1);
  const double temperature = GENERATE(1.0, 0.25);
  CAPTURE(a, lr, temperature);
  const auto variance = variance_of_chains(
      {.kind = "sgld", .learning_rate = lr}, a, temperature, 400);
  CHECK(variance
        == Approx(temperature / (a - lr * a * a / 2)).epsilon(tolerance));
}

TEST_CASE("SGHMC's chain has the covariance of its recursion, and the "
          "posterior's where steps are small",
          "[runtime][optimizer][sampler]") {
  const double a = 2;
  const double k = GENERATE(0.5, 0.9);
  const double lr = 0.2;
  CAPTURE(k);
  const auto variance = variance_of_chains(
      {.kind = "sghmc", .learning_rate = lr, .momentum = k}, a, 1, 600);
  const auto exact = stationary_variance_of_sghmc(a, lr, k);
  CHECK(variance == Approx(exact).epsilon(tolerance));
  // Extrapolated to a step of 0, from two steps and an error linear in them.
  const auto small = stationary_variance_of_sghmc(a, 1e-3, k);
  const auto half = stationary_variance_of_sghmc(a, 5e-4, k);
  CHECK(2 * half - small == Approx(1 / a).epsilon(1e-5));
}

TEST_CASE("without momentum SGHMC is SGLD", "[runtime][optimizer][sampler]") {
  const auto run = [](const char* kind) {
    return variance_of_chains({.kind = kind, .learning_rate = 0.1}, 1, 1, 50);
  };
  CHECK(run("sghmc") == Approx(run("sgld")).epsilon(1e-12));
}

TEST_CASE("samplers take the papers' steps", "[runtime][optimizer][sampler]") {
  const std::string kind = GENERATE("sgld", "psgld", "sghmc");
  const double temperature = GENERATE(0.0, 0.01);
  CAPTURE(kind, temperature);
  constexpr double lr = 0.05, decay = 0.3, a = 0.95, lambda = 1e-3, k = 0.8;
  const auto rule = make_optimizer({.kind = kind,
                                    .learning_rate = lr,
                                    .momentum = kind == "sghmc" ? k : 0,
                                    .beta2 = a,
                                    .eps = lambda,
                                    .weight_decay = decay})
                        .value();
  CHECK(rule->draws_noise());
  auto numbers = make_generator(3);
  const auto exact = at::dtype(at::kDouble);
  const std::vector<at::Tensor> theta{at::randn({5}, numbers, exact)};
  std::vector<std::vector<at::Tensor>> moments(rule->moments().size());
  for (auto& moment : moments)
    moment.push_back(at::zeros({5}, exact));
  std::array<double, 5> want{}, second{}, velocity{};
  for (int i = 0; i < 5; ++i)
    want.at(i) = theta[0][i].item<double>();
  for (int step = 1; step <= 4; ++step) {
    const auto gradient = at::randn({5}, numbers, exact);
    const auto z = at::randn({5}, numbers, exact);
    std::vector<at::Tensor> noise;
    if (temperature > 0)
      noise.push_back(z);
    rule->step(theta, std::vector{gradient}, moments,
               {step, lr, temperature, noise});
    for (int i = 0; i < 5; ++i) {
      const double g = gradient[i].item<double>() + decay * want.at(i);
      const double n = z[i].item<double>();
      if (kind == "sgld") {
        want.at(i) += -lr * g + std::sqrt(2 * lr * temperature) * n;
      } else if (kind == "psgld") {
        second.at(i) = step == 1 ? g * g : a * second.at(i) + (1 - a) * g * g;
        const double scale = 1 / (lambda + std::sqrt(second.at(i)));
        want.at(i) +=
            -lr * scale * g + std::sqrt(2 * lr * scale * temperature) * n;
      } else {
        velocity.at(i) = k * velocity.at(i) - lr * g
                         + std::sqrt(2 * (1 - k) * lr * temperature) * n;
        want.at(i) += velocity.at(i);
      }
    }
  }
  for (int i = 0; i < 5; ++i)
    CHECK(theta[0][i].item<double>()
          == Approx(want.at(i)).epsilon(1e-12).margin(1e-12));
}

TEST_CASE("noise that does not fit the parameters is refused",
          "[runtime][optimizer][sampler]") {
  const auto rule = make_optimizer({.kind = "sgld"}).value();
  const std::vector<at::Tensor> one{at::ones({3})};
  CHECK_THROWS_AS(rule->step(one, one, {}, {1, 0.1, 1.0}), c10::Error);
  CHECK_THROWS_AS(rule->step(one, one, {}, {1, 0.1, 0.0, one}), c10::Error);
  const auto plain = make_optimizer({.kind = "sgd"}).value();
  CHECK_THROWS_AS(plain->step(one, one, {}, {1, 0.1, 1.0, one}), c10::Error);
}

TEST_CASE("a parameter without a gradient gets no noise either",
          "[runtime][optimizer][sampler]") {
  const auto* kind = GENERATE("sgld", "psgld", "sghmc");
  CAPTURE(kind);
  const auto rule = make_optimizer({.kind = kind}).value();
  const std::vector<at::Tensor> params{at::ones({3}), at::ones({2})};
  const std::vector<at::Tensor> noise{at::ones({3}), at::ones({2})};
  std::vector<std::vector<at::Tensor>> moments(rule->moments().size());
  for (auto& moment : moments)
    moment = {at::zeros({3}), at::zeros({2})};
  rule->step(params, std::vector{at::Tensor{}, at::ones({2})}, moments,
             {1, 0.1, 1.0, noise});
  CHECK(at::equal(params[0], at::ones({3})));
  CHECK_FALSE(at::equal(params[1], at::ones({2})));
}
