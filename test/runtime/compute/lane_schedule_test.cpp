#include "runtime/compute/lane_schedule.hpp"
#include "test/runtime/compute/lanes_at_work.hpp"
#include "test/support/temporary_directory.hpp"

#include <algorithm>
#include <array>
#include <deque>
#include <optional>

using namespace posse;
using namespace posse::test;

namespace {

std::shared_ptr<const compiled_recipe> recipe() {
  return compile(small_recipe(), 16).value();
}

} // namespace

TEST_CASE("operations of one particle wait for one another, in order",
          "[runtime][compute]") {
  lane_schedule schedule{{.capacity = 2}, 2};
  const auto made_of = recipe();
  create(schedule, {0}, made_of);
  create(schedule, {1}, made_of);

  use first{{0}};
  REQUIRE(schedule.place(first) == true);
  auto second = std::make_shared<use>(particle_id{0});
  auto third = std::make_shared<use>(particle_id{0});
  std::vector<int> started;
  for (auto& [job, number] : {std::pair{second, 2}, std::pair{third, 3}}) {
    CHECK(schedule.place(*job) == false);
    schedule.wait(
        job, [&started, n = number] { started.push_back(n); },
        [](failure) { FAIL("refused"); });
  }
  use other{{1}};
  CHECK(schedule.place(other) == true); // not behind them
  CHECK(other.lane != first.lane);
  use hasty{{1}};
  CHECK(schedule.place(hasty) == false); // it is in use

  schedule.start_waiting();
  CHECK(started.empty());
  CHECK(schedule.finish(first)); // somebody is to be told
  schedule.start_waiting();
  CHECK(started == std::vector{2});
  CHECK(schedule.finish(*second));
  schedule.start_waiting();
  CHECK(started == std::vector{2, 3});
  CHECK_FALSE(schedule.finish(*third));
}

TEST_CASE("a particle stays on its lane unless another has less to do",
          "[runtime][compute]") {
  lane_schedule schedule{{.capacity = 3}, 2};
  const auto made_of = recipe();
  for (std::uint32_t i = 0; i < 3; ++i)
    create(schedule, {i}, made_of);

  use zero{{0}};
  use one{{1}};
  REQUIRE(schedule.place(zero) == true);
  REQUIRE(schedule.place(one) == true);
  REQUIRE(one.lane != zero.lane);
  schedule.finish(zero);
  schedule.finish(one);

  use one_again{{1}};
  REQUIRE(schedule.place(one_again) == true); // both lanes are idle
  CHECK(one_again.lane == one.lane);
  use zero_again{{0}};
  REQUIRE(schedule.place(zero_again) == true);
  CHECK(zero_again.lane == zero.lane);
  schedule.finish(one_again);

  use two{{2}};
  REQUIRE(schedule.place(two)
          == true); // its lane is busy, the other one is not
  CHECK(two.lane == one.lane);
  schedule.finish(zero_again);
  use one_moved{{1}};
  REQUIRE(schedule.place(one_moved) == true);
  CHECK(one_moved.lane == zero.lane);
  schedule.finish(two);
  schedule.finish(one_moved);
}

TEST_CASE("a particle that does not exist is refused, waiting or not",
          "[runtime][compute]") {
  lane_schedule schedule{{.capacity = 1}, 1};
  use stranger{{7}};
  auto placed = schedule.place(stranger);
  REQUIRE_FALSE(placed);
  CHECK(placed.error().code == errc::unknown_particle);

  auto late = std::make_shared<use>(particle_id{7});
  std::optional<failure> why;
  schedule.wait(
      late, [] { FAIL("started"); }, [&](failure x) { why = std::move(x); });
  schedule.start_waiting();
  REQUIRE(why);
  CHECK(why->code == errc::unknown_particle);
}

