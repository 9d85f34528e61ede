#include "runtime/posterior/calibration_curves.hpp"
#include "test/support/catch.hpp"

#include <cmath>
#include <limits>

using namespace posse;
using Catch::Approx;

using counts = std::vector<std::size_t>;

TEST_CASE("coverage counts the targets within a Gaussian's central intervals",
          "[runtime][calibration]") {
  // Distances of 0, 0.6, 1, 1.7 and 3 deviations. The central intervals of 50,
  // 68.3, 90 and 99 % reach 0.674, 1.0002, 1.645 and 2.576 deviations.
  const std::vector<double> targets{5, 10 - 1.2, 1.0, -1.7, 3 * 4 + 1};
  const std::vector<double> means{5, 10, 0, 0, 1};
  const std::vector<double> deviations{7, 2, 1, 1, 4};
  const std::vector<double> levels{0.5, 0.683, 0.9, 0.99};
  CHECK(coverage_at({targets, means, deviations}, levels)
        == std::vector<double>{0.4, 0.6, 0.6, 0.8});
}

TEST_CASE("a Gaussian without width covers its mean alone",
          "[runtime][calibration]") {
  const std::vector<double> targets{1, 1};
  const std::vector<double> means{1, 1 + 1e-12};
  const std::vector<double> none{0, 0};
  CHECK(coverage_at({targets, means, none}, std::vector{0.5})
        == std::vector<double>{0.5});
  CHECK(coverage_at({{}, {}, {}}, std::vector{0.5}) == std::vector<double>{0});
}

TEST_CASE("errors are binned by predicted deviation, in equal counts",
          "[runtime][calibration]") {
  const std::vector<double> targets{3, 1, 0, 8};
  const std::vector<double> means{0, 0, 0, 0};
  const std::vector<double> deviations{2, 1, 1.5, 4};
  const auto bins = error_by_uncertainty({targets, means, deviations}, 2);
  REQUIRE(bins.size() == 2);
  CHECK(bins[0].count == 2);
  CHECK(bins[0].deviation == Approx(std::sqrt((1 + 2.25) / 2)));
  CHECK(bins[0].rmse == Approx(std::sqrt(0.5)));
  CHECK(bins[1].count == 2);
  CHECK(bins[1].deviation == Approx(std::sqrt((4 + 16) / 2.0)));
  CHECK(bins[1].rmse == Approx(std::sqrt((9 + 64) / 2.0)));
}

TEST_CASE("points of one predicted deviation stay in one bin",
          "[runtime][calibration]") {
  const std::vector<double> targets{1, 1, 1, 1, 5};
  const std::vector<double> means(5, 0.0);
  const std::vector<double> tied{2, 2, 2, 2, 3};
  const auto bins = error_by_uncertainty({targets, means, tied}, 3);
  REQUIRE(bins.size() == 2);
  CHECK(bins[0].count == 4);
  CHECK(bins[0].rmse == Approx(1));
  CHECK(bins[1].count == 1);
  const std::vector<double> equal(5, 2.0);
  CHECK(error_by_uncertainty({targets, means, equal}, 3).size() == 1);
  CHECK(error_by_uncertainty({{}, {}, {}}, 3).empty());
  // More bins than points: one each.
  const std::vector<double> apart{1, 2, 3, 4, 5};
  CHECK(error_by_uncertainty({targets, means, apart}, 9).size() == 5);
}

TEST_CASE("accuracy is that of the most certain points that are kept",
          "[runtime][calibration]") {
  const std::vector<double> uncertainty{0.9, 0.1, 0.5, 0.3};
  const std::vector<std::uint8_t> right{0, 1, 0, 1};
  const auto curve = accuracy_by_retention(uncertainty, right, 4);
  REQUIRE(curve.size() == 4);
  const double expected[]{1, 1, 2.0 / 3, 0.5};
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(curve[i].kept == Approx(0.25 * static_cast<double>(i + 1)));
    CHECK(curve[i].accuracy == Approx(expected[i]));
  }
}

TEST_CASE("of points that are equally uncertain some are kept on average",
          "[runtime][calibration]") {
  const std::vector<double> uncertainty{1, 1, 1, 1};
  const std::vector<std::uint8_t> right{1, 0, 0, 0};
  for (const auto& each : accuracy_by_retention(uncertainty, right, 4))
    CHECK(each.accuracy == Approx(0.25));
}

TEST_CASE("a retention curve of few points tells each share once",
          "[runtime][calibration]") {
  const std::vector<double> one{0.5};
  const std::vector<std::uint8_t> right{1};
  const auto curve = accuracy_by_retention(one, right, 50);
  REQUIRE(curve.size() == 1);
  CHECK(curve[0].kept == 1);
  CHECK(curve[0].accuracy == 1);
  CHECK(accuracy_by_retention({}, {}, 50).empty());
}

TEST_CASE("a histogram counts what lies between its ends",
          "[runtime][calibration]") {
  constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const std::vector<double> values{0,    0.49,  0.5,          1,
                                   1.01, -0.01, not_a_number, infinity};
  CHECK(histogram(values, 0, 1, 2) == counts{2, 2});
  CHECK(histogram({}, 0, 1, 3) == counts{0, 0, 0});
}
