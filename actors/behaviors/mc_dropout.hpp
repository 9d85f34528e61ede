#pragma once

#include "actors/behavior.hpp"

namespace posse {

/// Monte Carlo dropout (Gal and Ghahramani, ICML 2016): a network trains with
/// dropout, and predicts as the equal mixture of its outputs with units dropped
/// `samples` times, for each row anew; several particles are one mixture, too.
/// Deviations from the paper: the head's variance instead of one precision
/// searched on a grid, and the best step by a validation part is kept.
///
/// Handlers: "TRAIN" is train_alone().
behavior mc_dropout();

} // namespace posse
