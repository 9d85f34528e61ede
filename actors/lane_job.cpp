#include "actors/lane_job.hpp"

#include "runtime/core/guarded.hpp"

#include <c10/core/Event.h>

namespace posse {

namespace {

/// What settle() will do, as its event is called; nullptr: nothing that takes
/// time.
const char* move_of(const lease& held) {
  if (held.moved) {
    const auto done = guarded("copy", [&] { return held.moved->query(); });
    return done.value_or(false) ? nullptr : "wait for copy";
  }
  if (held.load)
    return held.evicted == nullptr ? "load {}" : "swap in {}";
  return held.evicted == nullptr ? nullptr : "write back {}";
}

} // namespace

expected<slot*> lane_job_base::seat() {
  const auto& held = leases.front();
  auto& swaps = device.schedule.swaps();
  if (!device.trace) [[likely]]
    return settle(held, swaps);
  const auto* name = move_of(held);
  const auto pid = held.load || held.moved || held.evicted == nullptr
                       ? held.entry->pid
                       : held.evicted->pid;
  auto out = settle(held, swaps);
  if (name == nullptr)
    return out;
  auto& events = device.trace->events;
  const auto now = events.now();
  events.add(name, {.row = static_cast<std::uint32_t>(lane),
                    .pid = pid,
                    .particles = 1,
                    .begin = began_,
                    .end = now});
  began_ = now;
  return out;
}

void lane_job_base::note_work() {
  auto& events = device.trace->events;
  trace_event done{.row = static_cast<std::uint32_t>(lane),
                   .particles = static_cast<std::uint32_t>(leases.size()),
                   .begin = began_,
                   .end = events.now()};
  if (!leases.empty())
    done.pid = leases.front().entry->pid;
  if (leases.size() == 1)
    done.step = leases.front().entry->steps;
  events.add(what, done);
}

} // namespace posse
