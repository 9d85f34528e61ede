#pragma once

#include "messages/failure.hpp"
#include "runtime/config/known_names.hpp"
#include "runtime/config/run_config.hpp"

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace posse {

/// No config is larger, in bytes.
inline constexpr std::size_t max_config_bytes = std::size_t{1} << 20;

/// Reads the config of a run: a TOML file, then the assignments of `--set`, of
/// which later ones win. All keys are checked by config_schema(), defaults
/// filled in and combinations checked by resolve_config(), paths made absolute.
///
/// @param path The file; paths in it are relative to its folder.
/// @param sets `key.path=value` each; the value is a TOML value, or else a
///   string. Paths in them are relative to the working directory.
/// @param names What algorithms, models, ... may be named.
/// @returns errc::invalid_config for the first thing that is wrong, in one
/// line:
///   `FILE:LINE: KEY: expected ..., got ...` for what stands in the file (KEY
///   is `syntax` where it is no TOML), `--set KEY: expected ..., got ...` for
///   an assignment, `FILE: ...` for a file that cannot be read as a whole.
[[nodiscard]] expected<run_config>
load_config(const std::filesystem::path& path,
            std::span<const std::string> sets = {},
            const known_names& names = {});

/// The same for a config that is in memory, such as one that came with a run.
///
/// @param text The TOML document, at most max_config_bytes.
/// @param path Names it in messages; paths in it are relative to its folder.
[[nodiscard]] expected<run_config>
parse_config(std::string_view text, const std::filesystem::path& path,
             std::span<const std::string> sets = {},
             const known_names& names = {});

} // namespace posse
