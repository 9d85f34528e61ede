#pragma once

#include <CLI/CLI.hpp>

namespace posse {

/// Adds `posse config validate|print`. What they end with goes to `exit_code`.
void add_config_command(CLI::App& app, int& exit_code);

} // namespace posse
