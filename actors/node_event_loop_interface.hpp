#pragma once

#include "messages/node_messages.hpp"
#include "messages/particle_messages.hpp"
#include "messages/status_messages.hpp"

#include <caf/typed_actor.hpp>

namespace posse {

/// One machine's part of a run: its devices, its particles, and the directory
/// of all particles.
using node_event_loop_actor = caf::typed_actor<
    // Loads the data, opens the devices; nothing else is served before.
    caf::replies_to<node_evt_loop_init_msg>::with<node_evt_loop_init_ack>,
    // Ends the run's particles and workers; answers when nothing is left.
    caf::replies_to<node_evt_loop_cleanup_msg>::with<node_evt_loop_cleanup_ack>,
    // Tells the node's particles who and where all particles are.
    caf::replies_to<nel_broadcast_particles_msg>::with<
        nel_broadcast_particles_ack>,
    // Makes a particle on one of the node's devices.
    caf::replies_to<receive_particle_init_msg>::with<receive_particle_init_ack>,
    // What the node's devices and caches have done.
    caf::replies_to<node_status_msg>::with<node_status_ack>>;

} // namespace posse
