#pragma once

#include "messages/failure.hpp"

#include <nlohmann/json.hpp>

#include <filesystem>
#include <string>
#include <vector>

namespace posse {

/// A line of `log.jsonl`.
struct logged_event {
  std::string level;             ///< "info", "warning", ...
  std::string event;             ///< "start", "checkpoint", ...
  nlohmann::ordered_json fields; ///< all of the line
};

/// Reads what a run_log wrote, without the lines that are no events: a kill may
/// have cut one.
/// @returns errc::invalid_data for a file that is not there or cannot be read.
expected<std::vector<logged_event>> read_log(const std::filesystem::path& path);

} // namespace posse
