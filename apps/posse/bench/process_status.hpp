#pragma once

#include <cstdint>
#include <string_view>

namespace posse::bench {

/// A field of this process's /proc/self/status ("VmRSS", "VmHWM"), in bytes; 0
/// if there is none.
std::int64_t status_bytes(std::string_view field);

} // namespace posse::bench
