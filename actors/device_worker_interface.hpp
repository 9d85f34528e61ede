#pragma once

#include "actors/local_messages.hpp"
#include "messages/compute_messages.hpp"
#include "messages/group_messages.hpp"
#include "messages/node_messages.hpp"
#include "messages/particle_messages.hpp"
#include "messages/status_messages.hpp"
#include "messages/trace_messages.hpp"

#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/typed_actor.hpp>

namespace posse {

/// From a lane to its worker, if an operation waits: leases are free again.
/// Never leaves the process.
struct lane_done {};

/// Owns one device and the particles on it. Places every operation on a lane
/// and delegates: the lane computes and answers who asked.
using device_worker_actor = caf::typed_actor<
    // Makes a particle and gives it its first parameters.
    caf::replies_to<receive_particle_init_msg>::with<receive_particle_init_ack>,
    // One optimizer step on a batch.
    caf::replies_to<step_msg>::with<step_ack>,
    // The score of the log posterior on a batch, into the gradient row.
    caf::replies_to<gradient_msg>::with<gradient_ack>,
    // The raw outputs for given inputs, or for a part of the data set.
    caf::replies_to<forward_msg>::with<forward_ack>,
    caf::replies_to<forward_part_msg>::with<forward_ack>,
    // Measures the validation part; keeps the parameters if they are the best.
    caf::replies_to<validate_msg>::with<validate_ack>,
    // Takes the parameters into what is remembered of the posterior.
    caf::replies_to<collect_msg>::with<collect_ack>,
    // Makes what is remembered of the posterior.
    caf::replies_to<fit_msg>::with<fit_ack>,
    // One transition of Hamiltonian Monte Carlo.
    caf::replies_to<transition_msg>::with<transition_ack>,
    // Puts the best parameters back and marks the particle as trained.
    caf::replies_to<finish_msg>::with<finish_ack>,
    caf::replies_to<cursor_msg>::with<cursor_ack>,
    caf::replies_to<zero_grad_msg>::with<zero_grad_ack>,
    caf::replies_to<scheduler_step_msg>::with<scheduler_step_ack>,
    // Moves particles of this device, and rows of others, by a rule.
    caf::replies_to<group_update_msg>::with<group_update_ack>,
    // Rows of this device's particles, for a rule that runs elsewhere.
    caf::replies_to<gather_rows_msg>::with<gather_rows_ack>,
    // Writes rows, or columns of them.
    caf::replies_to<write_rows_msg>::with<write_rows_ack>,
    // Makes one row of several.
    caf::replies_to<reduce_rows_msg>::with<reduce_rows_ack>,
    // The stages of a rule that several devices share.
    caf::replies_to<group_partial_msg>::with<group_partial_ack>,
    caf::replies_to<group_combine_msg>::with<group_combine_ack>,
    caf::replies_to<group_directions_msg>::with<group_directions_ack>,
    // Moves particles along directions computed before.
    caf::replies_to<ascend_msg>::with<ascend_ack>,
    // Views of a particle, for another node or for this one.
    caf::replies_to<receive_get_msg>::with<receive_get_ack>,
    caf::replies_to<local_get_msg>::with<local_get_ack>,
    // A function of a particle's module.
    caf::replies_to<module_msg>::with<module_ack>,
    caf::replies_to<receive_parameters_msg>::with<receive_parameters_ack>,
    caf::replies_to<save_state_msg>::with<save_state_ack>,
    caf::replies_to<load_state_msg>::with<load_state_ack>,
    // Keeps a particle in its slot, or lets it go.
    caf::replies_to<pin_msg>::with<pin_ack>,
    caf::replies_to<unpin_msg>::with<unpin_ack>,
    caf::replies_to<status_msg>::with<status_ack>,
    // What it has recorded, if the run is traced.
    caf::replies_to<trace_msg>::with<trace_ack>, caf::reacts_to<lane_done>>;

} // namespace posse

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(posse::lane_done)
