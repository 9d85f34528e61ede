#pragma once

#include "messages/failure.hpp"

#include <nlohmann/json_fwd.hpp>

#include <filesystem>

namespace posse {

/// Writes `result.json` as one whole: indented, keys in the order given,
/// non-finite numbers as null (JSON has no word for them), bytes that are no
/// UTF-8 as U+FFFD. @returns errc::io_error.
expected<void> write_result(const std::filesystem::path& path,
                            const nlohmann::ordered_json& result);

} // namespace posse
