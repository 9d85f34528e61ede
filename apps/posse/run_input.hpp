#pragma once

#include "apps/posse/run_session.hpp"
#include "messages/failure.hpp"
#include "runtime/config/run_config.hpp"

namespace posse {

/// The config of a run as its command line has it, complete. Starts nothing and
/// writes nothing, as all of these.
/// @returns what is wrong, in one line.
expected<run_config> load_run_input(const run_options& options);

/// Whether the files that it names are there.
expected<void> check_paths(const run_config& config);

/// Whether this machine has its devices, for a run without nodes.
expected<void> check_devices(const run_config& config);

} // namespace posse
