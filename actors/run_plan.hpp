#pragma once

#include "actors/behaviors/train_args.hpp"
#include "messages/failure.hpp"
#include "runtime/compute/recipe.hpp"
#include "runtime/config/run_config.hpp"
#include "runtime/data/data_set.hpp"

#include <cstdint>
#include <string>

namespace posse {

/// What a config and its data amount to: of what each particle is made and what
/// it is told. The same on every node, since it depends on both alone.
struct run_plan {
  particle_recipe recipe;
  std::int64_t particles{1};
  std::int64_t batch{1}; ///< rows, at most those of the training part
  std::string behavior;  ///< the algorithm's
  std::string entry;     ///< the message that starts training
  bool led{false};       ///< only particle 0 gets it
  bool fusible{true};    ///< there are steps that could be computed together
  train_args training;
  value entry_args; ///< `training` and what else algorithms want
};

/// @returns errc::unknown_name for an algorithm without a behaviour;
///   errc::invalid_config for a head that does not fit the data.
expected<run_plan> make_run_plan(const run_config& config,
                                 const data_set& data);

} // namespace posse
