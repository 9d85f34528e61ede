#pragma once

#include "actors/push_distribution.hpp"
#include "messages/failure.hpp"
#include "runtime/checkpoint/run_log.hpp"

#include <filesystem>

namespace posse {

/// Writes what a traced run has recorded so far to `path`; says in one line
/// each on stderr, and in the log, what is not in it.
/// @returns errc::io_error.
expected<void> save_trace(push_distribution& particles,
                          const std::filesystem::path& path, run_log& log);

} // namespace posse
