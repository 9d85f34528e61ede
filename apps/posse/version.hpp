#pragma once

namespace posse {

/// Of the program and of the files it writes: "0.1.0".
extern const char* const version;

} // namespace posse
