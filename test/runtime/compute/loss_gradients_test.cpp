#include "runtime/compute/batch_parts.hpp"
#include "runtime/compute/loss_gradients.hpp"
#include "runtime/device/compute_thread.hpp"
#include "runtime/device/helping_threads.hpp"
#include "test/runtime/compute/particles.hpp"

using namespace posse;
using namespace posse::test;

namespace {

particle_recipe lenet_recipe() {
  auto recipe = small_recipe();
  recipe.model = {"lenet", {1, 12, 12}, 3, {}, "relu", "categorical", 0};
  recipe.loss = "nll";
  return recipe;
}

std::pair<at::Tensor, at::Tensor> batch_for(const particle_recipe& recipe,
                                            std::int64_t rows) {
  const generator_scope numbers{make_generator(5)};
  if (recipe.model.inputs.size() == 1) {
    auto x = at::randn({rows, 4});
    return {x, x.sum(1, true).sin()};
  }
  return {at::randn({rows, 1, 12, 12}), at::randint(0, 3, {rows}, at::kLong)};
}

struct outcome {
  double loss;
  std::vector<at::Tensor> gradients;
};

/// Layers wide enough to be cut, the second one into unequal parts.
particle_recipe wide_recipe(double dropout) {
  auto out = small_recipe();
  out.model.hidden = {64, 101};
  out.model.head = "gaussian_shared";
  out.model.dropout = dropout;
  out.loss = "nll";
  return out;
}

outcome gradients_of(particle_recipe recipe, std::int64_t parts,
                     std::int64_t rows) {
  recipe.batch_parts = parts;
  particle_box box{recipe, 1};
  box.create({0});
  return box.with({0}, [&](seated_particle p) {
    const auto [x, y] = batch_for(recipe, rows);
    outcome out;
    out.loss = loss_with_gradients(p, x, y, out.gradients);
    // Nothing stays behind, where the next step would find it.
    for (const auto& parameter : p.seat.parameters())
      CHECK_FALSE(parameter.grad().defined());
    return out;
  });
}

} // namespace

TEST_CASE("parts of a batch give the gradients of the whole",
          "[runtime][compute][parts]") {
  const auto recipe = GENERATE(small_recipe(), wide_recipe(0), wide_recipe(0.3),
                               lenet_recipe());
  // Parts of unequal size, and fewer rows than parts.
  for (std::int64_t rows : {16, 7, 1}) {
    const auto whole = gradients_of(recipe, 1, rows);
    for (std::int64_t parts : {2, 3}) {
      INFO(recipe.model.kind << ": " << rows << " rows, " << parts << " parts");
      const auto sum = gradients_of(recipe, parts, rows);
      CHECK(sum.loss == Catch::Approx(whole.loss).epsilon(1e-6));
      REQUIRE(sum.gradients.size() == whole.gradients.size());
      for (std::size_t i = 0; i < sum.gradients.size(); ++i)
        // Float sums in another order.
        CHECK(at::allclose(sum.gradients[i], whole.gradients[i], 1e-4, 1e-6));
    }
  }
}

TEST_CASE("parts of a batch give the same bits whoever helps",
          "[runtime][compute][parts]") {
  prepare_compute_thread(); // as lanes do: more threads give other bits
  const auto recipe = GENERATE(small_recipe(), wide_recipe(0), wide_recipe(0.3),
                               lenet_recipe());
  const auto alone = gradients_of(recipe, 2, 16);
  helping_threads help{2};
  const help_scope scope{help};
  for (int round = 0; round < 10; ++round) {
    const auto helped = gradients_of(recipe, 2, 16);
    CHECK(helped.loss == alone.loss);
    for (std::size_t i = 0; i < alone.gradients.size(); ++i)
      CHECK(at::equal(helped.gradients[i], alone.gradients[i]));
  }
}

TEST_CASE("steps in parts end where whole ones do, whoever helps",
          "[runtime][compute][parts]") {
  prepare_compute_thread();
  auto recipe = GENERATE(small_recipe(), lenet_recipe());
  recipe.optimizer.kind = GENERATE("sgd", "adam");
  if (recipe.model.kind == "mlp")
    recipe.model.hidden = {GENERATE(8, 5000)}; // its weights in two lists
  const auto train = [&](std::int64_t parts) {
    auto with_parts = recipe;
    with_parts.batch_parts = parts;
    particle_box box{with_parts, 1};
    box.create({0});
    const auto [x, y] = batch_for(recipe, 16);
    for (int step = 0; step < 3; ++step)
      REQUIRE(box.with({0},
                       [&](seated_particle p) { return train_step(p, x, y); }));
    return box.parameters_of({0});
  };
  const auto whole = train(1);
  const auto alone = train(2);
  INFO(recipe.model.kind << " " << recipe.optimizer.kind);
  // Adam divides by a gradient's size: where that is nearly 0, rounding counts.
  CHECK((alone - whole).abs().mean().item<double>() < 1e-4);
  helping_threads help{2};
  const help_scope scope{help};
  for (int round = 0; round < 5; ++round)
    CHECK(at::equal(train(2), alone));
  CHECK(at::equal(train(3), train(3)));
}

TEST_CASE("a batch is parted where a network cuts its layers, or treats rows "
          "apart",
          "[runtime][compute][parts]") {
  auto spec = small_recipe().model;
  CHECK(can_part(spec));
  CHECK(can_part(lenet_recipe().model));
  spec.dropout = 0.1;
  CHECK(can_part(spec));
  auto images = lenet_recipe().model;
  images.dropout = 0.1;
  CHECK_FALSE(can_part(images));
}
