#include "runtime/compute/group_gathering.hpp"

#include <algorithm>

namespace posse {

namespace {

std::int64_t steps_of(const device_job* job) {
  return job->leases.front().entry->steps;
}

} // namespace

void group_gathering::add(device_job& job) {
  here_.push_back(&job);
  taking_part_.insert(job.pids.front());
  ++arrivals_;
}

group_gathering::step
group_gathering::next(const lane_schedule::lane_state& lane) const {
  if (here_.empty())
    return step::wait;
  const auto expected = all_take_part_ ? lane.particles : taking_part_.size();
  if (here_.size() >= expected)
    return step::run;
  if (lane.jobs > here_.size())
    return step::wait;
  // Those that wait for a slot get none before these are done.
  return lane.others_wait ? step::run : step::wait_a_while;
}

std::vector<device_job*> group_gathering::take() {
  const auto* last = *std::ranges::min_element(here_, {}, steps_of);
  const auto most = last->largest_group();
  std::vector<device_job*> out;
  std::erase_if(here_, [&](device_job* job) {
    const bool taken =
        out.size() < most && (job == last || last->goes_with(*job));
    if (taken)
      out.push_back(job);
    return taken;
  });
  return out;
}

void group_gathering::go_on() {
  all_take_part_ = false;
  taking_part_.clear();
  for (const auto* job : here_)
    taking_part_.insert(job->pids.front());
}

} // namespace posse
