#pragma once

#include <CLI/CLI.hpp>

namespace posse {

/// Adds `posse plan`. What it ends with goes to `exit_code`.
void add_plan_command(CLI::App& app, int& exit_code);

} // namespace posse
