#include "runtime/config/check_places.hpp"

#include "runtime/config/toml_text.hpp"
#include "runtime/core/nearest_name.hpp"

#include <c10/util/StringUtil.h>

#include <algorithm>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace posse {

namespace {

std::vector<std::string> device_names(const local_section& resources) {
  std::vector<std::string> names;
  for (const auto& device : resources.devices)
    names.push_back(device.name);
  return names;
}

std::vector<std::string> node_names(const cluster_config& cluster) {
  std::vector<std::string> names;
  for (const auto& node : cluster.nodes)
    names.push_back(node.name);
  return names;
}

bool holds(std::span<const std::string> names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string hint(std::string_view given, std::span<const std::string> known) {
  auto near = nearest_hint(given, known);
  return near.empty() ? "; known are " + list_names(known) : near;
}

/// What is wrong with one place; empty: nothing.
std::string complaint(const run_config& config, std::string_view place) {
  auto got = [place](std::string_view wanted) {
    return c10::str("expected ", wanted, ", got \"", one_line(place), '"');
  };
  if (!config.cluster) {
    const auto devices = device_names(config.local);
    return holds(devices, place)
               ? std::string{}
               : got("a device of local.devices") + hint(place, devices);
  }
  const auto slash = place.find('/');
  if (slash == std::string_view::npos)
    return got("NODE/DEVICE for a run on nodes");
  const auto name = place.substr(0, slash);
  const auto* node = config.cluster->find_node(name);
  if (node == nullptr)
    return got("a node of the cluster")
           + hint(name, node_names(*config.cluster));
  if (!config.run.nodes.empty() && !holds(config.run.nodes, name))
    return got("a node of run.nodes");
  const auto device = place.substr(slash + 1);
  const auto devices = device_names(node->resources);
  return holds(devices, device) ? std::string{}
                                : got(c10::str("a device of node ", node->name))
                                      + hint(device, devices);
}

tl::unexpected<failure> refuse(const run_config& config, const std::string& key,
                               const std::string& text) {
  return fail(errc::invalid_config, config.origins.where(key) + text);
}

expected<void> check_nodes(const run_config& config) {
  const auto& nodes = config.run.nodes;
  for (std::size_t i = 0; i < nodes.size(); ++i)
    if (std::count(nodes.begin(), nodes.end(), nodes[i]) > 1)
      return refuse(config, "run.nodes",
                    c10::str('[', i, "]: expected each node once, got \"",
                             one_line(nodes[i]), "\" twice"));
  return {};
}

expected<void> check_nodes_exist(const run_config& config) {
  const auto& nodes = config.run.nodes;
  if (!nodes.empty() && !config.cluster)
    return refuse(
        config, "run.nodes",
        ": expected nodes to choose from ([[node]] or --cluster), got "
        "none");
  for (std::size_t i = 0; i < nodes.size(); ++i)
    if (config.cluster->find_node(nodes[i]) == nullptr)
      return refuse(config, "run.nodes",
                    c10::str('[', i,
                             "]: expected a node of the cluster, got \"",
                             one_line(nodes[i]), '"',
                             hint(nodes[i], node_names(*config.cluster))));
  return {};
}

} // namespace

expected<void> check_places(const run_config& config) {
  if (auto ok = check_nodes(config); !ok)
    return ok;
  if (config.run.placement != "explicit")
    return {};
  const auto& places = config.run.places;
  if (!config.origins.given("run.places"))
    return fail(errc::invalid_config,
                config.origins.where("run.placement")
                    + ": expected run.places with \"explicit\", one place a "
                      "particle, got none");
  if (places.size() != static_cast<std::size_t>(config.infer.particles))
    return fail(errc::invalid_config,
                c10::str(config.origins.where("run.places"),
                         ": expected one place a particle, ",
                         config.infer.particles, " in all, got ",
                         places.size()));
  return {};
}

expected<void> check_places_exist(const run_config& config) {
  if (auto ok = check_nodes_exist(config); !ok)
    return ok;
  if (config.run.placement != "explicit")
    return {};
  const auto& places = config.run.places;
  for (std::size_t i = 0; i < places.size(); ++i)
    if (auto text = complaint(config, places[i]); !text.empty())
      return fail(
          errc::invalid_config,
          c10::str(config.origins.where("run.places"), '[', i, "]: ", text));
  return {};
}

} // namespace posse
