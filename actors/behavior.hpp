#pragma once

#include "actors/task.hpp"
#include "messages/failure.hpp"
#include "messages/value.hpp"
#include "runtime/config/known_names.hpp"
#include "runtime/core/registry.hpp"

#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace posse {

class particle;

/// What a particle does when it gets a message: a coroutine on the particle's
/// verbs. `args` is taken by value; what it returns is the answer.
using handler = std::function<task<value>(particle& self, value args)>;

/// A named set of handlers: what a particle of an algorithm can be asked. One
/// immutable object serves all particles of a node; what a particle keeps to
/// itself is in particle::state().
struct behavior {
  std::map<std::string, handler, std::less<>> handlers;
  /// The message that starts training.
  std::string entry{"TRAIN"};
  /// True if particle 0 leads: only it gets `entry`.
  bool led{false};
  /// True if particles exchange scores: they keep a gradient row, and the prior
  /// enters the score instead of the optimizer.
  bool exchanges_scores{false};
  /// The distribution that each particle stands for (local_posterior_spec's
  /// kind): "none", "swag", "dropout", "samples", "laplace", "variational".
  std::string posterior{"none"};
  /// True if training ends with the parameters that validated best; never so
  /// where particle 0 leads.
  bool keeps_best{true};
  /// False if particles do not train by steps on batches, so that there is
  /// nothing that several could compute together.
  bool steps_on_batches{true};
  /// The optimizer, in place of the config's; empty: the config's.
  std::string optimizer{};
};

/// The behaviours that a run can name. Built-in: deep_ensemble, svgd, swag,
/// multi_swag (swag by its other name), mc_dropout; sgld, psgld and sghmc (one
/// behaviour with three optimizers), hmc, laplace, vi. A plugin's are added
/// before the run starts.
registry<behavior>& behaviors();

/// What a config may name, from the registries as they are now: built-in and
/// plugins'.
known_names registered_names();

/// A handler by its name "behaviour.MESSAGE", such as "svgd.SVGD_STEP".
/// @returns errc::unknown_name, listing the known ones.
expected<handler> find_handler(std::string_view name);

} // namespace posse
