#pragma once

#include "messages/hello.hpp"
#include "runtime/config/cluster_config.hpp"

#include <string>

namespace posse {

/// What this process says to others of the cluster.
///
/// @param node The node that speaks, or that is spoken to.
/// @returns the hello, its incarnation drawn anew; errc::backend_error if the
///   cluster cannot be hashed.
expected<hello> own_hello(const cluster_config& cluster, std::string node);

} // namespace posse
