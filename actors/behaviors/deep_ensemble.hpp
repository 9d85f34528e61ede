#pragma once

#include "actors/behavior.hpp"

namespace posse {

/// Deep ensembles (Lakshminarayanan, Pritzel and Blundell, NeurIPS 2017): every
/// particle trains by itself from its own random start, and together they
/// predict as an equal mixture. Deviations from the paper: the loss may weigh
/// points by their variance (beta-NLL), a normal prior may shrink the weights,
/// the best step by a validation part is kept, and there is no adversarial
/// training.
///
/// Handlers: "TRAIN" is train_alone().
behavior deep_ensemble();

} // namespace posse
