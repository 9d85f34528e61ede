#include "apps/posse/run_input.hpp"

#include "actors/behavior.hpp"
#include "actors/load_plugins.hpp"
#include "runtime/config/check_places.hpp"
#include "runtime/config/load_cluster.hpp"
#include "runtime/config/load_config.hpp"
#include "runtime/device/device_info.hpp"
#include "runtime/placement/store_options.hpp"

#include <filesystem>
#include <string>
#include <utility>

namespace posse {

expected<run_config> load_run_input(const run_options& options) {
  auto config = load_run_config(options.config, options.sets);
  if (!config)
    return config;
  if (options.cluster) {
    auto nodes = load_cluster(*options.cluster, {}, run_sections::ignored);
    if (!nodes)
      return fail(std::move(nodes));
    config->cluster = std::move(*nodes);
  }
  if (auto there = check_places_exist(*config); !there)
    return fail(std::move(there));
  if (options.out) {
    config->run.out =
        std::filesystem::absolute(*options.out).lexically_normal();
    config->origins.record_set("run.out");
  }
  return config;
}

expected<void> check_paths(const run_config& config) {
  auto must_exist = [&config](const std::filesystem::path& path,
                              const std::string& key) -> expected<void> {
    std::error_code error;
    if (std::filesystem::exists(path, error))
      return {};
    return fail(errc::invalid_config,
                config.origins.where(key) + ": expected a file, got "
                    + path.string() + ", which is not there");
  };
  if (auto ok = must_exist(config.data.path, "data.path"); !ok)
    return ok;
  if (config.data.splits)
    return must_exist(*config.data.splits, "data.splits");
  return {};
}

expected<void> check_devices(const run_config& config) {
  if (config.cluster)
    return {}; // every node looks at its own
  if (auto there = check_disk_path(config.local); !there)
    return fail(there.error().code, config.origins.where("local.disk_path")
                                        + ": " + there.error().message);
  for (const auto& entry : config.local.devices) {
    auto id = parse_device(entry.name);
    auto there = id ? check_device(*id) : expected<void>{fail(std::move(id))};
    if (!there)
      return fail(there.error().code, config.origins.where("local.devices")
                                          + ": " + there.error().message);
  }
  return {};
}

} // namespace posse
