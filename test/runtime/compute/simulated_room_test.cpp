#include "runtime/compute/with_room.hpp"
#include "test/runtime/compute/lanes_at_work.hpp"
#include "test/runtime/model/normalized_network.hpp"
#include "test/support/simulated_fixture.hpp"

#include <ATen/ATen.h>

#include <string>
#include <vector>

using namespace posse;
using namespace posse::test;

namespace {

constexpr std::uint32_t particles = 6;

particle_recipe recipe_of(const std::string& model) {
  auto recipe = small_recipe();
  recipe.model.kind = model;
  recipe.optimizer.kind = "rmsprop"; // allocates on the way
  recipe.optimizer.momentum = 0.9;
  recipe.optimizer.weight_decay = 0.01;
  return recipe;
}

at::Tensor bytes_of(lane_schedule& schedule, particle_id pid) {
  look job{pid};
  REQUIRE(schedule.place(job) == true);
  auto out = row_of(job.leases.front())
                 .to(at::kCPU, /*non_blocking=*/false, /*copy=*/true);
  schedule.finish(job);
  return out;
}

/// One step as a lane does it.
expected<step_report> step(lane_schedule& schedule, particle_id pid,
                           std::uint64_t seed) {
  use job{pid};
  REQUIRE(schedule.place(job) == true);
  const auto& held = job.leases.front();
  auto seat = settle(held, schedule.swaps());
  REQUIRE(seat);
  const auto [x, y] = small_batch(seed);
  auto done =
      with_room(schedule, {*held.entry, **seat}, "step",
                [&](const seated_particle& p) { return train_step(p, x, y); });
  schedule.finish(job);
  return done;
}

/// What a device has to spare beside what it holds now.
void leave_free(int device, std::size_t bytes) {
  simulated_options tight;
  tight.limit_bytes = counters_of(device).bytes_in_use + bytes;
  configure(device, tight);
}

} // namespace

TEST_CASE_METHOD(simulated_fixture,
                 "a step that finds no memory is tried again with fewer slots, "
                 "to the same bits",
                 "[runtime][simulated_device]") {
  const auto recipe = compile(recipe_of(add_normalized_network()), 16).value();
  const auto policy =
      GENERATE(cache_policy::order, cache_policy::lru, cache_policy::direct);
  std::vector<at::Tensor> rows;
  for (const bool tight : {false, true}) {
    configure(0, {});
    lane_schedule schedule{
        {.device = sim0, .capacity = particles, .policy = policy}, 1};
    for (std::uint32_t i = 0; i < particles; ++i)
      create(schedule, {i}, recipe);
    const auto given_up = [&] {
      return schedule.with_store([](particle_store& store) {
        CHECK(store.capacity() + store.slots_given_up() == particles);
        return store.slots_given_up();
      });
    };
    for (std::uint64_t s = 0; s < 3; ++s)
      for (std::uint32_t i = 0; i < particles; ++i) {
        // Every moment of a step comes to be the one that fails.
        if (tight && given_up() < 3)
          leave_free(0, 64 * (s * particles + i));
        const auto done = step(schedule, {i}, s + i);
        if (!done)
          FAIL(done.error().message);
      }
    CHECK((given_up() > 0) == tight);
    configure(0, {});
    for (std::uint32_t i = 0; i < particles; ++i) {
      const auto row = bytes_of(schedule, {i});
      if (tight)
        CHECK(at::equal(row, rows[i]));
      else
        rows.push_back(row);
    }
  }
}

TEST_CASE_METHOD(simulated_fixture,
                 "memory of slots that were given up is the device's again",
                 "[runtime][simulated_device]") {
  const auto recipe = compile(recipe_of("mlp"), 16).value();
  const auto row_bytes = static_cast<std::size_t>(recipe->layout.row_bytes());
  lane_schedule schedule{{.device = sim0, .capacity = 8}, 1};
  for (std::uint32_t i = 0; i < 5; ++i)
    create(schedule, {i}, recipe);
  const auto first = bytes_of(schedule, {4});
  const auto before = counters_of(0).bytes_in_use;
  REQUIRE(schedule.make_room()); // of 8, 7 may go: the free ones first
  CHECK(counters_of(0).bytes_in_use == before - 4 * row_bytes);
  schedule.with_store([](particle_store& store) {
    CHECK(store.capacity() == 4);
    CHECK(store.resident() == 4);
  });
  CHECK(at::equal(bytes_of(schedule, {4}), first));
  REQUIRE(schedule.make_room());
  REQUIRE(schedule.make_room());
  const auto none = schedule.make_room();
  REQUIRE_FALSE(none);
  CHECK(none.error().code == errc::out_of_memory);
  CHECK(none.error().message
        == "it has as few slots as it can, 1 of " + std::to_string(row_bytes)
               + " bytes: no cache_size leaves more room");
  for (std::uint32_t i = 0; i < 5; ++i)
    CHECK(step(schedule, {i}, i));
}

