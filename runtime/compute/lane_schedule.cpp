#include "runtime/compute/lane_schedule.hpp"

#include <algorithm>
#include <numeric>
#include <unordered_set>
#include <utility>

namespace posse {

namespace {

// Jobs of a lane, the one that it runs included, so that it never waits for its
// next one.
constexpr std::size_t jobs_at_hand = 2;

} // namespace

lane_schedule::lane_schedule(particle_store::options store, std::size_t lanes,
                             copy_trace* trace)
    : store_{store}, copies_{store.prefetch ? store.device
                                            : c10::Device{c10::kCPU},
                             trace},
      load_(lanes, 0), at_home_(lanes, 0) {}

expected<bool> lane_schedule::place(device_job& job) {
  {
    const std::lock_guard lock{mutex_};
    if (is_awaited(job) || (put_off_ > 0 && (jobs() > 0 || !waiting_.empty())))
      return false;
    // Those who wait for a slot were here first.
    auto got =
        job.acquire(store_, slot_wanted_ ? slot_claim::in_turn : claim());
    if (!got)
      return fail(std::move(got));
    if (got->outcome != grant::leased)
      return false;
    run(job, std::move(got->leases));
  }
  start_copies(job);
  return true;
}

/// Without the lock: the leases are the job's now.
void lane_schedule::start_copies(device_job& job) const {
  for (auto& held : job.leases)
    copies_.start(held);
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
    slot_wanted_ = false;
    for (auto i = waiting_.begin(); i != waiting_.end();) {
      if (put_off_ > 0 && jobs() > 0)
        break;
      const auto& pids = i->job->pids;
      const bool behind = std::ranges::any_of(
          pids, [&](particle_id pid) { return blocked.contains(pid); });
      auto got = behind ? expected<acquisition>{acquisition{grant::busy, {}}}
                        : i->job->acquire(store_, claim());
      const bool no_slot = got && got->outcome == grant::no_slot;
      slot_wanted_ = slot_wanted_ || no_slot;
      // No slot for this one means none for those behind it either: they would
      // have to push somebody out as well. Unless it waits for slots that are
      // pinned: then others go on.
      if (no_slot && claim() != slot_claim::any)
        break;
      if (no_slot || (got && got->outcome == grant::busy)) {
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
        calls.push_back(
            [this, job = std::move(ready.job), start = std::move(ready.start)] {
              start_copies(*job);
              start();
            });
      } else {
        end_put_off(*ready.job);
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
  const bool evicted_is_awaited =
      std::ranges::any_of(job.leases, [this](const lease& held) {
        return held.evicted != nullptr
               && waiting_for_.contains(held.evicted->pid);
      });
  give_back(job);
  return std::exchange(look_again_, false) || evicted_is_awaited
         || is_awaited(job) || (put_off_ > 0 && !waiting_.empty())
         || (slot_wanted_ && claim() >= slot_claim::after_turn);
}

expected<void> lane_schedule::make_room(std::uint64_t seen) {
  const std::lock_guard alone{making_room_};
  if (rooms_made_ != seen)
    return {};
  auto leaving = [&] {
    const std::lock_guard lock{mutex_};
    auto given_up = store_.give_up_slots();
    const bool later = !given_up && jobs() > 1; // the caller's is one
    if (later)
      given_up.error().code = errc::all_slots_pinned;
    return given_up;
  }();
  if (!leaving)
    return fail(std::move(leaving));
  bool any_left = leaving->empty(); // then slots that were free have gone
  expected<void> failed;
  for (const auto& going : *leaving) {
    auto moved = leave_slot(going, swaps());
    const bool left = with_store(
        [&](particle_store& store) { return store.end_departure(going); });
    any_left = any_left || left;
    if (!left)
      failed = std::move(moved);
  }
  const std::lock_guard lock{mutex_};
  look_again_ = true;
  if (!any_left)
    return failed;
  ++rooms_made_;
  return {};
}

void lane_schedule::wait_again(std::shared_ptr<device_job> job,
                               std::function<void()> start,
                               std::function<void(failure)> refuse) {
  const std::lock_guard lock{mutex_};
  give_back(*job);
  job->put_off = true;
  ++put_off_;
  for (auto pid : job->pids)
    ++waiting_for_[pid];
  waiting_.push_front({std::move(job), std::move(start), std::move(refuse)});
}

void lane_schedule::give_back(device_job& job) {
  --load_[job.lane];
  end_put_off(job);
  for (const auto& held : job.leases) {
    store_.release(held);
    if (held.entry->lost && held.fresh)
      store_.remove(held.entry->pid);
  }
  job.leases.clear();
}

void lane_schedule::end_put_off(device_job& job) {
  if (std::exchange(job.put_off, false) && --put_off_ == 0)
    look_again_ = true;
}

lane_schedule::lane_queue lane_schedule::queue_of(std::size_t lane) {
  const std::lock_guard lock{mutex_};
  return {at_home_[lane], load_[lane], !waiting_.empty()};
}

/// Those that have their leases.
std::size_t lane_schedule::jobs() const {
  return std::reduce(load_.begin(), load_.end());
}

/// True if an earlier operation on one of the job's particles waits: it goes
/// first.
bool lane_schedule::is_awaited(const device_job& job) const {
  return !waiting_.empty()
         && std::ranges::any_of(job.pids, [this](particle_id pid) {
              return waiting_for_.contains(pid);
            });
}

/// How far the one that waits longest may go.
slot_claim lane_schedule::claim() const {
  const auto lightest = std::ranges::min(load_);
  if (lightest == 0 || (lightest == 1 && may_come_early()))
    return slot_claim::any;
  return lightest < jobs_at_hand ? slot_claim::after_turn : slot_claim::seated;
}

/// Whoever comes in for a lane that has nothing to do has it wait for its
/// bytes. Where these move beside an operation, it may come in for the lane's
/// last one. Not where a lane has but two slots: while the particle in one
/// computes, the other one's next operation is on its way, and would find its
/// slot taken.
bool lane_schedule::may_come_early() const {
  constexpr std::size_t slots_at_hand = 3;
  return copies_.runs() && store_.capacity() >= slots_at_hand * load_.size();
}

void lane_schedule::run(device_job& job, lease_list leases) {
  job.leases = std::move(leases);
  auto* first = job.leases.empty() ? nullptr : job.leases.front().entry;
  if (first != nullptr && job.leases.front().fresh) {
    first->home_lane = created_++ % load_.size();
    first->home_place = at_home_[first->home_lane]++;
  }
  job.lane = job.in_groups ? first->home_lane : pick_lane(job.leases);
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
