#pragma once

#include "messages/failure.hpp"
#include "runtime/posterior/bandwidth_rule.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <vector>

/// The arithmetic of Stein variational gradient descent (Liu & Wang, NeurIPS
/// 2016, eq. 8), in three stages that can run in different places: distances,
/// kernel, direction. Everything is computed in double, in blocks of columns:
/// N particles of P parameters need O(N^2) memory beside the rows themselves.
/// Bits do not depend on where rows lie, nor on which rows a call computes.
/// Runs on the calling thread as far as at::set_num_threads() allows.
namespace posse {

/// A run of columns of the rows.
struct column_range {
  std::int64_t first{0};
  std::int64_t width{0};

  friend bool operator==(const column_range&, const column_range&) = default;
};

/// Cuts N rows [P] into the runs of columns over which products are summed, at
/// most 16. Several devices that take whole segments, from left to right, get
/// together the bits of one that takes all. Follows from N and P alone.
///
/// @param count N > 0. @param length P > 0.
std::vector<column_range> svgd_segments(std::int64_t count,
                                        std::int64_t length);

/// The kernel of N particles at one moment.
struct svgd_kernel {
  at::Tensor matrix;      ///< [N, N] float64, exp(-|x_i - x_j|^2 / bandwidth)
  double bandwidth{1};    ///< h > 0
  double mean_distance{}; ///< over the distinct pairs; 0 for one particle
  /// The median distance of distinct pairs is 0: at least half of them sit on
  /// one spot, and no repulsion parts particles that are exactly equal.
  bool collapsed{false};
};

/// What one direction was like; see svgd_kernel for the first three.
struct svgd_result {
  double bandwidth{1};
  double mean_distance{};
  bool collapsed{false};
  double max_direction{}; ///< the largest |phi| of any element
};

/// Squared distances of all pairs, by a Gram matrix of centred rows; pairs so
/// close that this cancels are recomputed from their difference.
///
/// @param rows N rows [P] as particle_rows::of() takes them.
/// @returns [N, N] float64, symmetric, >= 0, exactly 0 on the diagonal and for
///   equal rows; errc::non_finite naming the first row with a NaN or infinity;
///   errc::invalid_argument for rows that do not fit together.
expected<at::Tensor> squared_distances(std::span<const at::Tensor> rows);

/// The centred products of rows that squared_distances() sums up.
///
/// @param rows N rows: the columns of some neighbouring segments.
/// @param widths Of these segments, in order; their sum is a row's length.
/// @returns [segments, N, N] float64, the part on and right of the diagonal;
///   errc::invalid_argument for rows or widths that do not fit together.
expected<at::Tensor> segment_products(std::span<const at::Tensor> rows,
                                      std::span<const std::int64_t> widths);

/// What squared_distances() makes of the products of all segments.
struct segment_distances {
  at::Tensor squared; ///< [N, N] float64
  /// Pairs so close that their distances have lost their digits: only
  /// squared_distances(), which has the rows, gets them right.
  bool cancelled{false};
};

/// @param products [segments, N, N] float64, all segments in order.
/// @returns errc::non_finite; errc::invalid_argument for another shape.
expected<segment_distances> distances_of_products(const at::Tensor& products);

/// The kernel matrix and its bandwidth.
///
/// Where a median rule gives 0 (coincident particles), the mean takes the
/// median's place, and where that is 0 too, h = 1: the kernel is then 1
/// everywhere and nothing repels. One particle: h = 1 unless it is fixed.
///
/// @param distances_squared [N, N] float64 from squared_distances().
/// @returns errc::invalid_argument for another shape or dtype, or a fixed h
///   that is not a number > 0; errc::non_finite for distances that are not.
expected<svgd_kernel> kernel_matrix(const at::Tensor& distances_squared,
                                    const bandwidth_rule& rule);

/// Writes the direction of the chosen particles, or, where all rows are the
/// same segments' columns, these columns of it:
/// phi_i = 1/N sum_j [K_ij score_j + (2/h) K_ij (theta_i - theta_j)].
/// It ascends the log posterior: theta <- theta + step_size * phi.
///
/// @param theta, score N rows [P] each; score is the gradient of the log
///   posterior (minus that of a loss), not of the loss.
/// @param chosen Which particles, each in [0, N).
/// @param phi Where the direction of chosen[k] goes; as many rows [P] as
///   chosen. A row may be a row of `score` or `theta` itself, but must not
///   overlap another one in part.
/// @returns the largest |phi|; errc::non_finite naming the first row of score
///   with a NaN or infinity, or if phi overflows: phi then holds nothing
///   usable; errc::invalid_argument for rows that do not fit together.
expected<double> apply_direction(const svgd_kernel& kernel,
                                 std::span<const at::Tensor> theta,
                                 std::span<const at::Tensor> score,
                                 std::span<const std::int64_t> chosen,
                                 std::span<const at::Tensor> phi);

/// The three stages in one, for all particles: parameters and errors as above.
expected<svgd_result> svgd_direction(std::span<const at::Tensor> theta,
                                     std::span<const at::Tensor> score,
                                     const bandwidth_rule& rule,
                                     std::span<const at::Tensor> phi);

} // namespace posse
