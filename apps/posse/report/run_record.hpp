#pragma once

#include "messages/failure.hpp"
#include "runtime/checkpoint/learning_file.hpp"
#include "runtime/checkpoint/prediction_file.hpp"
#include "runtime/checkpoint/read_log.hpp"
#include "runtime/config/settings_list.hpp"

#include <nlohmann/json.hpp>

#include <filesystem>
#include <optional>
#include <vector>

namespace posse::report {

/// What a RUN_DIR says about its run.
struct run_record {
  settings_list settings;
  std::optional<nlohmann::ordered_json> result; ///< absent: it has not finished
  std::vector<logged_event> events;            ///< since the last process began
  std::optional<learning_curves> learning;     ///< absent: an older run
  std::optional<prediction_table> predictions; ///< of the test rows, if any
};

/// Reads a RUN_DIR, and writes nothing.
/// @returns one line that names the file which is missing or damaged: without a
///   config.toml it is no RUN_DIR, a result with test rows has predictions, and
///   what is there can be read.
expected<run_record> read_run(const std::filesystem::path& folder);

} // namespace posse::report
