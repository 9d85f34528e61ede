#pragma once

#include "runtime/model/head.hpp"

#include <ATen/core/Tensor.h>

#include <vector>

namespace posse {

/// Roots of the Fisher information of each row's raw outputs under the head's
/// likelihood: tensors s_c [B, K] with sum_c s_c s_c^T = F, the curvature of
/// the generalised Gauss-Newton matrix (Martens, JMLR 2020, section 9.2).
/// - Gaussian heads: of each target 1 / variance for the mean, and
///   (d variance / d raw)^2 / (2 variance^2) for the raw variance;
/// - categorical: diag(p) - p p^T.
///
/// @param outputs [B, K], as interpret() reads them, double for exact ones.
/// @throws c10::Error for another shape and for the head point.
std::vector<at::Tensor> fisher_roots(const at::Tensor& outputs, head_kind head);

} // namespace posse
