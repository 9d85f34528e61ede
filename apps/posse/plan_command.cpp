#include "apps/posse/plan_command.hpp"

#include "actors/run_placement.hpp"
#include "actors/run_plan.hpp"
#include "apps/posse/failure_text.hpp"
#include "apps/posse/run_input.hpp"
#include "runtime/compute/step_room.hpp"
#include "runtime/core/units.hpp"
#include "runtime/data/data_library.hpp"
#include "runtime/device/compute_thread.hpp"
#include "runtime/placement/chosen_nodes.hpp"
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
  std::string place; ///< "cpu:0", or "NODE/cpu:0"
  std::size_t particles{0};
  bool on_host{false}; ///< its slots are this machine's memory, if it is here
  device_room room;
  std::size_t too_many{0}; ///< slots that leave no memory to compute in
};

/// What is computed on the devices.
struct planned_work {
  std::shared_ptr<const compiled_recipe> recipe;
  std::shared_ptr<const data_set> data;
  std::int64_t batch{1};
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
  case section_role::posterior:
    return "posterior";
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

/// A node of the run, and what its config says of it.
struct planned_node {
  const local_section& resources;
  run_node offered;
};

std::vector<planned_node> nodes_of(const run_config& config) {
  std::vector<planned_node> out;
  auto add = [&](const local_section& resources, run_node node) {
    for (const auto& entry : resources.devices)
      node.devices.push_back(
          {entry.name, static_cast<std::uint64_t>(entry.bytes),
           static_cast<std::uint32_t>(resources.cache_size),
           static_cast<std::uint32_t>(lanes_on(resources, entry))});
    out.push_back({resources, std::move(node)});
  };
  if (!config.cluster) {
    add(config.local, run_node{});
    return out;
  }
  for (const auto& node : config.cluster->nodes)
    if (takes_node(config.run.nodes, node.name)) {
      run_node offered;
      offered.name = node.name;
      offered.host = node.host;
      add(node.resources, std::move(offered));
    }
  return out;
}

/// How many particles each device of each node gets.
expected<std::vector<std::vector<std::size_t>>>
particles_on(const run_config& config, const run_plan& run,
             const std::vector<planned_node>& nodes) {
  std::vector<run_node> offered;
  std::vector<std::vector<std::size_t>> out;
  for (const auto& node : nodes) {
    offered.push_back(node.offered);
    out.emplace_back(node.offered.devices.size(), 0);
  }
  auto places = place_run(config, run, offered);
  if (!places)
    return fail(std::move(places));
  for (std::int64_t i = 0; i < run.particles; ++i) {
    const auto at = places->next();
    const auto& node = offered[at.node];
    if (auto added = places->add(node.name, node.devices[at.device].name);
        !added)
      return fail(std::move(added));
    ++out[at.node][at.device];
  }
  return out;
}

/// Whether this machine's memory holds what its devices are to hold there.
expected<void> check_memory(const run_config& config,
                            const std::vector<planned_device>& devices,
                            std::int64_t row_bytes) {
  const auto there = available_host_bytes();
  std::int64_t needed = 0;
  for (const auto& each : devices) {
    const auto in_slots = each.on_host
                              ? std::min(each.room.slots, each.particles)
                              : std::size_t{0};
    needed +=
        static_cast<std::int64_t>(in_slots + each.room.on_host) * row_bytes;
  }
  if (config.cluster || there == 0 || needed <= there)
    return {};
  return fail(errc::out_of_memory,
              fmt::format("{}: the particles need {} of host memory, {} can be "
                          "had; set local.host_bytes and local.disk_bytes",
                          config.origins.where("local.devices"),
                          readable_bytes(needed), readable_bytes(there)));
}

/// What an accelerator of this machine holds beside what it computes: slots
/// that leave no room for that are given up during the run.
expected<planned_device> beside_steps(planned_device planned,
                                      particle_store::options store,
                                      std::size_t lanes,
                                      const planned_work& work) {
  const auto row_bytes = work.recipe->layout.row_bytes();
  auto there =
      measure_step_room(store.device, work.recipe, work.data, work.batch);
  if (!there)
    return fail(std::move(there));
  const auto most = there->slots(row_bytes, lanes);
  if (most == 0)
    return fail(
        errc::out_of_memory,
        fmt::format("what {} computes with a batch of {} rows does not "
                    "fit in the {} bytes that are free: no cache_size "
                    "leaves room",
                    lanes == 1
                        ? std::string{"a particle"}
                        : fmt::format("a particle on each of {} lanes", lanes),
                    work.batch, there->free));
  if (most >= planned.room.slots)
    return planned;
  planned.too_many = planned.room.slots;
  store.capacity = most;
  auto room = room_for(store, row_bytes, planned.particles);
  if (!room)
    return fail(std::move(room));
  planned.room = *room;
  return planned;
}

expected<std::vector<planned_device>> devices_of(const run_config& config,
                                                 const run_plan& run,
                                                 const planned_work& work) {
  const auto row_bytes = work.recipe->layout.row_bytes();
  const auto nodes = nodes_of(config);
  const auto counts = particles_on(config, run, nodes);
  if (!counts)
    return tl::unexpected{counts.error()};
  std::vector<planned_device> out;
  for (std::size_t n = 0; n < nodes.size(); ++n) {
    const auto& [resources, offered] = nodes[n];
    const bool is_here = !offered.is_remote();
    for (std::size_t d = 0; d < resources.devices.size(); ++d) {
      const auto particles = (*counts)[n][d];
      const auto& entry = resources.devices[d];
      if (particles == 0)
        continue;
      auto place = is_here ? entry.name : offered.name + '/' + entry.name;
      auto store = store_options(config, resources, offered.name, entry);
      if (!store)
        return fail(std::move(store));
      auto room = is_here ? room_for(*store, row_bytes, particles)
                          : room_elsewhere(*store, row_bytes, particles);
      auto planned = room.map([&](const device_room& slots) {
        return planned_device{place, particles, store->device.is_cpu(), slots};
      });
      if (planned && is_here && !planned->on_host)
        planned = beside_steps(std::move(*planned), *store,
                               lanes_on(resources, entry), work);
      if (!planned)
        return fail(planned.error().code,
                    config.origins.where(is_here ? "local.devices" : "node")
                        + ": " + place + ": " + planned.error().message);
      out.push_back(std::move(*planned));
    }
  }
  if (auto enough = check_memory(config, out, row_bytes); !enough)
    return fail(std::move(enough));
  return out;
}

std::string table_of(const std::vector<planned_device>& devices,
                     std::int64_t row_bytes) {
  std::size_t width = std::string_view{"device"}.size();
  for (const auto& each : devices)
    width = std::max(width, each.place.size());
  auto out =
      fmt::format("{:<{}}  {:>9}  {:>7}  {:>10}  {:>11}  {:>10}\n", "device",
                  width, "particles", "slots", "memory", "host memory", "disk");
  auto bytes = [row_bytes](std::size_t rows) {
    return readable_bytes(static_cast<std::int64_t>(rows) * row_bytes);
  };
  for (const auto& each : devices)
    out += fmt::format("{:<{}}  {:>9}  {:>7}  {:>10}  {:>11}  {:>10}\n",
                       each.place, width, each.particles, each.room.slots,
                       bytes(each.room.slots), bytes(each.room.on_host),
                       bytes(each.room.on_disk));
  for (const auto& each : devices)
    if (each.too_many > 0)
      out += fmt::format("\n{}: {} slots leave no memory to compute in: the "
                         "largest cache_size that fits is {}\n",
                         each.place, each.too_many, each.room.slots);
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
  prepare_compute_thread();
  auto devices = devices_of(*config, *run, {*recipe, *data, run->batch});
  if (!devices)
    return fail(std::move(devices));
  const bool on_disk = std::ranges::any_of(
      *devices, [](const auto& each) { return each.room.on_disk > 0; });
  return fmt::format(
      "{}: {} of {} particles, {} training rows\n"
      "{}: {} parameters; a particle takes {}\n\n{}\n"
      "It fits. Beside this, each step needs memory for its batch of {} "
      "rows{}.\n",
      config->run.name, config->infer.algorithm, run->particles,
      (*data)->train.size(), config->model.kind, layout.parameter_count(),
      row_text(layout), table_of(*devices, layout.row_bytes()), run->batch,
      on_disk && run->recipe.gradient_row
          ? ", and\neach update of all particles for those that lie on disk"
          : "");
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
