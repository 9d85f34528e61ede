#pragma once

#include "messages/failure.hpp"

#include <ATen/core/Tensor.h>

namespace posse {

/// Area under the receiver operating characteristic: the probability that a
/// positive's score is above a negative's, ties counted half. Mann and
/// Whitney's statistic over the number of pairs (Hanley and McNeil, Radiology
/// 1982), exact up to the last rounding, in O(n log n) of all n scores.
///
/// @param negatives [N], any float dtype, N > 0; of it what is no event.
/// @param positives [P], P > 0.
/// @returns a number in [0, 1]; errc::invalid_argument for another shape or
///   dtype; errc::non_finite for a NaN or infinity.
expected<double> auroc(const at::Tensor& negatives,
                       const at::Tensor& positives);

} // namespace posse
