#include "runtime/config/cluster_schema.hpp"

#include "runtime/config/bind_key.hpp"
#include "runtime/config/resource_keys.hpp"

namespace posse {

namespace {

std::vector<bound_key<cluster_section>> make_cluster_keys() {
  using c = cluster_section;
  return {
      bind_key<&c::name>({.section = "cluster",
                          .name = "name",
                          .doc = "what the cluster is called"}),
      bind_key<&c::secret>(
          {.section = "cluster",
           .name = "secret",
           .kind = value_kind::secret,
           .default_text = "none",
           .doc = "what a node has to know to join; never printed"}),
      bind_key<&c::heartbeat_ms>(
          {.section = "cluster",
           .name = "heartbeat_ms",
           .range = number_range::between(10, 60'000),
           .doc = "milliseconds between two signs of life"}),
      bind_key<&c::timeout_ms>(
          {.section = "cluster",
           .name = "timeout_ms",
           .range = number_range::between(30, 600'000),
           .doc = "silence after which a node counts as lost, in "
                  "milliseconds; at least 3 heartbeats"}),
      bind_key<&c::shared_memory>(
          {.section = "cluster",
           .name = "shared_memory",
           .doc = "whether tensors for a node of the same machine go through "
                  "shared memory, not its network"}),
  };
}

std::vector<bound_key<node_entry>> make_node_keys() {
  using n = node_entry;
  std::vector<bound_key<n>> keys{
      bind_key<&n::name>({.section = "node",
                          .name = "name",
                          .kind = value_kind::identifier,
                          .default_text = "required",
                          .doc = "what the node is called; no other has it"}),
      bind_key<&n::host>({.section = "node",
                          .name = "host",
                          .kind = value_kind::loopback_host,
                          .doc = "where the node is reached"}),
      bind_key<&n::port>({.section = "node",
                          .name = "port",
                          .range = number_range::between(0, 65'535),
                          .default_text = "required",
                          .doc = "where it listens; 0: any that is free, for "
                                 "tests"}),
  };
  for (auto& key : resource_keys<&n::resources>("node"))
    keys.push_back(std::move(key));
  return keys;
}

} // namespace

std::span<const bound_key<cluster_section>> cluster_keys() {
  static const auto keys = make_cluster_keys();
  return keys;
}

std::span<const bound_key<node_entry>> node_keys() {
  static const auto keys = make_node_keys();
  return keys;
}

} // namespace posse
