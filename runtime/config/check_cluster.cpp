#include "runtime/config/check_cluster.hpp"

#include "runtime/config/cluster_schema.hpp"
#include "runtime/config/loopback.hpp"

#include <c10/util/StringUtil.h>

#include <map>
#include <utility>

namespace posse {

namespace {

/// A process that is starved for a moment misses one beat, not three.
constexpr std::int64_t least_heartbeats = 3;

expected<void> refuse(const cluster_config& config, const std::string& key,
                      const std::string& text) {
  return fail(errc::invalid_config, config.origins.where(key) + ": " + text);
}

expected<void> check_there_is_one(const cluster_config& config) {
  if (!config.nodes.empty())
    return {};
  if (config.origins.given("cluster"))
    return refuse(config, "cluster",
                  "expected at least one [[node]] with it, got none");
  for (const auto& key : cluster_keys())
    if (config.origins.given(key.dotted()))
      return refuse(config, key.dotted(),
                    "expected at least one [[node]] in the file, got none");
  return refuse(config, "node", "expected at least one [[node]], got none");
}

expected<void> check_timeout(const cluster_config& config) {
  const auto heartbeat = config.cluster.heartbeat_ms;
  const auto timeout = config.cluster.timeout_ms;
  if (timeout >= least_heartbeats * heartbeat)
    return {};
  if (config.origins.given("cluster.timeout_ms"))
    return refuse(config, "cluster.timeout_ms",
                  c10::str("expected at least ", least_heartbeats,
                           " x heartbeat_ms = ", least_heartbeats * heartbeat,
                           ", got ", timeout));
  return refuse(config, "cluster.heartbeat_ms",
                c10::str("expected at most timeout_ms / ", least_heartbeats,
                         " = ", timeout / least_heartbeats, ", got ",
                         heartbeat));
}

expected<void> check_required(const cluster_config& config,
                              const std::string& section) {
  if (!config.origins.given(section + ".name"))
    return refuse(config, section + ".name",
                  "expected the node's name, got none");
  if (!config.origins.given(section + ".port"))
    return refuse(config, section + ".port",
                  "expected the port where it listens, got none");
  return {};
}

} // namespace

expected<void> check_cluster(const cluster_config& config) {
  if (auto ok = check_there_is_one(config); !ok)
    return ok;
  if (auto ok = check_timeout(config); !ok)
    return ok;
  std::map<std::string, std::string> section_of_name;
  std::map<std::pair<std::string, std::int64_t>, std::string> name_of_address;
  for (std::size_t i = 0; i < config.nodes.size(); ++i) {
    const auto& node = config.nodes[i];
    auto section = node_section(i);
    if (auto ok = check_required(config, section); !ok)
      return ok;
    auto [named, is_new] = section_of_name.emplace(node.name, section);
    if (!is_new)
      return refuse(config, section + ".name",
                    c10::str("expected a name that no other node has, got \"",
                             node.name, "\" as in ", named->second));
    if (node.port == 0)
      continue; // each gets one of its own
    auto address = loopback_address(node.host).value_or(node.host);
    auto [at, is_free] =
        name_of_address.emplace(std::pair{address, node.port}, node.name);
    if (!is_free)
      return refuse(config, section + ".port",
                    c10::str("expected a host and port for each node, got ",
                             address, ":", node.port, " for \"", at->second,
                             "\" and \"", node.name, '"'));
  }
  return {};
}

} // namespace posse
