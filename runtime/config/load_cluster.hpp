#pragma once

#include "messages/failure.hpp"
#include "runtime/config/cluster_config.hpp"

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace posse {

/// What becomes of a run's sections in the file of a cluster. A cluster may
/// stand in a run's config; a file of its own holds nothing else.
enum class run_sections : std::uint8_t { ignored, refused };

/// Reads [cluster] and [[node]] of a TOML file, checked by cluster_keys(),
/// node_keys() and check_cluster(). Unknown sections are errors, and so are the
/// sections of a run if `others` says so; otherwise nobody looks into them.
///
/// @param path The file.
/// @param sets `cluster.KEY=VALUE` each, as in load_config(); a [[node]] cannot
///   be set.
/// @returns errc::invalid_config for the first thing that is wrong, in one line
///   as in load_config(). No message holds the secret.
[[nodiscard]] expected<cluster_config>
load_cluster(const std::filesystem::path& path,
             std::span<const std::string> sets = {},
             run_sections others = run_sections::ignored);

/// The same for a file that is in memory.
///
/// @param text The TOML document, at most max_config_bytes.
/// @param path Names it in messages.
[[nodiscard]] expected<cluster_config>
parse_cluster(std::string_view text, const std::filesystem::path& path,
              std::span<const std::string> sets = {},
              run_sections others = run_sections::ignored);

} // namespace posse
