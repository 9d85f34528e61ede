#pragma once

#include <cstdint>

namespace posse {

/// How a sampler finds the step size at which proposals are accepted as often
/// as wanted: Nesterov's dual averaging as Hoffman and Gelman use it (JMLR
/// 2014, section 3.2.1), with their constants. Plain data: it travels with its
/// chain.
struct dual_averaging {
  double target_log_step{0}; ///< log(10 first step), where it shrinks to
  double log_step{0};        ///< of the next proposal while adapting
  double log_average{0};     ///< of the steps afterwards
  double error{0};           ///< their H: of what was wanted, less what came
  std::int64_t count{0};     ///< proposals so far

  friend bool operator==(const dual_averaging&,
                         const dual_averaging&) = default;
};

/// @param first_step > 0; the search starts here.
dual_averaging start_dual_averaging(double first_step);

/// Takes a proposal's outcome in.
/// @param accepted Its probability of being accepted, in [0, 1]; NaN counts as
///   0.
/// @param wanted Their average, in (0, 1).
void adapt(dual_averaging& state, double accepted, double wanted);

} // namespace posse
