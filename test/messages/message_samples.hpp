#pragma once

#include "messages/messages.hpp"
#include "test/messages/samples.hpp"

#include <limits>

namespace posse::samples {

/// A `T` whose members all differ from their defaults. Declared for every type
/// and defined for those below: a message without a sample does not compile.
template <class T>
T filled() = delete;

/// A `T` with the real64s of its members set to `x`, or filled() if it has
/// none.
template <class T>
T with_real(real64) {
  return filled<T>();
}

inline real64 nan() {
  return hard_doubles()[2];
}
inline particle_id pid() {
  return {7};
}
inline std::vector<particle_id> pids() {
  return {{3}, {1}, {4'000'000'000u}};
}
inline tensor_blob tensor() {
  return blob(dtype::f32, {2, 3}, hard_floats());
}
inline std::vector<tensor_blob> tensors() {
  return {tensor(), blob(dtype::f64, {10}, hard_doubles()), tensor_blob{}};
}
inline batch_ref batch() {
  return {data_part::validation, 3, 70'000, 9};
}

#define POSSE_SAMPLE(T, ...)                                                   \
  template <>                                                                  \
  inline T filled<T>() {                                                       \
    return __VA_ARGS__;                                                        \
  }
#define POSSE_REAL_SAMPLE(T, x, ...)                                           \
  template <>                                                                  \
  inline T with_real<T>(real64 x) {                                            \
    return __VA_ARGS__;                                                        \
  }                                                                            \
  POSSE_SAMPLE(T, with_real<T>(nan()))

// The vocabulary.
POSSE_SAMPLE(errc, errc::backend_error)
POSSE_SAMPLE(data_part, data_part::test)
POSSE_SAMPLE(particle_id, pid())
POSSE_REAL_SAMPLE(real64, x, x)
POSSE_SAMPLE(batch_ref, batch())
POSSE_SAMPLE(tensor_blob, tensor())
POSSE_SAMPLE(value, everything())
POSSE_SAMPLE(by_name, {"adam", everything()})

// Nodes.
POSSE_SAMPLE(node_device, {"cpu:0", 1, 2, 3})
POSSE_SAMPLE(run_file, {"/data/energy.csv", "ab12"})
POSSE_SAMPLE(run_peer, {"b", "127.0.0.1", 7102})
POSSE_SAMPLE(courier_address, {"a", "127.0.0.1:7101", nullptr})
POSSE_SAMPLE(node_evt_loop_init_msg, {"[run]\nseed = 1\n",
                                      {filled<run_file>()},
                                      {filled<run_peer>()},
                                      filled<courier_address>(),
                                      {filled<run_file>()}})
POSSE_SAMPLE(node_evt_loop_init_ack,
             {"a", {filled<node_device>(), node_device{}}, nullptr})
POSSE_SAMPLE(node_evt_loop_cleanup_msg, {})
POSSE_SAMPLE(node_evt_loop_cleanup_ack, {5})
// A handle needs a system: message_handles_test.cpp.
POSSE_SAMPLE(directory_entry, {pid(), "a", "cpu:0", nullptr, nullptr})
POSSE_SAMPLE(nel_broadcast_particles_msg,
             {{filled<directory_entry>()}, {filled<courier_address>()}})
POSSE_SAMPLE(nel_broadcast_particles_ack, {5})
POSSE_SAMPLE(nel_save_model_msg, {"folder", pids()})
POSSE_SAMPLE(saved_particle, {pid(), "file", 1, "0123abcd"})
POSSE_SAMPLE(nel_save_model_ack, {{filled<saved_particle>(), {}}})
POSSE_SAMPLE(receive_particle_init_msg,
             {"cpu:0", pid(), filled<by_name>(), filled<by_name>(),
              filled<by_name>(), std::numeric_limits<std::uint64_t>::max(),
              filled<by_name>(), everything()})
POSSE_SAMPLE(receive_particle_init_ack, {filled<directory_entry>(), 1})

// Particles.
POSSE_SAMPLE(receive_register_msg, {pid(), "STEP", "step", everything()})
POSSE_SAMPLE(receive_register_ack, {pid()})
POSSE_SAMPLE(receive_func_pd_msg, {pid(), "STEP", everything()})
POSSE_SAMPLE(receive_func_pd_ack, {everything()})
POSSE_SAMPLE(receive_func_msg, {pid(), "STEP", everything()})
POSSE_SAMPLE(receive_func_ack, {everything()})
POSSE_SAMPLE(receive_get_msg, {{1}, {2}, 3})
POSSE_SAMPLE(receive_get_ack,
             {tensors(), {tensor()}, 1, true, value_dict{{"mean", tensor()}}})
POSSE_SAMPLE(receive_parameters_msg, {pid()})
POSSE_SAMPLE(receive_parameters_ack, {tensors()})
POSSE_SAMPLE(pause_msg, {pid(), false})
POSSE_SAMPLE(pause_ack, {})
POSSE_REAL_SAMPLE(progress_msg, x, {pid(), 1, 2, x})
POSSE_REAL_SAMPLE(learning_msg, x, {pid(), 1, x, true, x})

// Compute.
POSSE_SAMPLE(step_msg, {pid(), batch()})
POSSE_REAL_SAMPLE(step_ack, x, {x, 1})
POSSE_SAMPLE(gradient_msg, {pid(), batch()})
POSSE_REAL_SAMPLE(gradient_ack, x, {x})
POSSE_SAMPLE(forward_msg, {pid(), tensor()})
POSSE_SAMPLE(forward_part_msg, {pid(), data_part::train})
POSSE_SAMPLE(forward_ack, {tensor()})
POSSE_SAMPLE(zero_grad_msg, {pid()})
POSSE_SAMPLE(zero_grad_ack, {})
POSSE_SAMPLE(scheduler_step_msg, {pid()})
POSSE_REAL_SAMPLE(scheduler_step_ack, x, {x})
POSSE_SAMPLE(pin_msg, {pid()})
POSSE_SAMPLE(pin_ack, {})
POSSE_SAMPLE(unpin_msg, {pid()})
POSSE_SAMPLE(unpin_ack, {})
POSSE_SAMPLE(validate_msg, {pid()})
POSSE_REAL_SAMPLE(validate_ack, x, {x, true})
POSSE_SAMPLE(collect_msg, {pid()})
POSSE_SAMPLE(collect_ack, {7})
POSSE_SAMPLE(fit_msg, {pid()})
POSSE_SAMPLE(fit_ack, {{4.5}, {-1234.5}})
POSSE_SAMPLE(transition_msg, {pid(), 20, {0.8}, 500})
POSSE_SAMPLE(transition_ack, {{0.75}, {0.01}, {1234.5}, true, 8})
POSSE_SAMPLE(finish_msg, {pid(), true})
POSSE_SAMPLE(finish_ack, {7, false, true})
POSSE_SAMPLE(cursor_msg, {pid()})
POSSE_SAMPLE(cursor_ack, {7, true, true})
POSSE_SAMPLE(group_update_msg,
             {pids(), "sgld", everything(), pids(), tensors(), tensors()})
POSSE_SAMPLE(group_update_ack, {everything(), tensors()})
POSSE_SAMPLE(row_columns, {3, 4})
POSSE_SAMPLE(gather_rows_msg, {pids(), true, filled<row_columns>()})
POSSE_SAMPLE(write_rows_msg, {pids(), true, filled<row_columns>(), tensors()})
POSSE_SAMPLE(write_rows_ack, {})
POSSE_SAMPLE(reduce_rows_msg, {tensors(), true})
POSSE_SAMPLE(reduce_rows_ack, {tensor()})
POSSE_SAMPLE(group_slice, {pids(), "sgld", filled<row_columns>(), pids(),
                           tensors(), tensors()})
POSSE_SAMPLE(group_partial_msg, {filled<group_slice>(), {1, 2}})
POSSE_SAMPLE(group_partial_ack, {tensor()})
POSSE_SAMPLE(group_combine_msg, {"sgld", everything(), tensors()})
POSSE_SAMPLE(group_combine_ack, {everything(), everything(), true})
POSSE_SAMPLE(group_directions_msg, {filled<group_slice>(), everything()})
POSSE_REAL_SAMPLE(group_directions_ack, x, {x, tensors()})
POSSE_SAMPLE(gather_rows_ack, {tensors(), {tensor()}})
POSSE_SAMPLE(ascend_msg, {pids(), tensors()})
POSSE_SAMPLE(ascend_ack, {})
POSSE_SAMPLE(save_state_msg, {pid()})
POSSE_SAMPLE(save_state_ack, {everything()})
POSSE_SAMPLE(load_state_msg, {pid(), everything()})
POSSE_SAMPLE(load_state_ack, {})

// Status.
POSSE_SAMPLE(status_msg, {})
POSSE_REAL_SAMPLE(status_ack, x,
                  {"cpu:0", 1, 2, 3, 4, 5, 6, 7, 8, x, 9, 10, 11, 12, 13})
POSSE_SAMPLE(node_status_msg, {})
POSSE_REAL_SAMPLE(
    node_status_ack, x,
    {"a", {status_ack{"cpu:0", 1, 2, 3, 4, 5, 6, 7, 8, x, 9, 10, 11, 12, 13}}})

// Traces.
POSSE_SAMPLE(trace_event, {1, 2, pid(), 3, 4, 5, 6})
POSSE_SAMPLE(trace_log,
             {{"cpu:0 lane 0"}, {"step"}, {filled<trace_event>()}, 1, 2, 3})
POSSE_SAMPLE(trace_msg, {1})
POSSE_SAMPLE(trace_ack, {filled<trace_log>()})

// Hello.
POSSE_SAMPLE(hello, {"other", 2, "0.2", "AVX2", "ab", "a", 3, "secret"})
POSSE_SAMPLE(attach_msg, {filled<hello>(), "driver 7", nullptr})
POSSE_SAMPLE(attach_ack, {8, nullptr})
POSSE_SAMPLE(node_stop_msg, {filled<hello>()})
POSSE_SAMPLE(node_stop_ack, {"a"})

// Couriers.
POSSE_SAMPLE(carried_request, {1, nullptr, 2, "body", 3})
POSSE_SAMPLE(carried_answer, {1, 2, "body", 3})
POSSE_SAMPLE(carried_failure, {1, 2, "why"})
POSSE_SAMPLE(chunk_frame, {{1, 24, 0, 0, 24, 7}, {tensor().owner(), 24}})
POSSE_SAMPLE(placed_chunk_frame, {{1, 24, 0, 0, 24, 7}, 3})
POSSE_SAMPLE(window_frame, {{1, 2, 3}})
POSSE_SAMPLE(window_answer_frame, {true})
POSSE_SAMPLE(credit_frame, {1, 2})
POSSE_SAMPLE(cancel_frame, {1})
POSSE_SAMPLE(refusal_frame, {1, 2, "why"})
POSSE_SAMPLE(still_open_msg, {{1, 2}})
POSSE_SAMPLE(still_open_ack, {{2}})

#undef POSSE_REAL_SAMPLE
#undef POSSE_SAMPLE

} // namespace posse::samples
