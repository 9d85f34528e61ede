#pragma once

#include "messages/failure.hpp"
#include "runtime/posterior/bandwidth_rule.hpp"
#include "runtime/posterior/svgd_distances.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <string_view>

namespace posse {

/// How particles weigh on each other.
enum class kernel_kind : std::uint8_t {
  rbf,    ///< exp(-|x - y|^2 / h)
  linear, ///< x . y + 1
};

/// Reads "rbf" or "linear". @returns errc::invalid_argument for anything else.
expected<kernel_kind> parse_kernel_kind(std::string_view name);

/// The kernel of N particles at one moment.
struct svgd_kernel {
  at::Tensor matrix;      ///< [N, N] float64, k(x_i, x_j)
  double bandwidth{1};    ///< rbf: h > 0
  double mean_distance{}; ///< over the distinct pairs; 0 for one particle
  /// The median distance of distinct pairs is 0: at least half of them sit on
  /// one spot, and no repulsion parts particles that are exactly equal.
  bool collapsed{false};
  /// As pair_distances says: sums over particles need double.
  bool close{false};
  kernel_kind kind{kernel_kind::rbf};
};

/// The RBF kernel's matrix and bandwidth.
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

/// The linear kernel's matrix, x_i . x_j + 1 (Liu & Wang, "Stein Variational
/// Gradient Descent as Moment Matching", NeurIPS 2018): with more particles
/// than parameters, a fixed point has the mean and the covariance (over N) of a
/// Gaussian posterior; with fewer, those within the plane that they span. Rows
/// are not centred: (x - m).(y - m) + 1, m their mean, has the same fixed
/// points, but is a kernel that changes with the particles, which is not the
/// paper's.
///
/// Products are of the rows' own type. mean_distance follows from them, and is
/// 0 for particles nearer to each other than rounding is large: 3e-4 of their
/// size in float32.
///
/// @param rows N rows [P] as particle_rows::of() takes them.
/// @returns errc::non_finite naming the first row with a NaN or infinity, or
///   if products overflow; errc::invalid_argument for rows that do not fit
///   together.
expected<svgd_kernel> linear_kernel(std::span<const at::Tensor> rows);

/// The same from the products of all segments, from row_origin::zero.
///
/// @param products [segments, N, N] float64.
/// @returns errc::non_finite where linear_kernel(), which has the rows, says
///   what is wrong; errc::invalid_argument for another shape.
expected<svgd_kernel> linear_kernel_of_products(const at::Tensor& products);

} // namespace posse
