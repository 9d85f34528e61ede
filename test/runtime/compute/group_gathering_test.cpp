#include "runtime/compute/group_gathering.hpp"
#include "test/runtime/compute/schedule_jobs.hpp"

#include <cstdint>
#include <memory>
#include <vector>

using namespace posse;
using namespace posse::test;

namespace {

using action = group_gathering::action;

/// An operation that goes with all others of a particle at the same step.
class grouped_use final : public device_job {
public:
  grouped_use(particle_id pid, std::size_t largest)
      : device_job{{pid}, true}, largest_{largest} {}
  expected<acquisition> acquire(particle_store& store,
                                slot_claim claim) override {
    return store.acquire(pids.front(), claim);
  }
  bool goes_with(const device_job& other) const override {
    return other.leases.front().entry->steps == leases.front().entry->steps;
  }
  std::size_t largest_group() const override { return largest_; }

private:
  std::size_t largest_;
};

/// Particles of one lane, each with an operation that the lane got.
class one_lane {
public:
  explicit one_lane(std::uint32_t particles = 4, std::size_t largest = 3)
      : schedule{{.capacity = particles}, 1}, largest_{largest} {
    const auto recipe = compile(small_recipe(), 16).value();
    for (std::uint32_t i = 0; i < particles; ++i)
      create(schedule, {i}, recipe);
  }

  /// Operations of particles first, first + 1, ... have come.
  void add_squad(std::uint32_t first) {
    for (std::uint32_t i = 0; i < group_gathering::squad_size; ++i)
      add(ask(first + i));
  }

  device_job& ask(std::uint32_t pid) {
    jobs_.push_back(std::make_unique<grouped_use>(particle_id{pid}, largest_));
    REQUIRE(schedule.place(*jobs_.back()) == true);
    return *jobs_.back();
  }
  /// Another operation of a particle whose first one is not done.
  void have_another_wait(std::uint32_t pid) {
    auto later = std::make_shared<use>(particle_id{pid});
    REQUIRE(schedule.place(*later) == false);
    schedule.wait(
        later, [] {}, [](failure) {});
  }
  void add(device_job& job) { gathering.add(job, schedule.queue_of(0)); }
  action next() const { return gathering.next(schedule.queue_of(0)); }
  void finish(const std::vector<device_job*>& group, int steps = 1) {
    for (auto* job : group) {
      job->leases.front().entry->steps += steps;
      schedule.finish(*job);
    }
  }

  mutable lane_schedule schedule;
  group_gathering gathering;

private:
  std::size_t largest_;
  std::vector<std::unique_ptr<grouped_use>> jobs_;
};

} // namespace

TEST_CASE("a group waits for what is on its way, then for all",
          "[runtime][compute][fuse]") {
  one_lane lane;
  auto& a = lane.ask(0);
  auto& b = lane.ask(1);
  lane.add(a);
  CHECK(lane.next() == action::wait); // b's message comes
  lane.add(b);
  CHECK(lane.next() == action::wait_a_while);
  lane.add(lane.ask(2));
  CHECK(lane.next() == action::wait_a_while);
  lane.add(lane.ask(3));
  CHECK(lane.next() == action::run);
  const auto group = lane.gathering.take();
  CHECK(group.size() == 3); // the largest
  lane.finish(group);
  CHECK(lane.next() == action::wait_a_while); // for those that were answered
}

TEST_CASE("who stays away is not waited for again, until it comes",
          "[runtime][compute][fuse]") {
  one_lane lane;
  lane.add(lane.ask(0));
  lane.add(lane.ask(1));
  CHECK(lane.next() == action::wait_a_while);
  lane.gathering.go_on();
  CHECK(lane.next() == action::run);
  lane.finish(lane.gathering.take());
  CHECK(lane.gathering.empty());
  CHECK(lane.next() == action::wait);
  lane.add(lane.ask(0));
  CHECK(lane.next() == action::wait_a_while); // for particle 1
  lane.add(lane.ask(1));
  CHECK(lane.next() == action::run);
  lane.finish(lane.gathering.take());
  lane.add(lane.ask(0));
  lane.add(lane.ask(3));
  CHECK(lane.next() == action::wait_a_while); // there are three again
}

