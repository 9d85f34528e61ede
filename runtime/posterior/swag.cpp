#include "runtime/posterior/swag.hpp"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <cmath>

namespace posse {

void swag_collect(const swag_moments& moments, const at::Tensor& column,
                  const at::Tensor& w, std::int64_t count) {
  const at::NoGradGuard no_grad;
  const auto& [mean, variance] = moments;
  if (count == 0) {
    mean.copy_(w);
    variance.zero_();
    column.zero_();
    return;
  }
  const auto n = static_cast<double>(count);
  const auto step = w - mean;
  // The mean goes 1/(n+1) of the way; variance <- (n/(n+1)) (variance +
  // step^2/(n+1)).
  mean.add_(step, 1 / (n + 1));
  variance.addcmul_(step, step, 1 / (n + 1)).mul_(n / (n + 1));
  column.copy_(w).sub_(mean);
}

void swag_draw(const swag_moments& moments, std::span<const at::Tensor> columns,
               std::int64_t rank, double scale, double least_variance,
               const at::Tensor& z1, const at::Tensor& z2,
               const at::Tensor& out) {
  const at::NoGradGuard no_grad;
  TORCH_CHECK(rank > 1, "rank: expected at least 2, got ", rank);
  const auto spread = std::sqrt(scale);
  out.copy_(moments.variance)
      .clamp_min_(least_variance)
      .sqrt_()
      .mul_(z1)
      .mul_(spread);
  const auto weights = z2.to(at::kCPU, at::kDouble);
  const auto share = spread / std::sqrt(static_cast<double>(rank - 1));
  for (std::size_t k = 0; k < columns.size(); ++k)
    out.add_(columns[k],
             share * weights[static_cast<std::int64_t>(k)].item<double>());
  out.add_(moments.mean);
}

} // namespace posse
