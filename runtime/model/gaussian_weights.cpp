#include "runtime/model/gaussian_weights.hpp"

#include <ATen/ATen.h>

namespace posse {

namespace {

/// @param variance > 0: a bias has one of its own.
at::Tensor drawn(const at::Tensor& mean, const at::Tensor& variance) {
  // The numbers are a CPU's, the same on every device.
  const auto numbers = at::randn(
      mean.sizes(), mean.options().device(at::kCPU).requires_grad(false));
  return mean + variance.sqrt() * numbers.to(mean.device());
}

} // namespace

at::Tensor gaussian_linear(const at::Tensor& x, affine_tensors means,
                           affine_tensors deviations) {
  return drawn(at::linear(x, means.weight, means.bias),
               at::linear(x.square(), deviations.weight.square(),
                          deviations.bias.square()));
}

at::Tensor gaussian_convolution(const at::Tensor& x, affine_tensors means,
                                affine_tensors deviations,
                                std::int64_t padding) {
  return drawn(at::conv2d(x, means.weight, means.bias, 1, padding),
               at::conv2d(x.square(), deviations.weight.square(),
                          deviations.bias.square(), 1, padding));
}

at::Tensor gaussian_tensor(const at::Tensor& mean,
                           const at::Tensor& deviation) {
  return drawn(mean, deviation.square());
}

} // namespace posse