TEST_CASE("those that are behind go first, so that all are together again",
          "[runtime][compute][fuse]") {
  one_lane lane;
  lane.add(lane.ask(3));
  lane.gathering.go_on();
  lane.finish(lane.gathering.take()); // a step ahead
  for (const std::uint32_t pid : {3U, 0U, 1U})
    lane.add(lane.ask(pid));
  lane.gathering.go_on();
  const auto behind = lane.gathering.take();
  CHECK(behind.size() == 2);
  lane.finish(behind);
  CHECK_FALSE(lane.gathering.empty());
  lane.add(lane.ask(0));
  lane.add(lane.ask(1));
  CHECK(lane.next() == action::run);
  CHECK(lane.gathering.take().size() == 3);
}

TEST_CASE("nobody is passed over for ever", "[runtime][compute][fuse]") {
  one_lane lane;
  lane.add(lane.ask(3));
  lane.gathering.go_on();
  lane.finish(lane.gathering.take(), 1000); // far ahead
  auto& ahead = lane.ask(3);
  lane.add(ahead);
  int passed_over = 0;
  for (bool taken = false; !taken; ++passed_over) {
    REQUIRE(passed_over < 20);
    lane.add(lane.ask(0));
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
    lane.add(lane.ask(static_cast<std::uint32_t>(i % 2)));
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
  lane.add(lane.ask(0));
  CHECK(lane.next() == action::wait_a_while);
  lane.have_another_wait(0);
  CHECK(lane.next() == action::run);
}

namespace {

constexpr std::uint32_t squad = group_gathering::squad_size;

/// Runs a group, a whole squad. @returns its first particle.
std::uint32_t run_one(one_lane& lane) {
  REQUIRE(lane.next() == action::run);
  const auto group = lane.gathering.take();
  REQUIRE(group.size() == squad);
  lane.finish(group);
  return group.front()->pids.front().number;
}

} // namespace

TEST_CASE("a squad that comes back at once stays while others are there, but "
          "not for ever",
          "[runtime][compute][fuse]") {
  one_lane lane{2 * squad, squad};
  lane.add_squad(0);
  lane.add_squad(squad);
  CHECK(run_one(lane) == 0);
  int in_a_row = 1;
  for (std::uint32_t next = 0; next == 0; ++in_a_row) {
    REQUIRE(in_a_row < 100);
    // The other one waits until those that were answered have had the time.
    CHECK(lane.next() == (in_a_row < 16 ? action::wait_a_while : action::run));
    lane.add_squad(0);
    next = run_one(lane);
  }
  CHECK(in_a_row == 17);
}

TEST_CASE("a squad that does not come back is waited for more and more seldom",
          "[runtime][compute][fuse]") {
  one_lane lane{3 * squad, squad};
  int waits = 0;
  for (int round = 0; round < 1000; ++round) {
    for (std::uint32_t first = 0; first < 3 * squad; first += squad)
      lane.add_squad(first);
    for (int i = 0; i < 3; ++i) { // nobody comes before all have computed
      if (lane.next() == action::wait_a_while) {
        ++waits;
        lane.gathering.go_on();
      }
      run_one(lane);
    }
  }
  CHECK(waits < 20);
}

TEST_CASE("who left its squad is not waited for while others are there",
          "[runtime][compute][fuse]") {
  one_lane lane{2 * squad, squad};
  lane.add_squad(0);
  lane.add_squad(squad);
  CHECK(run_one(lane) == 0);
  for (std::uint32_t pid = 1; pid < squad; ++pid)
    lane.add(lane.ask(pid)); // all but particle 0
  CHECK(lane.next() == action::wait_a_while);
  lane.gathering.go_on();
  CHECK(lane.gathering.take().front()->pids.front().number == squad);
}

TEST_CASE("a squad is not waited for while others wait for slots",
          "[runtime][compute][fuse]") {
  one_lane lane{2 * squad, squad};
  lane.add_squad(0);
  lane.add_squad(squad);
  CHECK(run_one(lane) == 0);
  CHECK(lane.next() == action::wait_a_while);
  lane.have_another_wait(squad);
  CHECK(run_one(lane) == squad);
}
