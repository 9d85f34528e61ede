#pragma once

#include "messages/particle_id.hpp"
#include "messages/particle_messages.hpp"

#include <caf/typed_actor.hpp>

namespace posse {

struct errand;
struct watched_node;
struct settled_particle;

/// One per run: asks others on behalf of threads that may block, hears how far
/// particles are, and ends the run when a node is lost.
using driver_actor = caf::typed_actor<
    // From this process's push_distribution.
    caf::reacts_to<errand>, caf::reacts_to<watched_node>,
    caf::reacts_to<settled_particle>,
    // From particles, now and then.
    caf::reacts_to<progress_msg>, caf::reacts_to<learning_msg>>;

} // namespace posse
