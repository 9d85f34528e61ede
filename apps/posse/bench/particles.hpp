#pragma once

#include "actors/push_distribution.hpp"
#include "apps/posse/bench/workload.hpp"
#include "messages/failure.hpp"

#include <cstdint>
#include <memory>
#include <string>

namespace posse::bench {

/// Handlers that the particles of start_particles() have beside those of their
/// algorithm:
/// - steps_message, an int K: takes K steps on the fixed batches in turn;
/// - echo_message: gives its arguments back;
/// - ping_message, an int R: asks particle 1 for R echoes, one after the other;
///   gives the nanoseconds that took, as an int.
inline constexpr auto steps_message = "BENCH_STEPS";
inline constexpr auto echo_message = "BENCH_ECHO";
inline constexpr auto ping_message = "BENCH_PING";

/// Starts the run of `work` with so many particles and lanes.
expected<std::unique_ptr<push_distribution>>
start_particles(const workload& work, std::int64_t particles,
                std::int64_t lanes);

/// Launches a handler on every particle and waits for all.
/// @returns the first failure.
expected<void> run_on_all(push_distribution& particles, const std::string& msg,
                          const value& args);

} // namespace posse::bench
