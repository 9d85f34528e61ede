#pragma once

#include "actors/behavior.hpp"

namespace posse {

/// Hamiltonian Monte Carlo (Neal, Handbook of MCMC 2011, chapter 5) over all
/// training rows: exact but for Monte Carlo error and the float32 of the
/// network, and as dear as that sounds; the ground truth for the others
/// (Izmailov et al., ICML 2021). Each particle is a chain of its own; what is
/// counted as a step is a transition. The step size adapts in the burn-in
/// (Hoffman and Gelman, JMLR 2014) and is then fixed, so that what is collected
/// is one Markov chain's.
///
/// Handlers: "TRAIN" with `train_args`, "leapfrogs" and "wanted": transitions
/// from the cursor to the end, or until paused; gives {steps, finished, loss,
/// chain: {pid, from, to, kept, accepted, step_size, diverged}}: the loss is
/// the potential per training row; `from` and `to` are the transitions before
/// and after this call, `kept` those of them after the burn-in; of these the
/// mean probability of acceptance and the number that diverged; and the last
/// step size.
behavior hmc();

} // namespace posse
