#include "runtime/compute/step_room.hpp"
#include "runtime/compute/trial_particle.hpp"
#include "runtime/compute/with_room.hpp"
#include "test/runtime/compute/lanes_at_work.hpp"
#include "test/runtime/model/normalized_network.hpp"
#include "test/support/simulated_fixture.hpp"

#include <ATen/ATen.h>

#include <optional>
#include <string>
#include <tuple>
#include <utility>
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

expected<void> make_room(lane_schedule& schedule) {
  return schedule.make_room(schedule.rooms_made());
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
  const auto policy =
      GENERATE(cache_policy::order, cache_policy::lru, cache_policy::direct);
  const auto recipe = compile(recipe_of(add_normalized_network()), 16).value();
  // Of a device that has so many bytes beside the slots before the second step.
  auto train = [&](std::optional<std::size_t> free) {
    configure(0, {});
    lane_schedule schedule{
        {.device = sim0, .capacity = particles, .policy = policy}, 1};
    for (std::uint32_t i = 0; i < particles; ++i)
      create(schedule, {i}, recipe);
    REQUIRE(step(schedule, {0}, 0));
    if (free)
      leave_free(0, *free);
    for (std::uint32_t i = 0; i < particles; ++i)
      if (const auto done = step(schedule, {i}, i); !done)
        FAIL(done.error().message);
    configure(0, {});
    std::vector<at::Tensor> rows;
    for (std::uint32_t i = 0; i < particles; ++i)
      rows.push_back(bytes_of(schedule, {i}));
    const auto given_up = schedule.with_store([](particle_store& store) {
      CHECK(store.capacity() + store.slots_given_up() == particles);
      return store.slots_given_up();
    });
    return std::pair{std::move(rows), given_up};
  };
  const auto [plenty, none] = train({});
  CHECK(none == 0);
  // Every allocation of a step comes to be the one that fails.
  std::size_t limits = 0;
  for (bool fits = false; !fits; ++limits) {
    const auto [tight, given_up] = train(64 * limits);
    for (std::uint32_t i = 0; i < particles; ++i)
      CHECK(at::equal(tight[i], plenty[i]));
    fits = given_up == 0;
  }
  CHECK(limits > 20);
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
  REQUIRE(make_room(schedule)); // of 8, 7 may go: the free ones first
  CHECK(counters_of(0).bytes_in_use == before - 4 * row_bytes);
  schedule.with_store([](particle_store& store) {
    CHECK(store.capacity() == 4);
    CHECK(store.resident() == 4);
  });
  CHECK(at::equal(bytes_of(schedule, {4}), first));
  REQUIRE(make_room(schedule));
  REQUIRE(make_room(schedule));
  const auto none = make_room(schedule);
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
        if (operation % 100 == 50 && make_room(schedule))
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

  const auto none = make_room(schedule);
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

  if (GENERATE(true, false))
    REQUIRE(make_room(schedule)); // or it has enough now
  CHECK(schedule.finish(*first));
  schedule.start_waiting();
  CHECK(started == std::vector{1, 2});
  CHECK(schedule.place(other) == true); // many at a time, as before
}

TEST_CASE_METHOD(simulated_fixture,
                 "room that another lane has made is tried first",
                 "[runtime][simulated_device]") {
  const auto recipe = compile(recipe_of("mlp"), 16).value();
  lane_schedule schedule{{.device = sim0, .capacity = 8}, 2};
  create(schedule, {0}, recipe);
  const auto seen = schedule.rooms_made();
  REQUIRE(schedule.make_room(seen));
  REQUIRE(schedule.make_room(seen)); // by the other lane, whose step failed too
  schedule.with_store([](particle_store& store) {
    CHECK(store.slots_given_up() == 4); // of the 7 that were idle, half
  });
}

TEST_CASE_METHOD(simulated_fixture,
                 "a slot stays for particles that have none if the others are "
                 "kept",
                 "[runtime][simulated_device]") {
  const auto recipe = compile(recipe_of("mlp"), 16).value();
  lane_schedule schedule{{.device = sim0, .capacity = 3}, 1};
  for (std::uint32_t i = 0; i < 4; ++i)
    create(schedule, {i}, recipe);
  schedule.with_store([](particle_store& store) {
    std::uint32_t pinned = 0;
    for (std::uint32_t i = 0; i < 4 && pinned < 2; ++i)
      pinned += store.pin({i}) ? 1 : 0;
    CHECK(pinned == 2);
  });
  CHECK_FALSE(make_room(schedule));
  for (std::uint32_t i = 0; i < 4; ++i)
    CHECK(step(schedule, {i}, i));
}

TEST_CASE_METHOD(simulated_fixture, "room for a particle is room for its draws",
                 "[runtime][simulated_device]") {
  auto plain = recipe_of("mlp");
  plain.model.hidden = {64};
  auto drawn = plain;
  drawn.posterior.kind = "swag";
  drawn.posterior.draws = 2;
  drawn.posterior.rank = 2;
  const auto data = std::make_shared<data_set>();
  data->encoding.input_shape = {4};
  data->encoding.inputs = {scaling{}};
  std::tie(data->train.inputs, data->train.targets) = small_batch(1);
  data->train.numbers.resize(16);
  // So many that predicting takes more than a step.
  data->test.inputs = at::ones({1024, 4});
  data->test.targets = at::ones({1024, 1});
  data->test.numbers.resize(1024);
  const auto recipe = compile(drawn, 16).value();
  const auto room = measure_step_room(sim0, recipe, data, 16);
  REQUIRE(room);
  REQUIRE(room->particle);
  const auto less =
      measure_step_room(sim0, compile(plain, 16).value(), data, 16);
  REQUIRE(less);
  // Beside its wider row a particle keeps a copy of its parameters while it
  // predicts.
  CHECK(*room->particle - recipe->layout.row_bytes()
        > *less->particle - compile(plain, 16).value()->layout.row_bytes());

  leave_free(0, static_cast<std::size_t>(*room->particle));
  particle_store store{{.device = sim0, .capacity = 1, .prefetch = false}};
  const auto p = trial_particle(store, recipe, 0);
  REQUIRE(p);
  REQUIRE(train_step(*p, data->train.inputs, data->train.targets));
  REQUIRE(collect(*p));
  CHECK(predict_part(*p, *data, data_part::test));
}
