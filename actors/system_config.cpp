#include "actors/system_config.hpp"

#include "actors/run_queue_policy.hpp"
#include "messages/register_messages.hpp"

#include <caf/io/middleman.hpp>
#include <caf/scheduler/coordinator.hpp>
#include <caf/timespan.hpp>

#include <algorithm>
#include <chrono>
#include <thread>

namespace posse {

namespace {

// As many threads as lanes. One more would not help: a message waits for a lane
// at most, and the cores are busy.
std::size_t scheduler_threads(const local_section& resources) {
  const auto cores = std::max(std::thread::hardware_concurrency(), 1U);
  return resources.lanes > 0
             ? static_cast<std::size_t>(resources.lanes)
                   * resources.devices.size()
             : std::max<std::size_t>(cores, resources.devices.size());
}

} // namespace

system_config::system_config(const local_section& resources,
                             const cluster_section* network) {
  register_messages(*this);
  load<caf::scheduler::coordinator<run_queue_policy>>();
  // One more for what comes from other nodes, which must not wait for a lane.
  set("scheduler.max-threads",
      scheduler_threads(resources) + (network == nullptr ? 0 : 1));
  if (network == nullptr)
    return;
  load<caf::io::middleman>();
  // The network's thread reads messages itself: what is large comes in chunks,
  // and a thread more on its way costs a copy and a hand-over.
  set("middleman.workers", std::size_t{0});
  set("middleman.heartbeat-interval",
      caf::timespan{std::chrono::milliseconds{network->heartbeat_ms}});
  set("middleman.connection-timeout",
      caf::timespan{std::chrono::milliseconds{network->timeout_ms}});
}

} // namespace posse
