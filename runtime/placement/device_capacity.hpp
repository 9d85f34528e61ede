#pragma once

#include "runtime/config/run_config.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace posse {

/// With how many particles a device is full, for the placement `pack`: its
/// cache_size if that is given, else what its budget holds, else its lanes,
/// since more particles than lanes do not compute at once.
///
/// @param cache_size Particles resident at most; 0: not given.
/// @param budget_bytes Of the device; 0: none.
/// @param lanes Particles computed at once; > 0.
/// @param row_bytes Of one particle; > 0 if there is a budget and no
///   cache_size, and not read otherwise.
/// @returns 0 if the budget holds no particle.
std::size_t packing_capacity(std::size_t cache_size, std::uint64_t budget_bytes,
                             std::size_t lanes, std::int64_t row_bytes);

/// How many particles of a run a device gets at most, so that there is room for
/// them: exact where `run.placement` is explicit, all of the run's where it is
/// pack, else the device's share among those of its node, rounded up.
///
/// @param node Its name; not read for a run without nodes.
/// @param devices_of_node > 0.
/// @returns at least 1.
std::size_t most_particles_on(const run_config& config, std::string_view node,
                              std::string_view device,
                              std::size_t devices_of_node);

} // namespace posse
