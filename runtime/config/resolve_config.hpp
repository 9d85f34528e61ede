#pragma once

#include "messages/failure.hpp"
#include "runtime/config/known_names.hpp"
#include "runtime/config/run_config.hpp"

#include <filesystem>

namespace posse {

/// Fills in the defaults that depend on other settings (rules.hpp) and checks
/// what no key can check alone: what is required, keys that were given but are
/// not used, values that do not go together.
///
/// @param config Every setting valid by itself; `origins` tells the given ones.
/// @param folder Absolute; what the default of `run.out` is relative to.
/// @returns errc::invalid_config, as `FILE:LINE: KEY: ...`.
[[nodiscard]] expected<void> resolve_config(run_config& config,
                                            const std::filesystem::path& folder,
                                            const known_names& names);

} // namespace posse
