#include "runtime/device/helping_threads.hpp"
#include "test/runtime/compute/particles.hpp"

#include <vector>

using namespace posse;
using namespace posse::test;

namespace {

particle_recipe moved_recipe(std::string optimizer) {
  auto recipe = small_recipe();
  recipe.gradient_row = true;
  recipe.optimizer.kind = std::move(optimizer);
  return recipe;
}

std::vector<particle_id> first_of(std::uint32_t count) {
  std::vector<particle_id> out;
  for (std::uint32_t i = 0; i < count; ++i)
    out.push_back({i});
  return out;
}

/// Moves these particles in one call, each along a direction of its own.
void move_all(particle_box& box, const std::vector<particle_id>& pids) {
  auto got = box.store().acquire_rows(pids);
  REQUIRE(got);
  std::vector<row_particle> ps;
  for (const auto& held : got->leases) {
    ps.push_back({*held.entry, row_of(held)});
    gradient_row(*held.entry, ps.back().row)
        .fill_(1.0 + held.entry->pid.number);
  }
  REQUIRE(ascend(ps));
  for (const auto& held : got->leases)
    box.store().release(held);
}

at::Tensor all_parameters(particle_box& box, std::uint32_t count) {
  std::vector<at::Tensor> out;
  for (auto pid : first_of(count))
    out.push_back(box.parameters_of(pid));
  return at::stack(out);
}

} // namespace

TEST_CASE("ascending moves a particle along its direction",
          "[runtime][compute]") {
  auto recipe = moved_recipe("sgd");
  recipe.optimizer.learning_rate = 0.5;
  particle_box box{recipe, 1};
  box.create({0});
  const auto before = box.parameters_of({0});
  move_all(box, first_of(1));
  CHECK(at::allclose(box.parameters_of({0}), before + 0.5));
  box.with({0}, [](seated_particle p) {
    CHECK(p.entry.steps == 1);
    return true;
  });
}

TEST_CASE("particles ascend together as they do one by one",
          "[runtime][compute]") {
  constexpr std::uint32_t count = 5;
  auto recipe = moved_recipe(GENERATE("sgd", "adam", "svgd_adagrad"));
  // Wide: each a thread's part of its own. Narrow: one part for all.
  recipe.model.hidden = {GENERATE(8, 60'000)};
  particle_box together{recipe, count};
  particle_box apart{recipe, count};
  helping_threads help{2};
  for (auto pid : first_of(count)) {
    together.create(pid);
    apart.create(pid);
  }
  // Two that are a step ahead have other moments and another learning rate.
  for (auto* box : {&together, &apart})
    move_all(*box, {{1}, {2}});
  for (int step = 0; step < 3; ++step) {
    for (auto pid : first_of(count))
      move_all(apart, {pid});
    const help_scope scope{help};
    move_all(together, first_of(count));
  }
  CHECK(
      at::equal(all_parameters(together, count), all_parameters(apart, count)));
  together.with({1}, [](seated_particle p) {
    CHECK(p.entry.steps == 4);
    return true;
  });
}
