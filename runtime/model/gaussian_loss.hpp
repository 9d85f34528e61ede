#pragma once

#include "runtime/model/head.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <span>

namespace posse {

/// How much each point's negative log likelihood counts.
enum class point_weight : std::uint8_t {
  one,              ///< the likelihood itself
  root_of_variance, ///< var^(1/2), not differentiated: beta-NLL at beta 0.5
};

/// The loss of a Gaussian head in one pass over the rows.
///
/// Composed of ATen operators it takes 67 us forward and backward for 32 rows
/// of one target, about what the rest of mlp13's step takes; value and
/// derivative in one loop take 11 us (one thread, a shared 2-core machine). For
/// contiguous CPU tensors outside of vmap, where it agrees with
/// composed_gaussian_loss() up to rounding; elsewhere it calls that one.
///
/// Loss = (1/B) sum over rows and targets of
///   weight * (log(variance) + (target - mean)^2 / variance) / 2,
/// and with point_weight::one also T log(2 pi) / 2.
///
/// @param outputs [B, 2 T], float or double: see interpret().
/// @param targets [B, T], of the same dtype; not differentiated.
/// @returns a scalar of the same dtype, differentiable once (a second
///   derivative throws) with respect to `outputs`.
/// @throws c10::Error for other shapes.
at::Tensor gaussian_loss(const at::Tensor& outputs, const at::Tensor& targets,
                         head_kind head, point_weight weight);

/// The same value with its derivative by the outputs, without autograd, where
/// the one pass is possible; nullopt elsewhere.
struct gaussian_loss_and_slopes {
  double loss{0};
  at::Tensor slopes; ///< [B, 2 T]
};
std::optional<gaussian_loss_and_slopes>
gaussian_slopes(const at::Tensor& outputs, const at::Tensor& targets,
                head_kind head, point_weight weight);

/// The same of N networks, for group_slopes_fn (runtime/model/loss.hpp), where
/// the one pass is possible; false, with nothing done, elsewhere.
bool gaussian_group_slopes(const at::Tensor& outputs,
                           std::span<const at::Tensor> targets, head_kind head,
                           point_weight weight, const at::Tensor& slopes,
                           std::span<double> losses);

/// The same from ATen operators: any device, under vmap, and differentiable
/// as often as one likes.
at::Tensor composed_gaussian_loss(const at::Tensor& outputs,
                                  const at::Tensor& targets, head_kind head,
                                  point_weight weight);

} // namespace posse
