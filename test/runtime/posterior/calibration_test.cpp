#include "runtime/posterior/calibration.hpp"
#include "runtime/posterior/temperature.hpp"
#include "test/runtime/posterior/reference.hpp"
#include "test/support/catch.hpp"

#include <cmath>
#include <utility>

using namespace posse;
using Catch::Approx;

namespace {

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
  CHECK(to_list(x->before) == to_list(*as_it_is));
  CHECK(x->after.accuracy == x->before.accuracy);
  CHECK(x->after.nll < x->before.nll);
  CHECK(x->after.ece < x->before.ece / 2);
  CHECK(x->after.ece_equal_mass < x->before.ece_equal_mass / 2);
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
  auto predictive = [](const at::Tensor& means) {
    auto p = predict_regression(
        {means.unsqueeze(0), at::ones_like(means).unsqueeze(0)});
    REQUIRE(p);
    return *p;
  };
  // Residuals 1 to 19, of which the 18th bounds what is to come.
  auto zeros = at::zeros({19}, at::kDouble);
  auto x = calibrate(predictive(zeros), at::arange(1, 20, at::kDouble),
                     predictive(zeros.narrow(0, 0, 2)),
                     at::tensor({-18.0, 18.5}, at::kDouble));
  REQUIRE(x);
  CHECK(x->validation_rows == 19);
  CHECK(x->intervals.coverage == 0.5);
  CHECK(x->intervals.size == Approx(36));
}

TEST_CASE("too few validation rows give intervals without an end",
          "[runtime][calibration]") {
  auto p = predict_regression({at::zeros({1, 8}), at::ones({1, 8})});
  REQUIRE(p);
  auto y = at::zeros({8}, at::kDouble);
  auto x = calibrate(*p, y, *p, y);
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
  auto r = predict_regression({at::zeros({1, 3}), at::ones({1, 3})});
  REQUIRE(r);
  auto y = at::zeros({3});
  CHECK(calibrate(*r, at::zeros({2}), *r, y).error().code
        == errc::invalid_argument);
  CHECK(calibrate(*r, y, *r, at::zeros({2})).error().code
        == errc::invalid_argument);
}
