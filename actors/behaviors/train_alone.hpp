#pragma once

#include "actors/task.hpp"
#include "messages/value.hpp"

namespace posse {

class particle;

/// The handler of particles that train independently of each other: steps from
/// the particle's cursor to the end, or until paused, validates and collects
/// after the steps that say so, and finishes, or gives up where its loss is no
/// number.
///
/// @param args `train_args`.
/// @returns {steps, finished, loss}, the loss that of the last step.
task<value> train_alone(particle& self, value args);

} // namespace posse
