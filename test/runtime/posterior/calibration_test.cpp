#include "runtime/posterior/calibration.hpp"
#include "runtime/posterior/deviation_scale.hpp"
#include "runtime/posterior/temperature.hpp"
#include "test/runtime/posterior/reference.hpp"
#include "test/support/catch.hpp"

#include <cmath>
#include <optional>
#include <utility>

using namespace posse;
using Catch::Approx;

namespace {

regression_ensemble ensemble(at::Tensor means,
                             std::optional<at::Tensor> variances) {
  regression_members members{std::move(means), std::move(variances)};
  // Copied: GCC 12 sees an undefined tensor freed where it is moved.
  const auto predictive = predict_regression(members);
  REQUIRE(predictive);
  return {members, *predictive};
}

/// Rows of a classifier that is too sure by `factor`, and their labels.
std::pair<classification_predictive, at::Tensor>
overconfident(std::int64_t rows, double factor,
              const at::Generator& generator) {
  auto logits = at::randn({rows, 4}, generator, at::kDouble) * 2 * factor;
  auto labels =
      (logits / factor).softmax(-1).multinomial(1, false, generator).squeeze(1);
  auto predictive = predict_classification(logits.unsqueeze(0));
  REQUIRE(predictive);
  return {*predictive, labels};
}

} // namespace

TEST_CASE("validation rows calibrate a classifier that is too sure",
          "[runtime][calibration]") {
  auto generator = at::make_generator<at::CPUGeneratorImpl>(81);
  auto [validation, labels] = overconfident(3000, 3, generator);
  auto [test, test_labels] = overconfident(3000, 3, generator);
  auto x = calibrate(validation, labels, test, test_labels);
  REQUIRE(x);
  CHECK(x->validation_rows == 3000);
  CHECK(x->temperature == *fit_temperature(validation, labels));
  CHECK(x->temperature == Approx(3).margin(0.3));
  auto as_it_is = evaluate_classification(test, test_labels);
  REQUIRE(as_it_is);
  CHECK(x->after.accuracy == as_it_is->accuracy);
  CHECK(x->after.nll < as_it_is->nll);
  CHECK(x->after.ece < as_it_is->ece / 2);
  CHECK(x->after.ece_equal_mass < as_it_is->ece_equal_mass / 2);
  // Of the predictive as it is, at nine tenths; sqrt(2 * 0.09 / 3000) is 0.008.
  auto q = conformal_quantile(*conformal_scores(validation, labels), 0.1);
  auto sets = evaluate_conformal(test, test_labels, *q);
  REQUIRE(sets);
  CHECK(x->sets.coverage == sets->coverage);
  CHECK(x->sets.size == sets->size);
  CHECK(std::abs(x->sets.coverage - 0.9) < 0.032);
}

TEST_CASE("validation rows calibrate the intervals of a regression",
          "[runtime][calibration]") {
  auto standard_normal = [](std::int64_t rows) {
    return ensemble(at::zeros({1, rows}), at::ones({1, rows}));
  };
  // Residuals 1 to 19, of which the 18th bounds what is to come.
  auto x =
      calibrate(standard_normal(19), at::arange(1, 20, at::kDouble),
                standard_normal(2), at::tensor({-18.0, 18.5}, at::kDouble));
  REQUIRE(x);
  CHECK(x->validation_rows == 19);
  CHECK(x->intervals.coverage == 0.5);
  CHECK(x->intervals.size == Approx(36));
  // Their mean square is 20 * 39 / 6 = 130: so is the variance now.
  REQUIRE(x->deviations);
  CHECK(x->deviations->factor == Approx(std::sqrt(130.0)));
  const auto& after = x->deviations->after;
  REQUIRE(after.gaussian);
  CHECK(after.rmse == Approx(std::sqrt((18.0 * 18 + 18.5 * 18.5) / 2)));
  CHECK(after.gaussian->nll
        == Approx(0.5 * std::log(2 * 3.141592653589793 * 130)
                  + (18.0 * 18 + 18.5 * 18.5) / 2 / (2 * 130)));
  // The interval now ends at 1.6449 * sqrt(130) = 18.75.
  CHECK(after.gaussian->coverage_90 == 1);
}

TEST_CASE("validation rows widen what is too narrow and leave a point head",
          "[runtime][calibration]") {
  auto generator = at::make_generator<at::CPUGeneratorImpl>(82);
  auto sample = [&](std::int64_t rows) {
    auto means = at::randn({4, rows}, generator, at::kDouble);
    auto y = means.mean(0) + 2 * at::randn({rows}, generator, at::kDouble);
    return std::pair{means, y};
  };
  auto [means, y] = sample(2000);
  auto [test_means, test_y] = sample(2000);
  const auto as_it_is = ensemble(test_means, at::ones_like(test_means) * 0.25);
  auto before =
      evaluate_regression(as_it_is.members, as_it_is.predictive, test_y);
  REQUIRE(before);
  auto x = calibrate(ensemble(means, at::ones_like(means) * 0.25), y, as_it_is,
                     test_y);
  REQUIRE(x);
  REQUIRE(x->deviations);
  CHECK(x->deviations->factor
        == *fit_deviation_scale({means, at::ones_like(means) * 0.25}, y));
  CHECK(x->deviations->factor > 1.5);
  const auto& after = *x->deviations->after.gaussian;
  CHECK(after.nll < before->gaussian->nll);
  CHECK(after.crps < before->gaussian->crps);
  CHECK(before->gaussian->coverage_90 < 0.8);
  CHECK(std::abs(after.coverage_90 - 0.9) < 0.05);
  CHECK(x->deviations->after.rmse == Approx(before->rmse));

  auto points = calibrate(ensemble(means, std::nullopt), y,
                          ensemble(test_means, std::nullopt), test_y);
  REQUIRE(points);
  CHECK_FALSE(points->deviations);
  // Four times sqrt(2 * 0.09 / 2000).
  CHECK(std::abs(points->intervals.coverage - 0.9) < 0.038);
}

TEST_CASE("too few validation rows give intervals without an end",
          "[runtime][calibration]") {
  auto p = ensemble(at::zeros({1, 8}), at::ones({1, 8}));
  auto y = at::zeros({8}, at::kDouble);
  auto x = calibrate(p, y, p, y);
  REQUIRE(x);
  CHECK(x->intervals.coverage == 1);
  CHECK(std::isinf(x->intervals.size));
}

TEST_CASE("calibration refuses targets that do not fit",
          "[runtime][calibration]") {
  auto p = predict_classification(at::zeros({1, 3, 2}));
  REQUIRE(p);
  auto good = at::zeros({3}, at::kLong);
  auto bad = at::full({3}, 2, at::kLong);
  CHECK(calibrate(*p, bad, *p, good).error().code == errc::invalid_argument);
  CHECK(calibrate(*p, good, *p, bad).error().code == errc::invalid_argument);
  auto r = ensemble(at::zeros({1, 3}), at::ones({1, 3}));
  auto y = at::zeros({3});
  CHECK(calibrate(r, at::zeros({2}), r, y).error().code
        == errc::invalid_argument);
  CHECK(calibrate(r, y, r, at::zeros({2})).error().code
        == errc::invalid_argument);
}
