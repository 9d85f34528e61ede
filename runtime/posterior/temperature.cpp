#include "runtime/posterior/temperature.hpp"

#include "runtime/core/guarded.hpp"
#include "runtime/posterior/increasing_root.hpp"

#include <ATen/ATen.h>
#include <c10/util/StringUtil.h>

namespace posse {

expected<double> fit_temperature(const classification_predictive& predictive,
                                 const at::Tensor& labels) {
  return guarded("temperature", [&]() -> expected<double> {
    auto checked = at_labels(predictive, labels);
    if (!checked)
      return fail(std::move(checked));
    const auto& log_p = checked->log_probabilities;
    const auto& of_labels = checked->of_labels;
    if ((log_p.amax(1) - log_p.amin(1)).max().item<double>() == 0)
      return 1;
    // Of the mean negative log likelihood in b = 1/T: derivatives are the mean
    // and the variance of log p under the probabilities at that temperature.
    auto slope = [&](double b) {
      auto p = (log_p * b).softmax(1);
      return ((p * log_p).sum(1) - of_labels).mean().item<double>();
    };
    auto curvature = [&](double b) {
      auto p = (log_p * b).softmax(1);
      auto deviation = log_p - (p * log_p).sum(1, true);
      return (p * deviation.square()).sum(1).mean().item<double>();
    };
    return 1
           / increasing_root(
               slope, curvature,
               {1 / highest_temperature, 1 / lowest_temperature, 1}, 1e-10);
  });
}

expected<classification_predictive>
at_temperature(const classification_predictive& predictive,
               double temperature) {
  if (!(temperature > 0))
    return fail(errc::invalid_argument,
                c10::str("temperature: expected > 0, got ", temperature));
  return guarded("temperature", [&] {
    return predict_classification(
        (predictive.log_probabilities / temperature).unsqueeze(0));
  });
}

} // namespace posse
