#pragma once

#include "messages/failure.hpp"
#include "messages/node_messages.hpp"
#include "runtime/compute/recipe.hpp"

namespace posse {

/// The run's recipe with what the message says of one particle: optimizer,
/// prior, schedule and what its behaviour needs.
///
/// @returns errc::unknown_name or errc::invalid_argument naming what the
///   message has wrong.
expected<particle_recipe>
recipe_of_particle(particle_recipe recipe,
                   const receive_particle_init_msg& req);

} // namespace posse
