#include "runtime/posterior/diversity.hpp"

#include "runtime/core/guarded.hpp"
#include "runtime/posterior/checked_tensor.hpp"

#include <ATen/ATen.h>
#include <c10/util/StringUtil.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace posse {

namespace {

expected<void> check_members(std::int64_t networks, std::int64_t draws) {
  if (draws > 0 && networks % draws == 0 && networks / draws > 1)
    return {};
  return fail(errc::invalid_argument,
              c10::str("diversity: expected at least two members, got ",
                       networks, " networks, ", draws, " a member"));
}

/// [M * draws, ...] as [M, draws, ...].
at::Tensor by_member(const at::Tensor& x, std::int64_t draws) {
  return x.unflatten(0, {x.size(0) / draws, draws});
}

at::Tensor from_average(const at::Tensor& x) {
  return x - x.mean(0, true);
}

/// Over the members, axis 0, divided by M - 1. Of natural parameters and
/// expectations it is the KL divergence averaged over both directions and all
/// pairs: one pair's is (eta_i - eta_j) . (E_i - E_j) / 2 in any exponential
/// family, and the average of such products over pairs is twice the covariance.
/// So no pair is looked at, and nothing cancels where members are alike.
at::Tensor covariance(const at::Tensor& x, const at::Tensor& y) {
  const auto m = static_cast<double>(x.size(0));
  return (from_average(x) * from_average(y)).sum(0) / (m - 1);
}

/// Rounding alone can make an average of divergences negative.
double not_negative(const at::Tensor& x) {
  return std::max(x.item<double>(), 0.0);
}

double root_mean_square(const at::Tensor& x) {
  return std::sqrt(x.square().mean().item<double>());
}

/// @param predicted [M, B], in [0, classes).
double mean_disagreement(const at::Tensor& predicted, std::int64_t classes) {
  const auto m = static_cast<double>(predicted.size(0));
  auto votes = at::zeros({predicted.size(1), classes}, at::kDouble);
  votes.scatter_add_(1, predicted.t(),
                     at::ones({1, 1}, at::kDouble).expand_as(predicted.t()));
  // Ordered pairs that vote for unlike classes: whole numbers, no rounding.
  auto apart = (votes * (m - votes)).sum(-1);
  return apart.mean().item<double>() / (m * (m - 1));
}

/// @param means, variances [M, B]: a Gaussian each.
double mean_gaussian_kl(const at::Tensor& means, const at::Tensor& variances) {
  // Natural parameters (mean / v, -1 / 2v), expectations (mean, mean^2 + v); a
  // divergence does not change when all means move.
  auto mean = from_average(means);
  auto divergence = covariance(mean / variances, mean)
                    + covariance(-0.5 / variances, mean.square() + variances);
  return not_negative(divergence.mean());
}

} // namespace

metric_list to_list(const classification_diversity& x) {
  return {{"disagreement", x.disagreement}, {"pairwise_kl", x.pairwise_kl}};
}

metric_list to_list(const regression_diversity& x) {
  metric_list result{{"spread", x.spread}};
  if (x.gaussian) {
    result.push_back({"pairwise_kl", x.gaussian->pairwise_kl});
    result.push_back({"epistemic_ratio", x.gaussian->epistemic_ratio});
  }
  return result;
}

expected<classification_diversity>
evaluate_classification_diversity(const at::Tensor& logits,
                                  std::int64_t draws) {
  return guarded("diversity", [&]() -> expected<classification_diversity> {
    auto checked = checked_real("logits", logits, {-1, -1, -1});
    if (!checked)
      return fail(std::move(checked));
    if (auto ok = check_members(checked->size(0), draws); !ok)
      return fail(std::move(ok));
    auto p = by_member(checked->softmax(-1), draws).mean(1);
    // As in predict_classification(): p may have underflowed.
    auto log_p = by_member(checked->log_softmax(-1), draws).logsumexp(1)
                 - std::log(static_cast<double>(draws));
    classification_diversity result;
    result.disagreement = mean_disagreement(p.argmax(-1), p.size(-1));
    result.pairwise_kl = not_negative(covariance(log_p, p).sum(-1).mean());
    result.collapsed =
        root_mean_square(from_average(log_p)) <= collapse_tolerance;
    return result;
  });
}

expected<regression_diversity>
evaluate_regression_diversity(const regression_members& members,
                              const regression_predictive& predictive,
                              std::int64_t draws) {
  auto checked = checked_members(members);
  if (!checked)
    return fail(std::move(checked));
  return guarded("diversity", [&]() -> expected<regression_diversity> {
    if (auto ok = check_members(checked->means.size(0), draws); !ok)
      return fail(std::move(ok));
    if (checked->variances.has_value() != predictive.gaussian.has_value())
      return fail(errc::invalid_argument,
                  "diversity: expected a predictive of these members: one has "
                  "variances, the other none");
    auto each = by_member(checked->means, draws);
    auto means = each.mean(1);
    regression_diversity result;
    result.spread = root_mean_square(from_average(means));
    if (!checked->variances) {
      auto scale = root_mean_square(predictive.mean - predictive.mean.mean());
      auto rounding = 8 * std::numeric_limits<double>::epsilon()
                      * root_mean_square(predictive.mean);
      result.collapsed =
          result.spread <= std::max(collapse_tolerance * scale, rounding);
      return result;
    }
    auto within = (each - means.unsqueeze(1)).square().mean(1);
    auto variances = by_member(*checked->variances, draws).mean(1) + within;
    auto ratio =
        (predictive.epistemic_variance / predictive.gaussian->variance).sqrt();
    result.gaussian = {mean_gaussian_kl(means, variances),
                       ratio.mean().item<double>()};
    result.collapsed =
        result.gaussian->pairwise_kl <= collapse_tolerance * collapse_tolerance;
    return result;
  });
}

} // namespace posse
