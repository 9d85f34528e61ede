#pragma once

#include "runtime/compute/particle_work.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>

namespace posse {

/// The learning rate of a particle's next step.
inline double learning_rate(const particle_entry& entry) {
  const auto& recipe = *entry.family->recipe;
  // A resumed or hand-driven particle may step past the end: it stays there.
  const auto step = std::min(entry.schedule_steps, recipe.source.total_steps);
  return recipe.source.optimizer.learning_rate
         * recipe.schedule(step, recipe.source.total_steps);
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
