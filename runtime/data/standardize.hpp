#pragma once

#include "runtime/data/table.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace posse {

/// An affine change of units: x' = (x - mean) / sd. In double, so that it is
/// exact enough to go back; only its results are stored as float32.
struct scaling {
  double mean{0};
  double sd{1}; ///< > 0 and finite

  double encode(double x) const noexcept { return (x - mean) / sd; }
  /// A mean in original units, of a mean in encoded units.
  double decode(double x) const noexcept { return x * sd + mean; }
  /// A variance in original units, of a variance in encoded units.
  double decode_variance(double v) const noexcept { return v * sd * sd; }

  friend bool operator==(const scaling&, const scaling&) = default;
};

/// The mean and the population standard deviation (divided by n) of `column`
/// over `rows`. A constant column has sd 1: one whose deviation is at most
/// 1e-12 of its largest magnitude, since rounding leaves about 1e-16 of it.
///
/// @param rows Row numbers of `data`, at least one.
/// @returns a scaling whose mean or sd is not finite if the values are too
///   large to be squared and summed; check it.
[[nodiscard]] scaling standardizing(const table& data, std::size_t column,
                                    std::span<const std::uint32_t> rows);

} // namespace posse
