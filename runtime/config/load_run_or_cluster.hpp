#pragma once

#include "messages/failure.hpp"
#include "runtime/config/known_names.hpp"
#include "runtime/config/run_config.hpp"

#include <filesystem>
#include <span>
#include <string>
#include <variant>

namespace posse {

/// Reads a config for those who take either: a file with [cluster] or [[node]]
/// and without [data], which no run can do without, is a cluster's own; any
/// other is a run's.
///
/// @param path The file.
/// @param sets As in load_config() and load_cluster(); one of `data` makes it a
///   run's.
/// @param names What algorithms, models, ... a run's may name.
/// @returns errc::invalid_config, as load_config() or load_cluster() does.
[[nodiscard]] expected<std::variant<run_config, cluster_config>>
load_run_or_cluster(const std::filesystem::path& path,
                    std::span<const std::string> sets = {},
                    const known_names& names = {});

} // namespace posse
