#pragma once

#include "messages/failure.hpp"
#include "runtime/posterior/particle_rows.hpp"
#include "runtime/posterior/row_kernels.hpp"

#include <algorithm>
#include <cstdint>
#include <string_view>

namespace posse {

/// A run of columns of the rows.
struct column_range {
  std::int64_t first{0};
  std::int64_t width{0};

  friend bool operator==(const column_range&, const column_range&) = default;
};

/// The most columns in a block of `count` rows, so that some such blocks stay
/// in a core's cache.
std::int64_t block_width(std::int64_t count);

/// Calls f(block) for each block of `columns`, from left to right.
template <class F>
void for_each_block(std::int64_t count, column_range columns, F&& f) {
  const auto step = block_width(count);
  const auto end = columns.first + columns.width;
  for (auto first = columns.first; first < end; first += step)
    f(column_range{first, std::min(step, end - first)});
}

/// Some columns of N rows in memory as the row kernels want it.
template <class Real>
class row_block {
public:
  /// Room for `count` rows; what is in it is whatever it is.
  explicit row_block(std::int64_t count);

  /// Sets how many columns there are, <= block_width(count).
  void resize(std::int64_t columns);
  /// Copies these columns of all rows.
  void gather(const particle_rows& rows, column_range columns);
  /// Takes its mean off every column: differences of rows stay what they are,
  /// and products of rows become as small as they can be.
  void centre();
  /// The same of the first `rows` rows alone.
  void centre_first(std::int64_t rows);
  /// Multiplies all elements.
  void scale(Real factor);
  /// The first row with a NaN or an infinity; the number of rows if none has.
  std::int64_t first_non_finite_row() const;

  Real* row(std::int64_t i) { return data_ + i * stride_; }
  const Real* row(std::int64_t i) const { return data_ + i * stride_; }
  Real* data() noexcept { return data_; }
  const Real* data() const noexcept { return data_; }
  std::int64_t stride() const noexcept { return stride_; }
  /// Columns with the zeros that the kernels want.
  std::int64_t padded() const noexcept { return padded_; }

private:
  std::int64_t count_;
  std::int64_t stride_;
  std::int64_t columns_{0};
  std::int64_t padded_{0};
  at::Tensor space_;
  Real* data_; ///< its elements
};

/// The first row with a NaN or an infinity; the number of rows if none has.
std::int64_t first_non_finite_row(const particle_rows& rows);

/// Why products of rows, or sums of such, are not finite: names the first row
/// that is not, or says that its numbers are too large.
/// @param what Names the rows: "theta".
failure non_finite_rows(std::string_view what, const particle_rows& rows);

} // namespace posse
