#include "messages/register_messages.hpp"

#include "messages/messages.hpp"
#include "messages/wire_check.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>

namespace posse {

// CAF 0.17 packs a float with arithmetic that never ends for infinity and turns
// NaN into 1: a diverged loss would freeze its sender's network thread.
static_assert(wire::no_floating_point<caf::id_block::posse_messages>(),
              "a message holds a float or double: use real64 or tensor_blob");
static_assert(wire::all_members_inspected<caf::id_block::posse_messages>(),
              "a message has members that its inspect() leaves out");

void register_messages(caf::actor_system_config& config) {
  config.add_message_types<caf::id_block::posse_messages>();
  config.add_error_category(caf::detail::error_factory<errc>::category,
                            render_error);
}

} // namespace posse
