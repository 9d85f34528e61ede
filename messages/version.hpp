#pragma once

namespace posse {

/// Of the program, of the files it writes and of what it says to its peers:
/// "0.1.0".
extern const char* const version;

} // namespace posse
