#include "runtime/placement/store_options.hpp"

#include "runtime/device/device_id.hpp"
#include "runtime/placement/device_capacity.hpp"

namespace posse {

expected<particle_store::options> store_options(const run_config& config,
                                                const local_section& resources,
                                                std::string_view node,
                                                const device_entry& entry) {
  auto id = parse_device(entry.name);
  if (!id)
    return fail(std::move(id));
  auto policy = parse_cache_policy(resources.cache_policy);
  if (!policy)
    return fail(std::move(policy));
  particle_store::options out;
  out.device = to_torch(*id);
  out.capacity = static_cast<std::size_t>(resources.cache_size);
  out.budget_bytes = entry.bytes;
  out.expected_particles =
      most_particles_on(config, node, entry.name, resources.devices.size());
  out.policy = *policy;
  out.prefetch = resources.prefetch;
  out.below = {resources.host_bytes, resources.disk_bytes, resources.disk_path};
  return out;
}

} // namespace posse
