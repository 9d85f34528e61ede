#include "runtime/posterior/regression_predictive.hpp"

#include "runtime/core/guarded.hpp"
#include "runtime/posterior/checked_tensor.hpp"
#include "runtime/posterior/gaussian_mixture.hpp"

#include <ATen/ATen.h>
#include <c10/util/StringUtil.h>

#include <utility>

namespace posse {

namespace {

regression_predictive::density
density_of(const regression_members& members,
           const at::Tensor& epistemic_variance) {
  regression_predictive::density result;
  result.aleatoric_variance = members.variances->mean(0);
  result.variance = result.aleatoric_variance + epistemic_variance;
  const auto b = members.means.size(1);
  const auto m = static_cast<std::size_t>(members.means.size(0));
  auto means = members.means.t().contiguous(); // a point's members side by side
  auto deviations = members.variances->sqrt().t().contiguous();
  const auto* mean = means.const_data_ptr<double>();
  const auto* deviation = deviations.const_data_ptr<double>();
  for (auto [out, p] :
       {std::pair{&result.q05, 0.05}, std::pair{&result.q50, 0.50},
        std::pair{&result.q95, 0.95}}) {
    *out = at::empty({b}, at::kDouble);
    auto* values = out->mutable_data_ptr<double>();
    for (std::int64_t i = 0; i < b; ++i) {
      auto start = static_cast<std::size_t>(i) * m;
      values[i] = quantile({{mean + start, m}, {deviation + start, m}}, p);
    }
  }
  return result;
}

} // namespace

regression_members regression_members::members(std::int64_t first,
                                               std::int64_t count) const {
  regression_members result{means.narrow(0, first, count), std::nullopt};
  if (variances)
    result.variances = variances->narrow(0, first, count);
  return result;
}

expected<regression_members>
checked_members(const regression_members& members) {
  return guarded("regression members", [&]() -> expected<regression_members> {
    auto means = checked_real("means", members.means, {-1, -1});
    if (!means)
      return fail(std::move(means));
    if (!members.variances)
      return regression_members{*means, std::nullopt};
    auto variances =
        checked_real("variances", *members.variances, means->sizes().vec());
    if (!variances)
      return fail(std::move(variances));
    auto bad = variances->le(0).nonzero();
    if (bad.size(0) > 0)
      return fail(errc::invalid_argument,
                  c10::str("variances: member ", bad[0][0].item<std::int64_t>(),
                           ", point ", bad[0][1].item<std::int64_t>(),
                           ": expected > 0"));
    return regression_members{*means, *variances};
  });
}

expected<regression_predictive>
predict_regression(const regression_members& members) {
  auto checked = checked_members(members);
  if (!checked)
    return fail(std::move(checked));
  return guarded("regression predictive", [&] {
    regression_predictive result;
    result.mean = checked->means.mean(0);
    // From deviations, not as a difference of moments: nothing cancels.
    result.epistemic_variance = (checked->means - result.mean).square().mean(0);
    if (checked->variances)
      result.gaussian = density_of(*checked, result.epistemic_variance);
    return result;
  });
}

} // namespace posse
