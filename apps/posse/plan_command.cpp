#include "apps/posse/plan_command.hpp"

#include "actors/run_plan.hpp"
#include "apps/posse/failure_text.hpp"
#include "apps/posse/run_input.hpp"
#include "runtime/core/units.hpp"
#include "runtime/data/data_library.hpp"
#include "runtime/placement/store_options.hpp"
#include "runtime/store/device_room.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace posse {

namespace {

/// One device of the run, and what it is to hold.
struct planned_device {
  std::string place;         ///< "cpu:0", or "NODE/cpu:0"
  std::int64_t particles{0}; ///< at most: it depends on the placement
  device_room room;
};

std::string_view title_of(section_role role) {
  switch (role) {
  case section_role::parameters:
    return "parameters";
  case section_role::buffers:
    return "buffers";
  case section_role::moment:
    return "optimizer";
  case section_role::gradient:
    return "gradient";
  case section_role::best:
  case section_role::best_buffers:
    return "best so far";
  }
  return {};
}

/// "13.2 KiB: parameters 3.3 KiB, optimizer 6.6 KiB, ...".
std::string row_text(const particle_layout& layout) {
  std::vector<std::pair<std::string_view, std::int64_t>> parts;
  for (const auto& section : layout.sections()) {
    const auto bytes =
        section.width
        * static_cast<std::int64_t>(c10::elementSize(section.type));
    const auto title = title_of(section.role);
    auto known =
        std::ranges::find(parts, title, [](auto& x) { return x.first; });
    if (bytes > 0 && known == parts.end())
      parts.emplace_back(title, bytes);
    else if (known != parts.end())
      known->second += bytes;
  }
  auto out = readable_bytes(layout.row_bytes());
  for (const auto& [title, bytes] : parts)
    out +=
        fmt::format("{} {} {}", out.find(':') == std::string::npos ? ":" : ",",
                    title, readable_bytes(bytes));
  return out;
}

/// What is free on another machine is not to be seen from here: where its
/// config sets no limit, all particles count as having a slot.
expected<device_room> room_elsewhere(particle_store::options store,
                                     std::int64_t row_bytes) {
  store.device = c10::Device{c10::kCPU};
  if (store.capacity == 0 && store.budget_bytes == 0)
    store.capacity = store.expected_particles;
  return room_for(store, row_bytes);
}

expected<std::vector<planned_device>> devices_of(const run_config& config,
                                                 std::int64_t row_bytes) {
  std::vector<planned_device> out;
  auto add = [&](const local_section& resources,
                 const std::string& node) -> expected<void> {
    for (const auto& entry : resources.devices) {
      const auto place = node.empty() ? entry.name : node + '/' + entry.name;
      auto store = store_options(config, resources, node, entry);
      if (!store)
        return fail(std::move(store));
      auto room = node.empty() ? room_for(*store, row_bytes)
                               : room_elsewhere(*store, row_bytes);
      if (!room)
        return fail(
            room.error().code,
            config.origins.where(node.empty() ? "local.devices" : "node") + ": "
                + place + ": " + room.error().message);
      out.push_back(
          {place, static_cast<std::int64_t>(store->expected_particles), *room});
    }
    return {};
  };
  if (!config.cluster)
    if (auto added = add(config.local, ""); !added)
      return fail(std::move(added));
  if (config.cluster)
    for (const auto& node : config.cluster->nodes) {
      const auto& chosen = config.run.nodes;
      if (!chosen.empty()
          && std::ranges::find(chosen, node.name) == chosen.end())
        continue;
      if (auto added = add(node.resources, node.name); !added)
        return fail(std::move(added));
    }
  return out;
}

std::string table_of(const std::vector<planned_device>& devices,
                     std::int64_t row_bytes) {
  std::size_t width = std::string_view{"device"}.size();
  for (const auto& each : devices)
    width = std::max(width, each.place.size());
  auto out =
      fmt::format("{:<{}}  {:>9}  {:>7}  {:>10}  {:>11}  {:>10}\n", "device",
                  width, "at most", "slots", "memory", "host memory", "disk");
  auto bytes = [row_bytes](std::size_t rows) {
    return readable_bytes(static_cast<std::int64_t>(rows) * row_bytes);
  };
  for (const auto& [place, particles, room] : devices)
    out += fmt::format("{:<{}}  {:>9}  {:>7}  {:>10}  {:>11}  {:>10}\n", place,
                       width, particles, room.slots, bytes(room.slots),
                       bytes(room.on_host), bytes(room.on_disk));
  return out;
}

expected<std::string> plan(const run_options& options) {
  auto config = load_run_input(options);
  if (!config)
    return fail(std::move(config));
  if (auto ok = check_paths(*config); !ok)
    return fail(std::move(ok));
  if (auto ok = check_devices(*config); !ok)
    return fail(std::move(ok));
  auto data = open_data(*config);
  if (!data)
    return fail(std::move(data));
  auto run = make_run_plan(*config, **data);
  if (!run)
    return fail(std::move(run));
  auto recipe = compile(run->recipe, (*data)->train.size());
  if (!recipe)
    return fail(std::move(recipe));
  const auto& layout = (*recipe)->layout;
  auto devices = devices_of(*config, layout.row_bytes());
  if (!devices)
    return fail(std::move(devices));
  return fmt::format("{}: {} of {} particles, {} training rows\n"
                     "{}: {} parameters; a particle takes {}\n\n{}\n"
                     "It fits. Beside this, each step needs memory for its "
                     "batch of {} rows.\n",
                     config->run.name, config->infer.algorithm, run->particles,
                     (*data)->train.size(), config->model.kind,
                     layout.parameter_count(), row_text(layout),
                     table_of(*devices, layout.row_bytes()), run->batch);
}

} // namespace

void add_plan_command(CLI::App& app, int& exit_code) {
  auto given = std::make_shared<run_options>();
  auto* command = app.add_subcommand(
      "plan", "Say what a run needs and whether it fits, start nothing");
  command->add_option("CONFIG", given->config, "The run's config (TOML)")
      ->required();
  command->add_option("--cluster", given->cluster,
                      "Run on the nodes of this file");
  command
      ->add_option("--set", given->sets,
                   "Replace a setting: KEY=VALUE, such as infer.steps=100")
      ->allow_extra_args(false);
  command->footer("Example:\n  posse plan apps/examples/energy.toml --set "
                  "infer.particles=1000 --set local.cache_size=100");
  command->callback([given, &exit_code] {
    auto text = plan(*given);
    if (!text) {
      exit_code = complain(text.error(), exit_wrong_input);
      return;
    }
    fmt::print("{}", *text);
    exit_code = exit_done;
  });
}

} // namespace posse
