#include "runtime/posterior/conformal.hpp"

#include "runtime/core/guarded.hpp"
#include "runtime/posterior/checked_tensor.hpp"

#include <ATen/ATen.h>
#include <c10/util/StringUtil.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace posse {

namespace {

double share(const at::Tensor& which) {
  return which.to(at::kDouble).mean().item<double>();
}

/// The intervals' unit of width, [B] or a number.
at::Tensor deviation_of(const regression_predictive& predictive) {
  return predictive.gaussian ? predictive.gaussian->variance.sqrt()
                             : at::ones({}, at::kDouble);
}

} // namespace

expected<double> conformal_quantile(const at::Tensor& scores, double miss) {
  return guarded("conformal quantile", [&]() -> expected<double> {
    if (!(miss > 0 && miss < 1))
      return fail(errc::invalid_argument,
                  c10::str("conformal quantile: expected to miss a share in "
                           "(0, 1), got ",
                           miss));
    auto checked = checked_real("scores", scores, {-1});
    if (!checked)
      return fail(std::move(checked));
    const auto n = checked->size(0);
    // (n + 1) * 0.1 may come out just below a whole number.
    const auto above = static_cast<std::int64_t>(
        std::floor(static_cast<double>(n + 1) * miss + 1e-9));
    if (above < 1)
      return std::numeric_limits<double>::infinity();
    const auto rank = std::max<std::int64_t>(n + 1 - above, 1);
    auto sorted = std::get<0>(checked->sort());
    return sorted[rank - 1].item<double>();
  });
}

expected<at::Tensor> conformal_scores(const regression_predictive& predictive,
                                      const at::Tensor& targets) {
  return guarded("conformal scores", [&]() -> expected<at::Tensor> {
    auto mean = checked_real("predictive mean", predictive.mean, {-1});
    if (!mean)
      return fail(std::move(mean));
    auto y = checked_real("targets", targets, {mean->size(0)});
    if (!y)
      return fail(std::move(y));
    return (*y - *mean).abs() / deviation_of(predictive);
  });
}

expected<at::Tensor>
conformal_scores(const classification_predictive& predictive,
                 const at::Tensor& labels) {
  return guarded("conformal scores", [&]() -> expected<at::Tensor> {
    auto x = at_labels(predictive, labels);
    if (!x)
      return fail(std::move(x));
    return -x->of_labels;
  });
}

expected<conformal_quality>
evaluate_conformal(const regression_predictive& predictive,
                   const at::Tensor& targets, double q) {
  auto scores = conformal_scores(predictive, targets);
  if (!scores)
    return fail(std::move(scores));
  return guarded("conformal intervals", [&]() -> expected<conformal_quality> {
    auto deviation = deviation_of(predictive).mean().item<double>();
    return conformal_quality{share(*scores <= q), 2 * q * deviation};
  });
}

expected<conformal_quality>
evaluate_conformal(const classification_predictive& predictive,
                   const at::Tensor& labels, double q) {
  auto scores = conformal_scores(predictive, labels);
  if (!scores)
    return fail(std::move(scores));
  return guarded("conformal sets", [&]() -> expected<conformal_quality> {
    auto inside = -predictive.log_probabilities <= q;
    return conformal_quality{
        share(*scores <= q),
        inside.sum(1).to(at::kDouble).mean().item<double>()};
  });
}

} // namespace posse
