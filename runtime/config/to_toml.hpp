#pragma once

#include "runtime/config/cluster_config.hpp"
#include "runtime/config/run_config.hpp"

#include <string>

namespace posse {

/// `config` as a TOML file: every key that is set and used, with what it is as
/// a comment. Paths stand as they are, absolute once resolved, so that the file
/// may lie anywhere. A resolved config loads back equal, but for the secret of
/// its cluster, which is never written.
std::string to_toml(const run_config& config);

/// The same for a cluster alone.
std::string to_toml(const cluster_config& config);

} // namespace posse
