#pragma once

#include <CLI/CLI.hpp>

namespace posse {

/// `posse node start|stop`.
void add_node_command(CLI::App& app, int& exit_code);

} // namespace posse
