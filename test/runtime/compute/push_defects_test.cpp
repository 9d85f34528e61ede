#include "runtime/posterior/classification_predictive.hpp"
#include "test/runtime/compute/particles.hpp"

#include <ATen/ATen.h>

/// What PusH's multi-SWAG and MC dropout get wrong, each as what must hold.

using namespace posse;
using namespace posse::test;

namespace {

constexpr particle_id first{0};

particle_recipe swag_recipe(std::int64_t draws) {
  auto out = small_recipe();
  out.posterior.kind = "swag";
  out.posterior.draws = draws;
  out.posterior.seed = 11;
  out.posterior.rank = 3;
  return out;
}

/// A training step, and its parameters collected.
void collect_step(particle_box& box, particle_id pid, std::uint64_t seed) {
  const auto done = box.with(pid, [&](seated_particle p) {
    const auto [x, y] = small_batch(seed);
    return train_step(p, x, y);
  });
  REQUIRE(done);
  REQUIRE(box.with(pid, [](seated_particle p) { return collect(p); }));
}

value state_of(particle_box& box, particle_id pid) {
  return box.with(pid, [](seated_particle p) {
    const auto state = snapshot(p.entry, p.seat.row());
    REQUIRE(state);
    return to_value(*state);
  });
}

/// @returns [draws, 16, outputs].
at::Tensor drawn_outputs(particle_box& box) {
  const auto x = small_batch(99).first;
  const auto out = box.with(
      first, [&](seated_particle p) { return predict_posterior(p, x); });
  REQUIRE(out);
  return *out;
}

at::Tensor swag_outputs(const particle_recipe& recipe) {
  particle_box box{recipe, 1};
  box.create(first);
  for (std::uint64_t i = 0; i < 5; ++i)
    collect_step(box, first, i);
  return drawn_outputs(box);
}

} // namespace

TEST_CASE("D3: what a particle collects does not depend on how many others do",
          "[runtime][posterior][defect]") {
  // With one counter for all, four particles would have the moments weighted
  // as if four times as many were taken in, and columns dropped too early.
  const auto collected_among = [](std::uint32_t particles) {
    particle_box box{swag_recipe(1), 2};
    for (std::uint32_t i = 0; i < particles; ++i)
      box.create({i});
    for (std::uint64_t step = 0; step < 5; ++step)
      for (std::uint32_t i = 0; i < particles; ++i)
        collect_step(box, {i}, step);
    return state_of(box, first);
  };
  CHECK(collected_among(4) == collected_among(1));
}

TEST_CASE("D4: a single SWAG draw is finite, and a draw is the same however "
          "many there are",
          "[runtime][posterior][defect]") {
  // PusH divides by the number of draws less one in place of the rank's.
  const auto one = swag_outputs(swag_recipe(1));
  const auto many = swag_outputs(swag_recipe(20));
  REQUIRE(one.size(0) == 1);
  CHECK(one.isfinite().all().item<bool>());
  CHECK(at::equal(one[0], many[0]));
}

TEST_CASE("D4: SWAG's scale is the draws' variance, not its least value",
          "[runtime][posterior][defect]") {
  // PusH's leader takes one for the other: nothing but the mean is left.
  const auto at_scale = [](double scale) {
    auto recipe = swag_recipe(6);
    recipe.model.hidden.clear(); // linear, so that outputs scale as parameters
    recipe.posterior.scale = scale;
    return swag_outputs(recipe);
  };
  const auto mean = at_scale(0);
  const auto paper = at_scale(0.5) - mean;
  const auto wide = at_scale(2) - mean;
  // Of the same normal numbers. Parameters moved by 0.01 a step.
  CHECK(paper.abs().max().item<double>() > 1e-3);
  CHECK(at::allclose(wide, 2 * paper, 1e-3, 1e-5));
}

TEST_CASE("MC dropout: a classifier's draws give each row one class, by the "
          "average of their probabilities",
          "[runtime][posterior][defect]") {
  auto recipe = small_recipe();
  recipe.model.head = "categorical";
  recipe.model.targets = 3;
  recipe.model.dropout = 0.5;
  recipe.loss = "nll";
  recipe.posterior.kind = "dropout";
  recipe.posterior.draws = 13; // many more than classes
  recipe.posterior.seed = 11;
  particle_box box{recipe, 1};
  box.create(first);
  const auto logits = drawn_outputs(box);
  REQUIRE(logits.sizes() == at::IntArrayRef{13, 16, 3});
  CHECK_FALSE(at::equal(logits[0], logits[1]));
  const auto p = predict_classification(logits);
  REQUIRE(p);
  const auto average = logits.to(at::kDouble).softmax(-1).mean(0);
  CHECK(at::allclose(p->probabilities, average, 1e-12, 0));
  REQUIRE(p->predicted.sizes() == at::IntArrayRef{16});
  CHECK(at::equal(p->predicted, average.argmax(-1)));
}
