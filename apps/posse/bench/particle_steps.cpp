#include "apps/posse/bench/particle_steps.hpp"

#include "apps/posse/bench/interleave.hpp"
#include "apps/posse/bench/particles.hpp"

#include <algorithm>

namespace posse::bench {

expected<double> time_particle_steps(push_distribution& run,
                                     std::int64_t particles,
                                     std::int64_t steps) {
  const auto start = clock::now();
  if (auto done = run_on_all(run, steps_message, steps); !done)
    return fail(std::move(done));
  return us_since(start) / static_cast<double>(particles * steps);
}

std::int64_t steps_of_repetition(double us, std::int64_t particles) noexcept {
  constexpr std::int64_t least = 4;
  return std::max(static_cast<std::int64_t>(
                      repetition_us / (us * static_cast<double>(particles))),
                  least);
}

} // namespace posse::bench
