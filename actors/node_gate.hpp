#pragma once

#include "actors/node_event_loop.hpp"
#include "actors/node_event_loop_interface.hpp"
#include "actors/node_gate_interface.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <functional>
#include <optional>
#include <string>

namespace posse {

/// What a daemon's gate is started with.
struct node_gate_options {
  hello self;        ///< what this daemon would say, its incarnation included
  node_options node; ///< of the node that each guest gets
  std::function<void()> stop; ///< called when somebody may end the daemon
};

/// Lets one driver at a time in, and makes the node fit for the next one when
/// a run ends, however it does: the driver says so, ends, or is cut off. Told
/// to exit, it ends its guest's run first.
class node_gate_state {
public:
  using self_ptr = node_gate_actor::stateful_pointer<node_gate_state>;
  static inline const char* name = "node_gate";

  explicit node_gate_state(self_ptr self) : self_{self} {}
  node_gate_actor::behavior_type make_behavior(node_gate_options opts);

private:
  struct guest {
    std::string driver;
    caf::actor_addr alive;
    node_event_loop_actor node;
    bool leaving{false};
  };
  /// A driver that came while the one before was leaving.
  struct next_guest {
    attach_msg request;
    caf::typed_response_promise<attach_ack> promise;
  };

  caf::result<attach_ack> attach(const attach_msg& req);
  attach_ack let_in(const attach_msg& req);
  caf::result<node_stop_ack> stop(const node_stop_msg& req);
  void gone(const caf::actor_addr& who);
  void clear_up();
  void end(caf::error reason);

  self_ptr self_;
  node_gate_options options_;
  std::optional<guest> guest_;
  std::optional<next_guest> next_;
  std::optional<caf::error> ending_; ///< why, once the daemon ends
};

node_gate_actor::behavior_type node_gate(node_gate_state::self_ptr self,
                                         node_gate_options opts);

} // namespace posse
