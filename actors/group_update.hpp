#pragma once

#include "messages/compute_messages.hpp"
#include "messages/failure.hpp"
#include "runtime/compute/group_rules.hpp"
#include "runtime/store/particle_store.hpp"

#include <vector>

/// A device worker's side of operations on several particles. Each runs on a
/// lane, on leased rows, wherever these lie.
namespace posse {

/// Applies `rule` to the particles of `req`: those leased here and the rows of
/// others that came with the request, together in the order of req.pids. Moves
/// the leased ones; the others' directions go back in the answer.
///
/// @returns errc::invalid_argument if a particle is neither here nor among the
///   rows; what the rule fails with.
expected<group_update_ack> move_together(const group_rule& rule,
                                         const group_update_msg& req,
                                         held_leases held);

/// Parameter and gradient rows of the leased particles, copied.
expected<gather_rows_ack> gather_particles(held_leases held);

/// Moves the leased particles along `directions`, one row [P] each.
expected<ascend_ack>
ascend_particles(const std::vector<tensor_blob>& directions, held_leases held);

} // namespace posse
