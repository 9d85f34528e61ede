#pragma once

#include "messages/failure.hpp"
#include "runtime/posterior/bandwidth_rule.hpp"
#include "runtime/posterior/svgd_distances.hpp"

#include <ATen/core/Tensor.h>

namespace posse {

/// The kernel of N particles at one moment.
struct svgd_kernel {
  at::Tensor matrix;      ///< [N, N] float64, exp(-|x_i - x_j|^2 / bandwidth)
  double bandwidth{1};    ///< h > 0
  double mean_distance{}; ///< over the distinct pairs; 0 for one particle
  /// The median distance of distinct pairs is 0: at least half of them sit on
  /// one spot, and no repulsion parts particles that are exactly equal.
  bool collapsed{false};
  /// As pair_distances says: sums over particles need double.
  bool close{false};
};

/// The kernel matrix and its bandwidth.
///
/// Where a median rule gives 0 (coincident particles), the mean takes the
/// median's place, and where that is 0 too, h = 1: the kernel is then 1
/// everywhere and nothing repels. One particle: h = 1 unless it is fixed.
///
/// @returns errc::invalid_argument for distances of another shape or dtype, or
///   a fixed h that is not a number > 0; errc::non_finite for distances that
///   are not finite.
expected<svgd_kernel> kernel_matrix(const pair_distances& distances,
                                    const bandwidth_rule& rule);

} // namespace posse
