#include "runtime/placement/device_capacity.hpp"

#include <algorithm>
#include <cassert>
#include <string>

namespace posse {

std::size_t packing_capacity(std::size_t cache_size, std::uint64_t budget_bytes,
                             std::size_t lanes, std::int64_t row_bytes) {
  if (cache_size > 0)
    return cache_size;
  if (budget_bytes == 0)
    return lanes;
  assert(row_bytes > 0);
  return static_cast<std::size_t>(budget_bytes
                                  / static_cast<std::uint64_t>(row_bytes));
}

std::size_t most_particles_on(const run_config& config, std::string_view node,
                              std::string_view device,
                              std::size_t devices_of_node) {
  const auto all = static_cast<std::size_t>(config.infer.particles);
  if (config.run.placement == "pack")
    return all;
  if (config.run.placement == "explicit") {
    std::string place{device};
    if (config.cluster)
      place = std::string{node} + '/' + place;
    return static_cast<std::size_t>(std::max<std::ptrdiff_t>(
        std::ranges::count(config.run.places, place), 1));
  }
  return (all + devices_of_node - 1) / devices_of_node;
}

} // namespace posse
