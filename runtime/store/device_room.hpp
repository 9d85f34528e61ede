#pragma once

#include "messages/failure.hpp"
#include "runtime/store/particle_store.hpp"

#include <cstddef>
#include <cstdint>

namespace posse {

/// How many slots a device gets for particles of `row_bytes`: as many as
/// `opts` says, else as many as it expects particles, as far as the budget
/// goes. An accelerator is tried: not every one says how much is free, nor in
/// how large pieces; where its slots come out of what is free, a quarter of
/// that is left to what steps need besides.
///
/// @returns at least 1; errc::out_of_memory, saying what is needed, what there
///   is, and the largest cache_size that fits.
expected<std::size_t> slots_for(const particle_store::options& opts,
                                std::int64_t row_bytes);

/// Where the particles of a device lie when all of them are there.
struct device_room {
  std::size_t slots{0}; ///< those of the device, used or not
  std::size_t on_host{0};
  std::size_t on_disk{0};
};

/// Spreads `particles` of `row_bytes` over slots, host memory and disk as a
/// particle_store does.
/// @returns errc::out_of_memory if they do not fit, saying how many do; what
///   slots_for() fails with.
expected<device_room> room_for(const particle_store::options& opts,
                               std::int64_t row_bytes, std::size_t particles);

/// The same for a device of another machine. What is free there is not to be
/// seen from here: where no limit is set, all have a slot.
expected<device_room> room_elsewhere(const particle_store::options& opts,
                                     std::int64_t row_bytes,
                                     std::size_t particles);

/// Bytes of this machine's memory that can still be had; 0 if the system does
/// not say.
std::int64_t available_host_bytes();

/// Why there is no room for a particle without a slot.
failure no_room_below(const lower_tiers::options& below, std::size_t slots,
                      std::int64_t row_bytes);

} // namespace posse
