#pragma once

#include "messages/register_messages.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <caf/scoped_actor.hpp>

namespace posse {

struct testing_config : caf::actor_system_config {
  testing_config() {
    register_messages(*this);
    set("scheduler.policy", caf::atom("testing"));
  }
};

/// A system that knows our messages and whose actors run when told to
/// (`sched.run()`), without threads. Spawn functions with an argument, if only
/// 0: without one CAF 0.17 dereferences a null pointer, as sanitizers say.
struct testing_system {
  testing_config cfg;
  caf::actor_system sys{cfg};
  caf::scoped_actor self{sys};
  caf::scheduler::test_coordinator& sched =
      dynamic_cast<caf::scheduler::test_coordinator&>(sys.scheduler());

  ~testing_system() {
    sched.run();
  } // exit messages, or sys would wait for ever
};

} // namespace posse
