#include "runtime/compute/lane_schedule.hpp"

#include <algorithm>
#include <unordered_set>
#include <utility>

namespace posse {

lane_schedule::lane_schedule(particle_store::options store, std::size_t lanes)
    : store_{store}, load_(lanes, 0) {}

expected<bool> lane_schedule::place(device_job& job) {
  const std::lock_guard lock{mutex_};
  // An earlier operation on one of the particles goes first.
  if (!waiting_.empty()
      && std::ranges::any_of(job.pids, [this](particle_id pid) {
           return waiting_for_.contains(pid);
         }))
    return false;
  return try_place(job);
}

bool lane_schedule::place_at_once(device_job& job) {
  const std::lock_guard lock{mutex_};
  return waiting_.empty() && try_place(job).value_or(false);
}

void lane_schedule::wait(std::shared_ptr<device_job> job,
                         std::function<void()> start,
                         std::function<void(failure)> refuse) {
  const std::lock_guard lock{mutex_};
  for (auto pid : job->pids)
    ++waiting_for_[pid];
  waiting_.push_back({std::move(job), std::move(start), std::move(refuse)});
}

void lane_schedule::start_waiting() {
  std::vector<std::function<void()>> calls;
  {
    const std::lock_guard lock{mutex_};
    // Particles whose turn has not come: what is behind them waits as well.
    std::unordered_set<particle_id> blocked;
    for (auto i = waiting_.begin(); i != waiting_.end();) {
      const auto& pids = i->job->pids;
      const bool behind = std::ranges::any_of(
          pids, [&](particle_id pid) { return blocked.contains(pid); });
      auto got = behind ? expected<acquisition>{acquisition{grant::busy, {}}}
                        : i->job->acquire(store_);
      // No slot for this one means none for those behind it either: they would
      // have to push somebody out as well.
      if (got && got->outcome == grant::no_slot)
        break;
      if (got && got->outcome == grant::busy) {
        blocked.insert(pids.begin(), pids.end());
        ++i;
        continue;
      }
      auto ready = std::move(*i);
      i = waiting_.erase(i);
      for (auto pid : ready.job->pids)
        if (auto count = waiting_for_.find(pid); --count->second == 0)
          waiting_for_.erase(count);
      if (got) {
        run(*ready.job, std::move(got->leases));
        calls.push_back(std::move(ready.start));
      } else {
        calls.push_back([refuse = std::move(ready.refuse),
                         why = std::move(got.error())]() mutable {
          refuse(std::move(why));
        });
      }
    }
  }
  for (const auto& call : calls)
    call();
}

bool lane_schedule::finish(device_job& job) {
  const std::lock_guard lock{mutex_};
  --load_[job.lane];
  for (const auto& held : job.leases) {
    store_.release(held);
    if (held.entry->lost && held.fresh)
      store_.remove(held.entry->pid);
  }
  job.leases.clear();
  return !waiting_.empty();
}

expected<bool> lane_schedule::try_place(device_job& job) {
  auto got = job.acquire(store_);
  if (!got)
    return fail(std::move(got));
  if (got->outcome != grant::leased)
    return false;
  run(job, std::move(got->leases));
  return true;
}

void lane_schedule::run(device_job& job, lease_list leases) {
  job.leases = std::move(leases);
  job.lane = pick_lane(job.leases);
  ++load_[job.lane];
}

/// One with least to do; among these the one where the particle last computed,
/// since its bytes are likely in that core's cache.
std::size_t lane_schedule::pick_lane(held_leases leases) {
  const auto lightest = std::ranges::min_element(load_);
  const auto first = static_cast<std::size_t>(lightest - load_.begin());
  if (leases.empty())
    return first;
  auto& last = leases.front().entry->lane;
  if (load_[last] > *lightest)
    last = first;
  return last;
}

} // namespace posse
