#pragma once

#include "messages/failure.hpp"

#include <nlohmann/json_fwd.hpp>

#include <filesystem>

namespace posse {

/// What its "schema" says: the version of its form.
inline constexpr int result_schema = 1;

/// Writes `result.json` as one whole: indented, keys in the order given,
/// non-finite numbers as null (JSON has no word for them), bytes that are no
/// UTF-8 as U+FFFD. @returns errc::io_error.
expected<void> write_result(const std::filesystem::path& path,
                            const nlohmann::ordered_json& result);

/// Reads what write_result() wrote, of a schema this program knows: an object
/// with "schema" 1 and all objects and lists that a result has. The values in
/// them are not looked at.
/// @returns errc::invalid_data, in one line that begins with `FILE:`.
expected<nlohmann::ordered_json> read_result(const std::filesystem::path& path);

} // namespace posse
