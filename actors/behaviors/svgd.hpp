#pragma once

#include "actors/behavior.hpp"

namespace posse {

/// Stein variational gradient descent (Liu and Wang, NeurIPS 2016, algorithm
/// 1): all particles move together along
///   phi(theta_i) = 1/n sum_j [gamma k(theta_j, theta_i) grad log p(theta_j)
///                             + grad_{theta_j} k(theta_j, theta_i)],
/// pulled towards the posterior by the first term and kept apart by the second;
/// gamma is 1 unless it is annealed (runtime/posterior/annealing.hpp).
///
/// Particle 0 leads. Handlers:
/// - "SVGD_LEADER" with `train_args` and, each with a default, "kernel" ("rbf"
///   or "linear"), "bandwidth", "annealing" and "discrepancy" (false: no Stein
///   discrepancy is measured): iterates from the cursor to the end, or until
///   paused. Gives {steps, finished}; what the last step was like: {step, loss,
///   gamma} and the group rule's diagnostics; and "log", a list of the same for
///   the steps of this call that train_args::logs_after() names.
/// - "SVGD_STEP" with a batch: the particle's score on that batch; gives its
///   loss, or none if that is no number: the others go on without it.
/// - "SVGD_FINISH": marks the particle as trained.
behavior svgd();

} // namespace posse
