#pragma once

#include "actors/lane_job.hpp"
#include "actors/local_messages.hpp"
#include "messages/compute_messages.hpp"
#include "messages/group_messages.hpp"
#include "messages/node_messages.hpp"
#include "messages/particle_messages.hpp"
#include "runtime/compute/group_rules.hpp"

#include <memory>

/// What a message to a device worker asks a lane to compute. One overload a
/// message; the worker and, on its own node, a particle use the same.
namespace posse {

template <class Ack>
using job_ptr = std::shared_ptr<lane_job<Ack>>;

// -- on a particle in its slot
job_ptr<step_ack> job_for(worker_device& device, const step_msg& msg);
job_ptr<gradient_ack> job_for(worker_device& device, const gradient_msg& msg);
job_ptr<forward_ack> job_for(worker_device& device, const forward_msg& msg);
job_ptr<forward_ack> job_for(worker_device& device,
                             const forward_part_msg& msg);
job_ptr<validate_ack> job_for(worker_device& device, const validate_msg& msg);
job_ptr<collect_ack> job_for(worker_device& device, const collect_msg& msg);
job_ptr<fit_ack> job_for(worker_device& device, const fit_msg& msg);
job_ptr<transition_ack> job_for(worker_device& device,
                                const transition_msg& msg);
job_ptr<finish_ack> job_for(worker_device& device, const finish_msg& msg);
job_ptr<zero_grad_ack> job_for(worker_device& device, const zero_grad_msg& msg);
job_ptr<pin_ack> job_for(worker_device& device, const pin_msg& msg);
job_ptr<module_ack> job_for(worker_device& device, const module_msg& msg);

/// A new particle, made by `recipe`.
job_ptr<receive_particle_init_ack>
creation(worker_device& device, particle_id pid,
         std::shared_ptr<const compiled_recipe> recipe,
         std::uint64_t train_key);

// -- on rows, wherever they lie
job_ptr<cursor_ack> job_for(worker_device& device, const cursor_msg& msg);
job_ptr<scheduler_step_ack> job_for(worker_device& device,
                                    const scheduler_step_msg& msg);
job_ptr<receive_get_ack> job_for(worker_device& device,
                                 const receive_get_msg& msg);
job_ptr<local_get_ack> job_for(worker_device& device, const local_get_msg& msg);
job_ptr<receive_parameters_ack> job_for(worker_device& device,
                                        const receive_parameters_msg& msg);
job_ptr<save_state_ack> job_for(worker_device& device,
                                const save_state_msg& msg);
job_ptr<load_state_ack> job_for(worker_device& device,
                                const load_state_msg& msg);
job_ptr<gather_rows_ack> job_for(worker_device& device,
                                 const gather_rows_msg& msg);
job_ptr<write_rows_ack> job_for(worker_device& device,
                                const write_rows_msg& msg);
job_ptr<reduce_rows_ack> job_for(worker_device& device,
                                 const reduce_rows_msg& msg);
job_ptr<group_partial_ack> job_for(worker_device& device,
                                   const group_partial_msg& msg);
job_ptr<group_combine_ack> job_for(worker_device& device,
                                   const group_combine_msg& msg);
job_ptr<group_directions_ack> job_for(worker_device& device,
                                      const group_directions_msg& msg);
job_ptr<ascend_ack> job_for(worker_device& device, const ascend_msg& msg);

/// A group update: of those of msg.pids that are on this device, by `rule`.
job_ptr<group_update_ack> group_update(worker_device& device,
                                       const group_update_msg& msg,
                                       whole_rule rule);

} // namespace posse
