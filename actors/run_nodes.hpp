#pragma once

#include "actors/driver_interface.hpp"
#include "actors/node_event_loop_interface.hpp"
#include "actors/node_gate_interface.hpp"
#include "messages/courier_messages.hpp"
#include "messages/node_messages.hpp"
#include "runtime/config/cluster_config.hpp"

#include <caf/fwd.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace posse {

/// A node that takes part in a run.
struct run_node {
  std::string name{"local"};
  std::string host; ///< empty: in this process
  std::uint16_t port{0};
  node_event_loop_actor handle;
  std::vector<node_device> devices; ///< in the config's order
  courier_address courier;          ///< none in this process

  bool is_remote() const noexcept { return !host.empty(); }
};

/// Reaches the gate of a daemon, trying again while nobody listens.
///
/// @param patience After which nobody is there.
/// @returns errc::timed_out naming the node, its address and how to start it.
expected<node_gate_actor> dial(caf::actor_system& system,
                               const node_entry& node,
                               std::chrono::milliseconds patience);

/// Attaches `driver` to nodes of the cluster, in the order of the file.
///
/// @param chosen Their names; none: all nodes.
/// @returns what dial() fails with; errc::refused, naming the node, if one does
///   not accept this process or is in use; errc::node_lost if one ends
///   meanwhile.
expected<std::vector<run_node>>
attach_nodes(caf::actor_system& system, const cluster_config& cluster,
             const std::vector<std::string>& chosen,
             const driver_actor& driver);

} // namespace posse
