#pragma once

#include <CLI/CLI.hpp>

namespace posse {

/// Adds `compare RUN_DIR REFERENCE_RUN_DIR [--json]`, which says how far a
/// run's predictions of its test rows are from another's; `exit_code` is set
/// when it runs.
void add_compare_command(CLI::App& app, int& exit_code);

} // namespace posse
