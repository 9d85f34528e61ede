#include "apps/posse/config_command.hpp"

#include "actors/behavior.hpp"
#include "actors/load_plugins.hpp"
#include "apps/posse/failure_text.hpp"
#include "runtime/config/check_places.hpp"
#include "runtime/config/load_run_or_cluster.hpp"
#include "runtime/config/to_toml.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <variant>

namespace posse {

namespace {

struct arguments {
  std::filesystem::path config;
  std::vector<std::string> sets;
};

using any_config = std::variant<run_config, cluster_config>;
using use_of_config = std::function<void(const arguments&, const any_config&)>;

/// Loads either kind of config. Places are looked up where the file has nodes:
/// without any, they may come with --cluster.
expected<any_config> load(const arguments& given) {
  auto plugins = list_plugins(given.config, given.sets);
  if (!plugins)
    return fail(std::move(plugins));
  if (auto ok = load_plugins(*plugins); !ok)
    return fail(std::move(ok));
  auto config =
      load_run_or_cluster(given.config, given.sets, registered_names());
  if (!config)
    return config;
  if (const auto* run = std::get_if<run_config>(&*config); run && run->cluster)
    if (auto there = check_places_exist(*run); !there)
      return fail(std::move(there));
  return config;
}

void add_verb(CLI::App& command, int& exit_code, const std::string& name,
              const std::string& what, use_of_config use) {
  auto given = std::make_shared<arguments>();
  auto* verb = command.add_subcommand(name, what);
  verb->add_option("CONFIG", given->config,
                   "A run's config, or a cluster's (TOML)")
      ->required();
  verb->add_option("--set", given->sets,
                   "Replace a setting: KEY=VALUE, such as infer.steps=100")
      ->allow_extra_args(false);
  verb->footer("Example:\n  posse config " + name
               + " apps/examples/energy.toml --set infer.algorithm=svgd");
  verb->callback([given, &exit_code, use = std::move(use)] {
    auto config = load(*given);
    if (!config) {
      exit_code = complain(config.error(), exit_wrong_input);
      return;
    }
    use(*given, *config);
  });
}

} // namespace

void add_config_command(CLI::App& app, int& exit_code) {
  auto* command = app.add_subcommand("config", "Check or complete a config");
  command->require_subcommand(1);
  command->footer("Example:\n  posse config print apps/examples/energy.toml");
  add_verb(*command, exit_code, "validate", "Check a config, start nothing",
           [](const arguments& given, const any_config&) {
             fmt::print("{}: valid\n", given.config.string());
           });
  add_verb(*command, exit_code, "print",
           "Print a config with all defaults filled in",
           [](const arguments&, const any_config& config) {
             fmt::print(
                 "{}",
                 std::visit([](const auto& c) { return to_toml(c); }, config));
           });
}

} // namespace posse
