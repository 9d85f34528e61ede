#pragma once

#include "messages/failure.hpp"
#include "runtime/posterior/row_blocks.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <vector>

/// Squared distances of all pairs of N particles, from the products of their
/// rows: |x|^2 + |y|^2 - 2 x.y, in blocks of columns, each less its mean. Rows
/// of float32 are multiplied in float32, blocks are summed in double; where
/// particles are so close that this would lose digits, all is done in double,
/// and the closest pairs are computed from their differences. Needs O(N^2)
/// memory beside the rows themselves. share_work() finds help.
namespace posse {

/// Cuts N rows [P] into the runs of columns over which products are summed, at
/// most 16. Several devices that take whole segments, from left to right, get
/// together the bits of one that takes all. Follows from N and P alone.
///
/// @param count N > 0. @param length P > 0.
std::vector<column_range> svgd_segments(std::int64_t count,
                                        std::int64_t length);

struct pair_distances {
  at::Tensor squared; ///< [N, N] float64, symmetric, the diagonal 0
  /// Of some pair, beside |x|^2 + |y|^2, too little for products of float32.
  /// Rows of float64 are multiplied in double: squared_distances() says false.
  bool close{false};
};

/// @param rows N rows [P] as particle_rows::of() takes them.
/// @returns distances >= 0, exactly 0 for equal rows; errc::non_finite naming
///   the first row with a NaN or infinity; errc::invalid_argument for rows that
///   do not fit together.
expected<pair_distances> squared_distances(std::span<const at::Tensor> rows);
/// The same of rows that are known to fit. @throws c10::Error
expected<pair_distances> distances_of_rows(const particle_rows& rows);

/// From where rows are measured before they are multiplied.
enum class row_origin : std::uint8_t {
  mean, ///< all rows' mean: products are as small as they can be
  zero, ///< nowhere else: x . y as it is
};

/// The products of rows: those less their mean are what squared_distances()
/// sums up first.
///
/// @param rows N rows: the columns of some neighbouring segments.
/// @param widths Of these segments, in order; their sum is a row's length.
/// @returns [segments, N, N] float64, the part on and right of the diagonal;
///   errc::invalid_argument for rows or widths that do not fit together.
expected<at::Tensor> segment_products(std::span<const at::Tensor> rows,
                                      std::span<const std::int64_t> widths,
                                      row_origin origin = row_origin::mean);

/// What squared_distances() makes of the products of all segments.
///
/// @param products [segments, N, N] float64, all segments in order.
/// @returns If `close`, or where a row is not finite, only squared_distances(),
///   which has the rows, gets distances right, or says what is wrong: `close`
///   is then true. errc::invalid_argument for another shape.
expected<pair_distances> distances_of_products(const at::Tensor& products);

/// The sum of all segments' products, in their order.
///
/// @param products As above.
/// @returns [N, N] float64, symmetric; not finite where a row is not, or where
///   numbers were too large. errc::invalid_argument for another shape.
expected<at::Tensor> gram_of_products(const at::Tensor& products);

} // namespace posse
