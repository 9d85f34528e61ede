#include "runtime/store/device_room.hpp"

#include "runtime/core/guarded.hpp"
#include "runtime/store/bank.hpp"

#include <ATen/ATen.h>
#include <c10/util/StringUtil.h>

#include <algorithm>
#include <fstream>
#include <string>

namespace posse {

namespace {

// Slots reserved for particles whose number nobody announced: rows take
// address space only until they are used.
constexpr std::size_t default_slots = 4096;

/// Whether so many rows can be had: false for want of memory only.
expected<bool> is_there(std::size_t slots, std::int64_t row_bytes,
                        c10::Device device) {
  auto tried = guarded("rows", [&] {
    const bank_rows all{slots, row_bytes, device};
  });
  if (!tried && tried.error().code != errc::out_of_memory)
    return fail(std::move(tried));
  return tried.has_value();
}

// How many rows can be had at once, fewer than `too_many`.
std::size_t slots_that_fit(std::size_t too_many, std::int64_t row_bytes,
                           c10::Device device) {
  std::size_t fit = 0;
  while (too_many - fit > 1) {
    const auto tried = fit + (too_many - fit) / 2;
    (is_there(tried, row_bytes, device).value_or(false) ? fit : too_many) =
        tried;
  }
  return fit;
}

failure no_room(std::size_t slots, std::int64_t row_bytes, std::size_t most) {
  const auto bytes = [&](std::size_t n) {
    return std::to_string(static_cast<std::int64_t>(n) * row_bytes);
  };
  return {errc::out_of_memory,
          "room for " + std::to_string(slots) + " particles needs "
              + bytes(slots) + " bytes, " + std::to_string(row_bytes)
              + " each; "
              + (most == 0 ? "not even one fits"
                           : "the largest cache_size that fits is "
                                 + std::to_string(most) + ", with "
                                 + bytes(most) + " bytes")};
}

std::size_t rows_in(std::int64_t bytes, std::int64_t row_bytes) {
  return static_cast<std::size_t>(bytes / std::max<std::int64_t>(row_bytes, 1));
}

/// As many as the options say, or as their budget of `budget` bytes holds; 0:
/// no limit.
expected<std::size_t> wanted_slots(const particle_store::options& opts,
                                   std::int64_t budget,
                                   std::int64_t row_bytes) {
  if (opts.capacity > 0)
    return opts.capacity;
  const auto all =
      opts.expected_particles > 0 ? opts.expected_particles : default_slots;
  const auto slots =
      budget > 0 ? std::min(all, rows_in(budget, row_bytes)) : all;
  if (slots == 0)
    return fail(errc::out_of_memory,
                c10::str("one particle needs ", row_bytes,
                         " bytes, the device has room for ", budget));
  return slots;
}

expected<device_room> spread(const lower_tiers::options& below,
                             std::size_t slots, std::int64_t row_bytes,
                             std::size_t particles) {
  const auto without = particles - std::min(particles, slots);
  const auto on_host =
      below.host_bytes > 0
          ? std::min(without, rows_in(below.host_bytes, row_bytes))
          : without;
  const auto on_disk = without - on_host;
  if (on_disk > rows_in(below.disk_bytes, row_bytes)) {
    auto why = no_room_below(below, slots, row_bytes);
    why.message +=
        c10::str("; for ", particles, " particles set disk_bytes to at least ",
                 static_cast<std::int64_t>(on_disk) * row_bytes);
    return tl::unexpected{std::move(why)};
  }
  return device_room{slots, on_host, on_disk};
}

} // namespace

expected<std::size_t> slots_for(const particle_store::options& opts,
                                std::int64_t row_bytes) {
  const auto budget = opts.budget_bytes == 0 && opts.device.is_cpu()
                          ? available_host_bytes() / 2
                          : opts.budget_bytes;
  auto slots = wanted_slots(opts, budget, row_bytes);
  if (!slots)
    return slots;
  auto there = is_there(*slots, row_bytes, opts.device);
  if (!there)
    return fail(std::move(there));
  if (*there)
    return slots;
  const auto most = slots_that_fit(*slots, row_bytes, opts.device);
  if (opts.capacity > 0 || most == 0)
    return tl::unexpected{no_room(*slots, row_bytes, most)};
  return std::max<std::size_t>(most - most / 4, 1);
}

expected<device_room> room_for(const particle_store::options& opts,
                               std::int64_t row_bytes, std::size_t particles) {
  auto slots = slots_for(opts, row_bytes);
  if (!slots)
    return fail(std::move(slots));
  return spread(opts.below, *slots, row_bytes, particles);
}

expected<device_room> room_elsewhere(const particle_store::options& opts,
                                     std::int64_t row_bytes,
                                     std::size_t particles) {
  auto slots = wanted_slots(opts, opts.budget_bytes, row_bytes);
  if (!slots)
    return fail(std::move(slots));
  return spread(opts.below, *slots, row_bytes, particles);
}

std::int64_t available_host_bytes() {
  std::ifstream file{"/proc/meminfo"};
  std::string key;
  std::int64_t kib = 0;
  for (std::string unit; file >> key >> kib; std::getline(file, unit))
    if (key == "MemAvailable:")
      return kib * 1024;
  return 0;
}

failure no_room_below(const lower_tiers::options& below, std::size_t slots,
                      std::int64_t row_bytes) {
  return {errc::out_of_memory,
          c10::str("a particle needs ", row_bytes, " bytes; there are ", slots,
                   " slots, and host memory (host_bytes = ", below.host_bytes,
                   ") and disk (disk_bytes = ", below.disk_bytes,
                   ") have room for ", lower_tiers{below}.room_for(row_bytes),
                   " more particles")};
}

} // namespace posse
