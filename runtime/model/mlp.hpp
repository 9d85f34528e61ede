#pragma once

#include "runtime/model/network.hpp"

namespace posse {

/// A multi-layer perceptron: inputs flattened, then for each entry of
/// `spec.hidden` a Linear, the activation and dropout, then a Linear.
///
/// Parameters: layers.0.weight, layers.0.bias, layers.1.weight, ..., and
/// log_noise [1] with the head gaussian_shared. Expects a spec that
/// make_network() has checked; errc::unknown_name for the activation.
expected<std::shared_ptr<network>> make_mlp(const model_spec& spec);

} // namespace posse
