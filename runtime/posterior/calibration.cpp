#include "runtime/posterior/calibration.hpp"

#include "runtime/posterior/deviation_scale.hpp"
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

expected<regression_calibration::scaling>
scale_deviations(const regression_members& validation,
                 const at::Tensor& targets, const regression_members& test,
                 const at::Tensor& test_targets) {
  auto factor = fit_deviation_scale(validation, targets);
  if (!factor)
    return fail(std::move(factor));
  auto members = at_deviation_scale(test, *factor);
  if (!members)
    return fail(std::move(members));
  auto predictive = predict_regression(*members);
  if (!predictive)
    return fail(std::move(predictive));
  auto after = evaluate_regression(*members, *predictive, test_targets);
  if (!after)
    return fail(std::move(after));
  return regression_calibration::scaling{*factor, *after};
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
  auto after = evaluate_classification(*tempered, test_labels);
  if (!after)
    return fail(std::move(after));
  auto sets = conformal(validation, labels, test, test_labels);
  if (!sets)
    return fail(std::move(sets));
  return classification_calibration{labels.size(0), *temperature,
                                    std::move(*after), *sets};
}

expected<regression_calibration>
calibrate(const regression_ensemble& validation, const at::Tensor& targets,
          const regression_ensemble& test, const at::Tensor& test_targets) {
  auto intervals =
      conformal(validation.predictive, targets, test.predictive, test_targets);
  if (!intervals)
    return fail(std::move(intervals));
  regression_calibration out{targets.size(0), {}, *intervals};
  if (!validation.predictive.gaussian)
    return out;
  auto scaled =
      scale_deviations(validation.members, targets, test.members, test_targets);
  if (!scaled)
    return fail(std::move(scaled));
  out.deviations = *scaled;
  return out;
}

} // namespace posse
