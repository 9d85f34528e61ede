#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

namespace posse {

/// `x` on `device`: itself if it is there already, else a copy of which
/// autograd knows. Asked at every step, so that the usual answer, the CPU's,
/// costs no call of LibTorch.
inline at::Tensor placed_on(c10::Device device, const at::Tensor& x) {
  return x.device() == device ? x : x.to(device);
}

inline at::Tensor on_host(const at::Tensor& x) {
  return placed_on(c10::Device{c10::kCPU}, x);
}

} // namespace posse
