#include "apps/posse/run_setup.hpp"

#include "actors/behavior.hpp"
#include "actors/fuse_choice.hpp"
#include "actors/load_plugins.hpp"
#include "apps/posse/run_input.hpp"
#include "apps/posse/value_json.hpp"
#include "messages/version.hpp"
#include "runtime/config/load_config.hpp"
#include "runtime/config/resume_check.hpp"
#include "runtime/data/data_library.hpp"
#include "runtime/device/compute_thread.hpp"
#include "runtime/device/portable_bits.hpp"

#include <utility>

namespace posse {

namespace {

// A daemon has computed before it hears of the run: too late to pin.
expected<void> refuse_pinned_nodes(const run_config& config) {
  if (!config.cluster || !config.run.portable_bits)
    return {};
  return fail(errc::invalid_config,
              config.origins.where("run.portable_bits")
                  + ": expected false for a run on nodes, got true; nodes with "
                    "unlike instruction sets refuse each other");
}

expected<void> create_all(push_distribution& particles,
                          const run_config& config) {
  for (std::int64_t i = 0; i < particles.plan().particles; ++i) {
    auto made = particles.p_create();
    if (!made && made.error().code == errc::out_of_memory)
      return fail(errc::out_of_memory, config.origins.where("local.devices")
                                           + ": " + made.error().message);
    if (!made)
      return fail(std::move(made));
  }
  return {};
}

double number_at(const nlohmann::ordered_json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number() ? found->get<double>() : 0;
}

expected<void> restore_all(run_setup& setup) {
  auto reader = checkpoint_reader::open(setup.directory.files().checkpoint());
  if (!reader)
    return fail(std::move(reader));
  const auto pids = setup.particles->particle_ids();
  if (reader->particle_ids() != pids)
    return fail(errc::corrupt_checkpoint,
                setup.directory.files().checkpoint().string() + ": expected "
                    + std::to_string(pids.size()) + " particles, got "
                    + std::to_string(reader->particle_ids().size()));
  for (auto pid : pids) {
    auto record = reader->particle(pid);
    if (!record)
      return fail(std::move(record));
    auto state = to_snapshot(*record);
    if (!state)
      return fail(std::move(state));
    if (auto done = setup.particles->p_restore(*state); !done)
      return done;
    setup.steps_before[pid] =
        value{state->cursor}.at_or<std::int64_t>("steps", 0).value_or(0);
  }
  const auto& step = reader->info().step;
  setup.before = {number_at(step, "wall_seconds"),
                  number_at(step, "train_seconds")};
  return {};
}

/// Whether the run that is resumed is this one. @returns how it computes.
expected<fuse_mode> check_same_run(const run_setup& setup) {
  const auto file = setup.directory.files().config();
  // Plugins first: without them the saved config could not be read.
  auto plugins = list_plugins(file);
  if (!plugins)
    return fail(std::move(plugins));
  auto with_plugins = setup.config;
  with_plugins.plugins.clear();
  for (const auto& plugin : *plugins)
    with_plugins.plugins.push_back(plugin.path);
  if (auto same = check_resumable(with_plugins, setup.config); !same)
    return fail(std::move(same));
  auto saved = load_config(file, {}, registered_names());
  if (!saved)
    return fail(std::move(saved));
  return check_resumable(*saved, setup.config).map([&] {
    return saved->run.fuse;
  });
}

} // namespace

expected<run_setup> prepare(const run_options& options) {
  auto config = load_run_input(options);
  if (!config)
    return fail(std::move(config));
  if (auto ok = refuse_pinned_nodes(*config); !ok)
    return fail(std::move(ok));
  if (config->run.portable_bits)
    if (auto pinned = pin_portable_bits(); !pinned)
      return fail(std::move(pinned));
  prepare_compute_thread();
  if (auto ok = check_paths(*config); !ok)
    return fail(std::move(ok));
  auto directory = run_directory::check(config->run.out, options.existing);
  if (!directory)
    return fail(std::move(directory));
  if (auto ok = check_devices(*config); !ok)
    return fail(std::move(ok));
  auto data = open_data(*config);
  if (!data)
    return fail(std::move(data));
  run_setup out{std::move(*config),
                std::move(*directory),
                std::move(*data),
                nullptr,
                {},
                {}};
  const bool resumed = options.existing == existing_run::resume;
  if (resumed) {
    // The lock first: another run must not replace what is being read.
    if (auto made = out.directory.create(); !made)
      return fail(std::move(made));
  }
  auto fuse = resumed
                  ? check_same_run(out)
                  : choose_fuse(out.config, out.data, trial_cache::of_user());
  if (!fuse)
    return fail(std::move(fuse));
  out.config.run.fuse = *fuse;
  auto started = push_distribution::start(out.config);
  if (!started)
    return fail(std::move(started));
  out.particles = std::move(*started);
  if (auto made = create_all(*out.particles, out.config); !made)
    return fail(std::move(made));
  auto last = resumed ? restore_all(out) : out.directory.create();
  if (!last)
    return fail(std::move(last));
  return out;
}

checkpoint_info describe_checkpoint(const run_setup& setup,
                                    const saved_state& state,
                                    const run_timing& timing) {
  const auto& config = setup.config;
  const auto& recipe = setup.particles->plan().recipe;
  checkpoint_info out;
  out.version = version;
  out.step = {{"particle_steps", state.particle_steps},
              {"finished", state.finished},
              {"wall_seconds", timing.wall_seconds},
              {"train_seconds", timing.train_seconds},
              {"parameters_sha256", state.parameters_sha256},
              {"state_sha256", state.state_sha256}};
  out.model = {{"name", config.run.name},
               {"algorithm", config.infer.algorithm},
               {"seed", config.run.seed},
               {"portable_bits", config.run.portable_bits},
               {"head", recipe.model.head},
               {"network", to_json(recipe.model.to_value())},
               {"posterior", to_json(recipe.posterior.to_value())}};
  // What to_json() gives is JSON.
  out.data = nlohmann::ordered_json::parse(
      to_json(setup.data->encoding).value_or("null"));
  return out;
}

} // namespace posse
