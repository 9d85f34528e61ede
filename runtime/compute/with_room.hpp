#pragma once

#include "messages/failure.hpp"
#include "runtime/compute/lane_schedule.hpp"
#include "runtime/compute/undo_record.hpp"
#include "runtime/core/guarded.hpp"

#include <string_view>

namespace posse {

/// Does `work` on a particle in its slot, on a lane of an accelerator; again,
/// with fewer slots on the device, for as long as it has no memory for it and
/// slots can be given up. What the particle was before is put back first, so
/// that it gets the same bits as if there had been enough. What the host has no
/// memory for is not tried again.
///
/// @param what What is done, for failures.
/// @param work A function of seated_particle that gives an `expected`.
/// @returns its last result; a failure says what was asked for, what there is,
///   and why no more slots could be given up. errc::all_slots_pinned: other
///   operations hold them; the caller's has to wait_again().
template <class Work>
auto with_room(lane_schedule& schedule, const seated_particle& p,
               std::string_view what, Work&& work) {
  const auto attempt = [&] {
    return guarded(what, [&] {
      const undo_record before{p};
      auto done = work(p);
      if (!done && done.error().code == errc::out_of_memory)
        before.put_back(p);
      return done;
    });
  };
  auto seen = schedule.rooms_made();
  auto done = attempt();
  while (!done && done.error().code == errc::out_of_memory
         && !is_full_host(done.error())) {
    if (auto room = schedule.make_room(seen); !room) {
      done.error().message += "; " + room.error().message;
      done.error().code = room.error().code;
      break;
    }
    seen = schedule.rooms_made();
    done = attempt();
  }
  return done;
}

} // namespace posse
