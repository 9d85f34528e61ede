#include "actors/run_queue_policy.hpp"

#include <caf/scheduler/coordinator.hpp>

namespace posse {

run_queue_policy::worker_data::worker_data(coordinator_ptr parent) {
  using coordinator = caf::scheduler::coordinator<run_queue_policy>;
  auto& all = static_cast<coordinator*>(parent)->data();
  if (!all.jobs) // only now does CAF know how many workers there are
    all.jobs = std::make_unique<run_queue>(parent->num_workers());
  jobs = all.jobs.get();
}

} // namespace posse
