#pragma once

#include "actors/run_nodes.hpp"
#include "actors/run_plan.hpp"
#include "messages/failure.hpp"
#include "runtime/config/run_config.hpp"
#include "runtime/placement/placement.hpp"

#include <vector>

namespace posse {

/// How the particles of a run are placed on its nodes.
///
/// @param nodes Prepared: with what they say of their devices.
/// @returns what placement::make() fails with; what compile() fails with where
///   the size of a particle matters.
expected<placement> place_run(const run_config& config, const run_plan& plan,
                              const std::vector<run_node>& nodes);

} // namespace posse
