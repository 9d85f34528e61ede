#pragma once

#include "runtime/compute/particle_work.hpp"

#include <ATen/core/Tensor.h>

#include <vector>

namespace posse {

/// Whether this particle's batches are computed in parts.
bool in_parts(seated_particle p);

/// The batch's mean loss and its gradient, in training mode and with the
/// particle's own random numbers. If in_parts(), share_work() finds help.
///
/// @param x, y As for train_step().
/// @param gradients Gets one tensor a parameter, in their order; undefined for
///   a parameter that the loss does not depend on.
/// @throws c10::Error: the step that calls it is guarded.
double loss_with_gradients(seated_particle p, const at::Tensor& x,
                           const at::Tensor& y,
                           std::vector<at::Tensor>& gradients);

/// The same, and the optimizer's step if the loss is finite. If in_parts(), the
/// parameters are moved in parts as well, always the same.
double loss_with_step(seated_particle p, const at::Tensor& x,
                      const at::Tensor& y);

} // namespace posse
