#include "runtime/compute/lane_schedule.hpp"
#include "test/runtime/compute/schedule_jobs.hpp"
#include "test/support/temporary_directory.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <deque>
#include <optional>
#include <thread>

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
  constexpr std::uint32_t particles = 7;
  constexpr std::size_t lanes = 3;
  constexpr int operations = 300; // of each lane
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
  lane_schedule schedule{{.capacity = slots, .below = below}, lanes};
  for (std::uint32_t i = 0; i < particles; ++i)
    create(schedule, {i}, made_of);

  std::array<std::atomic<int>, particles> in_use{};
  std::atomic<int> clashes{0};
  std::atomic<int> failed{0};
  std::atomic<int> trained{0};
  const auto [x, y] = small_batch(1);
  auto train = [&](const lease& held) {
    auto seat = settle(held, schedule.swaps());
    ++trained;
    return seat && train_step({*held.entry, **seat}, x, y);
  };
  auto read = [&](const device_job& job) {
    const held_leases held{job.leases};
    const bool there = bring_rows(held, row_use::read).has_value();
    const bool sound = there
                       && parameter_row(*held[0].entry, row_of(held[0]))
                              .isfinite()
                              .all()
                              .item<bool>();
    return return_rows(held, row_use::read) && sound;
  };
  auto compute = [&](device_job& job) {
    auto& held = job.leases.front();
    auto& users = in_use.at(held.entry->pid.number);
    clashes += users.fetch_add(1) == 0 ? 0 : 1;
    const bool reads = dynamic_cast<look*>(&job) != nullptr;
    if (!(reads ? read(job) : train(held)))
      ++failed;
    --users;
    if (schedule.finish(job))
      schedule.start_waiting();
  };
  std::vector<std::thread> threads;
  for (std::size_t lane = 0; lane < lanes; ++lane)
    threads.emplace_back([&, lane] {
      for (int i = 0; i < operations; ++i) {
        const particle_id pid{
            static_cast<std::uint32_t>((i * 5 + lane * 3) % particles)};
        std::shared_ptr<device_job> job;
        if (i % 4 == 3)
          job = std::make_shared<look>(pid);
        else
          job = std::make_shared<use>(pid);
        // What cannot run now waits and is run by whoever makes room for it.
        auto placed = schedule.place(*job);
        if (!placed)
          ++failed;
        else if (*placed)
          compute(*job);
        else {
          std::atomic<bool> done{false};
          schedule.wait(
              job, [&] { done = true; }, [&](failure) { ++failed; });
          schedule.start_waiting();
          while (!done)
            std::this_thread::yield();
          compute(*job);
        }
      }
    });
  for (auto& t : threads)
    t.join();
  CHECK(clashes == 0);
  CHECK(failed == 0);
  const auto steps = schedule.with_store([](particle_store& store) {
    std::int64_t sum = 0;
    for (std::uint32_t i = 0; i < particles; ++i)
      sum += store.find({i})->steps;
    return sum;
  });
  CHECK(steps == trained);
  CHECK(trained == static_cast<int>(lanes) * operations * 3 / 4);
}
