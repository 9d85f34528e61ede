#pragma once

#include "runtime/config/known_names.hpp"
#include "runtime/config/schema.hpp"

#include <tl/expected.hpp>
#include <toml++/toml.h>

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

/// From a TOML value to a setting. Only the .cpp files of this room include
/// this: toml++ takes seconds to compile.
namespace posse {

/// Why a value is not taken.
struct mismatch {
  std::string at;       ///< the place inside the value: "", "[1]", "[1].bytes"
  std::string text;     ///< "expected ..., got ..."
  std::size_t line = 0; ///< in the file; 0: unknown
};

/// Reads the value of `key`: its type, its range or words, and that all of it
/// is finite, not empty and free of control characters.
///
/// @param folder Absolute; what paths are relative to.
/// @returns the setting, paths absolute and normal.
[[nodiscard]] tl::expected<config_value, mismatch>
read_value(const toml::node& node, const config_key& key,
           const known_names& names, const std::filesystem::path& folder);

/// What came, in a few words and one line: `"adam"`, `2.5`, `an array of 3
/// values`, `a table`.
std::string shown(const toml::node& node);

/// `text` in quotes, in one line, cut if it is long.
std::string shown(std::string_view text);

} // namespace posse