TEST_CASE_METHOD(simulated_fixture,
                 "who cannot leave keeps its slot, and the failure says why",
                 "[runtime][simulated_device]") {
  const auto recipe = compile(recipe_of("mlp"), 16).value();
  const auto row_bytes = recipe->layout.row_bytes();
  particle_store::options tight{.device = sim0, .capacity = 4};
  tight.below.host_bytes = row_bytes;
  lane_schedule schedule{tight, 1};
  for (std::uint32_t i = 0; i < 4; ++i)
    create(schedule, {i}, recipe);
  const auto first = bytes_of(schedule, {0});
  leave_free(0, 0);
  const auto done = step(schedule, {0}, 0);
  REQUIRE_FALSE(done);
  CHECK(done.error().code == errc::out_of_memory);
  CHECK(done.error().message.find("asked for") != std::string::npos);
  CHECK(done.error().message.find("; a particle needs "
                                  + std::to_string(row_bytes)
                                  + " bytes; there are 3 slots")
        != std::string::npos);
  CHECK(at::equal(bytes_of(schedule, {0}), first));
  configure(0, {});
  for (std::uint32_t i = 0; i < 4; ++i)
    CHECK(step(schedule, {i}, i)); // nobody was lost
}

TEST_CASE_METHOD(simulated_fixture,
                 "lanes share an accelerator's particles while copies run and "
                 "slots are given up",
                 "[runtime][simulated_device][stress]") {
  const bool prefetch = GENERATE(true, false);
  CAPTURE(prefetch);
  lane_schedule schedule{{.device = sim0, .capacity = 5, .prefetch = prefetch},
                         lanes_at_work::lanes};
  int given_up = 0;
  lanes_at_work{schedule}.run(
      compile(recipe_of("mlp"), 16).value(), [&](int operation) {
        if (operation % 100 == 50 && schedule.make_room())
          ++given_up;
      });
  CHECK(given_up > 0);
}

TEST_CASE_METHOD(simulated_fixture,
                 "an operation that finds no memory beside others runs when "
                 "they are done, before those that came later",
                 "[runtime][simulated_device]") {
  const auto recipe = compile(recipe_of("mlp"), 16).value();
  lane_schedule schedule{{.device = sim0, .capacity = 3}, 1};
  for (std::uint32_t i = 0; i < 3; ++i)
    create(schedule, {i}, recipe);
  auto first = std::make_shared<use>(particle_id{0});
  use second{{1}};
  use third{{2}};
  for (auto* job : {first.get(), &second, &third})
    REQUIRE(schedule.place(*job) == true); // all on the lane, in its queue
  auto later = std::make_shared<use>(particle_id{0});
  std::vector<int> started;
  REQUIRE(schedule.place(*later) == false);
  schedule.wait(
      later, [&] { started.push_back(2); }, [](failure) { FAIL("refused"); });

  const auto none = schedule.make_room();
  REQUIRE_FALSE(none);
  CHECK(none.error().code == errc::all_slots_pinned);
  schedule.wait_again(
      first, [&] { started.push_back(1); }, [](failure) { FAIL("refused"); });
  schedule.start_waiting();
  CHECK(started.empty());
  CHECK(schedule.finish(second));
  CHECK(schedule.finish(third));
  schedule.start_waiting();
  CHECK(started == std::vector{1}); // alone
  use other{{1}};
  CHECK(schedule.place(other) == false);

  REQUIRE(schedule.make_room());
  CHECK(schedule.finish(*first));
  schedule.start_waiting();
  CHECK(started == std::vector{1, 2});
  CHECK(schedule.place(other) == true); // many at a time, as before
}
