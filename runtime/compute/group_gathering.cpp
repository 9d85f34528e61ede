#include "runtime/compute/group_gathering.hpp"

#include <algorithm>

namespace posse {

namespace {

// For so many groups that were behind.
constexpr int most_passed_over = 8;

} // namespace

void group_gathering::add(device_job& job) {
  here_.push_back({&job});
  taking_part_.insert(job.pids.front());
  ++arrivals_;
}

group_gathering::action
group_gathering::next(const lane_schedule::lane_queue& lane) const {
  if (here_.empty())
    return action::wait;
  const auto expected = all_take_part_ ? lane.particles : taking_part_.size();
  if (here_.size() >= expected)
    return action::run;
  if (lane.jobs > here_.size())
    return action::wait;
  // Those that wait for a slot get none before these are done.
  return lane.others_wait || hurry_ > 0 ? action::run : action::wait_a_while;
}

std::vector<device_job*> group_gathering::take() {
  const auto urgency = [](const arrival& x) {
    return x.passed_over >= most_passed_over
               ? std::int64_t{-1}
               : x.job->leases.front().entry->steps;
  };
  const auto* first = std::ranges::min_element(here_, {}, urgency)->job;
  const auto most = first->largest_group();
  std::vector<device_job*> out;
  std::erase_if(here_, [&](const arrival& x) {
    const bool taken =
        out.size() < most && (x.job == first || first->goes_with(*x.job));
    if (taken)
      out.push_back(x.job);
    return taken;
  });
  for (auto& x : here_)
    ++x.passed_over;
  if (out.size() > 1)
    waits_in_vain_ = 0;
  if (hurry_ > 0)
    --hurry_;
  return out;
}

void group_gathering::go_on() {
  constexpr unsigned longest = 10; // 2^10 groups
  all_take_part_ = false;
  taking_part_.clear();
  for (const auto& x : here_)
    taking_part_.insert(x.job->pids.front());
  if (waits_in_vain_ > 0)
    hurry_ = std::size_t{1} << std::min(waits_in_vain_, longest);
  ++waits_in_vain_;
}

} // namespace posse
