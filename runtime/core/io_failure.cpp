#include "runtime/core/io_failure.hpp"

#include <string>
#include <system_error>

namespace posse {

failure io_failure(const std::filesystem::path& path, std::string_view verb,
                   int error) {
  return {errc::io_error, path.string() + ": cannot " + std::string{verb} + ": "
                              + std::generic_category().message(error)};
}

} // namespace posse
