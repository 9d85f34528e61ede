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
/// of and into them, so that what is computed from a block does not depend on
/// where the rows lie. Does not own the rows.
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
  at::ScalarType type() const noexcept {
    return is_double_ ? at::kDouble : at::kFloat;
  }
  /// The largest finite number an element can hold.
  double largest() const noexcept;

  /// Copies columns [first, first + width) to `block`, with a row every
  /// `stride` elements, rounded if Real (float or double) is narrower than the
  /// rows.
  template <class Real>
  void gather(std::int64_t first, std::int64_t width, Real* block,
              std::int64_t stride) const noexcept;

  /// Rounds `values` [width] into columns [first, first + width) of row `row`.
  template <class Real>
  void scatter(std::int64_t row, std::int64_t first, std::int64_t width,
               const Real* values) const noexcept;

private:
  particle_rows() = default;

  std::vector<void*> data_;
  std::int64_t length_{0};
  bool is_double_{false};
};

} // namespace posse
