#include "runtime/posterior/classification_predictive.hpp"

#include "runtime/core/guarded.hpp"
#include "runtime/posterior/checked_tensor.hpp"

#include <ATen/ATen.h>

#include <cmath>

namespace posse {

namespace {

/// -sum p log p over the last axis, 0 log 0 = 0.
at::Tensor entropy_of(const at::Tensor& probabilities,
                      const at::Tensor& log_probabilities) {
  auto terms = probabilities * log_probabilities;
  return -terms.masked_fill_(probabilities == 0, 0).sum(-1);
}

} // namespace

expected<classification_predictive>
predict_classification(const at::Tensor& logits) {
  return guarded("classification predictive",
                 [&]() -> expected<classification_predictive> {
                   auto checked = checked_real("logits", logits, {-1, -1, -1});
                   if (!checked)
                     return fail(std::move(checked));
                   const auto members = static_cast<double>(checked->size(0));
                   auto each = checked->softmax(-1);
                   auto log_each = checked->log_softmax(-1);
                   classification_predictive result;
                   result.probabilities = each.mean(0);
                   // Not the logarithm of the average, which may have
                   // underflowed.
                   result.log_probabilities =
                       log_each.logsumexp(0) - std::log(members);
                   result.predicted = result.probabilities.argmax(-1);
                   result.entropy = entropy_of(result.probabilities,
                                               result.log_probabilities);
                   result.expected_entropy = entropy_of(each, log_each).mean(0);
                   // Jensen's inequality makes it >= 0; rounding alone can
                   // break that.
                   result.mutual_information =
                       (result.entropy - result.expected_entropy).clamp_min_(0);
                   return result;
                 });
}

expected<labelled_predictive>
at_labels(const classification_predictive& predictive,
          const at::Tensor& labels) {
  return guarded("labels", [&]() -> expected<labelled_predictive> {
    auto log_p = checked_real("log probabilities", predictive.log_probabilities,
                              {-1, -1});
    if (!log_p)
      return fail(std::move(log_p));
    auto y = checked_labels("labels", labels, log_p->size(0), log_p->size(1));
    if (!y)
      return fail(std::move(y));
    auto of_labels = log_p->gather(1, y->unsqueeze(1)).squeeze(1);
    return labelled_predictive{std::move(*log_p), std::move(of_labels)};
  });
}

} // namespace posse
