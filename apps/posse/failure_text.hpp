#pragma once

#include "apps/posse/exit_code.hpp"
#include "messages/failure.hpp"

#include <string>
#include <string_view>

namespace posse {

/// `text` in one line: line breaks and what stands around them become a space.
std::string in_one_line(std::string_view text);

/// Writes the failure as one line to stderr.
/// @returns `code`, for the callers to end with.
int complain(const failure& why, exit_code code);

} // namespace posse
