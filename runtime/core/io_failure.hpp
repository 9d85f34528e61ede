#pragma once

#include "messages/failure.hpp"

#include <filesystem>
#include <string_view>

namespace posse {

/// An errc::io_error that reads `PATH: cannot write: No space left on device`.
///
/// @param verb What was tried: "write", "open", "rename".
/// @param error The system's error number, as in errno.
failure io_failure(const std::filesystem::path& path, std::string_view verb,
                   int error);

/// The same, ready to be returned.
inline tl::unexpected<failure> io_fail(const std::filesystem::path& path,
                                       std::string_view verb, int error) {
  return tl::unexpected<failure>{io_failure(path, verb, error)};
}

} // namespace posse
