#pragma once

#include "runtime/compute/particle_work.hpp"
#include "runtime/data/data_set.hpp"

namespace posse {

/// What the fit of a particle's posterior found, as it is kept: in float32.
struct laplace_fit {
  double prior_precision{}; ///< 1 / variance of the parameters' prior
  /// Of the training rows, nats, under that prior; of the last layer's
  /// parameters alone where the others are fixed.
  double log_evidence{};
};

/// Makes the posterior of a particle that is trained: a Gaussian around its
/// parameters with the curvature of all training rows (see laplace.hpp), of the
/// last layer or of every parameter by itself; the curvature is the generalised
/// Gauss-Newton matrix (see fisher.hpp), summed in double. The prior's
/// precision is that of the recipe's prior, or chosen by the evidence, or by
/// the NLL of the validation rows under the draws that it would predict with.
///
/// What was found is kept with the particle: to ask again costs nothing.
///
/// @returns errc::invalid_argument for a recipe whose posterior is not fitted,
///   a flat prior whose precision is wanted, or no validation rows to choose
///   by; errc::non_finite naming what is no number.
expected<laplace_fit> fit_laplace(seated_particle p, const data_set& data);

} // namespace posse
