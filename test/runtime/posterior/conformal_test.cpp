#include "runtime/posterior/conformal.hpp"
#include "test/runtime/posterior/reference.hpp"
#include "test/support/catch.hpp"

#include <cmath>
#include <limits>

using namespace posse;
using namespace posse::testing;
using Catch::Approx;
using Catch::Matchers::ContainsSubstring;

namespace {

at::Tensor numbers(const std::vector<double>& x) {
  return at::tensor(x, at::kDouble);
}

/// 1, 2, ..., n, not in order.
at::Tensor first_numbers(std::int64_t n) {
  return at::arange(1, n + 1, at::kDouble).flip(0);
}

double threshold(const at::Tensor& scores, double miss) {
  auto result = conformal_quantile(scores, miss);
  REQUIRE(result);
  return *result;
}

classification_predictive of_probabilities(const at::Tensor& p) {
  classification_predictive result;
  result.probabilities = p;
  result.log_probabilities = p.log();
  result.predicted = p.argmax(-1);
  return result;
}

template <class Predictive>
conformal_quality evaluate(const Predictive& predictive,
                           const at::Tensor& targets, double q) {
  auto result = evaluate_conformal(predictive, targets, q);
  REQUIRE(result);
  return *result;
}

template <class Predictive>
at::Tensor scores(const Predictive& predictive, const at::Tensor& targets) {
  auto result = conformal_scores(predictive, targets);
  REQUIRE(result);
  return *result;
}

regression_predictive gaussian(const at::Tensor& mean,
                               const at::Tensor& deviation) {
  auto result =
      predict_regression({mean.unsqueeze(0), deviation.square().unsqueeze(0)});
  REQUIRE(result);
  return *result;
}

} // namespace

TEST_CASE("the conformal quantile is the score of its rank",
          "[runtime][conformal]") {
  constexpr auto infinity = std::numeric_limits<double>::infinity();
  // ceil(20 * 0.9) = 18 of 19; ceil(21 * 0.9) = ceil(18.9) = 19 of 20.
  CHECK(threshold(first_numbers(19), 0.1) == 18);
  CHECK(threshold(first_numbers(20), 0.1) == 19);
  CHECK(threshold(first_numbers(9), 0.1) == 9);
  CHECK(threshold(first_numbers(8), 0.1) == infinity);
  CHECK(threshold(first_numbers(1), 0.5) == 1);
  CHECK(threshold(first_numbers(1), 0.4) == infinity);
  CHECK(threshold(first_numbers(3), 0.999) == 1);
  // Whole products round up or down in doubles: 3 * 0.1 is above 0.3.
  for (std::int64_t tens = 1; tens < 300; ++tens)
    CHECK(threshold(first_numbers(10 * tens - 1), 0.1)
          == static_cast<double>(9 * tens));
  for (std::int64_t hundreds = 1; hundreds < 30; ++hundreds)
    CHECK(threshold(first_numbers(100 * hundreds - 1), 0.07)
          == static_cast<double>(93 * hundreds));
  CHECK(threshold(numbers({2, 2, 1, 2}), 0.2) == 2);
}

TEST_CASE("a new score is covered as often as ranks say",
          "[runtime][conformal]") {
  // Of n + 1 exchangeable scores the last is at most the k-th of the others
  // with probability k / (n + 1): take each of 1..20 as the new one.
  const std::int64_t n = 19;
  for (double miss : {0.05, 0.1, 0.33}) {
    auto all = first_numbers(n + 1);
    double covered = 0;
    for (std::int64_t i = 0; i <= n; ++i) {
      auto others = at::cat({all.narrow(0, 0, i), all.narrow(0, i + 1, n - i)});
      covered += all[i].item<double>() <= threshold(others, miss) ? 1 : 0;
    }
    CHECK(covered == std::ceil(static_cast<double>(n + 1) * (1 - miss) - 1e-9));
  }
}

TEST_CASE("conformal intervals are as wide as the normalised residuals say",
          "[runtime][conformal]") {
  auto p = gaussian(numbers({0, 10, 20}), numbers({1, 2, 4}));
  auto y = numbers({0.5, 13, 12});
  check_close(scores(p, y), numbers({0.5, 1.5, 2}), 1e-12);
  auto x = evaluate(p, y, 1.75);
  CHECK(x.coverage == Approx(2.0 / 3));
  CHECK(x.size == Approx(2 * 1.75 * 7 / 3));
  x = evaluate(p, y, std::numeric_limits<double>::infinity());
  CHECK(x.coverage == 1);
  CHECK(std::isinf(x.size));

  auto points =
      predict_regression({numbers({0, 10, 20}).unsqueeze(0), std::nullopt});
  REQUIRE(points);
  check_close(scores(*points, y), numbers({0.5, 3, 8}), 1e-12);
  x = evaluate(*points, y, 3);
  CHECK(x.coverage == Approx(2.0 / 3));
  CHECK(x.size == 6);
}

