#pragma once

#include "messages/failure.hpp"

#include <ATen/core/Tensor.h>

namespace posse {

/// How far the draws of some Markov chains can be relied upon, for one quantity
/// each.
struct chain_diagnostics {
  /// [Q] float64: split R-hat, the square root of the variance of all draws
  /// over that within half chains; 1 for chains that have forgotten where they
  /// began. Infinite if no half chain moves at all.
  at::Tensor r_hat;
  /// [Q] float64: as many independent draws would know the mean as well; 0 if
  /// no half chain moves at all.
  at::Tensor effective_draws;
};

/// Draws that are needed for a diagnosis, of each chain.
inline constexpr std::int64_t least_draws_to_diagnose = 4;

/// Gelman et al. (Bayesian Data Analysis, 3rd ed., section 11.4) with the
/// effective draws of Vehtari et al. (Bayesian Analysis 2021, eqs. 10 to 13):
/// autocorrelations over all half chains, summed as long as neighbouring pairs
/// are positive and made to fall (Geyer 1992), in double.
///
/// @param draws [M, D, Q]: of M chains, D draws in their order, Q quantities;
/// of
///   an odd D the middle one is left out.
/// @returns errc::invalid_argument for another shape or D <
///   least_draws_to_diagnose; errc::non_finite naming chain, draw and quantity.
expected<chain_diagnostics> diagnose_chains(const at::Tensor& draws);

} // namespace posse
