#include "actors/fuse_choice.hpp"

#include "actors/run_plan.hpp"
#include "messages/version.hpp"
#include "runtime/compute/fuse_trial.hpp"
#include "runtime/compute/train_group.hpp"
#include "runtime/device/device_info.hpp"
#include "runtime/device/portable_bits.hpp"
#include "runtime/placement/chosen_nodes.hpp"
#include "runtime/placement/store_options.hpp"

#include <c10/util/ArrayRef.h>
#include <c10/util/StringUtil.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <string>

namespace posse {

namespace {

// By less, one run would choose this and the next one that.
constexpr double clearly = 0.9;

/// Devices and lanes that a run may use.
struct lanes_of_run {
  std::size_t lanes{0};
  std::size_t lanes_of_one{0}; ///< of the device that has most
  std::size_t slots{0};        ///< 0: as many as there are particles
  bool cpus_alone{true};

  void add(const local_section& resources) {
    for (const auto& entry : resources.devices) {
      const auto here = lanes_on(resources, entry);
      lanes += here;
      lanes_of_one = std::max(lanes_of_one, here);
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

using data_ptr = std::shared_ptr<const data_set>;

/// A trial that is worth making.
struct planned_trial {
  std::string what; ///< for people, and to tell it from others
  std::function<expected<fuse_trial>(std::shared_ptr<const compiled_recipe>)>
      make;
};

/// None if particles cannot compute in groups.
std::optional<planned_trial> trial_of_groups(const run_plan& plan,
                                             const data_ptr& data,
                                             const lanes_of_run& where) {
  auto together = static_cast<std::size_t>(plan.particles);
  if (where.slots > 0)
    together = std::min(together, where.slots);
  together /= std::max<std::size_t>(where.lanes, 1);
  if (together < 2 || !can_group(plan.recipe.model, c10::Device{c10::kCPU}))
    return std::nullopt;
  return planned_trial{
      c10::str("groups of ", together), [&plan, data, together](auto recipe) {
        return try_groups(std::move(recipe), data, plan.batch, together);
      }};
}

/// None if a batch cannot be parted, or there is nobody to share it.
std::optional<planned_trial> trial_of_parts(const run_plan& plan,
                                            const data_ptr& data,
                                            const lanes_of_run& where) {
  const auto lanes = where.lanes_of_one;
  if (lanes < 2 || plan.recipe.batch_parts < 2)
    return std::nullopt;
  return planned_trial{
      c10::str("cut for ", lanes, " lanes"), [&plan, data, lanes](auto recipe) {
        return try_parts(std::move(recipe), data, plan.batch, lanes);
      }};
}

/// What a trial's times depend on; of a plugin's model no more than its name.
std::string key_of(const run_plan& plan, const std::string& what) {
  const auto& recipe = plan.recipe;
  const auto& model = recipe.model;
  return c10::str("posse ", version, ", ", cpu_name(), ", ", cpu_capability(),
                  ": ", what, ", batches of ", plan.batch, ", ", model.kind,
                  " inputs ", c10::IntArrayRef{model.inputs}, " hidden ",
                  c10::IntArrayRef{model.hidden}, " ", model.activation,
                  " targets ", model.targets, " ", model.head, " dropout ",
                  model.dropout, " prior ", model.prior_scale, ", ",
                  recipe.loss, ", ", recipe.optimizer.kind);
}

} // namespace

expected<fuse_mode> choose_fuse(const run_config& config,
                                const std::shared_ptr<const data_set>& data,
                                const trial_cache& known) {
  if (config.run.fuse != fuse_mode::automatic)
    return config.run.fuse;
  auto fused = config;
  fused.run.fuse = fuse_mode::on;
  auto plan = make_run_plan(fused, *data);
  if (!plan)
    return fail(std::move(plan));
  if (!plan->fusible)
    return fuse_mode::off;
  const auto where = lanes_of(config);
  const auto trial = plan->particles == 1 ? trial_of_parts(*plan, data, where)
                                          : trial_of_groups(*plan, data, where);
  if (!where.cpus_alone || !trial)
    return fuse_mode::off;
  const auto key = key_of(*plan, trial->what);
  auto tried = known.find(key);
  if (!tried) {
    // What fails here is the run's to say, if it fails there as well.
    auto recipe = compile(plan->recipe, data->train.size());
    auto made = recipe ? trial->make(std::move(*recipe))
                       : expected<fuse_trial>{fail(std::move(recipe))};
    if (!made)
      return fuse_mode::off;
    known.remember(key, *made);
    tried = *made;
  }
  return tried->fused_us < clearly * tried->plain_us ? fuse_mode::on
                                                     : fuse_mode::off;
}

} // namespace posse
