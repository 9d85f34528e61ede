#pragma once

#include "messages/hello_messages.hpp"

#include <caf/typed_actor.hpp>

namespace posse {

/// The one actor of a daemon that has a port: nothing is served before it has
/// heard a hello that fits.
using node_gate_actor = caf::typed_actor<
    // Starts a node event loop for one run; one driver at a time.
    caf::replies_to<attach_msg>::with<attach_ack>,
    // Has the daemon end.
    caf::replies_to<node_stop_msg>::with<node_stop_ack>>;

} // namespace posse
