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
///   gives the nanoseconds that took, as an int;
/// - push_message, {bytes, to}: sends particle `to` so many bytes of tensors;
///   gives {nanoseconds, extra_bytes here, extra_bytes there}: what the push
///   took at most beside the tensors themselves;
/// - latencies_message: asks particle `to` of {to} for echoes until it gets
///   stop_message; gives {count, p50, p99, max}, in microseconds.
inline constexpr auto steps_message = "BENCH_STEPS";
inline constexpr auto echo_message = "BENCH_ECHO";
inline constexpr auto ping_message = "BENCH_PING";
inline constexpr auto push_message = "BENCH_PUSH";
inline constexpr auto latencies_message = "BENCH_LATENCIES";
inline constexpr auto stop_message = "BENCH_STOP";

/// Makes the handlers known to the process.
void add_bench_behavior();

/// Starts the run of `work` with so many particles and lanes.
/// @param fuse Whether they compute together; automatic: as posse chooses.
/// @param cluster Nodes to run on, one particle after the other in turn;
///   nullptr: this process.
expected<std::unique_ptr<push_distribution>>
start_particles(const workload& work, std::int64_t particles,
                std::int64_t lanes, fuse_mode fuse = fuse_mode::off,
                const cluster_config* cluster = nullptr);

/// Launches a handler on every particle and waits for all.
/// @returns the first failure.
expected<void> run_on_all(push_distribution& particles, const std::string& msg,
                          const value& args);

} // namespace posse::bench