TEST_CASE(
    "where particles outnumber slots, a swap is paid once a turn, and all "
    "get on alike",
    "[runtime][compute]") {
  constexpr std::uint32_t particles = 12;
  constexpr int operations = 80; // of each particle
  constexpr int turn = particle_cache::default_turn;
  const auto policy = GENERATE(cache_policy::lru, cache_policy::order);
  lane_schedule schedule{{.capacity = 4, .policy = policy}, 2};
  const auto made_of = recipe();
  for (std::uint32_t i = 0; i < particles; ++i)
    create(schedule, {i}, made_of);

  std::array<int, particles> done{};
  std::deque<std::shared_ptr<use>> on_lanes;
  auto next_of = [&](std::uint32_t i) {
    auto job = std::make_shared<use>(particle_id{i});
    if (schedule.place(*job) == true) {
      on_lanes.push_back(job);
      return;
    }
    schedule.wait(
        job, [&on_lanes, job] { on_lanes.push_back(job); },
        [](failure) { FAIL("refused"); });
    schedule.start_waiting();
  };
  for (std::uint32_t i = 0; i < particles; ++i)
    next_of(i);
  auto swaps = [&] {
    return schedule.with_store(
        [](particle_store& store) { return store.counters().misses; });
  };
  int largest_lead = 0;
  while (!on_lanes.empty()) {
    auto job = on_lanes.front();
    on_lanes.pop_front();
    const auto i = job->pids.front().number;
    // The lane is told before the particle hears of its result.
    if (schedule.finish(*job))
      schedule.start_waiting();
    ++done.at(i);
    if (done.at(i) < operations) {
      largest_lead =
          std::max(largest_lead, done.at(i) - std::ranges::min(done));
      next_of(i);
    }
  }
  CHECK(std::ranges::all_of(done, [](int n) { return n == operations; }));
  // Two turns more for what happens while a lane would else have nothing to do.
  CHECK(swaps() <= particles * (operations / turn + 2));
  CHECK(largest_lead <= 2 * turn);
}

TEST_CASE("who waits for a pinned slot holds up nobody else",
          "[runtime][compute]") {
  lane_schedule schedule{{.capacity = 2, .policy = cache_policy::direct}, 1};
  const auto made_of = recipe();
  for (std::uint32_t i = 0; i < 3; ++i)
    create(schedule, {i}, made_of); // 2 has pushed 0 out
  REQUIRE(schedule.with_store(
      [](particle_store& store) { return store.pin({2}); }));
  auto waits = std::make_shared<use>(particle_id{0});
  REQUIRE(schedule.place(*waits) == false);
  schedule.wait(
      waits, [] { FAIL("started"); }, [](failure) { FAIL("refused"); });
  schedule.start_waiting();
  for (std::size_t i = 0; i < 3 * particle_cache::default_turn; ++i)
    for (std::uint32_t number : {1U, 2U}) {
      auto job = std::make_shared<use>(particle_id{number});
      bool runs = schedule.place(*job) == true;
      if (!runs) {
        schedule.wait(
            job, [&] { runs = true; }, [](failure) { FAIL("refused"); });
        schedule.start_waiting();
      }
      if (!runs)
        FAIL("operation " << i << " of particle " << number << " waits");
      if (schedule.finish(*job))
        schedule.start_waiting();
    }
}

TEST_CASE("lanes share particles that outnumber the slots, and none is used "
          "twice at once",
          "[runtime][compute][stress]") {
  constexpr std::size_t slots = 4;
  const auto made_of = recipe();
  const temporary_directory folder;
  // The others in host memory, or one there and two on disk: not a row more.
  const auto row_bytes = made_of->layout.row_bytes();
  const bool on_disk = GENERATE(false, true);
  CAPTURE(on_disk);
  lower_tiers::options below;
  if (on_disk)
    below = {row_bytes, 2 * row_bytes, folder.path()};
  lane_schedule schedule{{.capacity = slots, .below = below},
                         lanes_at_work::lanes};
  lanes_at_work{schedule}.run(made_of);
}
