#pragma once

#include "runtime/compute/particle_work.hpp"

#include <ATen/core/Tensor.h>

namespace posse {

/// Whether the particle trains the deviations of its parameters, too.
bool is_variational(const particle_entry& entry);

/// Gives the deviations their first values, those of the recipe.
void start_deviations(seated_particle p);

/// A step of mean-field variational inference ("Bayes by backprop": Blundell et
/// al., ICML 2015) on q = prod_i N(mean_i, deviation_i^2), deviations by their
/// logarithms: down the slope of
///   E_q[mean loss] + (E_q[-log prior] - T H(q)) / N,
/// which is E_q[mean loss] + KL(q, prior) / N at temperature T = 1, and in
/// general has its minimum at the q nearest to the posterior to the power 1 /
/// T, as chains of that temperature. Prior and entropy H are closed forms, the
/// first expectation is one draw of each row's sums where the network knows how
/// (see gaussian_weights.hpp), else one draw of the weights for the whole
/// batch.
///
/// @param x, y As for train_step().
/// @returns the batch's mean loss of that draw; if it is no number, nothing has
///   changed but random numbers and buffers.
/// @throws c10::Error: the step that calls it is guarded.
double variational_step(seated_particle p, const at::Tensor& x,
                        const at::Tensor& y);

} // namespace posse
