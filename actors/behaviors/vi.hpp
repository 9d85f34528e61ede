#pragma once

#include "actors/behavior.hpp"

namespace posse {

/// Mean-field variational inference by backpropagation (Blundell et al., ICML
/// 2015) with local reparametrisation (Kingma, Salimans & Welling, NeurIPS
/// 2015): a particle is a Gaussian of independent weights, of which means and
/// deviations train; it predicts with networks drawn from that. Deviations from
/// the papers: standard deviations by their logarithms, not by softplus; a
/// normal prior, whose divergence has a closed form, not a mixture of two; more
/// than one particle is an equal mixture of such Gaussians.
///
/// Handlers: "TRAIN" is train_alone(); its step is variational_step().
behavior vi();

} // namespace posse
