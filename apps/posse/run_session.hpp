#pragma once

#include "runtime/checkpoint/run_directory.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace posse {

/// What `posse run` was asked for.
struct run_options {
  std::filesystem::path config;
  std::vector<std::string> sets;                ///< KEY=VALUE each
  std::optional<std::filesystem::path> cluster; ///< nodes, instead of [[node]]
  std::optional<std::filesystem::path> out;
  existing_run existing{existing_run::refuse};
  bool quiet{false};
  bool json{false};
};

/// The command that goes on with a run that was interrupted.
std::string resume_command(const run_options& options);

/// One run from config to results: `posse run`. Messages and progress go to
/// stderr, the result to stdout.
/// @returns what the program ends with; see exit_code.
int run_session(const run_options& options);

} // namespace posse