TEST_CASE("conformal sets hold the classes that are likely enough",
          "[runtime][conformal]") {
  auto p = of_probabilities(
      at::tensor({0.7, 0.2, 0.1, 0.4, 0.35, 0.25, 0.34, 0.33, 0.33},
                 at::kDouble)
          .view({3, 3}));
  auto labels = at::tensor({0, 2, 1}, at::kLong);
  check_close(scores(p, labels), -numbers({0.7, 0.25, 0.33}).log(), 1e-12);
  // p >= 0.3: {0}, {0, 1}, {0, 1, 2}.
  auto x = evaluate(p, labels, -std::log(0.3));
  CHECK(x.coverage == Approx(2.0 / 3));
  CHECK(x.size == 2);
  // p >= 0.5: the sets of the last two are empty.
  x = evaluate(p, labels, -std::log(0.5));
  CHECK(x.coverage == Approx(1.0 / 3));
  CHECK(x.size == Approx(1.0 / 3));
  x = evaluate(p, labels, std::numeric_limits<double>::infinity());
  CHECK(x.coverage == 1);
  CHECK(x.size == 3);
}

TEST_CASE("intervals of a wrong model cover nine tenths of new targets",
          "[runtime][conformal]") {
  auto generator = at::make_generator<at::CPUGeneratorImpl>(71);
  const std::int64_t fitted = 2000;
  const std::int64_t fresh = 20000;
  auto sample = [&](std::int64_t n) {
    auto x = at::rand({n}, generator, at::kDouble);
    auto noise = at::randn({n}, generator, at::kDouble).exp();
    return std::pair{x, x.sin() + noise * x};
  };
  // A mean and a deviation that are both wrong.
  auto model = [](const at::Tensor& x) { return gaussian(x, 0.1 + 0.2 * x); };
  auto [x, y] = sample(fitted);
  auto [new_x, new_y] = sample(fresh);
  auto q = threshold(scores(model(x), y), 0.1);
  auto got = evaluate(model(new_x), new_y, q);
  // Deviations: sqrt(0.09 / 2000) of the quantile's level, and sqrt(0.09 /
  // 20000) of the share: 0.007 together; four of them.
  CHECK(std::abs(got.coverage - 0.9) < 0.028);
  // The model's own interval does not.
  CHECK(evaluate(model(new_x), new_y, 1.645).coverage < 0.8);
}

TEST_CASE("sets of a wrong model cover nine tenths of new labels",
          "[runtime][conformal]") {
  auto generator = at::make_generator<at::CPUGeneratorImpl>(72);
  auto sample = [&](std::int64_t n) {
    auto logits = at::randn({n, 6}, generator, at::kDouble) * 2;
    auto labels =
        (logits / 3).softmax(-1).multinomial(1, false, generator).squeeze(1);
    auto p = predict_classification(logits.unsqueeze(0)); // too sure by 3
    REQUIRE(p);
    return std::pair{*p, labels};
  };
  auto [p, labels] = sample(2000);
  auto [new_p, new_labels] = sample(20000);
  auto q = threshold(scores(p, labels), 0.1);
  auto got = evaluate(new_p, new_labels, q);
  CHECK(std::abs(got.coverage - 0.9) < 0.028); // as above
  CHECK(got.size > 1);
  CHECK(got.size < 6);
}

TEST_CASE("conformal prediction refuses what does not fit",
          "[runtime][conformal]") {
  for (double miss : {0.0, 1.0, -0.1, std::nan("")})
    CHECK(conformal_quantile(numbers({1, 2}), miss).error().code
          == errc::invalid_argument);
  CHECK(conformal_quantile(at::empty({0}, at::kDouble), 0.1).error().code
        == errc::invalid_argument);
  CHECK(conformal_quantile(numbers({1, std::nan("")}), 0.1).error().code
        == errc::non_finite);
  auto p = gaussian(numbers({0, 1}), numbers({1, 1}));
  CHECK(conformal_scores(p, numbers({1})).error().code
        == errc::invalid_argument);
  CHECK(evaluate_conformal(p, numbers({1}), 1).error().code
        == errc::invalid_argument);
  auto classes = of_probabilities(at::full({2, 2}, 0.5, at::kDouble));
  CHECK(conformal_scores(classes, at::full({2}, 2, at::kLong)).error().code
        == errc::invalid_argument);
}
