#pragma once

#include "messages/failure.hpp"
#include "runtime/config/run_config.hpp"

namespace posse {

/// Checks that a run with the settings `saved` may go on with the settings
/// `now`. Where it runs and what it writes on the side may change (`run.out`,
/// `run.checkpoint_every`, `run.trace`, all of [local]); what its results
/// depend on may not. `run.fuse = "auto"` goes with any saved mode: the choice
/// made then stays.
///
/// @returns errc::invalid_config naming the first key that differs, in the
/// order
///   of config_schema(): `energy.toml:9: infer.batch: expected 100 as in the
///   saved run, got 50`.
[[nodiscard]] expected<void> check_resumable(const run_config& saved,
                                             const run_config& now);

} // namespace posse
