#include "runtime/posterior/calibration.hpp"

#include "runtime/posterior/temperature.hpp"

namespace posse {

namespace {

template <class Predictive>
expected<conformal_quality>
conformal(const Predictive& validation, const at::Tensor& targets,
          const Predictive& test, const at::Tensor& test_targets) {
  return conformal_scores(validation, targets)
      .and_then([](const at::Tensor& scores) {
        return conformal_quantile(scores, conformal_miss);
      })
      .and_then(
          [&](double q) { return evaluate_conformal(test, test_targets, q); });
}

} // namespace

expected<classification_calibration>
calibrate(const classification_predictive& validation, const at::Tensor& labels,
          const classification_predictive& test,
          const at::Tensor& test_labels) {
  auto temperature = fit_temperature(validation, labels);
  if (!temperature)
    return fail(std::move(temperature));
  auto tempered = at_temperature(test, *temperature);
  if (!tempered)
    return fail(std::move(tempered));
  auto before = evaluate_classification(test, test_labels);
  if (!before)
    return fail(std::move(before));
  auto after = evaluate_classification(*tempered, test_labels);
  if (!after)
    return fail(std::move(after));
  auto sets = conformal(validation, labels, test, test_labels);
  if (!sets)
    return fail(std::move(sets));
  return classification_calibration{labels.size(0), *temperature,
                                    std::move(*before), std::move(*after),
                                    *sets};
}

expected<regression_calibration>
calibrate(const regression_predictive& validation, const at::Tensor& targets,
          const regression_predictive& test, const at::Tensor& test_targets) {
  auto intervals = conformal(validation, targets, test, test_targets);
  if (!intervals)
    return fail(std::move(intervals));
  return regression_calibration{targets.size(0), *intervals};
}

} // namespace posse
