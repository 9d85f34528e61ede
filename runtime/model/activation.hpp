#pragma once

#include "runtime/core/registry.hpp"

#include <ATen/core/Tensor.h>

namespace posse {

/// Applied element by element, between layers.
struct activation {
  at::Tensor (*apply)(const at::Tensor& x);
  /// d loss / d x.
  /// @param slopes d loss / d y for y = apply(x).
  at::Tensor (*slopes_before)(const at::Tensor& slopes, const at::Tensor& x,
                              const at::Tensor& y);
};

/// relu, tanh, sigmoid, silu, gelu (the exact one, with erf).
const registry<activation>& activations();

} // namespace posse
