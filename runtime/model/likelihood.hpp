#pragma once

#include "runtime/model/head.hpp"

#include <ATen/core/Tensor.h>

/// From a network's raw outputs to distributions. B rows, T targets or classes.
/// Where targets are standardised, so are means and variances here.
namespace posse {

/// Added to every Gaussian variance, in squared units of the (standardised)
/// targets: a likelihood may not grow without bound on one point that is hit
/// exactly.
inline constexpr double variance_floor = 1e-4;

/// What a row's raw outputs say; the tensors that a head lacks are undefined.
struct predictive_parts {
  at::Tensor mean;     ///< [B, T]; point and Gaussian heads
  at::Tensor variance; ///< [B, T], > 0; Gaussian heads
  at::Tensor logits;   ///< [B, T]; categorical
};

/// Reads raw outputs:
/// - gaussian: variance = softplus(raw) + variance_floor (Lakshminarayanan,
///   Pritzel & Blundell, NeurIPS 2017, section 2.2.1, with a larger floor);
/// - gaussian_shared: variance = exp(raw) + variance_floor.
///
/// @param outputs [B, output_columns(head, T)], float or double;
/// differentiable.
/// @throws c10::Error for another shape.
predictive_parts interpret(const at::Tensor& outputs, head_kind head);

/// log p(target | outputs) of each row, summed over its targets, with all
/// constants; nats.
///
/// @param outputs As for interpret(); double for metrics.
/// @param targets [B, T] of the same dtype; categorical: [B] int64 in [0, T).
/// @returns [B], of the dtype of `outputs`.
/// @throws c10::Error for another shape and for the head point, which has no
///   likelihood.
at::Tensor log_likelihood(const at::Tensor& outputs, const at::Tensor& targets,
                          head_kind head);

/// Columns of a network's last Linear; output_columns() but for
/// gaussian_shared, whose variance column comes from a parameter.
constexpr std::int64_t linear_columns(head_kind head,
                                      std::int64_t targets) noexcept {
  return head == head_kind::gaussian_shared ? targets
                                            : output_columns(head, targets);
}

/// The parameter log_noise [1] of gaussian_shared: 0, a variance of 1.
at::Tensor initial_log_noise();

/// Raw outputs of gaussian_shared.
///
/// @param means [B, T].
/// @param log_noise [1]: log of (noise variance - variance_floor).
/// @returns [B, 2 T].
at::Tensor with_shared_noise(const at::Tensor& means,
                             const at::Tensor& log_noise);

} // namespace posse
