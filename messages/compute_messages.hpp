#pragma once

#include "messages/batch_ref.hpp"
#include "messages/inspection.hpp"
#include "messages/particle_id.hpp"
#include "messages/real64.hpp"

#include <cstdint>
#include <string>
#include <vector>

/// What a particle asks the worker of its device to compute. All of them fail
/// with errc::unknown_particle for a particle of another worker, with
/// errc::out_of_memory or errc::all_slots_pinned if it cannot be made resident,
/// and with errc::backend_error for what LibTorch says.
namespace posse {

/// One optimizer step: zero_grad, forward, loss, backward, step of the
/// optimizer and of the scheduler.
struct step_msg {
  particle_id pid;
  batch_ref batch;
};

template <class Inspector>
auto inspect(Inspector& f, step_msg& x) {
  return f(caf::meta::type_name("step_msg"), x.pid, x.batch,
           refuse_unknown(x.batch.part));
}

/// errc::non_finite instead, if the loss is: the particle is left as it was.
struct step_ack {
  real64 loss{0.0};      ///< Mean over the batch, before the step.
  std::uint64_t step{0}; ///< Steps done, this one included.
};

template <class Inspector>
auto inspect(Inspector& f, step_ack& x) {
  return f(caf::meta::type_name("step_ack"), x.loss, x.step);
}

/// The score (gradient of the log posterior) at the particle's parameters into
/// its row of gradients; the parameters stay. The batch's log likelihood counts
/// N / B times.
struct gradient_msg {
  particle_id pid;
  batch_ref batch;
};

template <class Inspector>
auto inspect(Inspector& f, gradient_msg& x) {
  return f(caf::meta::type_name("gradient_msg"), x.pid, x.batch,
           refuse_unknown(x.batch.part));
}

/// errc::non_finite instead.
struct gradient_ack {
  real64 loss{0.0}; ///< Mean over the batch.
};

template <class Inspector>
auto inspect(Inspector& f, gradient_ack& x) {
  return f(caf::meta::type_name("gradient_ack"), x.loss);
}

/// Outputs for rows that travel.
struct forward_msg {
  particle_id pid;
  tensor_blob x; ///< [B, features...], of the model's dtype.
};

template <class Inspector>
auto inspect(Inspector& f, forward_msg& x) {
  return f(caf::meta::type_name("forward_msg"), x.pid, x.x);
}

/// Outputs for all rows of a part of the data set, without gradients, dropout
/// or a change of the buffers.
struct forward_part_msg {
  particle_id pid;
  data_part part{data_part::test};
};

template <class Inspector>
auto inspect(Inspector& f, forward_part_msg& x) {
  return f(caf::meta::type_name("forward_part_msg"), x.pid, x.part,
           refuse_unknown(x.part));
}

struct forward_ack {
  tensor_blob outputs; ///< [B, outputs...], in the order of the rows.
};

template <class Inspector>
auto inspect(Inspector& f, forward_ack& x) {
  return f(caf::meta::type_name("forward_ack"), x.outputs);
}

/// Sets the gradients to zero.
struct zero_grad_msg {
  particle_id pid;
};

template <class Inspector>
auto inspect(Inspector& f, zero_grad_msg& x) {
  return f(caf::meta::type_name("zero_grad_msg"), x.pid);
}

struct zero_grad_ack {};

template <class Inspector>
auto inspect(Inspector& f, zero_grad_ack&) {
  return f(caf::meta::type_name("zero_grad_ack"));
}

/// Moves the learning rate along its schedule.
struct scheduler_step_msg {
  particle_id pid;
};

template <class Inspector>
auto inspect(Inspector& f, scheduler_step_msg& x) {
  return f(caf::meta::type_name("scheduler_step_msg"), x.pid);
}

struct scheduler_step_ack {
  real64 learning_rate{0.0}; ///< From now on.
};

template <class Inspector>
auto inspect(Inspector& f, scheduler_step_ack& x) {
  return f(caf::meta::type_name("scheduler_step_ack"), x.learning_rate);
}

/// Makes the particle resident and keeps it so until as many unpin_msg came.
struct pin_msg {
  particle_id pid;
};

template <class Inspector>
auto inspect(Inspector& f, pin_msg& x) {
  return f(caf::meta::type_name("pin_msg"), x.pid);
}

struct pin_ack {};

template <class Inspector>
auto inspect(Inspector& f, pin_ack&) {
  return f(caf::meta::type_name("pin_ack"));
}

/// Takes one pin back; errc::invalid_argument if there is none.
struct unpin_msg {
  particle_id pid;
};

template <class Inspector>
auto inspect(Inspector& f, unpin_msg& x) {
  return f(caf::meta::type_name("unpin_msg"), x.pid);
}

struct unpin_ack {};

template <class Inspector>
auto inspect(Inspector& f, unpin_ack&) {
  return f(caf::meta::type_name("unpin_ack"));
}

/// Scores the particle on the validation rows, and keeps a copy of it if it
/// never was better.
struct validate_msg {
  particle_id pid;
};

template <class Inspector>
auto inspect(Inspector& f, validate_msg& x) {
  return f(caf::meta::type_name("validate_msg"), x.pid);
}

/// errc::invalid_argument instead, if the run has no validation rows.
struct validate_ack {
  real64 score{0.0};    ///< Mean loss over the rows; lower is better.
  bool improved{false}; ///< Lower than every score before.
};

template <class Inspector>
auto inspect(Inspector& f, validate_ack& x) {
  return f(caf::meta::type_name("validate_ack"), x.score, x.improved);
}

/// Ends a particle's training: puts back the parameters that validated best, if
/// any were kept, and marks it as trained, so that a resume leaves it alone.
struct finish_msg {
  particle_id pid;
};

template <class Inspector>
auto inspect(Inspector& f, finish_msg& x) {
  return f(caf::meta::type_name("finish_msg"), x.pid);
}

struct finish_ack {
  std::uint64_t steps{0}; ///< Optimizer steps done in all.
  bool finished{true};
};

template <class Inspector>
auto inspect(Inspector& f, finish_ack& x) {
  return f(caf::meta::type_name("finish_ack"), x.steps, x.finished);
}

/// Where a particle stands in its training.
struct cursor_msg {
  particle_id pid;
};

template <class Inspector>
auto inspect(Inspector& f, cursor_msg& x) {
  return f(caf::meta::type_name("cursor_msg"), x.pid);
}

struct cursor_ack {
  std::uint64_t steps{0}; ///< Optimizer steps done.
  bool finished{false};   ///< Trained to the end.
};

template <class Inspector>
auto inspect(Inspector& f, cursor_ack& x) {
  return f(caf::meta::type_name("cursor_ack"), x.steps, x.finished);
}

/// Moves particles together by a rule of the registry ("svgd"), from their
/// parameters and scores. The worker asked moves its own; rows of particles on
/// other devices come with the request, their directions go back in the answer.
/// The result depends on the rows and on the order of `pids` alone.
struct group_update_msg {
  std::vector<particle_id> pids;
  std::string name{"svgd"};
  value args{value_dict{}};
  std::vector<particle_id> others;     ///< Those of `pids` that live elsewhere.
  std::vector<tensor_blob> parameters; ///< One [D] each, as in `others`.
  std::vector<tensor_blob> gradients;  ///< Likewise: their scores.
};

template <class Inspector>
auto inspect(Inspector& f, group_update_msg& x) {
  return f(caf::meta::type_name("group_update_msg"), x.pids, x.name, x.args,
           x.others, x.parameters, x.gradients);
}

/// errc::unknown_name, errc::unknown_particle or errc::non_finite instead.
struct group_update_ack {
  value diagnostics{value_dict{}};     ///< By name: bandwidth, distance, ...
  std::vector<tensor_blob> directions; ///< One [D] each, as in `others`.
};

template <class Inspector>
auto inspect(Inspector& f, group_update_ack& x) {
  return f(caf::meta::type_name("group_update_ack"), x.diagnostics,
           x.directions);
}

/// Some columns of the flat rows; of all kinds of rows the same.
struct row_columns {
  std::uint64_t first{0};
  std::uint64_t width{0}; ///< 0: all from `first` on.
};

template <class Inspector>
auto inspect(Inspector& f, row_columns& x) {
  return f(caf::meta::type_name("row_columns"), x.first, x.width);
}

/// Reads the flat rows of many particles of one worker.
struct gather_rows_msg {
  std::vector<particle_id> pids;
  bool with_gradients{false};
  row_columns columns;
};

template <class Inspector>
auto inspect(Inspector& f, gather_rows_msg& x) {
  return f(caf::meta::type_name("gather_rows_msg"), x.pids, x.with_gradients,
           x.columns);
}

struct gather_rows_ack {
  std::vector<tensor_blob> parameters; ///< One [D] a particle, as in `pids`.
  std::vector<tensor_blob> gradients;  ///< The same; none if not asked for.
};

template <class Inspector>
auto inspect(Inspector& f, gather_rows_ack& x) {
  return f(caf::meta::type_name("gather_rows_ack"), x.parameters, x.gradients);
}

/// Writes columns of the flat rows of many particles of one worker.
/// errc::unknown_particle, or errc::invalid_argument for another number or
/// length of rows.
struct write_rows_msg {
  std::vector<particle_id> pids;
  bool gradients{false}; ///< Into these, not into the parameters.
  row_columns columns;
  std::vector<tensor_blob> rows; ///< As in `pids`; or one, for all of them.
};

template <class Inspector>
auto inspect(Inspector& f, write_rows_msg& x) {
  return f(caf::meta::type_name("write_rows_msg"), x.pids, x.gradients,
           x.columns, x.rows);
}

struct write_rows_ack {};

template <class Inspector>
auto inspect(Inspector& f, write_rows_ack&) {
  return f(caf::meta::type_name("write_rows_ack"));
}

/// Makes one row of several, summed in their order.
struct reduce_rows_msg {
  std::vector<tensor_blob> rows; ///< One [P] each.
  bool mean{false};              ///< Their mean, not their sum.
};

template <class Inspector>
auto inspect(Inspector& f, reduce_rows_msg& x) {
  return f(caf::meta::type_name("reduce_rows_msg"), x.rows, x.mean);
}

struct reduce_rows_ack {
  tensor_blob row;
};

template <class Inspector>
auto inspect(Inspector& f, reduce_rows_ack& x) {
  return f(caf::meta::type_name("reduce_rows_ack"), x.row);
}

/// Some columns of all rows of a group that moves together, at one of the
/// devices that share the work: its own particles' are there, the others' come
/// with the request.
struct group_slice {
  std::vector<particle_id> pids; ///< Of the whole group, in its order.
  std::string name{"svgd"};      ///< Of the rule.
  row_columns columns;
  std::vector<particle_id> others;     ///< Those of `pids` that live elsewhere.
  std::vector<tensor_blob> parameters; ///< One [width] each, as in `others`.
  std::vector<tensor_blob> gradients;  ///< Likewise: their scores.
};

template <class Inspector>
auto inspect(Inspector& f, group_slice& x) {
  return f(caf::meta::type_name("group_slice"), x.pids, x.name, x.columns,
           x.others, x.parameters, x.gradients);
}

/// What this device adds to the group's plan.
struct group_partial_msg {
  group_slice slice;
  std::vector<std::uint64_t> widths; ///< Of the segments in the slice.
};

template <class Inspector>
auto inspect(Inspector& f, group_partial_msg& x) {
  return f(caf::meta::type_name("group_partial_msg"), x.slice, x.widths);
}

struct group_partial_ack {
  tensor_blob partial; ///< [segments, ...]
};

template <class Inspector>
auto inspect(Inspector& f, group_partial_ack& x) {
  return f(caf::meta::type_name("group_partial_ack"), x.partial);
}

/// Makes the plan of what all devices have added.
struct group_combine_msg {
  std::string name{"svgd"};
  value args{value_dict{}};
  std::vector<tensor_blob> partials; ///< In the order of their segments.
};

template <class Inspector>
auto inspect(Inspector& f, group_combine_msg& x) {
  return f(caf::meta::type_name("group_combine_msg"), x.name, x.args,
           x.partials);
}

struct group_combine_ack {
  value plan{value_dict{}};
  value diagnostics{value_dict{}};
  bool needs_whole{false}; ///< No plan: one device has to do it all.
};

template <class Inspector>
auto inspect(Inspector& f, group_combine_ack& x) {
  return f(caf::meta::type_name("group_combine_ack"), x.plan, x.diagnostics,
           x.needs_whole);
}

/// The directions' columns: of this device's particles into their gradient
/// rows, of the others into the answer.
struct group_directions_msg {
  group_slice slice;
  value plan{value_dict{}};
};

template <class Inspector>
auto inspect(Inspector& f, group_directions_msg& x) {
  return f(caf::meta::type_name("group_directions_msg"), x.slice, x.plan);
}

struct group_directions_ack {
  real64 largest{0.0};                 ///< Magnitude among them.
  std::vector<tensor_blob> directions; ///< One [width] each, as in `others`.
};

template <class Inspector>
auto inspect(Inspector& f, group_directions_ack& x) {
  return f(caf::meta::type_name("group_directions_ack"), x.largest,
           x.directions);
}

/// Moves particles along directions, by their own optimizers.
/// errc::unknown_particle, or errc::invalid_argument for another number or
/// length of rows.
struct ascend_msg {
  std::vector<particle_id> pids;
  /// One [D] a particle, as in `pids`: ascent directions of the log posterior.
  /// None: what their gradient rows hold.
  std::vector<tensor_blob> directions;
};

template <class Inspector>
auto inspect(Inspector& f, ascend_msg& x) {
  return f(caf::meta::type_name("ascend_msg"), x.pids, x.directions);
}

struct ascend_ack {};

template <class Inspector>
auto inspect(Inspector& f, ascend_ack&) {
  return f(caf::meta::type_name("ascend_ack"));
}

/// The whole particle: parameters, buffers, optimizer, moments, generator and
/// position in the data.
struct save_state_msg {
  particle_id pid;
};

template <class Inspector>
auto inspect(Inspector& f, save_state_msg& x) {
  return f(caf::meta::type_name("save_state_msg"), x.pid);
}

struct save_state_ack {
  value state{value_dict{}}; ///< What load_state_msg takes.
};

template <class Inspector>
auto inspect(Inspector& f, save_state_ack& x) {
  return f(caf::meta::type_name("save_state_ack"), x.state);
}

/// Makes the particle what it was when its state was saved, anywhere.
struct load_state_msg {
  particle_id pid;
  value state{value_dict{}};
};

template <class Inspector>
auto inspect(Inspector& f, load_state_msg& x) {
  return f(caf::meta::type_name("load_state_msg"), x.pid, x.state);
}

/// errc::corrupt_checkpoint instead, if the state is of another model: the
/// particle is left as it was.
struct load_state_ack {};

template <class Inspector>
auto inspect(Inspector& f, load_state_ack&) {
  return f(caf::meta::type_name("load_state_ack"));
}

} // namespace posse
