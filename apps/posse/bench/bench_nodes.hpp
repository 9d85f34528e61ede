#pragma once

#include "apps/posse/bench/child_program.hpp"
#include "apps/posse/bench/workload.hpp"
#include "runtime/config/cluster_config.hpp"

#include <cstdint>
#include <memory>
#include <vector>

namespace posse::bench {

/// Node daemons on this machine that know the benchmarks' handlers, each a
/// process of its own with one device. They end with the object.
class bench_nodes {
public:
  /// @param lanes Of each node.
  /// @param by_network Whether they share no memory, as on different machines.
  /// @returns errc::io_error.
  static expected<std::shared_ptr<const bench_nodes>>
  start(std::size_t count, std::int64_t lanes, bool by_network);

  const cluster_config& cluster() const noexcept { return cluster_; }

private:
  bench_nodes() = default;

  std::shared_ptr<const scratch_folder> folder_;
  cluster_config cluster_;
  std::vector<child_program> processes_;
};

/// What `posse bench node` does: a daemon as `posse node start` makes it, with
/// the benchmarks' handlers.
/// @returns what the process exits with.
int run_bench_node(const std::string& config, const std::string& name);

} // namespace posse::bench
