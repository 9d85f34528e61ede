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
///   E_q[mean loss] + T KL(q, prior) / N,
/// the KL divergence and its slopes in closed form, the expectation by one draw
/// of each row's sums where the network knows how (see gaussian_weights.hpp),
/// else by one draw of the weights for the whole batch. T is the recipe's
/// temperature. Under a flat prior the divergence is q's negative entropy.
///
/// @param x, y As for train_step().
/// @returns the batch's mean loss of that draw; if it is no number, nothing has
///   changed but the random numbers.
/// @throws c10::Error: the step that calls it is guarded.
double variational_step(seated_particle p, const at::Tensor& x,
                        const at::Tensor& y);

} // namespace posse
