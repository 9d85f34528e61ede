#include "runtime/placement/store_options.hpp"

#include "runtime/device/device_id.hpp"
#include "runtime/placement/device_capacity.hpp"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <thread>

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

std::size_t lanes_on(const local_section& resources,
                     const device_entry& entry) {
  const auto is_cpu = [](const device_entry& d) {
    return d.name.starts_with("cpu");
  };
  if (resources.lanes > 0)
    return static_cast<std::size_t>(resources.lanes);
  if (!is_cpu(entry))
    return 1;
  const auto cpus = std::ranges::count_if(resources.devices, is_cpu);
  return std::max<std::size_t>(
      std::thread::hardware_concurrency() / static_cast<std::size_t>(cpus), 1);
}

expected<void> check_disk_path(const local_section& resources) {
  std::error_code error;
  if (resources.disk_bytes == 0
      || std::filesystem::is_directory(resources.disk_path, error))
    return {};
  return fail(errc::invalid_config, "expected a folder as disk_path, got "
                                        + resources.disk_path.string()
                                        + ", which is none");
}

} // namespace posse
