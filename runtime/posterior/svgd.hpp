#pragma once

#include "messages/failure.hpp"
#include "runtime/posterior/bandwidth_rule.hpp"
#include "runtime/posterior/svgd_kernel.hpp"

#include <ATen/core/Tensor.h>

#include <span>

/// The arithmetic of Stein variational gradient descent (Liu & Wang, NeurIPS
/// 2016, eq. 8), in three stages that can run in different places: distances
/// (svgd_distances.hpp), kernel (svgd_kernel.hpp), direction. All in blocks of
/// columns: N particles of P parameters need O(N^2) memory beside the rows
/// themselves. Bits do not depend on where rows lie, nor on who does what.
namespace posse {

/// What one direction was like; see svgd_kernel for the first three.
struct svgd_result {
  double bandwidth{1};
  double mean_distance{};
  bool collapsed{false};
  double max_direction{}; ///< the largest |phi| of any element
};

/// Writes the directions of all particles, or, where all rows are the same
/// segments' columns, these columns of them:
/// phi_i = 1/N sum_j [gamma k(theta_j, theta_i) score_j
///                    + grad_{theta_j} k(theta_j, theta_i)],
/// the gradient of the kernel being (2/h) K_ij (theta_i - theta_j) of `rbf` and
/// theta_i of `linear`. It ascends the log posterior: theta <- theta +
/// step_size * phi. In double, or in float32 if all rows are and no particles
/// are close. share_work() finds help.
///
/// @param theta, score N rows [P] each; score is the gradient of the log
///   posterior (minus that of a loss), not of the loss.
/// @param phi N rows [P]. phi[i] may be score[i] or theta[i] itself, but must
///   not overlap any other.
/// @param gamma In (0, 1]: the weight of the scores, 1 unless they are annealed
///   (annealing.hpp).
/// @returns the largest |phi|; errc::non_finite naming the first row of score
///   with a NaN or infinity, or if phi overflows: phi then holds nothing
///   usable; errc::invalid_argument for rows that do not fit together.
expected<double> apply_direction(const svgd_kernel& kernel,
                                 std::span<const at::Tensor> theta,
                                 std::span<const at::Tensor> score,
                                 std::span<const at::Tensor> phi,
                                 double gamma = 1);

/// The three stages in one, of the RBF kernel: parameters and errors as above.
expected<svgd_result> svgd_direction(std::span<const at::Tensor> theta,
                                     std::span<const at::Tensor> score,
                                     const bandwidth_rule& rule,
                                     std::span<const at::Tensor> phi);

} // namespace posse
