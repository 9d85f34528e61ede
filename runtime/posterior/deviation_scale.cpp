#include "runtime/posterior/deviation_scale.hpp"

#include "runtime/core/guarded.hpp"
#include "runtime/posterior/checked_tensor.hpp"
#include "runtime/posterior/gaussian_mixture.hpp"
#include "runtime/posterior/increasing_root.hpp"

#include <ATen/ATen.h>
#include <c10/util/StringUtil.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace posse {

namespace {

expected<regression_members> checked_densities(const regression_members& x) {
  if (!x.variances)
    return fail(errc::invalid_argument,
                "deviation scale: expected members with variances, got a point "
                "head's: it has no density");
  return checked_members(x);
}

/// Mixtures of B points about their means, and how far the targets are off.
class centred_mixtures {
public:
  centred_mixtures(const regression_members& members,
                   const at::Tensor& targets) {
    const auto centre = members.means.mean(0);
    // A point's members side by side.
    offsets_ = (members.means - centre).t().contiguous();
    deviations_ = members.variances->sqrt().t().contiguous();
    residuals_ = (targets - centre).contiguous();
  }

  /// Mean negative log likelihood at the factor exp(u).
  double loss(double u) const {
    return u - mean(u, [](const gaussian_mixture& f, double x) {
             return log_density(f, x);
           });
  }
  /// Its derivatives in u; the density is looked at in x = residual * exp(-u).
  double slope(double u) const {
    return 1 + mean(u, [](const gaussian_mixture& f, double x) {
             return x * slopes_of_log_density(f, x).first;
           });
  }
  double curvature(double u) const {
    return -mean(u, [](const gaussian_mixture& f, double x) {
      const auto slopes = slopes_of_log_density(f, x);
      return x * (slopes.first + x * slopes.second);
    });
  }

private:
  template <class Of>
  double mean(double u, Of&& of) const {
    const auto points = offsets_.size(0);
    const auto m = static_cast<std::size_t>(offsets_.size(1));
    const auto* offsets = offsets_.const_data_ptr<double>();
    const auto* deviations = deviations_.const_data_ptr<double>();
    const auto* residuals = residuals_.const_data_ptr<double>();
    const auto nearer = std::exp(-u);
    double sum = 0;
    for (std::int64_t i = 0; i < points; ++i) {
      const auto start = static_cast<std::size_t>(i) * m;
      sum += of(gaussian_mixture{{offsets + start, m}, {deviations + start, m}},
                residuals[i] * nearer);
    }
    return sum / static_cast<double>(points);
  }

  at::Tensor offsets_;    ///< [B, M]
  at::Tensor deviations_; ///< [B, M]
  at::Tensor residuals_;  ///< [B]
};

} // namespace

expected<double> fit_deviation_scale(const regression_members& members,
                                     const at::Tensor& targets) {
  return guarded("deviation scale", [&]() -> expected<double> {
    auto checked = checked_densities(members);
    if (!checked)
      return fail(std::move(checked));
    auto y = checked_real("targets", targets, {checked->means.size(1)});
    if (!y)
      return fail(std::move(y));
    const centred_mixtures mixtures{*checked, *y};
    constexpr int intervals = 160;
    const auto low = std::log(lowest_deviation_scale);
    const auto high = std::log(highest_deviation_scale);
    const auto at = [&](int i) { return low + (high - low) * i / intervals; };
    int best = 0;
    auto least = std::numeric_limits<double>::infinity();
    for (int i = 0; i <= intervals; ++i)
      if (const auto loss = mixtures.loss(at(i)); loss < least) {
        least = loss;
        best = i;
      }
    if (!std::isfinite(least))
      return fail(errc::non_finite,
                  "deviation scale: the targets are so far from the predicted "
                  "means that no factor has a finite likelihood");
    const auto root =
        increasing_root([&](double u) { return mixtures.slope(u); },
                        [&](double u) { return mixtures.curvature(u); },
                        {at(std::max(best - 1, 0)),
                         at(std::min(best + 1, intervals)), at(best)},
                        1e-14);
    return std::clamp(std::exp(root), lowest_deviation_scale,
                      highest_deviation_scale);
  });
}

expected<regression_members>
at_deviation_scale(const regression_members& members, double scale) {
  if (!(scale > 0 && std::isfinite(scale)))
    return fail(
        errc::invalid_argument,
        c10::str("deviation scale: expected a number > 0, got ", scale));
  return guarded("deviation scale", [&]() -> expected<regression_members> {
    auto checked = checked_densities(members);
    if (!checked)
      return fail(std::move(checked));
    const auto centre = checked->means.mean(0);
    return regression_members{centre + (checked->means - centre) * scale,
                              *checked->variances * (scale * scale)};
  });
}

} // namespace posse
