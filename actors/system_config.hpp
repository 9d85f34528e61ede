#pragma once

#include "runtime/config/cluster_config.hpp"

#include <caf/actor_system_config.hpp>

namespace posse {

/// CAF's settings, from ours alone: never from a command line or a file of its
/// own.
class system_config : public caf::actor_system_config {
public:
  /// @param resources Of the node in this process: threads for its lanes.
  /// @param network Heartbeats and patience of a cluster; nullptr: no network.
  explicit system_config(const local_section& resources,
                         const cluster_section* network = nullptr);
};

} // namespace posse
