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

/// Particles computed at once on a device of a node: where the config leaves it
/// open, the machine's cores are shared by its CPU devices; other devices'
/// lanes are streams, one each.
std::size_t lanes_on(const local_section& resources, const device_entry& entry);

/// Whether this machine has the folder for particles on disk, if any may go
/// there.
/// @returns errc::invalid_config: "expected a folder as disk_path, got ...".
expected<void> check_disk_path(const local_section& resources);

} // namespace posse
