#pragma once

#include "actors/behavior.hpp"

namespace posse {

/// Laplace's approximation (MacKay 1992; Daxberger et al., NeurIPS 2021): each
/// particle trains alone to a mode of its posterior, then fits a Gaussian
/// around it and predicts with networks drawn from that. With more than one
/// particle all draws of all are one equal mixture (Eschenhagen et al. 2021).
///
/// Handlers: "TRAIN" is train_alone(), and then the fit; gives what that gives
/// and, of a particle that was fitted, "laplace": {pid, prior_precision,
/// log_evidence}. A particle whose fit is no number gives up.
behavior laplace();

} // namespace posse
