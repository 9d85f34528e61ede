#pragma once

#include "messages/failure.hpp"

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace posse {

/// What a config sets: ("infer.steps", "3000"), in the order of the file.
using settings_list = std::vector<std::pair<std::string, std::string>>;

/// Reads what stands in a config, for those who show it: nothing is checked
/// beyond its being TOML, and no default is filled in. Texts come without their
/// quotes, other values as TOML spells them.
/// @returns errc::invalid_config, as load_config() does, for a file that is not
///   there or no TOML.
[[nodiscard]] expected<settings_list>
list_settings(const std::filesystem::path& path);

/// The value of that name, or "" where there is none.
std::string find_setting(const settings_list& settings, std::string_view name);

} // namespace posse
