#pragma once

#include "messages/failure.hpp"

#include <toml++/toml.h>

#include <filesystem>
#include <span>
#include <string>
#include <string_view>

/// From a file to its TOML. Only the .cpp files of this room include this:
/// toml++ takes seconds to compile.
namespace posse {

/// The bytes of a config, up to one more than max_config_bytes.
///
/// @returns errc::invalid_config if it is not there, a folder or unreadable.
[[nodiscard]] expected<std::string>
read_config_file(const std::filesystem::path& path);

/// The TOML of a config.
///
/// @param file Names it in messages.
/// @returns errc::invalid_config, as `FILE:LINE: syntax: ...`, also for what
///   toml++ would crash on.
[[nodiscard]] expected<toml::table> parse_document(std::string_view text,
                                                   const std::string& file);

/// Whether this is the file of a cluster: it has [cluster] or [[node]] and no
/// [data], which no run can do without, nor does one of `sets` give it some.
bool is_of_cluster(const toml::table& document,
                   std::span<const std::string> sets);

} // namespace posse
