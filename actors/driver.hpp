#pragma once

#include "actors/driver_interface.hpp"
#include "actors/particle_interface.hpp"
#include "actors/pfuture.hpp"
#include "actors/progress_board.hpp"

#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <memory>

namespace posse {

/// From push_distribution to its driver: run a handler, keep the promise.
/// Never leaves the process.
struct launch_order {
  particle_actor particle;
  receive_func_pd_msg message;
  pfuture::promise promise;
};

struct driver_state {
  static inline const char* name = "driver";
  explicit driver_state(driver_actor::stateful_pointer<driver_state>) {}

  std::shared_ptr<progress_board> board;
};

driver_actor::behavior_type
driver(driver_actor::stateful_pointer<driver_state> self,
       std::shared_ptr<progress_board> board);

} // namespace posse

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(posse::launch_order)
