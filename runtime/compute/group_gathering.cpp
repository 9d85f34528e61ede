#include "runtime/compute/group_gathering.hpp"

#include <algorithm>
#include <utility>

namespace posse {

namespace {

// For so many groups that were behind.
constexpr int most_passed_over = 8;

// Of a squad in a row. Each turn begins with rows that are in no cache.
constexpr int most_rounds = 16;

std::size_t place_of(const device_job& job) {
  return job.leases.front().entry->home_place;
}

} // namespace

void group_gathering::patience::lose() {
  constexpr unsigned longest = 10; // 2^10 groups
  if (in_vain > 0)
    hurry = std::size_t{1} << std::min(in_vain, longest);
  ++in_vain;
}

void group_gathering::patience::spend() {
  if (hurry > 0)
    --hurry;
}

void group_gathering::add(device_job& job,
                          const lane_schedule::lane_queue& lane) {
  const auto place = place_of(job);
  const auto which = place / squad_size;
  if (which >= squads_.size())
    squads_.resize(which + 1);
  auto& x = squads_[which];
  x.here.push_back({&job});
  x.taking_part.set(place % squad_size);
  ++here_;
  ++arrivals_;
  const auto members =
      std::min(lane.particles - which * squad_size, squad_size);
  if (x.here.size() >= (x.all_take_part ? members : x.taking_part.count()))
    make_ready(which);
}

void group_gathering::make_ready(std::size_t which) {
  if (!std::exchange(squads_[which].ready, true))
    ready_.push_back(which);
}

/// Whether it is still the turn of the squad that computed last, which is here.
bool group_gathering::may_stay() const {
  return current_ && squads_[*current_].ready
         && (rounds_ < most_rounds || ready_.size() == 1);
}

/// Whether it was answered a moment ago, and its turn is not over.
bool group_gathering::may_come_back() const {
  return current_ && rounds_ < most_rounds && for_current_.hurry == 0;
}

group_gathering::action
group_gathering::next(const lane_schedule::lane_queue& lane) const {
  if (here_ == 0)
    return action::wait;
  // Whoever waits for a slot comes before those that would come back.
  if (!ready_.empty())
    return may_stay() || lane.others_wait || !may_come_back()
               ? action::run
               : action::wait_a_while;
  if (lane.jobs > here_)
    return action::wait;
  // Those that wait for a slot get none before these are done.
  return lane.others_wait || for_all_.hurry > 0 ? action::run
                                                : action::wait_a_while;
}

/// The squad to compute next: if none is complete, the one with most there.
std::size_t group_gathering::chosen() const {
  if (may_stay())
    return *current_;
  if (!ready_.empty())
    return ready_.front();
  const auto largest = std::ranges::max_element(
      squads_, {}, [](const squad& x) { return x.here.size(); });
  return static_cast<std::size_t>(largest - squads_.begin());
}

std::vector<device_job*> group_gathering::take() {
  const auto which = chosen();
  auto& from = squads_[which];
  if (std::exchange(from.ready, false))
    std::erase(ready_, which);
  if (which != current_) {
    current_ = which;
    rounds_ = 0;
    for_current_.spend();
  } else if (others_were_ready_) {
    for_current_.in_vain = 0; // it did come back
  }
  ++rounds_;
  others_were_ready_ = !ready_.empty();
  for_all_.spend();

  const auto urgency = [](const arrival& x) {
    return x.passed_over >= most_passed_over
               ? std::int64_t{-1}
               : x.job->leases.front().entry->steps;
  };
  const auto* first = std::ranges::min_element(from.here, {}, urgency)->job;
  const auto most = first->largest_group();
  std::vector<device_job*> out;
  std::erase_if(from.here, [&](const arrival& x) {
    const bool taken =
        out.size() < most && (x.job == first || first->goes_with(*x.job));
    if (taken)
      out.push_back(x.job);
    return taken;
  });
  for (auto& x : from.here)
    ++x.passed_over;
  here_ -= out.size();
  if (out.size() > 1)
    for_all_.in_vain = 0;
  return out;
}

void group_gathering::take_part_if_here(std::size_t which) {
  auto& x = squads_[which];
  x.all_take_part = false;
  x.taking_part.reset();
  for (const auto& each : x.here)
    x.taking_part.set(place_of(*each.job) % squad_size);
  if (!x.here.empty())
    make_ready(which);
}

void group_gathering::go_on() {
  if (ready_.empty()) {
    for (std::size_t which = 0; which < squads_.size(); ++which)
      take_part_if_here(which);
    for_all_.lose();
    return;
  }
  take_part_if_here(*current_);
  current_.reset();
  for_current_.lose();
}

} // namespace posse
