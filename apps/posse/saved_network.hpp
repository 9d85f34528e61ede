#pragma once

#include "messages/failure.hpp"
#include "runtime/checkpoint/particle_record.hpp"
#include "runtime/model/model_spec.hpp"
#include "runtime/model/network.hpp"

#include <memory>

namespace posse {

/// Builds the network of a particle in a checkpoint, in evaluation mode, on the
/// CPU: no actor, no device.
///
/// @returns what make_network() fails with; errc::corrupt_checkpoint naming a
///   tensor that is missing or of another shape or dtype.
expected<std::shared_ptr<network>> load_network(const model_spec& spec,
                                                const particle_record& record);

} // namespace posse
