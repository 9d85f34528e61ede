#pragma once

#include "runtime/compute/particle_work.hpp"
#include "runtime/data/data_set.hpp"

#include <ATen/core/Tensor.h>

namespace posse {

/// A curvature of the negative log likelihood of all training rows at a
/// particle's parameters, and that log likelihood.
struct curvature_of_rows {
  at::Tensor curvature;     ///< float64, on the host
  double log_likelihood{0}; ///< nats
};

/// The diagonal of the generalised Gauss-Newton matrix, by the gradients of
/// each row by itself. @returns `curvature` [P], flat as the parameters' row, 0
/// between tensors.
expected<curvature_of_rows> diagonal_curvature(seated_particle p,
                                               const data_set& data);

/// That of the last layer's weight W [L, H] and bias b [L], ordered as the rows
/// of [W, b]. @returns `curvature` [L (H + 1), L (H + 1)].
/// @pre The network tells its last layer.
expected<curvature_of_rows> last_layer_curvature(seated_particle p,
                                                 const data_set& data);

} // namespace posse
