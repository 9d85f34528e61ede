#pragma once

#include "actors/push_distribution.hpp"

#include <cstdint>

namespace posse::bench {

/// Has each of the particles of start_particles() take `steps` steps.
/// @returns microseconds a particle-step.
expected<double> time_particle_steps(push_distribution& run,
                                     std::int64_t particles,
                                     std::int64_t steps);

/// How many steps of all particles fill a repetition, at least 4.
/// @param us A particle-step.
std::int64_t steps_of_repetition(double us, std::int64_t particles) noexcept;

} // namespace posse::bench
