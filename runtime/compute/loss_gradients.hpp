#pragma once

#include "runtime/compute/particle_work.hpp"

#include <ATen/core/Tensor.h>

#include <vector>

namespace posse {

/// The batch's mean loss and its gradient, in training mode and with the
/// particle's own random numbers. In as many parts of the batch as the recipe
/// says, on a CPU, for which share_work() finds help.
///
/// @param x, y As for train_step().
/// @param gradients Gets one tensor a parameter, in their order; undefined for
///   a parameter that the loss does not depend on.
/// @throws c10::Error: the step that calls it is guarded.
double loss_with_gradients(seated_particle p, const at::Tensor& x,
                           const at::Tensor& y,
                           std::vector<at::Tensor>& gradients);

} // namespace posse
