#pragma once

#include "runtime/core/registry.hpp"

#include <ATen/core/Tensor.h>

namespace posse {

/// Applied element by element, between layers.
using activation_fn = at::Tensor (*)(const at::Tensor& x);

/// relu, tanh, sigmoid, silu, gelu (the exact one, with erf).
const registry<activation_fn>& activations();

} // namespace posse
