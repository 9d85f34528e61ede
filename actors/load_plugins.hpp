#pragma once

#include "messages/failure.hpp"
#include "runtime/config/plugin_list.hpp"
#include "runtime/config/run_config.hpp"
#include "runtime/data/data_files.hpp"

#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace posse {

/// Loads plugins into this process, in their order, and adds their parts to the
/// registries. Nothing of a file runs before its ABI text has been read and
/// compared. A plugin stays for the life of the process; one of the same bytes
/// is not loaded again.
///
/// @param wanted The files as another process has them, by path; none: not
///   compared.
/// @returns errc::invalid_config, with the plugin's `where` in front, for a
///   file that is missing, no shared library, no plugin, one for another
///   program, one that cannot be loaded, that throws, whose names are taken, or
///   that differs from the wanted one.
expected<void> load_plugins(std::span<const listed_plugin> plugins,
                            std::span<const data_file> wanted = {});

/// The files of these plugins, with the hashes of what was loaded.
///
/// @returns errc::invalid_config naming one that is not loaded.
expected<std::vector<data_file>>
loaded_plugin_files(std::span<const std::filesystem::path> paths);

/// load_config() for a config that may have plugins: loads them first, so that
/// the config may use their names.
expected<run_config> load_run_config(const std::filesystem::path& path,
                                     std::span<const std::string> sets = {});

} // namespace posse
