#include "actors/plugin_abi.hpp"

#include <cstdlib>
#include <stdexcept>

// Plugins that cannot be loaded, each for a reason of its own.

namespace posse {
class plugin_parts;
}

void is_nowhere();

extern "C" {

#if defined(POSSE_TEST_OTHER_ABI)
extern const char posse_plugin_abi[];
const char posse_plugin_abi[] = "posse 0.0.1\nof long ago";
#elif !defined(POSSE_TEST_NO_PLUGIN)
extern const char posse_plugin_abi[];
const char posse_plugin_abi[] = POSSE_PLUGIN_ABI;
#endif

extern const char posse_plugin_name[];
const char posse_plugin_name[] = "bad";

void posse_plugin_init(posse::plugin_parts&) {
#ifdef POSSE_TEST_UNDEFINED
  is_nowhere();
#endif
  throw std::runtime_error{"no disk"};
}

} // extern "C"

namespace {

#if defined(POSSE_TEST_OTHER_ABI) || defined(POSSE_TEST_NO_PLUGIN)
// Nothing of these may run.
[[gnu::constructor]] void run_at_once() {
  setenv("POSSE_TEST_RAN", "1", 1);
}
#endif

} // namespace
