#pragma once

#include <algorithm>
#include <cmath>
#include <span>

namespace posse::report {

/// The sample quantile, between neighbours by a straight line (definition 7 of
/// Hyndman and Fan, American Statistician 1996).
/// @param ascending Finite numbers, at least one. @param p In [0, 1].
inline double quantile_of(std::span<const double> ascending, double p) {
  const double at = p * static_cast<double>(ascending.size() - 1);
  const auto below = static_cast<std::size_t>(std::floor(at));
  const auto above = std::min(below + 1, ascending.size() - 1);
  return std::lerp(ascending[below], ascending[above],
                   at - static_cast<double>(below));
}

} // namespace posse::report
