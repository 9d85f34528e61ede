#pragma once

#include "messages/failure.hpp"
#include "messages/group_messages.hpp"
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
expected<group_update_ack> move_together(const whole_rule& rule,
                                         const group_update_msg& req,
                                         held_leases held);

/// Columns of the parameter rows, and of the gradient rows if asked for, of the
/// leased particles, copied.
expected<gather_rows_ack> gather_particles(const gather_rows_msg& req,
                                           held_leases held);

/// Writes columns of the leased particles' rows.
expected<write_rows_ack> write_particles(const write_rows_msg& req,
                                         held_leases held);

/// One row of several.
expected<reduce_rows_ack> reduce_blobs(const reduce_rows_msg& req);

/// The stages of a rule that several devices share. The leased particles are
/// those of the slice's group that are not among its others.
///
/// @returns errc::invalid_argument if rows are missing or do not fit, or the
///   rule has no stages; what the rule fails with.
expected<group_partial_ack> partial_of_slice(const group_partial_msg& req,
                                             held_leases held);
expected<group_combine_ack> combine_partials(const group_combine_msg& req);
expected<group_directions_ack>
directions_of_slice(const group_directions_msg& req, held_leases held);

/// Moves the leased particles along `directions`, one row [P] each, or along
/// what their gradient rows hold if there are none.
expected<ascend_ack>
ascend_particles(const std::vector<tensor_blob>& directions, held_leases held);

} // namespace posse
