#include "runtime/posterior/auroc.hpp"
#include "runtime/posterior/shift_detection.hpp"
#include "test/runtime/posterior/reference.hpp"
#include "test/support/catch.hpp"

using namespace posse;

namespace {

classification_predictive classify(const at::Tensor& logits) {
  auto result = predict_classification(logits);
  REQUIRE(result);
  return *result;
}

regression_predictive regress(const regression_members& members) {
  auto result = predict_regression(members);
  REQUIRE(result);
  return *result;
}

template <class Predictive>
metric_list detect(const Predictive& own, const Predictive& shifted,
                   bool several) {
  auto result = detect_shift(own, shifted, several);
  REQUIRE(result);
  return *result;
}

at::Tensor numbers(const std::vector<double>& x,
                   const std::vector<std::int64_t>& shape) {
  return at::tensor(x, at::kDouble).view(shape);
}

} // namespace

TEST_CASE("rows that classifiers disagree about are told from others",
          "[runtime][shift]") {
  // Two members, two rows, two classes. Of the own rows both are all but agreed
  // upon, the second unsurely.
  auto own = classify(numbers({9, 0, 1, 0, 8, 0, 0.5, 0}, {2, 2, 2}));
  // The first row is fought about; of the second the members agree that they
  // are nearly as unsure.
  auto shifted = classify(numbers({9, 0, 0.9, 0, 0, 9, 0.9, 0}, {2, 2, 2}));
  CHECK(detect(own, shifted, true)
        == metric_list{{"entropy", 0.75}, {"mutual_information", 0.5}});
  CHECK(detect(own, shifted, false) == metric_list{{"entropy", 0.75}});
}

TEST_CASE("rows of larger variance are told from others", "[runtime][shift]") {
  auto gaussians = [](const at::Tensor& means, const at::Tensor& variances) {
    return regression_members{means, variances};
  };
  auto own =
      gaussians(numbers({0, 0, 1, 2}, {2, 2}), numbers({1, 2, 1, 2}, {2, 2}));
  auto shifted =
      gaussians(numbers({0, 0, 0, 4}, {2, 2}), numbers({9, 1, 9, 1}, {2, 2}));
  // Totals 1.25 and 3 against 9 and 5; epistemic 0.25 and 1 against 0 and 4.
  CHECK(detect(regress(own), regress(shifted), true)
        == metric_list{{"std", 1}, {"epistemic_std", 0.5}});
  CHECK(detect(regress(own), regress(shifted), false)
        == metric_list{{"std", 1}});
  own.variances.reset();
  shifted.variances.reset();
  CHECK(detect(regress(own), regress(shifted), true)
        == metric_list{{"epistemic_std", 0.5}});
  CHECK(detect(regress(own), regress(shifted), false).empty());
}

TEST_CASE("predictives of unlike heads are not compared", "[runtime][shift]") {
  regression_members points{at::zeros({2, 3}), std::nullopt};
  regression_members gaussians{at::zeros({2, 3}), at::ones({2, 3})};
  auto x = detect_shift(regress(points), regress(gaussians), true);
  REQUIRE_FALSE(x);
  CHECK(x.error().code == errc::invalid_argument);
}
