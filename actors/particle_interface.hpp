#pragma once

#include "messages/particle_messages.hpp"

#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/typed_actor.hpp>

#include <memory>

namespace posse {

class particle_directory;

/// From a node event loop to its particles: all particles of the run. Shared
/// inside the process, never on the wire.
struct directory_update {
  std::shared_ptr<const particle_directory> directory;
};

/// One particle: runs its behaviour's handlers, which ask its device worker to
/// compute and other particles to act. Never computes, never blocks.
using particle_actor = caf::typed_actor<
    // From the driver: run a handler of the behaviour, answer what it returns.
    caf::replies_to<receive_func_pd_msg>::with<receive_func_pd_ack>,
    // The same from another particle.
    caf::replies_to<receive_func_msg>::with<receive_func_ack>,
    // Adds a handler by its registered name, with its state.
    caf::replies_to<receive_register_msg>::with<receive_register_ack>,
    // Asks running handlers to end at their next consistent point, or lets
    // later ones run again.
    caf::replies_to<pause_msg>::with<pause_ack>,
    caf::reacts_to<directory_update>>;

} // namespace posse

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(posse::directory_update)
