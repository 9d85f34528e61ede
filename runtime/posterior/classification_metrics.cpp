#include "runtime/posterior/classification_metrics.hpp"

#include "runtime/core/guarded.hpp"
#include "runtime/posterior/checked_tensor.hpp"

#include <ATen/ATen.h>
#include <c10/util/StringUtil.h>

namespace posse {

metric_list to_list(const classification_metrics& x) {
  return {{"accuracy", x.accuracy},
          {"nll", x.nll},
          {"ece", x.ece},
          {"brier", x.brier},
          {"max_calibration_error", x.max_calibration_error},
          {"ece_equal_mass", x.ece_equal_mass}};
}

expected<classification_metrics>
evaluate_classification(const classification_predictive& predictive,
                        const at::Tensor& labels, std::int64_t bins) {
  return guarded(
      "classification metrics", [&]() -> expected<classification_metrics> {
        if (bins < 1)
          return fail(errc::invalid_argument,
                      c10::str("reliability bins: expected > 0, got ", bins));
        auto p =
            checked_real("probabilities", predictive.probabilities, {-1, -1});
        if (!p)
          return fail(std::move(p));
        const auto rows = p->size(0);
        const auto classes = p->size(1);
        auto y = checked_labels("labels", labels, rows, classes);
        if (!y)
          return fail(std::move(y));
        classification_metrics result;
        auto right = predictive.predicted == *y;
        result.accuracy = right.to(at::kDouble).mean().item<double>();
        result.nll = -predictive.log_probabilities.gather(1, y->unsqueeze(1))
                          .mean()
                          .item<double>();
        result.brier = (*p - at::one_hot(*y, classes))
                           .square()
                           .sum(1)
                           .mean()
                           .item<double>();
        auto confidence = p->amax(1);
        result.reliability = bins_of_equal_width(confidence, right, bins);
        result.ece = expected_calibration_error(result.reliability);
        result.max_calibration_error =
            max_calibration_error(result.reliability);
        result.ece_equal_mass = expected_calibration_error(
            bins_of_equal_mass(confidence, right, bins));
        return result;
      });
}

expected<std::vector<classification_metrics>>
evaluate_classification_members(const at::Tensor& logits,
                                const at::Tensor& labels, std::int64_t draws,
                                std::int64_t bins) {
  return guarded("classification metrics of members",
                 [&]() -> expected<std::vector<classification_metrics>> {
                   auto checked = checked_real("logits", logits, {-1, -1, -1});
                   if (!checked)
                     return fail(std::move(checked));
                   std::vector<classification_metrics> result;
                   for (std::int64_t m = 0; m < checked->size(0); m += draws) {
                     auto predictive =
                         predict_classification(checked->narrow(0, m, draws));
                     if (!predictive)
                       return fail(std::move(predictive));
                     auto metrics =
                         evaluate_classification(*predictive, labels, bins);
                     if (!metrics)
                       return fail(std::move(metrics));
                     result.push_back(std::move(*metrics));
                   }
                   return result;
                 });
}

} // namespace posse
