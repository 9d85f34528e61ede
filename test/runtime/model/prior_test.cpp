#include "runtime/core/random.hpp"
#include "runtime/model/prior.hpp"
#include "test/support/catch.hpp"

using namespace posse;

TEST_CASE("a normal prior is the product of its parameters' densities",
          "[runtime][prior]") {
  auto p = *make_prior("normal", 0.5);
  auto theta = torch::tensor({0.3f, -1.25f});
  double want = 0;
  for (double x : {static_cast<double>(0.3f), -1.25})
    want += -std::log(0.5 * std::sqrt(2 * M_PI)) - x * x / (2 * 0.25);
  CHECK(log_prior(p, theta) == Catch::Approx(want).epsilon(1e-14));
  CHECK(log_prior(p, theta.view({2, 1})) == Catch::Approx(want).epsilon(1e-14));
}

TEST_CASE("weight decay is the gradient of -log prior / N",
          "[runtime][prior]") {
  auto p = *make_prior("normal", 2.0);
  constexpr std::int64_t rows = 100;
  auto theta = torch::tensor({0.7}, at::kDouble);
  constexpr double h = 1e-5;
  auto slope = (log_prior(p, theta + h) - log_prior(p, theta - h)) / (2 * h);
  // log_prior is quadratic: differences are exact but for rounding.
  CHECK(weight_decay(p, rows) * 0.7
        == Catch::Approx(-slope / rows).epsilon(1e-9));
}

TEST_CASE("a flat prior adds nothing", "[runtime][prior]") {
  auto p = *make_prior("flat", 0);
  CHECK(weight_decay(p, 10) == 0);
  CHECK(log_prior(p, at::ones({3})) == 0);
}

TEST_CASE("a prior that cannot be is refused", "[runtime][prior]") {
  CHECK(make_prior("norml", 1).error().code == errc::unknown_name);
  for (double std : {0.0, -1.0, std::nan(""), HUGE_VAL})
    CHECK(make_prior("normal", std).error().code == errc::invalid_argument);
}
