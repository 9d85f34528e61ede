#pragma once

#include "messages/failure.hpp"
#include "runtime/config/run_config.hpp"
#include "runtime/store/particle_store.hpp"

#include <string_view>

namespace posse {

/// What a config says of the particles that a device of a node holds.
///
/// @param resources The node's; `entry` is one of its devices.
/// @param node Its name; not read for a run without nodes.
/// @returns errc::unknown_name for a cache policy, errc::invalid_argument for a
///   device's name.
expected<particle_store::options> store_options(const run_config& config,
                                                const local_section& resources,
                                                std::string_view node,
                                                const device_entry& entry);

} // namespace posse
