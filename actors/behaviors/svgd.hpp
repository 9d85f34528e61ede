#pragma once

#include "actors/behavior.hpp"

namespace posse {

/// Stein variational gradient descent (Liu and Wang, NeurIPS 2016, algorithm
/// 1): all particles move together along
///   phi(theta_i) = 1/n sum_j [k(theta_j, theta_i) grad log p(theta_j)
///                             + grad_{theta_j} k(theta_j, theta_i)],
/// pulled towards the posterior by the first term and kept apart by the second.
///
/// Particle 0 leads. Handlers:
/// - "SVGD_LEADER" with `train_args` and "bandwidth": iterates from the cursor
///   to the end, or until paused; gives {steps, finished, loss, bandwidth}.
/// - "SVGD_STEP" with a batch: the particle's score on that batch.
/// - "SVGD_FINISH": marks the particle as trained.
behavior svgd();

} // namespace posse
