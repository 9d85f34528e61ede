#pragma once

#include "runtime/core/run_queue.hpp"

#include <caf/logger.hpp>
#include <caf/policy/unprofiled.hpp>
#include <caf/resumable.hpp>
#include <caf/scheduler/abstract_coordinator.hpp>

#include <memory>

namespace posse {

/// CAF's scheduler policy with a run_queue: what the threads of a process do
/// next. CAF's own ones either let jobs starve (stealing: the newest first) and
/// poll, or send a message between two actors through a lock and to another
/// core (sharing).
class run_queue_policy : public caf::policy::unprofiled {
public:
  using coordinator_ptr = caf::scheduler::abstract_coordinator*;

  struct coordinator_data {
    explicit coordinator_data(coordinator_ptr) {}
    std::unique_ptr<run_queue> jobs; ///< from when the workers start
  };

  struct worker_data {
    explicit worker_data(coordinator_ptr parent);
    run_queue* jobs;
  };

  template <class Coordinator>
  void central_enqueue(Coordinator* self, caf::resumable* job) {
    d(self).jobs->push(job);
  }

  template <class Worker>
  void external_enqueue(Worker* self, caf::resumable* job) {
    d(self).jobs->push(job);
  }

  template <class Worker>
  void internal_enqueue(Worker* self, caf::resumable* job) {
    d(self).jobs->push_next(self->id(), job);
  }

  template <class Worker>
  void resume_job_later(Worker* self, caf::resumable* job) {
    d(self).jobs->push(job);
  }

  template <class Worker>
  caf::resumable* dequeue(Worker* self) {
    auto* job = static_cast<caf::resumable*>(d(self).jobs->take(self->id()));
    leave_logger();
    return job;
  }

  template <class Worker, class F>
  void foreach_resumable(Worker*, F) {} // all are the coordinator's

  template <class Coordinator, class F>
  void foreach_central_resumable(Coordinator* self, F f) {
    while (auto* job = d(self).jobs->take_left())
      f(static_cast<caf::resumable*>(job));
  }

private:
  /// CAF's log is off. A thread that has a logger still writes down which actor
  /// it runs, four times a message, in a table that all threads lock; and it
  /// has one again whenever a job has started an actor.
  static void leave_logger() { caf::logger::set_current_actor_system(nullptr); }
};

} // namespace posse
