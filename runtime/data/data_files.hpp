#pragma once

#include "messages/failure.hpp"
#include "runtime/config/run_config.hpp"

#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace posse {

/// A file that a data set is read from.
struct data_file {
  std::filesystem::path path;
  std::string sha256; ///< 64 lower-case hexadecimal digits

  friend bool operator==(const data_file&, const data_file&) = default;
};

/// The files that [data] names, with the hashes of their bytes, sorted by path:
/// what two processes compare before they work on one data set.
///
/// @returns errc::invalid_data, `FILE: ...`, for one that cannot be read.
expected<std::vector<data_file>> data_files(const data_section& section);

/// Whether this process sees the same files.
///
/// @param wanted What data_files() gave elsewhere.
/// @returns errc::invalid_data naming the first file that is missing here, not
///   expected, or of other bytes, with both hashes.
expected<void> check_data_files(const data_section& section,
                                std::span<const data_file> wanted);

} // namespace posse
