#pragma once

#include <CLI/CLI.hpp>

#include <string>

namespace posse {

/// `posse node start|stop`.
void add_node_command(CLI::App& app, int& exit_code);

/// What `posse node start` does: serves runs as the node `name` of the cluster
/// in `config` until it is told to end.
/// @returns what the process exits with.
int run_node(const std::string& config, const std::string& name);

} // namespace posse
