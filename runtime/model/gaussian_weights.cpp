#include "runtime/model/gaussian_weights.hpp"

#include <ATen/ATen.h>

namespace posse {

namespace {

at::Tensor drawn(const at::Tensor& mean, const at::Tensor& variance) {
  // The numbers are a CPU's, the same on every device.
  const auto numbers = at::randn(
      mean.sizes(), mean.options().device(at::kCPU).requires_grad(false));
  // What is added has no effect but where the root's slope would be infinite.
  constexpr double tiny = 1e-30;
  return mean + (variance + tiny).sqrt() * numbers.to(mean.device());
}

} // namespace

at::Tensor gaussian_linear(const at::Tensor& x, affine_tensors means,
                           affine_tensors deviations) {
  return drawn(at::linear(x, means.weight, means.bias),
               at::linear(x.square(), deviations.weight.square(),
                          deviations.bias.square()));
}

at::Tensor gaussian_tensor(const at::Tensor& mean,
                           const at::Tensor& deviation) {
  return drawn(mean, deviation.square());
}

} // namespace posse
