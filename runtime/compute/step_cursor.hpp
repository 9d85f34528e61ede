#pragma once

#include "runtime/compute/particle_work.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>

namespace posse {

/// Where a step lies in its cycle.
struct cycle_place {
  std::int64_t step;  ///< 0 for the first; `steps` after the run's end
  std::int64_t steps; ///< of a cycle
};

/// Of a particle's next step.
inline cycle_place place_in_cycle(const particle_entry& entry) {
  const auto& source = entry.family->recipe->source;
  const auto steps = cycle_length(source.total_steps, source.cycles);
  // A resumed or hand-driven particle may step past the end: it stays there.
  if (entry.schedule_steps >= source.total_steps)
    return {steps, steps};
  return {entry.schedule_steps % steps, steps};
}

/// The learning rate of a particle's next step.
inline double learning_rate(const particle_entry& entry) {
  const auto& recipe = *entry.family->recipe;
  const auto at = place_in_cycle(entry);
  return recipe.source.optimizer.learning_rate
         * recipe.schedule(at.step, at.steps);
}

/// The variance of the noise of a particle's next step, for the optimizer; 0 if
/// its rule draws none.
inline double noise_variance(const particle_entry& entry) {
  const auto& recipe = *entry.family->recipe;
  if (!recipe.optimizer->draws_noise()
      || place_in_cycle(entry).step < recipe.source.quiet_steps)
    return 0;
  return recipe.source.temperature / static_cast<double>(recipe.train_rows);
}

/// A step is done.
inline void count_step(particle_entry& entry) {
  ++entry.steps;
  ++entry.schedule_steps;
  note_change(entry, true);
}

/// `what`, which became `got`, is no number.
inline failure diverged(const particle_entry& entry, std::string_view what,
                        double got) {
  return {errc::non_finite,
          std::string{what} + " is " + (std::isnan(got) ? "NaN" : "infinite")
              + " at step " + std::to_string(entry.steps + 1)};
}

} // namespace posse
