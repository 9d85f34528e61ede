#include "runtime/posterior/dual_averaging.hpp"

#include <cmath>

namespace posse {

namespace {

// Hoffman and Gelman's choices.
constexpr double gamma = 0.05;
constexpr double kappa = 0.75;
constexpr double slowness = 10; // t0

} // namespace

dual_averaging start_dual_averaging(double first_step) {
  return {std::log(10 * first_step), std::log(first_step), std::log(first_step),
          0, 0};
}

void adapt(dual_averaging& state, double accepted, double wanted) {
  const auto m = static_cast<double>(++state.count);
  const double weight = 1 / (m + slowness);
  const double missed = wanted - (std::isnan(accepted) ? 0 : accepted);
  state.error = (1 - weight) * state.error + weight * missed;
  state.log_step = state.target_log_step - std::sqrt(m) / gamma * state.error;
  const double newest = std::pow(m, -kappa); // 1 for the first
  state.log_average =
      newest * state.log_step + (1 - newest) * state.log_average;
}

} // namespace posse
