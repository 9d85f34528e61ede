#include "runtime/posterior/gaussian_mixture.hpp"
#include "test/runtime/posterior/reference.hpp"
#include "test/support/catch.hpp"

#include <array>
#include <cmath>

using namespace posse;
using namespace posse::testing;
using Catch::Approx;

TEST_CASE("the Gaussian CRPS is the reference's", "[runtime][mixture]") {
  auto cases = reference_cases("crps.json");
  const auto& c = cases.at(0);
  REQUIRE(c.name == "gaussian");
  auto n = c.inputs["y"].size();
  double sum = 0;
  for (std::size_t i = 0; i < n; ++i) {
    double mean = c.inputs["mean"][i];
    double sd = c.inputs["sd"][i];
    double y = c.inputs["y"][i];
    // 1e-10: close to the mean it is a difference of two larger numbers.
    auto expected = Approx(c.outputs["crps_each"][i].get<double>());
    CHECK(crps_of_gaussian(mean, sd, y) == expected.epsilon(1e-10));
    // A mixture of one, and of three equal members, is that Gaussian.
    std::array means{mean, mean, mean};
    std::array deviations{sd, sd, sd};
    CHECK(crps({{means.data(), 1}, {deviations.data(), 1}}, y)
          == expected.epsilon(1e-10));
    CHECK(crps({means, deviations}, y) == expected.epsilon(1e-10));
    sum += crps_of_gaussian(mean, sd, y);
  }
  CHECK(sum / static_cast<double>(n)
        == Approx(c.outputs["crps"].get<double>()).epsilon(1e-12));
}

TEST_CASE("the CRPS of narrow members is that of a sample",
          "[runtime][mixture]") {
  auto cases = reference_cases("crps.json");
  const auto& c = cases.at(1);
  REQUIRE(c.name == "samples");
  auto samples = c.inputs["samples"].get<std::vector<double>>();
  // A width of 1e-13 adds less than 1e-13.
  std::vector<double> deviations(samples.size(), 1e-13);
  for (std::size_t i = 0; i < c.inputs["y"].size(); ++i)
    CHECK(crps({samples, deviations}, c.inputs["y"][i].get<double>())
          == Approx(c.outputs["crps_each"][i].get<double>()).epsilon(1e-10));
}

TEST_CASE("a quantile of one Gaussian is the normal's", "[runtime][mixture]") {
  // Abramowitz & Stegun, table 26.5.
  CHECK(normal_quantile(0.95) == Approx(1.6448536269514722).epsilon(1e-13));
  CHECK(normal_quantile(0.05) == Approx(-1.6448536269514722).epsilon(1e-13));
  CHECK(normal_quantile(0.5) == 0);
  CHECK(normal_quantile(1e-300) == Approx(-37.0471).epsilon(1e-5));
  std::array mean{7.0};
  std::array deviation{0.25};
  CHECK(quantile({mean, deviation}, 0.95)
        == Approx(7 + 0.25 * 1.6448536269514722).epsilon(1e-14));
}

TEST_CASE("a quantile inverts the mixture's cdf", "[runtime][mixture]") {
  using list = std::vector<double>;
  auto [means, deviations] = GENERATE(
      std::pair<list, list>{{0, 1, 2}, {1, 1, 1}},
      std::pair<list, list>{{-1e6, 1e6}, {1, 1}},          // a flat stretch
      std::pair<list, list>{{0, 0.1, -3}, {1e-6, 1, 30}},  // unlike widths
      std::pair<list, list>{{1e8, 1e8 + 1}, {0.01, 0.02}}, // far from 0
      std::pair<list, list>{{3e-9, 1e-9}, {1e-9, 2e-9}});  // tiny units
  for (auto p : {1e-6, 0.05, 0.3, 0.5, 0.5001, 0.95, 0.999}) {
    auto x = quantile({means, deviations}, p);
    INFO("p " << p << " x " << x);
    // 1e-10 of the smallest deviation, or the last bits of x, either side.
    auto finest = *std::min_element(deviations.begin(), deviations.end());
    auto step = std::max(1e-10 * finest, 4e-16 * std::abs(x));
    CHECK(cdf({means, deviations}, x - step) <= p * (1 + 1e-15));
    CHECK(cdf({means, deviations}, x + step) >= p * (1 - 1e-15));
  }
}

TEST_CASE("the log density stays finite far from every member",
          "[runtime][mixture]") {
  std::array means{0.0, 1.0};
  std::array deviations{1.0, 1.0};
  // The nearer member alone counts: its log density, less log 2.
  CHECK(log_density({means, deviations}, 1001)
        == Approx(-0.5e6 - 0.9189385332046727 - std::log(2.0)).epsilon(1e-15));
}

TEST_CASE("the log density's slopes are its derivatives",
          "[runtime][mixture]") {
  std::array means{0.0, 1.0, -2.0};
  std::array deviations{1.0, 0.3, 0.7};
  const gaussian_mixture f{means, deviations};
  // Central differences of step h: h^2 of higher derivatives, here up to some
  // thousands, beside 1e-16 / h and, of the second, 1e-16 / h^2.
  for (double y : {-4.0, -1.2, 0.0, 0.4, 0.9, 3.0}) {
    const auto slopes = slopes_of_log_density(f, y);
    const auto at = [&](double x) { return log_density(f, x); };
    double h = 1e-5;
    CHECK(slopes.first
          == Approx((at(y + h) - at(y - h)) / (2 * h)).margin(1e-6));
    h = 1e-4;
    CHECK(
        slopes.second
        == Approx((at(y + h) - 2 * at(y) + at(y - h)) / (h * h)).margin(1e-4));
  }
  // Far off the nearest tail's alone: that of N(0, 1).
  const auto far = slopes_of_log_density(f, 1000);
  CHECK(far.first == Approx(-1000).epsilon(1e-14));
  CHECK(far.second == Approx(-1).epsilon(1e-8));
}
