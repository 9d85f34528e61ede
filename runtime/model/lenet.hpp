#pragma once

#include "runtime/model/network.hpp"

namespace posse {

/// LeNet-5 as it is commonly built today (LeCun et al. 1998, with max pooling
/// and full connections between the convolutions): conv 6@5x5 padded by 2,
/// pool 2, conv 16@5x5, pool 2, then Linear layers of 120, 84 and the head's
/// outputs, the activation after each but the last, dropout after 120 and 84.
/// 61,706 parameters for 1x28x28 inputs and 10 classes.
///
/// Parameters: conv1, conv2, fc1, fc2, fc3 (weight and bias each), and
/// log_noise [1] with the head gaussian_shared. `spec.hidden` is not used.
/// Expects a spec that make_network() has checked.
///
/// @returns errc::invalid_argument unless `spec.inputs` is {channels, height,
///   width} with at least 12x12 pixels; errc::unknown_name for the activation.
expected<std::shared_ptr<network>> make_lenet(const model_spec& spec);

} // namespace posse
