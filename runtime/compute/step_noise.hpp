#pragma once

#include "runtime/compute/particle_work.hpp"

#include <ATen/core/Tensor.h>

#include <vector>

namespace posse {

/// Standard normal numbers like the particle's parameters' row, 0 between
/// tensors, from its generator: those of a CPU wherever the particle is.
at::Tensor draw_normal_row(seated_particle p);

/// Standard normal numbers for one step of a particle, on its device.
struct step_noise {
  at::Tensor row; ///< like its parameters' row, 0 between tensors; or undefined
  std::vector<at::Tensor> tensors; ///< views of it, like the parameters
};

/// Draws what the particle's optimizer wants for its next step: nothing if that
/// is nothing.
step_noise draw_noise(seated_particle p);

} // namespace posse
