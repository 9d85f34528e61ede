#pragma once

#include "messages/batch_ref.hpp"
#include "messages/inspection.hpp"
#include "messages/particle_id.hpp"
#include "messages/real64.hpp"

#include <cstdint>

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

/// Outputs of the particle's posterior for all rows of a part of the data set,
/// without gradients; the particle stays as it is.
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
  /// [B, outputs...], in the order of the rows; of a posterior that is drawn
  /// from [draws, B, outputs...].
  tensor_blob outputs;
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

/// Takes the particle's parameters into what it remembers of its posterior.
struct collect_msg {
  particle_id pid;
};

template <class Inspector>
auto inspect(Inspector& f, collect_msg& x) {
  return f(caf::meta::type_name("collect_msg"), x.pid);
}

/// errc::invalid_argument instead, if it remembers nothing.
struct collect_ack {
  std::uint64_t collected{0}; ///< How often it has, this time included.
};

template <class Inspector>
auto inspect(Inspector& f, collect_ack& x) {
  return f(caf::meta::type_name("collect_ack"), x.collected);
}

/// Makes what a trained particle remembers of its posterior, around its
/// parameters, from all training rows; only once.
struct fit_msg {
  particle_id pid;
};

template <class Inspector>
auto inspect(Inspector& f, fit_msg& x) {
  return f(caf::meta::type_name("fit_msg"), x.pid);
}

/// What was found, now or the first time. errc::invalid_argument instead, if
/// its posterior is not fitted; errc::non_finite.
struct fit_ack {
  real64 prior_precision{0.0}; ///< Of the parameters that are not fixed.
  real64 log_evidence{0.0};    ///< Of all training rows, nats.
};

template <class Inspector>
auto inspect(Inspector& f, fit_ack& x) {
  return f(caf::meta::type_name("fit_ack"), x.prior_precision, x.log_evidence);
}

/// One transition of Hamiltonian Monte Carlo over all training rows.
struct transition_msg {
  particle_id pid;
  std::uint64_t leapfrogs{20}; ///< Of a trajectory on average, > 0.
  real64 wanted{0.8};          ///< Share of proposals to accept, in (0, 1).
  std::uint64_t adaptation{0}; ///< Transitions in which the step size adapts.
};

template <class Inspector>
auto inspect(Inspector& f, transition_msg& x) {
  return f(caf::meta::type_name("transition_msg"), x.pid, x.leapfrogs, x.wanted,
           x.adaptation);
}

/// errc::non_finite instead, if the potential is no number where the chain is.
struct transition_ack {
  real64 accepted{0.0};  ///< The proposal's probability of being accepted.
  real64 step_size{0.0}; ///< Of the trajectory.
  real64 potential{0.0}; ///< U of where the chain is now, nats.
  bool diverged{false};  ///< The trajectory left the energy's level for good.
  std::uint64_t step{0}; ///< Transitions of the chain so far.
};

template <class Inspector>
auto inspect(Inspector& f, transition_ack& x) {
  return f(caf::meta::type_name("transition_ack"), x.accepted, x.step_size,
           x.potential, x.diverged, x.step);
}

/// Ends a particle's training: puts back the parameters that validated best, if
/// any were kept, and marks it as trained, so that a resume leaves it alone.
struct finish_msg {
  particle_id pid;
  /// Its loss became no number: it ends where it is, and predicts no more.
  bool diverged{false};
};

template <class Inspector>
auto inspect(Inspector& f, finish_msg& x) {
  return f(caf::meta::type_name("finish_msg"), x.pid, x.diverged);
}

struct finish_ack {
  std::uint64_t steps{0}; ///< Optimizer steps done in all.
  bool finished{true};
  bool diverged{false}; ///< As cursor_ack says.
};

template <class Inspector>
auto inspect(Inspector& f, finish_ack& x) {
  return f(caf::meta::type_name("finish_ack"), x.steps, x.finished, x.diverged);
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
  bool finished{false};   ///< Trained to the end, or diverged.
  bool diverged{false};   ///< Its loss became no number in the step after.
};

template <class Inspector>
auto inspect(Inspector& f, cursor_ack& x) {
  return f(caf::meta::type_name("cursor_ack"), x.steps, x.finished, x.diverged);
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
