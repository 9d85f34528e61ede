#pragma once

#include "actors/behavior.hpp"

namespace posse {

/// Stochastic gradient Langevin dynamics: each particle is a Markov chain of
/// its own, whose steps are gradient steps with noise, and whose last
/// `samples` iterates, one every `thinning` steps after `burn_in`, are draws of
/// the posterior. All draws of all chains are one equal mixture.
///
/// The step is the optimizer's: sgld (Welling and Teh, ICML 2011), psgld (Li et
/// al., AAAI 2016), or sghmc (Chen, Fox and Guestrin, ICML 2014); see
/// runtime/model/sampling_rules.hpp. With the schedule `cyclical` the chain
/// explores at the start of each cycle, without noise, and samples at its end
/// (Zhang et al., ICLR 2020, algorithm 1). Deviations from the papers: step
/// sizes belong to the mean loss, and do not decay unless the schedule does.
///
/// Handlers: "TRAIN" is train_alone().
behavior langevin();

} // namespace posse
