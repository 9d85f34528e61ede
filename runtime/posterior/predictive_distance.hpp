#pragma once

#include "runtime/posterior/gaussian_mixture.hpp"

#include <ATen/core/Tensor.h>

namespace posse {

/// Half the integral of |f - g|, in [0, 1]: 0 where the two say the same, 1
/// where they share nothing. From the probabilities of some hundred cells whose
/// edges lie where both have their mass: never above the true value, and below
/// it by less than 0.01 unless both oscillate within a cell.
double total_variation(const gaussian_mixture& f, const gaussian_mixture& g);

/// How alike two predictive distributions over classes are, averaged over B
/// points (Izmailov et al., ICML 2021, section 6.1).
struct class_distance {
  double agreement{}; ///< share of points whose most probable class is one
  double total_variation{}; ///< sum over classes of |p - q| / 2, in [0, 1]
};

/// @param p, q [B, C] float64, rows that sum to 1; B > 0.
class_distance distance_of_classes(const at::Tensor& p, const at::Tensor& q);

} // namespace posse
