#pragma once

#include "actors/behavior.hpp"

namespace posse {

/// Stochastic weight averaging, Gaussian (Maddox et al., NeurIPS 2019), and
/// multi-SWAG (Wilson and Izmailov, NeurIPS 2020), which is the same with more
/// than one particle: each trains from its own random start, takes its iterates
/// into a Gaussian of its own, and predicts with networks drawn from it; all
/// draws of all particles are one equal mixture. Deviations from the papers:
/// any optimizer and batch, not SGD on the epoch's grid alone; the variance
/// itself is kept instead of a mean of squares (see
/// runtime/posterior/swag.hpp).
///
/// Handlers: "TRAIN" is train_alone().
behavior swag();

} // namespace posse
