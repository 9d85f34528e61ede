#pragma once

#include <CLI/CLI.hpp>

namespace posse {

/// Adds `posse predict`. What it ends with goes to `exit_code`.
void add_predict_command(CLI::App& app, int& exit_code);

} // namespace posse
