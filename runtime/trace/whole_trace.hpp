#pragma once

#include "messages/failure.hpp"
#include "messages/trace_log.hpp"

#include <cstdint>
#include <functional>

namespace posse {

/// All that a device had recorded when it was first asked.
///
/// @param part Gives a part, from the event with this number on.
/// @returns what `part` fails with.
expected<trace_log>
whole_trace(const std::function<expected<trace_log>(std::uint64_t)>& part);

} // namespace posse
