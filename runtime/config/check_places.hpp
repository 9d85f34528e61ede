#pragma once

#include "messages/failure.hpp"
#include "runtime/config/run_config.hpp"

namespace posse {

/// Whether there is one place a particle where `run.placement` is explicit.
/// Needs no nodes, which may come from another file.
///
/// @param config Resolved but for this.
/// @returns errc::invalid_config, as `FILE:LINE: KEY: ...`.
[[nodiscard]] expected<void> check_places(const run_config& config);

/// Whether the run has each node and device that `run.places` names: those of
/// its cluster as "NODE/DEVICE", or without one those of [local] as "DEVICE".
///
/// @param config Resolved, with the nodes that it will run on.
/// @returns errc::invalid_config with the nearest name or all known ones.
[[nodiscard]] expected<void> check_places_exist(const run_config& config);

} // namespace posse
