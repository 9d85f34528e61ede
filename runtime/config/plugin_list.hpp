#pragma once

#include "messages/failure.hpp"

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace posse {

/// An entry of a config's `plugins`.
struct listed_plugin {
  std::filesystem::path path; ///< absolute
  std::string where;          ///< what a message about it starts with:
                              ///< "energy.toml:1: plugins[0]"
};

/// Reads `plugins` of a run's config and nothing else of it: what the rest may
/// say depends on them. The file of a cluster has none.
///
/// @param path The file; paths in it are relative to its folder.
/// @param sets As in load_config().
/// @returns errc::invalid_config, as load_config() does, for a file that is no
///   TOML and for `plugins` that are no array of paths.
[[nodiscard]] expected<std::vector<listed_plugin>>
list_plugins(const std::filesystem::path& path,
             std::span<const std::string> sets = {});

/// The same for a config that is in memory.
///
/// @param path Names it in messages; paths in it are relative to its folder.
[[nodiscard]] expected<std::vector<listed_plugin>>
list_plugins_of(std::string_view text, const std::filesystem::path& path,
                std::span<const std::string> sets = {});

} // namespace posse
