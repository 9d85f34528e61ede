#pragma once

#include "messages/failure.hpp"
#include "runtime/config/cluster_config.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

namespace posse {

/// A node of a cluster in this process: its gate listens on a port until it is
/// destroyed. Blocking face for a program's main().
class node_daemon {
public:
  /// @param name One of the cluster's nodes.
  /// @returns errc::unknown_name; errc::invalid_config if the port cannot be
  ///   had, naming host and port.
  static expected<std::unique_ptr<node_daemon>>
  start(const cluster_config& cluster, const std::string& name);

  /// Ends the run that the node serves, if any, and stops listening.
  ~node_daemon();
  node_daemon(const node_daemon&) = delete;
  node_daemon& operator=(const node_daemon&) = delete;

  /// Where it listens: the config's, or the one it was given for 0.
  std::uint16_t port() const noexcept;

  /// Waits at most `patience`.
  /// @returns true once another process has asked the daemon to end.
  bool wait_for_stop(std::chrono::milliseconds patience) const;

private:
  struct impl;
  explicit node_daemon(std::unique_ptr<impl> x);
  std::unique_ptr<impl> impl_;
};

/// Asks the daemon of a node to end, and waits until nobody answers there.
///
/// @returns errc::unknown_name; errc::timed_out if nobody answers, or still
///   does after the patience; errc::refused.
expected<void> stop_node(const cluster_config& cluster,
                         const std::string& name);

} // namespace posse
