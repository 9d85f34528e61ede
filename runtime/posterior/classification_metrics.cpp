#include "runtime/posterior/classification_metrics.hpp"

#include "runtime/core/guarded.hpp"
#include "runtime/posterior/checked_tensor.hpp"

#include <ATen/ATen.h>
#include <c10/util/StringUtil.h>

#include <algorithm>
#include <cmath>

namespace posse {

namespace {

/// The k with k/bins < confidence <= (k+1)/bins, by the edges as doubles: the
/// product alone can land a bin beside them.
std::int64_t bin_of(double confidence, std::int64_t bins) {
  auto edge = [n = static_cast<double>(bins)](std::int64_t k) {
    return static_cast<double>(k) / n;
  };
  auto k = static_cast<std::int64_t>(confidence * static_cast<double>(bins));
  while (k > 0 && confidence <= edge(k))
    --k;
  while (k < bins - 1 && confidence > edge(k + 1))
    ++k;
  return std::min(k, bins - 1); // the sum of a softmax may round above 1
}

} // namespace

std::vector<reliability_bin>
reliability_table(std::span<const double> confidence,
                  std::span<const std::uint8_t> right, std::int64_t bins) {
  std::vector<reliability_bin> result(static_cast<std::size_t>(bins));
  for (std::size_t i = 0; i < confidence.size(); ++i) {
    auto& bin = result[static_cast<std::size_t>(bin_of(confidence[i], bins))];
    ++bin.count;
    bin.accuracy += right[i] != 0 ? 1 : 0;
    bin.confidence += confidence[i];
  }
  for (auto& bin : result)
    if (bin.count > 0) {
      bin.accuracy /= static_cast<double>(bin.count);
      bin.confidence /= static_cast<double>(bin.count);
    }
  return result;
}

metric_list to_list(const classification_metrics& x) {
  return {{"accuracy", x.accuracy},
          {"nll", x.nll},
          {"ece", x.ece},
          {"brier", x.brier},
          {"max_calibration_error", x.max_calibration_error}};
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
        const auto confidence = p->amax(1).contiguous();
        const auto hits = right.to(at::kByte).contiguous();
        const auto count = static_cast<std::size_t>(rows);
        result.reliability = reliability_table(
            {confidence.const_data_ptr<double>(), count},
            {hits.const_data_ptr<std::uint8_t>(), count}, bins);
        for (const auto& bin : result.reliability) {
          auto gap = std::abs(bin.accuracy - bin.confidence);
          result.ece +=
              static_cast<double>(bin.count) / static_cast<double>(rows) * gap;
          result.max_calibration_error =
              std::max(result.max_calibration_error, gap);
        }
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
