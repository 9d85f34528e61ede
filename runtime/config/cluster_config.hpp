#pragma once

#include "runtime/config/key_origins.hpp"
#include "runtime/config/local_section.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// The machines that a run may use, as in the TOML file. Plain data: how it is
/// read, checked and written is in load_cluster.hpp, cluster_schema.hpp and
/// to_toml.hpp.
namespace posse {

/// No cluster has more nodes.
inline constexpr std::size_t max_nodes = 1024;

/// [cluster]
struct cluster_section {
  std::string name = "cluster";
  std::string secret;               ///< 16 characters or more; empty: none
  std::int64_t heartbeat_ms = 1000; ///< in [10, 60000]
  std::int64_t timeout_ms = 10000;  ///< at least 3 heartbeats, at most 600000
  /// Whether tensors for a node of the same machine go through shared memory.
  bool shared_memory = true;

  friend bool operator==(const cluster_section&,
                         const cluster_section&) = default;
};

/// One [[node]].
struct node_entry {
  std::string name; ///< 1 to 64 of [A-Za-z0-9_-]; no other node has it
  std::string host = "127.0.0.1"; ///< a loopback address or localhost
  std::int64_t port = 0;          ///< in [0, 65535]; 0: any that is free
  local_section resources;        ///< devices, lanes, caches

  friend bool operator==(const node_entry&, const node_entry&) = default;
};

struct cluster_config {
  cluster_section cluster;
  std::vector<node_entry> nodes; ///< 1 to max_nodes, in the order of the file

  /// Where the settings came from: keys are "cluster.timeout_ms" and
  /// "node[0].port", nodes counted from 0.
  key_origins origins;

  /// The node of that name, or nullptr.
  const node_entry* find_node(std::string_view name) const;

  /// Equal settings; where they came from is not compared.
  friend bool operator==(const cluster_config& a, const cluster_config& b) {
    return a.cluster == b.cluster && a.nodes == b.nodes;
  }
};

/// "node[2]": what the origins and messages call a node's section.
std::string node_section(std::size_t index);

/// The SHA-256 of all settings with their defaults, in the order of the nodes,
/// but without the secret: 64 lower-case hexadecimal digits. Two nodes with the
/// same hash mean the same cluster, however their files are written.
std::string cluster_hash(const cluster_config& config);

} // namespace posse
