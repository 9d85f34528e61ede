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

/// What a predictive says of B labels.
struct labelled_predictive {
  at::Tensor log_probabilities; ///< [B, C] float64, contiguous, on the CPU
  at::Tensor of_labels;         ///< [B] float64: log p[label]
};

/// @param labels [B] int64, each in [0, C).
/// @returns errc::invalid_argument for labels that do not fit; errc::non_finite
///   for a NaN or infinity among the log probabilities.
expected<labelled_predictive>
at_labels(const classification_predictive& predictive,
          const at::Tensor& labels);

} // namespace posse
