#include "actors/system_config.hpp"

#include "messages/register_messages.hpp"

#include <caf/atom.hpp>
#include <caf/io/middleman.hpp>
#include <caf/timespan.hpp>

#include <algorithm>
#include <chrono>
#include <thread>

namespace posse {

namespace {

// As many threads as lanes. One more would not help: a message waits for a lane
// at most, while a thread without work takes every other message to another
// core (a round trip between particles: 1.1 us without, 1.7 us with it).
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
  set("scheduler.policy", caf::atom("stealing"));
  // A thread that finds nothing looks on for some microseconds before it sleeps
  // for 50: a lane's next job is rarely further away.
  set("work-stealing.aggressive-poll-attempts", std::size_t{10000});
  // An idle one looks every millisecond, instead of every ten: a run's second
  // lane would start that late.
  set("work-stealing.relaxed-sleep-duration",
      caf::timespan{std::chrono::milliseconds{1}});
  // What comes from the network is read in a scheduler's thread as well.
  set("scheduler.max-threads",
      scheduler_threads(resources) + (network == nullptr ? 0 : 1));
  if (network == nullptr)
    return;
  load<caf::io::middleman>();
  set("middleman.heartbeat-interval",
      caf::timespan{std::chrono::milliseconds{network->heartbeat_ms}});
  set("middleman.connection-timeout",
      caf::timespan{std::chrono::milliseconds{network->timeout_ms}});
}

} // namespace posse
