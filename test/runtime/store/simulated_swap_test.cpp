#include "test/runtime/compute/schedule_jobs.hpp"
#include "test/runtime/model/normalized_network.hpp"
#include "test/support/simulated_fixture.hpp"

#include <tuple>
#include <vector>

using namespace posse;
using namespace posse::test;

namespace {

constexpr std::uint32_t particles = 3;

particle_recipe recipe_of(const std::string& model) {
  auto recipe = small_recipe();
  recipe.model.kind = model;
  recipe.schedule = "cosine";
  return recipe;
}

/// All bytes of three particles that took 10 steps each in turn.
std::vector<at::Tensor> train(const std::string& model, std::size_t slots,
                              cache_policy policy, c10::Device device) {
  particle_box box{recipe_of(model), slots, policy, 16, device};
  for (std::uint32_t i = 0; i < particles; ++i)
    box.create({i});
  for (std::uint64_t s = 0; s < 10; ++s)
    for (std::uint32_t i = 0; i < particles; ++i)
      REQUIRE(box.with({i}, [&](seated_particle p) {
        const auto [x, y] = small_batch(s + i);
        return train_step(p, x, y);
      }));
  std::vector<at::Tensor> out;
  for (std::uint32_t i = 0; i < particles; ++i)
    out.push_back(box.with({i}, [](seated_particle p) {
      return p.seat.row().to(at::kCPU, false, /*copy=*/true);
    }));
  return out;
}

} // namespace

TEST_CASE_METHOD(simulated_fixture,
                 "particles train on a simulated device to the CPU's bits, "
                 "whatever fits",
                 "[runtime][store][simulated_device]") {
  const std::string model =
      GENERATE(std::string{"mlp"}, add_normalized_network());
  const auto on_cpu =
      train(model, particles, cache_policy::order, c10::Device{c10::kCPU});
  for (auto policy :
       {cache_policy::order, cache_policy::lru, cache_policy::direct})
    for (std::size_t slots : {1U, 2U, 3U}) {
      CAPTURE(slots);
      const auto simulated = train(model, slots, policy, sim0);
      for (std::uint32_t i = 0; i < particles; ++i)
        CHECK(at::equal(simulated[i], on_cpu[i]));
    }
}

TEST_CASE_METHOD(simulated_fixture,
                 "D13: a swap copies each row once, with prefetch before it is "
                 "waited for",
                 "[runtime][store][simulated_device]") {
  const bool prefetch = GENERATE(true, false);
  CAPTURE(prefetch);
  const auto recipe = compile(recipe_of("mlp"), 16).value();
  const auto row_bytes = static_cast<std::uint64_t>(recipe->layout.row_bytes());
  lane_schedule schedule{{.device = sim0,
                          .capacity = 1,
                          .policy = cache_policy::lru,
                          .prefetch = prefetch},
                         1};
  create(schedule, {0}, recipe);
  const auto bytes_of = [&](const lease& held) {
    return row_of(held).to(at::kCPU, /*non_blocking=*/false, /*copy=*/true);
  };
  const auto bytes_now = [&](particle_id pid) {
    return schedule.with_store([&](particle_store& store) {
      auto got = store.acquire_rows({{pid}}).value();
      auto out = bytes_of(got.leases.front());
      store.release(got.leases.front());
      return out;
    });
  };
  const auto first = bytes_now({0});
  create(schedule, {1}, recipe); // pushes particle 0 out
  const auto second = bytes_now({1});
  // Slow enough that whoever does not wait finds other bytes.
  simulated_options slow;
  slow.copy_bytes_per_second = static_cast<double>(row_bytes) * 100;
  configure(0, slow);
  reset_counters(0);

  use back{{0}};
  REQUIRE(schedule.place(back) == true);
  auto& held = back.leases.front();
  CHECK((held.moved != nullptr) == prefetch);
  CHECK(counters_of(0).async_copies == (prefetch ? 2 : 0));
  REQUIRE(settle(held, schedule.swaps()));
  const auto counted = counters_of(0);
  CHECK(counted.copies_to_host == 1);
  CHECK(counted.bytes_to_host == row_bytes);
  CHECK(counted.copies_to_device == 1);
  CHECK(counted.bytes_to_device == row_bytes);
  CHECK(at::equal(bytes_of(held), first));
  schedule.finish(back);
  CHECK(at::equal(bytes_now({1}), second));
}

TEST_CASE_METHOD(simulated_fixture,
                 "a particle comes in while a lane's last operation computes",
                 "[runtime][store][simulated_device]") {
  // As in SVGD: each particle computes once and then waits for all the others.
  const auto recipe = compile(recipe_of("mlp"), 16).value();
  const auto [slots, prefetch, early] = GENERATE(
      std::tuple{3U, true, true}, std::tuple{3U, false, false},
      std::tuple{2U, true, false}); // the other's next one is on its way
  CAPTURE(slots, prefetch);
  lane_schedule schedule{
      {.device = sim0, .capacity = slots, .prefetch = prefetch}, 1};
  for (std::uint32_t i = 0; i < 4; ++i)
    create(schedule, {i}, recipe);

  use last{{3}};
  REQUIRE(schedule.place(last) == true);
  const auto outside = schedule.with_store([](particle_store& store) {
    std::uint32_t pid = 0;
    while (store.find({pid})->slot)
      ++pid;
    return particle_id{pid};
  });
  auto next = std::make_shared<use>(outside);
  bool started = schedule.place(*next) == true;
  if (!started) {
    schedule.wait(
        next, [&] { started = true; }, [](failure) { FAIL("refused"); });
    schedule.start_waiting();
  }
  CHECK(started == early);
  if (early)
    CHECK(next->leases.front().moved != nullptr);
  if (schedule.finish(last))
    schedule.start_waiting();
  REQUIRE(started);
  REQUIRE(settle(next->leases.front(), schedule.swaps()));
  schedule.finish(*next);
}

TEST_CASE_METHOD(simulated_fixture,
                 "a bank that does not fit says how large it may be",
                 "[runtime][store][simulated_device]") {
  const auto recipe = compile(recipe_of("mlp"), 16).value();
  const auto row = static_cast<std::size_t>(recipe->layout.row_bytes());
  simulated_options small;
  // Other tests' steps may have left some bytes.
  small.limit_bytes = counters_of(0).bytes_in_use + 10 * row;
  configure(0, small);

  particle_store asked{{.device = sim0, .capacity = 40}};
  const auto refused = asked.create({0}, recipe);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == errc::out_of_memory);
  CHECK(refused.error().message
        == "room for 40 particles needs " + std::to_string(40 * row)
               + " bytes, " + std::to_string(row)
               + " each; the largest cache_size that fits is 10, with "
               + std::to_string(10 * row) + " bytes");

  particle_store left_open{{.device = sim0, .expected_particles = 40}};
  REQUIRE(left_open.create({0}, recipe));
  CHECK(left_open.capacity() == 8); // a quarter is for steps

  small.limit_bytes = counters_of(0).bytes_in_use + row / 2;
  configure(0, small);
  particle_store none{{.device = sim0, .expected_particles = 40}};
  CHECK_THAT(none.create({0}, recipe).error().message,
             Catch::Matchers::EndsWith("not even one fits"));
}
