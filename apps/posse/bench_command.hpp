#pragma once

namespace CLI {
class App;
}

namespace posse {

/// Adds `posse bench step|svgd|message` to `app`: what the runtime costs beside
/// plain LibTorch and plain CAF, all measured in one process run. Rows go to
/// stdout as a table, to --json as one array; progress goes to stderr.
///
/// @param exit_code What the program is to exit with once the sub-command has
///   run: 0, or 3 after one line on stderr. Must outlive `app`. Options that
///   are wrong throw CLI::ParseError while parsing, before anything runs.
void add_bench_command(CLI::App& app, int& exit_code);

} // namespace posse
