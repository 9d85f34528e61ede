#pragma once

#include "messages/failure.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace posse {

/// N equally long rows, one a particle, that need not be neighbours in memory:
/// rows of a bank, or tensors of their own. Blocks of columns are copied out
/// of and into them in double, so that what is computed from a block does not
/// depend on where the rows lie. Does not own the rows.
class particle_rows {
public:
  /// @param what Names the rows in messages: "theta".
  /// @param rows At least one tensor; each [P], P > 0, contiguous, on the CPU,
  ///   all float32 or all float64.
  /// @returns errc::invalid_argument naming the first row that is not so.
  static expected<particle_rows> of(std::string_view what,
                                    std::span<const at::Tensor> rows);

  std::int64_t count() const noexcept {
    return static_cast<std::int64_t>(data_.size());
  }
  std::int64_t length() const noexcept { return length_; }
  /// The largest finite number an element can hold.
  double largest() const noexcept;

  /// Copies columns [first, first + width) to `block`, row-major [N, width].
  void gather(std::int64_t first, std::int64_t width,
              double* block) const noexcept;

  /// Rounds `values` [width] into columns [first, first + width) of row `row`.
  void scatter(std::int64_t row, std::int64_t first, std::int64_t width,
               const double* values) const noexcept;

private:
  particle_rows() = default;

  std::vector<void*> data_;
  std::int64_t length_{0};
  bool is_double_{false};
};

/// The first row of `block`, row-major [count, width], that holds a NaN or an
/// infinity; `count` if there is none.
std::int64_t first_non_finite_row(const double* block, std::int64_t count,
                                  std::int64_t width) noexcept;

} // namespace posse
