#include "runtime/posterior/classification_metrics.hpp"
#include "runtime/posterior/temperature.hpp"
#include "test/runtime/posterior/reference.hpp"
#include "test/support/catch.hpp"

#include <cmath>

using namespace posse;
using namespace posse::testing;
using Catch::Approx;

namespace {

classification_predictive predict(const at::Tensor& logits) {
  auto result = predict_classification(logits);
  REQUIRE(result);
  return *result;
}

double fit(const classification_predictive& predictive,
           const at::Tensor& labels) {
  auto result = fit_temperature(predictive, labels);
  REQUIRE(result);
  return *result;
}

double nll_at(const classification_predictive& predictive, double temperature,
              const at::Tensor& labels) {
  auto x = at_temperature(predictive, temperature);
  REQUIRE(x);
  auto metrics = evaluate_classification(*x, labels);
  REQUIRE(metrics);
  return metrics->nll;
}

} // namespace

TEST_CASE("the temperature of two classes has its closed form",
          "[runtime][temperature]") {
  // Log odds a of every row, right in 7 of 10: a / T = log(7 / 3).
  auto labels = at::zeros({10}, at::kLong);
  labels.narrow(0, 0, 3).fill_(1);
  for (double a : {0.2, 1.0, 9.0}) {
    auto logits = at::tensor({a, 0.0}, at::kDouble).expand({1, 10, 2});
    CHECK(fit(predict(logits), labels)
          == Approx(a / std::log(7.0 / 3)).epsilon(1e-8));
  }
}

TEST_CASE("no temperature has a lower loss than the fitted one",
          "[runtime][temperature]") {
  for (const auto& c : reference_cases("classification.json")) {
    INFO(c.name);
    auto predictive = predict(tensor_of(c.inputs["logits"]));
    auto labels = tensor_of(c.inputs["labels"]).to(at::kLong);
    auto best = fit(predictive, labels);
    CHECK(best >= lowest_temperature);
    CHECK(best <= highest_temperature);
    auto least = nll_at(predictive, best, labels);
    for (double t = 0.051; t < highest_temperature; t *= 1.02)
      CHECK(nll_at(predictive, t, labels) >= least * (1 - 1e-12));
  }
}

TEST_CASE("labels drawn at a temperature give it back",
          "[runtime][temperature]") {
  auto generator = at::make_generator<at::CPUGeneratorImpl>(61);
  auto logits = at::randn({1, 40000, 5}, generator, at::kDouble) * 3;
  auto labels = (logits[0] / 2.5).softmax(-1).multinomial(1, false, generator);
  // The standard error, 1 / sqrt(rows * curvature), is about 0.017.
  CHECK(fit(predict(logits), labels.squeeze(1)) == Approx(2.5).margin(0.07));
}

TEST_CASE("a temperature outside of its range is the nearest one inside",
          "[runtime][temperature]") {
  auto logits = at::tensor({1.0, 0.0}, at::kDouble).expand({1, 4, 2});
  auto predictive = predict(logits);
  // All right: the colder the better. All wrong: the hotter.
  CHECK(fit(predictive, at::zeros({4}, at::kLong))
        == Approx(lowest_temperature).epsilon(1e-8));
  CHECK(fit(predictive, at::ones({4}, at::kLong))
        == Approx(highest_temperature).epsilon(1e-8));
}

TEST_CASE("rows without a preference have temperature 1",
          "[runtime][temperature]") {
  for (std::int64_t classes : {2, 3, 7})
    CHECK(fit(predict(at::zeros({2, 5, classes})), at::zeros({5}, at::kLong))
          == 1);
}

TEST_CASE("a temperature changes confidence and not the class",
          "[runtime][temperature]") {
  auto c = reference_cases("classification.json").at(0);
  auto predictive = predict(tensor_of(c.inputs["logits"]));
  auto same = at_temperature(predictive, 1);
  REQUIRE(same);
  check_close(same->probabilities, predictive.probabilities, 1e-12);
  auto hot = at_temperature(predictive, 4);
  REQUIRE(hot);
  CHECK(hot->predicted.equal(predictive.predicted));
  CHECK((hot->entropy > predictive.entropy).all().item<bool>());
  CHECK(hot->mutual_information.abs().max().item<double>() < 1e-14);
  check_close(hot->probabilities,
              (predictive.log_probabilities / 4).softmax(-1), 1e-12);
}

TEST_CASE("temperature scaling refuses what does not fit",
          "[runtime][temperature]") {
  auto predictive = predict(at::zeros({1, 3, 2}));
  CHECK(fit_temperature(predictive, at::zeros({2}, at::kLong)).error().code
        == errc::invalid_argument);
  CHECK(fit_temperature(predictive, at::full({3}, 2, at::kLong)).error().code
        == errc::invalid_argument);
  for (double t : {0.0, -1.0, std::nan("")})
    CHECK(at_temperature(predictive, t).error().code == errc::invalid_argument);
}
