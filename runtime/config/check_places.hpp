#pragma once

#include "messages/failure.hpp"
#include "runtime/config/run_config.hpp"

namespace posse {

/// Whether there is one place a particle where `run.placement` is explicit, and
/// whether `run.nodes` names each node once. Needs no nodes, which may come
/// from another file.
///
/// @param config Resolved but for this.
/// @returns errc::invalid_config, as `FILE:LINE: KEY: ...`.
[[nodiscard]] expected<void> check_places(const run_config& config);

/// Whether the cluster has each node that `run.nodes` names, and the run each
/// node and device of `run.places`: those of its nodes as "NODE/DEVICE", or
/// without a cluster those of [local] as "DEVICE".
///
/// @param config Resolved, with the nodes that it will run on.
/// @returns errc::invalid_config with the nearest name or all known ones.
[[nodiscard]] expected<void> check_places_exist(const run_config& config);

} // namespace posse
