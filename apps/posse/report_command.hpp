#pragma once

#include <CLI/CLI.hpp>

namespace posse {

/// Adds `posse report`; once it has been parsed, it runs and sets `exit_code`.
void add_report_command(CLI::App& app, int& exit_code);

} // namespace posse
