#include "actors/plugin.hpp"

// A plugin that adds two things, of which one is taken already if it is
// `taken`.

namespace {

double half(std::int64_t, std::int64_t) {
  return 0.5;
}

posse::task<posse::value> answer(posse::particle&, posse::value args) {
  co_return args;
}

} // namespace

#ifdef POSSE_TEST_TAKEN
POSSE_PLUGIN("taken", posse::plugin_parts& parts) {
  parts.add_schedule("untaken", half);
  parts.add_behavior("svgd", {{{"ANSWER", answer}}});
}
#else
POSSE_PLUGIN("good", posse::plugin_parts& parts) {
  parts.add_schedule("half", half);
  parts.add_behavior("good", {{{"ANSWER", answer}}});
}
#endif
