#include "actors/fuse_choice.hpp"

#include "actors/run_plan.hpp"
#include "runtime/compute/fuse_trial.hpp"
#include "runtime/compute/train_group.hpp"
#include "runtime/placement/chosen_nodes.hpp"
#include "runtime/placement/store_options.hpp"

#include <algorithm>

namespace posse {

namespace {

// By less, one run would choose this and the next one that.
constexpr double clearly = 0.9;

/// Devices and lanes that a run may use.
struct lanes_of_run {
  std::size_t lanes{0};
  std::size_t slots{0}; ///< 0: as many as there are particles
  bool cpus_alone{true};

  void add(const local_section& resources) {
    for (const auto& entry : resources.devices) {
      lanes += lanes_on(resources, entry);
      slots += static_cast<std::size_t>(resources.cache_size);
      cpus_alone = cpus_alone && entry.name.starts_with("cpu");
    }
  }
};

lanes_of_run lanes_of(const run_config& config) {
  lanes_of_run out;
  if (!config.cluster) {
    out.add(config.local);
    return out;
  }
  for (const auto& node : config.cluster->nodes)
    if (takes_node(config.run.nodes, node.name))
      out.add(node.resources);
  return out;
}

} // namespace

expected<fuse_mode> choose_fuse(const run_config& config,
                                const std::shared_ptr<const data_set>& data) {
  if (config.run.fuse != fuse_mode::automatic)
    return config.run.fuse;
  auto plan = make_run_plan(config, *data);
  if (!plan)
    return fail(std::move(plan));
  const auto where = lanes_of(config);
  auto together = static_cast<std::size_t>(plan->particles);
  if (where.slots > 0)
    together = std::min(together, where.slots);
  together /= std::max<std::size_t>(where.lanes, 1);
  if (!where.cpus_alone || together < 2
      || !can_group(plan->recipe.model, c10::Device{c10::kCPU}))
    return fuse_mode::off;
  auto recipe = compile(plan->recipe, data->train.size());
  if (!recipe)
    return fail(std::move(recipe));
  auto tried = try_groups(*recipe, data, plan->batch, together);
  // What fails here is the run's to say, if it fails there as well.
  return tried && tried->together_us < clearly * tried->one_by_one_us
             ? fuse_mode::on
             : fuse_mode::off;
}

} // namespace posse
