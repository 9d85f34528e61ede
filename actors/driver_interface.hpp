#pragma once

#include "messages/particle_id.hpp"
#include "messages/particle_messages.hpp"

#include <caf/typed_actor.hpp>

namespace posse {

struct launch_order;

/// One per run: launches handlers on particles for threads that may block, and
/// hears how far they are.
using driver_actor = caf::typed_actor<
    // From this process's push_distribution: ask a particle, keep the promise.
    caf::reacts_to<launch_order>,
    // From particles, now and then.
    caf::reacts_to<progress_msg>>;

} // namespace posse
