#pragma once

#include "messages/errc.hpp"

#include <caf/type_id.hpp>

#include <cstdint>

/// The number that each type has on the wire. Append only: a peer of another
/// version must find every type where it was.
namespace posse {

enum class data_part : std::uint8_t;
struct particle_id;
class real64;
struct batch_ref;
class tensor_blob;
class value;
struct by_name;

struct node_device;
struct node_evt_loop_init_msg;
struct node_evt_loop_init_ack;
struct node_evt_loop_cleanup_msg;
struct node_evt_loop_cleanup_ack;
struct directory_entry;
struct nel_broadcast_particles_msg;
struct nel_broadcast_particles_ack;
struct nel_save_model_msg;
struct saved_particle;
struct nel_save_model_ack;
struct receive_particle_init_msg;
struct receive_particle_init_ack;

struct receive_register_msg;
struct receive_register_ack;
struct receive_func_pd_msg;
struct receive_func_pd_ack;
struct receive_func_msg;
struct receive_func_ack;
struct receive_get_msg;
struct receive_get_ack;
struct receive_parameters_msg;
struct receive_parameters_ack;
struct pause_msg;
struct pause_ack;
struct progress_msg;
struct learning_msg;

struct step_msg;
struct step_ack;
struct gradient_msg;
struct gradient_ack;
struct forward_msg;
struct forward_part_msg;
struct forward_ack;
struct zero_grad_msg;
struct zero_grad_ack;
struct scheduler_step_msg;
struct scheduler_step_ack;
struct pin_msg;
struct pin_ack;
struct unpin_msg;
struct unpin_ack;
struct validate_msg;
struct validate_ack;
struct collect_msg;
struct collect_ack;
struct transition_msg;
struct transition_ack;
struct fit_msg;
struct fit_ack;
struct finish_msg;
struct finish_ack;
struct cursor_msg;
struct cursor_ack;
struct group_update_msg;
struct group_update_ack;
struct gather_rows_msg;
struct gather_rows_ack;
struct ascend_msg;
struct ascend_ack;
struct row_columns;
struct write_rows_msg;
struct write_rows_ack;
struct reduce_rows_msg;
struct reduce_rows_ack;
struct group_slice;
struct group_partial_msg;
struct group_partial_ack;
struct group_combine_msg;
struct group_combine_ack;
struct group_directions_msg;
struct group_directions_ack;
struct save_state_msg;
struct save_state_ack;
struct load_state_msg;
struct load_state_ack;

struct hello;
struct attach_msg;
struct attach_ack;
struct node_stop_msg;
struct node_stop_ack;
struct run_file;
struct run_peer;

struct courier_address;
struct carried_request;
struct carried_answer;
struct carried_failure;
struct chunk_frame;
struct credit_frame;
struct cancel_frame;
struct refusal_frame;
struct placed_chunk_frame;
struct window_frame;
struct window_answer_frame;
struct still_open_msg;
struct still_open_ack;

struct status_msg;
struct status_ack;
struct node_status_msg;
struct node_status_ack;

struct trace_event;
struct trace_log;
struct trace_msg;
struct trace_ack;

} // namespace posse

