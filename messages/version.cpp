#include "messages/version.hpp"

namespace posse {

const char* const version = POSSE_VERSION;

} // namespace posse
