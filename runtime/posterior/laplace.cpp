#include "runtime/posterior/laplace.hpp"

#include "runtime/core/guarded.hpp"
#include "runtime/posterior/increasing_root.hpp"

#include <ATen/ATen.h>

#include <cmath>
#include <numbers>
#include <tuple>

namespace posse {

posterior_row laplace_fit_row() {
  return {"fit", std::vector<std::int64_t>{2}};
}

double laplace_evidence::log_evidence(double precision) const {
  const auto count = static_cast<double>(curvatures.numel());
  const auto log_prior = (count * std::log(precision / (2 * std::numbers::pi))
                          - precision * squared_norm)
                         / 2;
  const auto log_volume =
      (count * std::log(2 * std::numbers::pi)
       - curvatures.add(precision).log().sum().item<double>())
      / 2;
  return log_likelihood + log_prior + log_volume;
}

double laplace_evidence::best_precision() const {
  // By the logarithm: of a scale.
  const auto excess = [this](double log_precision) {
    const auto precision = std::exp(log_precision);
    return precision * squared_norm
           - (curvatures / curvatures.add(precision)).sum().item<double>();
  };
  const auto slope = [this](double log_precision) {
    const auto precision = std::exp(log_precision);
    return precision
           * (squared_norm
              + (curvatures / curvatures.add(precision).square())
                    .sum()
                    .item<double>());
  };
  const auto bound = 6 * std::numbers::ln10;
  return std::exp(
      increasing_root(excess, slope, {-bound, bound, 0}, /*tolerance=*/1e-12));
}

std::vector<double> precisions_to_try() {
  std::vector<double> out;
  for (int halves = -8; halves <= 8; ++halves)
    out.push_back(std::pow(10.0, halves / 2.0));
  return out;
}

at::Tensor curvature_spectrum::root_of_covariance(double precision) const {
  return vectors * values.add(precision).rsqrt();
}

expected<curvature_spectrum> decompose(const at::Tensor& curvature) {
  return guarded("curvature", [&]() -> expected<curvature_spectrum> {
    if (!curvature.isfinite().all().item<bool>())
      return fail(errc::non_finite,
                  "the curvature of the log likelihood is no number");
    auto [values, vectors] = at::linalg_eigh(curvature);
    return curvature_spectrum{values.clamp_min(0), vectors};
  });
}

} // namespace posse
