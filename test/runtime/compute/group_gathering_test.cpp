#include "runtime/compute/group_gathering.hpp"
#include "test/runtime/compute/schedule_jobs.hpp"

#include <memory>
#include <vector>

using namespace posse;
using namespace posse::test;

namespace {

using action = group_gathering::action;

/// An operation that goes with all others of a particle at the same step.
class grouped_use final : public device_job {
public:
  explicit grouped_use(particle_id pid) : device_job{{pid}, true} {}
  expected<acquisition> acquire(particle_store& store,
                                slot_claim claim) override {
    return store.acquire(pids.front(), claim);
  }
  bool goes_with(const device_job& other) const override {
    return other.leases.front().entry->steps == leases.front().entry->steps;
  }
  std::size_t largest_group() const override { return 3; }
};

/// Four particles of one lane, each with an operation that the lane got.
class one_lane {
public:
  one_lane() {
    const auto recipe = compile(small_recipe(), 16).value();
    for (std::uint32_t i = 0; i < 4; ++i)
      create(schedule, {i}, recipe);
  }

  device_job& ask(std::uint32_t pid) {
    jobs_.push_back(std::make_unique<grouped_use>(particle_id{pid}));
    REQUIRE(schedule.place(*jobs_.back()) == true);
    return *jobs_.back();
  }
  action next() const { return gathering.next(schedule.queue_of(0)); }
  void finish(const std::vector<device_job*>& group, int steps = 1) {
    for (auto* job : group) {
      job->leases.front().entry->steps += steps;
      schedule.finish(*job);
    }
  }

  mutable lane_schedule schedule{{.capacity = 4}, 1};
  group_gathering gathering;

private:
  std::vector<std::unique_ptr<grouped_use>> jobs_;
};

} // namespace

TEST_CASE("a group waits for what is on its way, then for all",
          "[runtime][compute][fuse]") {
  one_lane lane;
  auto& a = lane.ask(0);
  auto& b = lane.ask(1);
  lane.gathering.add(a);
  CHECK(lane.next() == action::wait); // b's message comes
  lane.gathering.add(b);
  CHECK(lane.next() == action::wait_a_while);
  lane.gathering.add(lane.ask(2));
  CHECK(lane.next() == action::wait_a_while);
  lane.gathering.add(lane.ask(3));
  CHECK(lane.next() == action::run);
  const auto group = lane.gathering.take();
  CHECK(group.size() == 3); // the largest
  lane.finish(group);
  CHECK(lane.next() == action::wait_a_while); // for those that were answered
}

TEST_CASE("who stays away is not waited for again, until it comes",
          "[runtime][compute][fuse]") {
  one_lane lane;
  lane.gathering.add(lane.ask(0));
  lane.gathering.add(lane.ask(1));
  CHECK(lane.next() == action::wait_a_while);
  lane.gathering.go_on();
  CHECK(lane.next() == action::run);
  lane.finish(lane.gathering.take());
  CHECK(lane.gathering.empty());
  CHECK(lane.next() == action::wait);
  lane.gathering.add(lane.ask(0));
  CHECK(lane.next() == action::wait_a_while); // for particle 1
  lane.gathering.add(lane.ask(1));
  CHECK(lane.next() == action::run);
  lane.finish(lane.gathering.take());
  lane.gathering.add(lane.ask(0));
  lane.gathering.add(lane.ask(3));
  CHECK(lane.next() == action::wait_a_while); // there are three again
}

TEST_CASE("those that are behind go first, so that all are together again",
          "[runtime][compute][fuse]") {
  one_lane lane;
  lane.gathering.add(lane.ask(3));
  lane.gathering.go_on();
  lane.finish(lane.gathering.take()); // a step ahead
  for (const std::uint32_t pid : {3U, 0U, 1U})
    lane.gathering.add(lane.ask(pid));
  lane.gathering.go_on();
  const auto behind = lane.gathering.take();
  CHECK(behind.size() == 2);
  lane.finish(behind);
  CHECK_FALSE(lane.gathering.empty());
  lane.gathering.add(lane.ask(0));
  lane.gathering.add(lane.ask(1));
  CHECK(lane.next() == action::run);
  CHECK(lane.gathering.take().size() == 3);
}

TEST_CASE("nobody is passed over for ever", "[runtime][compute][fuse]") {
  one_lane lane;
  lane.gathering.add(lane.ask(3));
  lane.gathering.go_on();
  lane.finish(lane.gathering.take(), 1000); // far ahead
  auto& ahead = lane.ask(3);
  lane.gathering.add(ahead);
  int passed_over = 0;
  for (bool taken = false; !taken; ++passed_over) {
    REQUIRE(passed_over < 20);
    lane.gathering.add(lane.ask(0));
    const auto group = lane.gathering.take();
    taken = group.front() == &ahead;
    lane.finish(group);
    if (taken)
      lane.finish(lane.gathering.take()); // particle 0's
  }
  CHECK(passed_over == 9);
}

TEST_CASE("particles that take turns are waited for more and more seldom",
          "[runtime][compute][fuse]") {
  one_lane lane;
  int waits = 0;
  for (int i = 0; i < 1000; ++i) {
    lane.gathering.add(lane.ask(static_cast<std::uint32_t>(i % 2)));
    if (lane.next() == action::wait_a_while) {
      ++waits;
      lane.gathering.go_on();
    }
    REQUIRE(lane.next() == action::run);
    lane.finish(lane.gathering.take());
  }
  CHECK(waits < 12);
}

TEST_CASE("a group does not wait while others wait for its slots",
          "[runtime][compute][fuse]") {
  one_lane lane;
  lane.gathering.add(lane.ask(0));
  CHECK(lane.next() == action::wait_a_while);
  auto later = std::make_shared<use>(particle_id{0});
  REQUIRE(lane.schedule.place(*later) == false);
  lane.schedule.wait(
      later, [] {}, [](failure) {});
  CHECK(lane.next() == action::run);
}
