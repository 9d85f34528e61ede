#include "runtime/posterior/regression_metrics.hpp"

#include "runtime/core/guarded.hpp"
#include "runtime/posterior/checked_tensor.hpp"
#include "runtime/posterior/gaussian_mixture.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

namespace posse {

namespace {

/// Of a central 90 % interval: 2 / 0.1 times the miss beside its width.
double interval_score(double low, double high, double y) {
  constexpr double missing = 0.1;
  return high - low
         + 2 / missing * (std::max(low - y, 0.0) + std::max(y - high, 0.0));
}

/// @param members As checked_members() gives them, with variances.
regression_metrics::density
density_metrics(const regression_members& members, const at::Tensor& mean,
                const regression_predictive::density& predictive,
                const at::Tensor& targets) {
  const auto b = targets.size(0);
  const auto m = static_cast<std::size_t>(members.means.size(0));
  auto means = members.means.t().contiguous(); // a point's members side by side
  auto deviations = members.variances->sqrt().t().contiguous();
  auto moment_deviations = predictive.variance.sqrt();
  const auto* y = targets.const_data_ptr<double>();
  const auto* moment_mean = mean.const_data_ptr<double>();
  const auto* moment_deviation = moment_deviations.const_data_ptr<double>();
  const auto* q05 = predictive.q05.const_data_ptr<double>();
  const auto* q95 = predictive.q95.const_data_ptr<double>();
  regression_metrics::density sum;
  for (std::int64_t i = 0; i < b; ++i) {
    auto start = static_cast<std::size_t>(i) * m;
    gaussian_mixture mixture{{means.const_data_ptr<double>() + start, m},
                             {deviations.const_data_ptr<double>() + start, m}};
    sum.nll -= log_density(mixture, y[i]);
    sum.nll_moment -=
        log_density_of_gaussian(moment_mean[i], moment_deviation[i], y[i]);
    sum.crps += crps(mixture, y[i]);
    sum.crps_moment +=
        crps_of_gaussian(moment_mean[i], moment_deviation[i], y[i]);
    sum.coverage_90 += q05[i] <= y[i] && y[i] <= q95[i] ? 1 : 0;
    sum.sharpness_90 += q95[i] - q05[i];
    sum.interval_score_90 += interval_score(q05[i], q95[i], y[i]);
  }
  const auto n = static_cast<double>(b);
  return {sum.nll / n,
          sum.nll_moment / n,
          sum.crps / n,
          sum.crps_moment / n,
          sum.coverage_90 / n,
          sum.sharpness_90 / n,
          sum.interval_score_90 / n};
}

} // namespace

metric_list to_list(const regression_metrics& x) {
  if (!x.gaussian)
    return {{"rmse", x.rmse}, {"mae", x.mae}};
  const auto& g = *x.gaussian;
  return {{"rmse", x.rmse},
          {"nll", g.nll},
          {"nll_moment", g.nll_moment},
          {"crps", g.crps},
          {"coverage_90", g.coverage_90},
          {"mae", x.mae},
          {"crps_moment", g.crps_moment},
          {"sharpness_90", g.sharpness_90},
          {"interval_score_90", g.interval_score_90}};
}

expected<regression_metrics>
evaluate_regression(const regression_members& members,
                    const regression_predictive& predictive,
                    const at::Tensor& targets) {
  return guarded("regression metrics", [&]() -> expected<regression_metrics> {
    auto checked = checked_members(members);
    if (!checked)
      return fail(std::move(checked));
    const auto b = checked->means.size(1);
    auto y = checked_real("targets", targets, {b});
    if (!y)
      return fail(std::move(y));
    auto mean = checked_real("predictive mean", predictive.mean, {b});
    if (!mean)
      return fail(std::move(mean));
    if (checked->variances.has_value() != predictive.gaussian.has_value())
      return fail(errc::invalid_argument,
                  "regression metrics: expected a predictive of these members: "
                  "one has variances, the other none");
    regression_metrics result;
    auto error = *mean - *y;
    result.rmse = std::sqrt(error.square().mean().item<double>());
    result.mae = error.abs().mean().item<double>();
    if (predictive.gaussian)
      result.gaussian =
          density_metrics(*checked, *mean, *predictive.gaussian, *y);
    return result;
  });
}

expected<std::vector<regression_metrics>>
evaluate_regression_members(const regression_members& members,
                            const at::Tensor& targets, std::int64_t draws) {
  auto checked = checked_members(members);
  if (!checked)
    return fail(std::move(checked));
  std::vector<regression_metrics> result;
  for (std::int64_t m = 0; m < checked->means.size(0); m += draws) {
    auto alone = checked->members(m, draws);
    auto predictive = predict_regression(alone);
    if (!predictive)
      return fail(std::move(predictive));
    auto metrics = evaluate_regression(alone, *predictive, targets);
    if (!metrics)
      return fail(std::move(metrics));
    result.push_back(*metrics);
  }
  return result;
}

} // namespace posse