// clang-format off
CAF_BEGIN_TYPE_ID_BLOCK(posse_messages, caf::first_custom_type_id)

  CAF_ADD_TYPE_ID(posse_messages, (posse::errc))
  CAF_ADD_TYPE_ID(posse_messages, (posse::data_part))
  CAF_ADD_TYPE_ID(posse_messages, (posse::particle_id))
  CAF_ADD_TYPE_ID(posse_messages, (posse::real64))
  CAF_ADD_TYPE_ID(posse_messages, (posse::batch_ref))
  CAF_ADD_TYPE_ID(posse_messages, (posse::tensor_blob))
  CAF_ADD_TYPE_ID(posse_messages, (posse::value))
  CAF_ADD_TYPE_ID(posse_messages, (posse::by_name))

  CAF_ADD_TYPE_ID(posse_messages, (posse::node_device))
  CAF_ADD_TYPE_ID(posse_messages, (posse::node_evt_loop_init_msg))
  CAF_ADD_TYPE_ID(posse_messages, (posse::node_evt_loop_init_ack))
  CAF_ADD_TYPE_ID(posse_messages, (posse::node_evt_loop_cleanup_msg))
  CAF_ADD_TYPE_ID(posse_messages, (posse::node_evt_loop_cleanup_ack))
  CAF_ADD_TYPE_ID(posse_messages, (posse::directory_entry))
  CAF_ADD_TYPE_ID(posse_messages, (posse::nel_broadcast_particles_msg))
  CAF_ADD_TYPE_ID(posse_messages, (posse::nel_broadcast_particles_ack))
  CAF_ADD_TYPE_ID(posse_messages, (posse::nel_save_model_msg))
  CAF_ADD_TYPE_ID(posse_messages, (posse::saved_particle))
  CAF_ADD_TYPE_ID(posse_messages, (posse::nel_save_model_ack))
  CAF_ADD_TYPE_ID(posse_messages, (posse::receive_particle_init_msg))
  CAF_ADD_TYPE_ID(posse_messages, (posse::receive_particle_init_ack))

  CAF_ADD_TYPE_ID(posse_messages, (posse::receive_register_msg))
  CAF_ADD_TYPE_ID(posse_messages, (posse::receive_register_ack))
  CAF_ADD_TYPE_ID(posse_messages, (posse::receive_func_pd_msg))
  CAF_ADD_TYPE_ID(posse_messages, (posse::receive_func_pd_ack))
  CAF_ADD_TYPE_ID(posse_messages, (posse::receive_func_msg))
  CAF_ADD_TYPE_ID(posse_messages, (posse::receive_func_ack))
  CAF_ADD_TYPE_ID(posse_messages, (posse::receive_get_msg))
  CAF_ADD_TYPE_ID(posse_messages, (posse::receive_get_ack))
  CAF_ADD_TYPE_ID(posse_messages, (posse::receive_parameters_msg))
  CAF_ADD_TYPE_ID(posse_messages, (posse::receive_parameters_ack))
  CAF_ADD_TYPE_ID(posse_messages, (posse::pause_msg))
  CAF_ADD_TYPE_ID(posse_messages, (posse::pause_ack))
  CAF_ADD_TYPE_ID(posse_messages, (posse::progress_msg))

  CAF_ADD_TYPE_ID(posse_messages, (posse::step_msg))
  CAF_ADD_TYPE_ID(posse_messages, (posse::step_ack))
  CAF_ADD_TYPE_ID(posse_messages, (posse::gradient_msg))
  CAF_ADD_TYPE_ID(posse_messages, (posse::gradient_ack))
  CAF_ADD_TYPE_ID(posse_messages, (posse::forward_msg))
  CAF_ADD_TYPE_ID(posse_messages, (posse::forward_part_msg))
  CAF_ADD_TYPE_ID(posse_messages, (posse::forward_ack))
  CAF_ADD_TYPE_ID(posse_messages, (posse::zero_grad_msg))
  CAF_ADD_TYPE_ID(posse_messages, (posse::zero_grad_ack))
  CAF_ADD_TYPE_ID(posse_messages, (posse::scheduler_step_msg))
  CAF_ADD_TYPE_ID(posse_messages, (posse::scheduler_step_ack))
  CAF_ADD_TYPE_ID(posse_messages, (posse::pin_msg))
  CAF_ADD_TYPE_ID(posse_messages, (posse::pin_ack))
  CAF_ADD_TYPE_ID(posse_messages, (posse::unpin_msg))
  CAF_ADD_TYPE_ID(posse_messages, (posse::unpin_ack))
  CAF_ADD_TYPE_ID(posse_messages, (posse::validate_msg))
  CAF_ADD_TYPE_ID(posse_messages, (posse::validate_ack))
  CAF_ADD_TYPE_ID(posse_messages, (posse::finish_msg))
  CAF_ADD_TYPE_ID(posse_messages, (posse::finish_ack))
  CAF_ADD_TYPE_ID(posse_messages, (posse::cursor_msg))
  CAF_ADD_TYPE_ID(posse_messages, (posse::cursor_ack))
  CAF_ADD_TYPE_ID(posse_messages, (posse::group_update_msg))
  CAF_ADD_TYPE_ID(posse_messages, (posse::group_update_ack))
  CAF_ADD_TYPE_ID(posse_messages, (posse::gather_rows_msg))
  CAF_ADD_TYPE_ID(posse_messages, (posse::gather_rows_ack))
  CAF_ADD_TYPE_ID(posse_messages, (posse::ascend_msg))
  CAF_ADD_TYPE_ID(posse_messages, (posse::ascend_ack))
  CAF_ADD_TYPE_ID(posse_messages, (posse::save_state_msg))
  CAF_ADD_TYPE_ID(posse_messages, (posse::save_state_ack))
  CAF_ADD_TYPE_ID(posse_messages, (posse::load_state_msg))
  CAF_ADD_TYPE_ID(posse_messages, (posse::load_state_ack))

  CAF_ADD_TYPE_ID(posse_messages, (posse::status_msg))
  CAF_ADD_TYPE_ID(posse_messages, (posse::status_ack))
  CAF_ADD_TYPE_ID(posse_messages, (posse::node_status_msg))
  CAF_ADD_TYPE_ID(posse_messages, (posse::node_status_ack))

  CAF_ADD_TYPE_ID(posse_messages, (posse::hello))
  CAF_ADD_TYPE_ID(posse_messages, (posse::attach_msg))
  CAF_ADD_TYPE_ID(posse_messages, (posse::attach_ack))
  CAF_ADD_TYPE_ID(posse_messages, (posse::node_stop_msg))
  CAF_ADD_TYPE_ID(posse_messages, (posse::node_stop_ack))
  CAF_ADD_TYPE_ID(posse_messages, (posse::run_file))
  CAF_ADD_TYPE_ID(posse_messages, (posse::run_peer))

  CAF_ADD_TYPE_ID(posse_messages, (posse::courier_address))
  CAF_ADD_TYPE_ID(posse_messages, (posse::carried_request))
  CAF_ADD_TYPE_ID(posse_messages, (posse::carried_answer))
  CAF_ADD_TYPE_ID(posse_messages, (posse::carried_failure))
  CAF_ADD_TYPE_ID(posse_messages, (posse::chunk_frame))
  CAF_ADD_TYPE_ID(posse_messages, (posse::credit_frame))
  CAF_ADD_TYPE_ID(posse_messages, (posse::cancel_frame))
  CAF_ADD_TYPE_ID(posse_messages, (posse::refusal_frame))
  CAF_ADD_TYPE_ID(posse_messages, (posse::still_open_msg))
  CAF_ADD_TYPE_ID(posse_messages, (posse::still_open_ack))

  CAF_ADD_TYPE_ID(posse_messages, (posse::row_columns))
  CAF_ADD_TYPE_ID(posse_messages, (posse::write_rows_msg))
  CAF_ADD_TYPE_ID(posse_messages, (posse::write_rows_ack))
  CAF_ADD_TYPE_ID(posse_messages, (posse::reduce_rows_msg))
  CAF_ADD_TYPE_ID(posse_messages, (posse::reduce_rows_ack))
  CAF_ADD_TYPE_ID(posse_messages, (posse::group_slice))
  CAF_ADD_TYPE_ID(posse_messages, (posse::group_partial_msg))
  CAF_ADD_TYPE_ID(posse_messages, (posse::group_partial_ack))
  CAF_ADD_TYPE_ID(posse_messages, (posse::group_combine_msg))
  CAF_ADD_TYPE_ID(posse_messages, (posse::group_combine_ack))
  CAF_ADD_TYPE_ID(posse_messages, (posse::group_directions_msg))
  CAF_ADD_TYPE_ID(posse_messages, (posse::group_directions_ack))

  CAF_ADD_TYPE_ID(posse_messages, (posse::placed_chunk_frame))
  CAF_ADD_TYPE_ID(posse_messages, (posse::window_frame))
  CAF_ADD_TYPE_ID(posse_messages, (posse::window_answer_frame))

  CAF_ADD_TYPE_ID(posse_messages, (posse::trace_event))
  CAF_ADD_TYPE_ID(posse_messages, (posse::trace_log))
  CAF_ADD_TYPE_ID(posse_messages, (posse::trace_msg))
  CAF_ADD_TYPE_ID(posse_messages, (posse::trace_ack))

  CAF_ADD_TYPE_ID(posse_messages, (posse::collect_msg))
  CAF_ADD_TYPE_ID(posse_messages, (posse::collect_ack))

  CAF_ADD_TYPE_ID(posse_messages, (posse::transition_msg))
  CAF_ADD_TYPE_ID(posse_messages, (posse::transition_ack))
  CAF_ADD_TYPE_ID(posse_messages, (posse::learning_msg))

  CAF_ADD_TYPE_ID(posse_messages, (posse::fit_msg))
  CAF_ADD_TYPE_ID(posse_messages, (posse::fit_ack))

CAF_END_TYPE_ID_BLOCK(posse_messages)
// clang-format on
