#pragma once

#include "messages/failure.hpp"

#include <ATen/core/Tensor.h>

namespace posse {

/// The ensemble's prediction of B points of C classes: the average of its
/// members' probabilities. Entropies are in nats.
struct classification_predictive {
  at::Tensor probabilities;     ///< [B, C] float64
  at::Tensor log_probabilities; ///< [B, C] float64, finite where p underflows
  at::Tensor predicted;         ///< [B] int64; of a tie, the lowest class
  at::Tensor entropy;           ///< [B] of the average: the total uncertainty
  at::Tensor expected_entropy;  ///< [B] average of the members': aleatoric
  /// [B] their difference, >= 0: what the members disagree about (epistemic).
  at::Tensor mutual_information;
};

/// @param logits [M, B, C], any float dtype; each member's own, of any size:
///   the softmax subtracts its maximum.
/// @returns errc::invalid_argument for another shape; errc::non_finite naming
///   the member, point and class of a NaN or infinity.
expected<classification_predictive>
predict_classification(const at::Tensor& logits);

} // namespace posse
