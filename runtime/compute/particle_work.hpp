#pragma once

#include "messages/failure.hpp"
#include "messages/value.hpp"
#include "runtime/data/data_set.hpp"
#include "runtime/store/particle_store.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// What a lane does to one particle in its slot. Each function wants the lease
/// settled, runs on the calling thread, and on others only where share_work()
/// finds help, and throws nothing; a failure's message says what happened, the
/// caller adds particle and device.
namespace posse {

/// A particle in its slot.
struct seated_particle {
  particle_entry& entry;
  slot& seat;

  const compiled_recipe& recipe() const { return *entry.family->recipe; }
};

/// Gives a fresh particle its first bytes: a new network, its random numbers
/// from the particle's own stream, zeroed moments.
///
/// @param train_key Seeds the particle's generator: derive_seed(run seed, pid,
///   "particle").
expected<void> initialize(seated_particle p, std::uint64_t train_key);

/// What one optimizer step reports.
struct step_report {
  double loss{0};       ///< before the step, the batch's mean
  std::int64_t step{0}; ///< steps done, this one included
};

/// zero_grad, forward, loss, backward, optimizer step and schedule step on one
/// batch. The prior enters as an L2 term with weight 1 / (std^2 N).
///
/// @param x [B, ...] inputs, float32, on the host or the slot's device.
/// @param y Targets as the loss wants them, on the host.
/// @returns errc::non_finite if the loss is NaN or infinite (the parameters
///   are then unchanged); errc::backend_error.
expected<step_report> train_step(seated_particle p, const at::Tensor& x,
                                 const at::Tensor& y);

/// Writes the score of the log posterior, (N/B) sum grad log likelihood +
/// grad log prior, into the particle's gradient row. Changes no parameter.
///
/// @returns the batch's mean loss; errc::non_finite; errc::invalid_argument if
///   the recipe has no gradient row.
expected<double> score(seated_particle p, const at::Tensor& x,
                       const at::Tensor& y);

/// The raw outputs [rows, K] of the particle's own parameters, on the host, for
/// `x` [rows, ...], in evaluation mode, without autograd, in chunks as
/// evaluate() says.
expected<at::Tensor> predict(seated_particle p, const at::Tensor& x);

/// The raw outputs of the particle's posterior, as above: [draws, rows, K], or
/// [rows, K] if it is its parameters alone. Draw s follows from the posterior's
/// seed, the pid and s; the particle is afterwards what it was. Statistics of
/// batches are estimated anew for each draw of parameters (Maddox et al. 2019,
/// section 3.2), from the training part.
///
/// @returns errc::non_finite for a particle that has diverged;
///   errc::invalid_argument if nothing was collected, or, with
///   `predict_posterior`, for a network with statistics of batches.
expected<at::Tensor> predict_posterior(seated_particle p, const at::Tensor& x);
/// The same for a part of the data set.
expected<at::Tensor> predict_part(seated_particle p, const data_set& data,
                                  data_part part);

/// Takes the parameters into what the particle remembers of its posterior.
/// @returns how many times it has; errc::invalid_argument if it remembers none.
expected<std::int64_t> collect(seated_particle p);

/// The mean of the recipe's scoring rule over a validation part: the negative
/// log likelihood, or the mean squared error of a head without variance, in
/// double. If it is the best so far, parameters and buffers are copied to the
/// particle's best row.
///
/// @returns score and whether it is a best; errc::invalid_argument if the
///   recipe keeps no best row or the data set has no validation part.
struct validation_report {
  double score{0};
  bool improved{false};
};
expected<validation_report> validate(seated_particle p, const data_set& data);

/// Clears the gradients, those in the gradient row included.
void zero_grad(seated_particle p);

/// Puts the best parameters and buffers back, if validate() ever kept any.
expected<void> restore_best(seated_particle p);

// -- on rows, wherever they lie ----------------------------------------------

/// A particle and its row.
struct row_particle {
  particle_entry& entry;
  at::Tensor row;
};

/// Moves each particle along `phi` (an ascent direction in its gradient row) by
/// its optimizer; flat over the rows, so that no module is needed.
/// share_work() finds help, except for rows on an accelerator.
expected<void> ascend(std::span<const row_particle> ps);

/// Moves the learning rate's schedule one step on.
/// @returns the learning rate from now on.
double step_schedule(particle_entry& entry);

/// The parameters as one tensor [parameter_width], padding included (zeros).
at::Tensor parameter_row(const particle_entry& entry, const at::Tensor& row);
/// The gradient row, likewise; undefined if the recipe has none.
at::Tensor gradient_row(const particle_entry& entry, const at::Tensor& row);

// -- state
// ---------------------------------------------------------------------

/// One tensor of a particle's state and the name it has in a checkpoint.
struct state_tensor {
  std::string name;
  tensor_blob blob;
};

/// A particle's whole state, as it goes into a checkpoint.
struct particle_snapshot {
  particle_id pid;
  std::vector<state_tensor> parameters; ///< in the state dict's order
  std::vector<state_tensor> others;     ///< buffers, moments, best, generator
  value_dict cursor; ///< steps, version, best score (by bits), ...
};

/// Copies the state out of the row; errc::backend_error.
expected<particle_snapshot> snapshot(const particle_entry& entry,
                                     const at::Tensor& row);

value to_value(const particle_snapshot& x);
/// @returns errc::malformed naming what is missing or of another type.
expected<particle_snapshot> snapshot_from_value(const value& x);

/// Writes a snapshot into the row and the entry.
/// @returns errc::corrupt_checkpoint naming a tensor that is missing or of
///   another shape or dtype.
expected<void> restore(particle_entry& entry, const at::Tensor& row,
                       const particle_snapshot& from);

/// The parameters alone, copied; in the state dict's order.
expected<std::vector<state_tensor>> parameters(const particle_entry& entry,
                                               const at::Tensor& row);

} // namespace posse
