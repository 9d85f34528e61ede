#pragma once

#include "actors/behavior.hpp"
#include "actors/particle_directory.hpp"
#include "actors/particle_interface.hpp"
#include "actors/task.hpp"
#include "messages/batch_ref.hpp"
#include "messages/compute_messages.hpp"
#include "messages/particle_id.hpp"
#include "messages/value.hpp"
#include "runtime/compute/reduce_rows.hpp"
#include "runtime/compute/seated_module.hpp"
#include "runtime/store/particle_view.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace posse {

class group_member;
class particle_state;

/// Where a particle stands in its training.
struct particle_cursor {
  std::int64_t steps{0}; ///< optimizer steps done
  bool finished{false};
  bool diverged{false}; ///< finished because its loss became no number
};

/// Flat rows of parameters and scores of several particles: one [P] each.
struct particle_rows_copy {
  std::vector<tensor_blob> parameters;
  std::vector<tensor_blob> gradients; ///< none if not asked for
};

/// What a behaviour's handler sees of its particle: PusH's verbs. A verb sends
/// a request and gives a response to co_await; nothing blocks.
///
/// Of a particle's requests to another particle, or to its own device, at most
/// `most_unanswered` (actors/outbox.hpp) are on their way. Further ones are
/// held back in their responses, and go as answers come: await them, one by one
/// or with when_all. Dropping one that is held back fails the handler with
/// errc::overloaded.
///
/// Computation (step, score, forward, ...) runs on the particle's device, one
/// operation of a particle at a time, in the order they were asked for.
class particle {
public:
  explicit particle(particle_state& state) : state_{state} {}
  particle(const particle&) = delete;
  particle& operator=(const particle&) = delete;

  particle_id pid() const noexcept;
  /// "cpu:0", "cuda:1", ...
  const std::string& device() const noexcept;
  /// All particles of the run, ascending.
  const std::vector<particle_id>& particle_ids() const noexcept;
  /// The same without this one.
  std::vector<particle_id> other_particles() const;
  /// What this particle's behaviour keeps between messages.
  value_dict& state() noexcept;
  /// True once the driver has asked to stop at the next consistent point: end
  /// the handler there; it will be launched again from the cursor.
  bool paused() const noexcept;

  /// One optimizer step on a batch: zero_grad, forward, loss, backward, step.
  response<step_ack> step(batch_ref batch);
  /// The score of the log posterior on a batch, left in the gradient row.
  response<gradient_ack> score(batch_ref batch);
  /// The raw outputs for `x`, in evaluation mode.
  response<tensor_blob> forward(tensor_blob x);
  /// Measures the validation part and remembers the parameters if they are the
  /// best so far.
  response<validate_ack> validate();
  /// Takes the parameters into what the particle remembers of its posterior;
  /// fails with errc::invalid_argument if its behaviour keeps no posterior.
  response<collect_ack> collect();
  /// Makes what the particle remembers of its posterior around its parameters,
  /// once they are trained: the first time that it is asked. Fails with
  /// errc::invalid_argument if its behaviour's posterior is not fitted.
  response<fit_ack> fit();
  /// One transition of Hamiltonian Monte Carlo over all training rows.
  /// @param leapfrogs Of a trajectory on average, > 0.
  /// @param wanted Share of proposals to accept, in (0, 1).
  /// @param adaptation Transitions in which the step size adapts, >= 0.
  response<transition_ack> transition(std::int64_t leapfrogs, double wanted,
                                      std::int64_t adaptation);
  /// Puts the best parameters back, if any were kept, and marks the particle
  /// as trained.
  response<particle_cursor> finish();
  /// Ends the training of a particle whose loss became no number: it stays as
  /// it is, named in the results, and predicts no more.
  response<particle_cursor> give_up();
  response<particle_cursor> cursor();
  response<zero_grad_ack> zero_grad();
  response<scheduler_step_ack> scheduler_step();

  /// Runs `f` on this particle's module, in its slot, alone, and gives what `f`
  /// returns: see seated_module and to_result(). `f(const seated_module&)`
  /// reads the particle, `f(seated_module&)` may change it. It runs on a lane
  /// of the device, perhaps after this handler has ended: it captures values.
  /// GCC 12 destroys a temporary of a `co_await` expression twice: give `f` a
  /// name first, and move it in.
  template <class F>
  response<value> with_module(F f) {
    return on_module(function_of_module(std::move(f)), {});
  }
  /// The same with a batch of the run's data: `f(module, const batch&)`.
  template <class F>
  response<value> with_module(batch_ref batch, F f) {
    return on_module(function_of_batch(std::move(f)), batch);
  }

  /// Runs the handler `msg` of particle `to` and gives what it returns.
  /// Fails with errc::unknown_particle or errc::unknown_message. Messages
  /// arrive in the order in which they were sent; of those that are held back,
  /// one that is awaited goes first.
  response<value> send(particle_id to, std::string msg, value args = {});
  /// A particle's parameters, gradients and buffers as they are when it is free
  /// to be read. Until it changes, everybody gets the same memory.
  response<particle_view> get(particle_id of);

  // Operations on several particles, wherever they live. Particles are named in
  // an order, and the result depends on that and on their rows alone: not on
  // where they live, nor on who answers first. Nothing else may change them
  // meanwhile, or it is seen by some and not by others.

  /// Moves all of `pids` together by the rule `name` ("svgd"), from their
  /// parameters and scores. If the rows are large, their devices share the
  /// work.
  task<value> update_group(std::string name, std::vector<particle_id> pids,
                           value args);
  /// A copy of the rows of all of `pids`, in their order.
  task<particle_rows_copy> gather(std::vector<particle_id> pids,
                                  bool with_gradients = false);
  /// Writes the parameter row [P] into all of `pids`.
  task<value> broadcast(std::vector<particle_id> pids, tensor_blob row);
  /// Replaces the parameters of all of `pids` by their sum or mean: summed in
  /// double in the order of `pids`, in blocks of columns that bound the memory.
  task<value> all_reduce(std::vector<particle_id> pids, reduction how);

  /// This particle's part in what others ask of a group.
  group_member& group() noexcept;

  /// Adds or replaces the handler of `msg`, with state merged into state().
  void register_receive(std::string msg, handler h, value_dict state = {});

  /// Tells the driver how far training is, after every step; cheap, sent at
  /// most every 50 ms. Losses make this particle's learning curve.
  /// @param validation The score of validate(), if it was asked after this
  ///   step.
  void report(std::int64_t step, std::int64_t steps, double loss,
              std::optional<double> validation = {});
  /// The same of a leader, for those of its particles that go on.
  /// @param losses Of `pids`, in that order; not empty.
  void report_all(std::int64_t step, std::int64_t steps,
                  std::span<const particle_id> pids,
                  std::span<const double> losses);

private:
  response<value> on_module(module_function f, std::optional<batch_ref> batch);

  particle_state& state_;
};

} // namespace posse
