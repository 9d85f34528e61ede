#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

namespace posse {

struct root_bracket {
  double low;
  double high;
  double start; ///< in [low, high]
};

/// The root of an increasing `f` with derivative `slope`: Newton's steps, and
/// bisection where one would leave the bracket or shrinks too slowly. Where `f`
/// has no root in the bracket, the end nearest to it.
/// @param tolerance Of the root, > 0; no finer than its last bits.
template <class F, class Slope>
double increasing_root(F&& f, Slope&& slope, root_bracket b, double tolerance) {
  auto x = b.start;
  auto last_step = b.high - b.low;
  // Each step at least halves the bracket or the step: doubles run out first.
  for (int i = 0; i < 2000; ++i) {
    auto residual = f(x);
    if (residual == 0)
      return x;
    (residual < 0 ? b.low : b.high) = x;
    auto next = x - residual / slope(x); // not finite where the slope is 0
    if (!(next > b.low && next < b.high
          && std::abs(next - x) <= 0.5 * std::abs(last_step)))
      next = b.low + 0.5 * (b.high - b.low);
    last_step = next - x;
    x = next;
    auto last_bits = 2 * std::numeric_limits<double>::epsilon() * std::abs(x);
    if (std::abs(last_step) <= std::max(tolerance, last_bits))
      break;
  }
  return x;
}

} // namespace posse
