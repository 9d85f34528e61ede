#pragma once

#include "messages/failure.hpp"
#include "runtime/config/cluster_config.hpp"

namespace posse {

/// Checks what no key of a cluster can check alone: that there is a node, that
/// each has a name, a port and no other node's name or address, and that a
/// timeout is longer than a few heartbeats.
///
/// @param config Every setting valid by itself; `origins` tells the given ones.
/// @returns errc::invalid_config, as `FILE:LINE: KEY: ...`.
[[nodiscard]] expected<void> check_cluster(const cluster_config& config);

} // namespace posse
