#include "actors/run_placement.hpp"

#include "runtime/compute/recipe.hpp"
#include "runtime/placement/device_capacity.hpp"

#include <algorithm>

namespace posse {

namespace {

bool is_measured_in_bytes(const node_device& device) {
  return device.cache_size == 0 && device.capacity_bytes > 0;
}

/// Bytes of one particle if a capacity depends on them, else 0: a network has
/// to be made for it.
expected<std::int64_t> row_bytes_of(const run_plan& plan,
                                    const std::vector<run_node>& nodes) {
  if (std::ranges::none_of(nodes, [](const run_node& node) {
        return std::ranges::any_of(node.devices, is_measured_in_bytes);
      }))
    return 0;
  constexpr std::int64_t any_rows = 1; // the layout does not depend on them
  auto recipe = compile(plan.recipe, any_rows);
  if (!recipe)
    return fail(std::move(recipe));
  return (*recipe)->layout.row_bytes();
}

} // namespace

expected<placement> place_run(const run_config& config, const run_plan& plan,
                              const std::vector<run_node>& nodes) {
  auto policy = parse_placement_policy(config.run.placement);
  if (!policy)
    return fail(std::move(policy));
  std::int64_t row_bytes = 0;
  if (*policy == placement_policy::pack) {
    auto bytes = row_bytes_of(plan, nodes);
    if (!bytes)
      return fail(std::move(bytes));
    row_bytes = *bytes;
  }
  std::vector<placement_node> offered;
  for (const auto& node : nodes) {
    auto& devices = offered.emplace_back(placement_node{node.name, {}}).devices;
    for (const auto& device : node.devices) {
      std::size_t capacity = 0;
      if (*policy == placement_policy::pack)
        capacity = packing_capacity(device.cache_size, device.capacity_bytes,
                                    device.lanes, row_bytes);
      devices.push_back({device.name, capacity});
    }
  }
  return placement::make(*policy, std::move(offered), config.run.places);
}

} // namespace posse
