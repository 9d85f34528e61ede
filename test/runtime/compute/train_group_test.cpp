#include "runtime/compute/train_group.hpp"
#include "runtime/device/compute_thread.hpp"
#include "runtime/model/activation.hpp"
#include "test/runtime/compute/particles.hpp"
#include "test/runtime/model/normalized_network.hpp"

#include <ATen/ATen.h>
#include <catch2/generators/catch_generators_range.hpp>

#include <cmath>
#include <functional>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <vector>

using namespace posse;
using namespace posse::test;

namespace {

particle_recipe recipe_of(const std::string& head, const std::string& loss,
                          const std::string& optimizer) {
  auto out = small_recipe();
  out.model.hidden = {8, 5};
  out.model.head = head;
  out.loss = loss;
  out.optimizer.kind = optimizer;
  out.schedule = "cosine";
  out.gradient_row = true;
  out.weights_prior.kind = prior_kind::normal;
  return out;
}

/// Particles in their slots, leased, for as long as this lives.
class seated_box {
public:
  seated_box(const particle_recipe& recipe, std::uint32_t particles,
             std::size_t slots)
      : box_{recipe, slots} {
    for (std::uint32_t i = 0; i < particles; ++i)
      box_.create({i});
    for (std::uint32_t i = 0; i < particles; ++i) {
      leases_.push_back(box_.store().acquire({i})->leases.front());
      auto seat = settle(leases_.back(), box_.store().swaps());
      REQUIRE(seat);
      all_.push_back({*leases_.back().entry, **seat});
    }
  }

  std::vector<seated_particle> some(const std::vector<std::size_t>& which) {
    std::vector<seated_particle> out;
    for (const auto i : which)
      out.push_back(all_[i]);
    return out;
  }
  const std::vector<seated_particle>& all() const { return all_; }
  at::Tensor row(std::size_t i) const { return all_[i].seat.row().clone(); }
  at::Tensor parameters(std::size_t i) const {
    return parameter_row(all_[i].entry, all_[i].seat.row()).clone();
  }
  at::Tensor score_of(std::size_t i) const {
    return gradient_row(all_[i].entry, all_[i].seat.row()).clone();
  }

private:
  particle_box box_;
  std::vector<lease> leases_;
  std::vector<seated_particle> all_;
};

batch batch_of(std::uint64_t seed) {
  auto [x, y] = small_batch(seed);
  return {std::move(x), std::move(y)};
}

constexpr double tolerance = 1e-5; // relative, of float sums in another order

} // namespace

TEST_CASE("a group takes the steps that its particles take one by one",
          "[runtime][compute][fuse]") {
  const auto [head, loss] =
      GENERATE(std::pair<std::string, std::string>{"point", "mse"},
               std::pair<std::string, std::string>{"gaussian", "nll"},
               std::pair<std::string, std::string>{"gaussian", "beta_nll"});
  const std::string optimizer =
      GENERATE("sgd", "adam", "adamw", "rmsprop", "adagrad", "svgd_adagrad",
               "sgld", "psgld", "sghmc");
  CAPTURE(head, loss, optimizer);
  auto recipe = recipe_of(head, loss, optimizer);
  // Directions of a group have no room for noise.
  recipe.gradient_row =
      !make_optimizer(recipe.optimizer).value()->draws_noise();
  constexpr std::uint32_t particles = 5;
  seated_box alone{recipe, particles, particles};
  seated_box together{recipe, particles, particles};
  for (std::uint64_t s = 0; s < 50; ++s) {
    const auto rows = batch_of(s);
    const auto done = train_group(together.all(), {&rows, 1});
    REQUIRE(done.size() == particles);
    for (std::uint32_t i = 0; i < particles; ++i) {
      const auto one = train_step(alone.all()[i], rows.inputs, rows.targets);
      REQUIRE(one);
      REQUIRE(done[i]);
      CHECK(done[i]->step == one->step);
      CHECK(done[i]->loss
            == Catch::Approx(one->loss).epsilon(1e-4).margin(1e-6));
    }
  }
  for (std::uint32_t i = 0; i < particles; ++i) {
    CHECK(at::allclose(together.parameters(i), alone.parameters(i), tolerance,
                       tolerance));
    CHECK(together.all()[i].entry.version == alone.all()[i].entry.version);
  }
}

TEST_CASE("a group computes networks that know no gradients in a group",
          "[runtime][compute][fuse]") {
  auto recipe = recipe_of("point", "mse", GENERATE("sgd", "adam", "rmsprop"));
  recipe.model.kind = add_normalized_network();
  REQUIRE(can_group(recipe.model, c10::Device{c10::kCPU}));
  const bool apart = GENERATE(false, true);
  const std::size_t particles = GENERATE(1, 4);
  CAPTURE(apart, particles, recipe.optimizer.kind);
  seated_box alone{recipe, 4, 4};
  seated_box together{recipe, 4, 4};
  const auto group = std::span{together.all()}.first(particles);
  for (std::uint64_t s = 0; s < 50; ++s) {
    std::vector<batch> rows;
    for (std::size_t i = 0; i < (apart ? particles : 1); ++i)
      rows.push_back(batch_of(10 * s + i));
    const auto done = train_group(group, rows);
    for (std::size_t i = 0; i < particles; ++i) {
      const auto& own = rows[apart ? i : 0];
      const auto one = train_step(alone.all()[i], own.inputs, own.targets);
      REQUIRE(one);
      REQUIRE(done[i]);
      CHECK(done[i]->loss
            == Catch::Approx(one->loss).epsilon(1e-4).margin(1e-6));
    }
  }
  for (std::size_t i = 0; i < particles; ++i) {
    const bool drew_as_many =
        generator_state(together.all()[i].entry.generator)
        == generator_state(alone.all()[i].entry.generator);
    CHECK(drew_as_many);
    // Batch statistics take away what a bias before them adds: its gradient is
    // rounding alone, of which other optimizers make steps like any other.
    if (recipe.optimizer.kind != "sgd")
      continue;
    CHECK(at::allclose(together.parameters(i), alone.parameters(i), tolerance,
                       tolerance));
    const auto states = together.all()[i].seat.net().buffers();
    const auto wanted = alone.all()[i].seat.net().buffers();
    REQUIRE(states.size() == 3);
    for (std::size_t k = 0; k < states.size(); ++k)
      CHECK(at::allclose(states[k], wanted[k], tolerance, tolerance));
  }
}

TEST_CASE("a group draws each particle's own numbers, as it does alone",
          "[runtime][compute][fuse]") {
  auto recipe = recipe_of("gaussian_shared", "nll", "adam");
  recipe.model.dropout = 0.4;
  recipe.model.activation =
      GENERATE(Catch::Generators::from_range(activations().names()));
  CAPTURE(recipe.model.activation);
  constexpr std::uint32_t particles = 3;
  seated_box alone{recipe, particles, particles};
  seated_box together{recipe, particles, particles};
  for (std::uint64_t s = 0; s < 50; ++s) {
    const auto rows = batch_of(s);
    for (const auto& done : train_group(together.all(), {&rows, 1}))
      REQUIRE(done);
    for (const auto& p : alone.all())
      REQUIRE(train_step(p, rows.inputs, rows.targets));
  }
  for (std::uint32_t i = 0; i < particles; ++i) {
    CHECK(at::allclose(together.parameters(i), alone.parameters(i), tolerance,
                       tolerance));
    const bool drew_as_many =
        generator_state(together.all()[i].entry.generator)
        == generator_state(alone.all()[i].entry.generator);
    CHECK(drew_as_many);
  }
}

namespace {

/// Rows of all particles after some steps, by groups of every kind: none
/// depends on its group.
void check_bits_of_groups(const particle_recipe& recipe,
                          const std::function<batch(std::uint64_t)>& rows_of) {
  prepare_compute_thread(); // sums depend on the number of threads
  constexpr std::uint32_t particles = 6;
  using groups = std::vector<std::vector<std::size_t>>;
  auto train = [&](const groups& each) {
    seated_box box{recipe, particles, particles};
    for (std::uint64_t s = 0; s < 5; ++s) {
      const auto rows = rows_of(s);
      for (const auto& group : each)
        for (const auto& done : train_group(box.some(group), {&rows, 1}))
          REQUIRE(done);
    }
    std::vector<at::Tensor> out;
    for (std::uint32_t i = 0; i < particles; ++i)
      out.push_back(box.row(i));
    return out;
  };
  const auto whole = train({{0, 1, 2, 3, 4, 5}});
  for (const auto& each :
       {groups{{0}, {1}, {2}, {3}, {4}, {5}}, groups{{5, 4, 3, 2, 1, 0}},
        groups{{0, 2, 4}, {5, 3, 1}}, groups{{0, 1, 3}, {2}, {5, 4}}}) {
    const auto apart = train(each);
    for (std::uint32_t i = 0; i < particles; ++i)
      CHECK(at::equal(apart[i], whole[i]));
  }
}

} // namespace

TEST_CASE("a group's bits do not depend on who is in it",
          "[runtime][compute][fuse]") {
  const auto [head, loss] =
      GENERATE(std::pair<std::string, std::string>{"gaussian", "nll"},
               std::pair<std::string, std::string>{"gaussian_shared", "nll"},
               std::pair<std::string, std::string>{"point", "mse"});
  auto recipe = recipe_of(head, loss, "adam");
  // No multiples of what a vector holds.
  recipe.model.hidden =
      GENERATE(std::vector<std::int64_t>{5}, std::vector<std::int64_t>{3, 7},
               std::vector<std::int64_t>{50});
  recipe.model.activation =
      GENERATE(Catch::Generators::from_range(activations().names()));
  recipe.model.dropout = GENERATE(0.0, 0.3);
  CAPTURE(head, recipe.model.hidden, recipe.model.activation,
          recipe.model.dropout);
  const std::int64_t batch_rows = GENERATE(7, 16);
  check_bits_of_groups(recipe, [&](std::uint64_t s) {
    auto rows = batch_of(s);
    rows.inputs = rows.inputs.narrow(0, 0, batch_rows);
    rows.targets = rows.targets.narrow(0, 0, batch_rows);
    return rows;
  });
}

TEST_CASE("nor do those of networks that know no gradients in a group",
          "[runtime][compute][fuse]") {
  auto recipe = recipe_of("point", "mse", "adam");
  SECTION("batch statistics and dropout") {
    recipe.model.kind = add_normalized_network();
    check_bits_of_groups(recipe, batch_of);
  }
  SECTION("convolutions") {
    recipe.model = {"lenet", {1, 28, 28}, 10, {}, "relu", "categorical", 0};
    recipe.loss = "nll";
    check_bits_of_groups(recipe, [](std::uint64_t s) {
      const generator_scope numbers{make_generator(s)};
      return batch{at::randn({16, 1, 28, 28}), at::randint(10, {16})};
    });
  }
}

TEST_CASE("each of a group may have a batch of its own",
          "[runtime][compute][fuse]") {
  const auto recipe = recipe_of("point", "mse", "adam");
  seated_box together{recipe, 3, 3};
  seated_box apart{recipe, 3, 3};
  for (std::uint64_t s = 0; s < 5; ++s) {
    const std::vector<batch> own{batch_of(s), batch_of(s + 100),
                                 batch_of(s + 200)};
    for (const auto& done : train_group(together.some({2, 0, 1}), own))
      REQUIRE(done);
    for (std::size_t k = 0; k < 3; ++k)
      REQUIRE(
          train_group(apart.some({k == 0 ? 2 : k - 1}), {&own[k], 1}).front());
  }
  for (std::uint32_t i = 0; i < 3; ++i)
    CHECK(at::equal(together.row(i), apart.row(i)));
}

TEST_CASE("a group's scores are those of its particles",
          "[runtime][compute][fuse]") {
  const auto recipe = recipe_of("gaussian", "nll", "svgd_adagrad");
  seated_box alone{recipe, 4, 4};
  seated_box together{recipe, 4, 4};
  const auto rows = batch_of(1);
  const auto done = score_group(together.all(), {&rows, 1});
  for (std::uint32_t i = 0; i < 4; ++i) {
    const auto one = score(alone.all()[i], rows.inputs, rows.targets);
    REQUIRE(one);
    REQUIRE(done[i]);
    CHECK(*done[i] == Catch::Approx(*one).epsilon(1e-5));
    CHECK(
        at::allclose(together.score_of(i), alone.score_of(i), tolerance, 1e-4));
    CHECK(at::equal(together.parameters(i), alone.parameters(i)));
  }
}

TEST_CASE("one whose loss is no number fails alone",
          "[runtime][compute][fuse]") {
  const auto recipe = recipe_of("point", "mse", "adam");
  seated_box box{recipe, 3, 3};
  seated_box sound{recipe, 3, 3};
  box.all()[1].seat.parameters().front().detach().fill_(
      std::numeric_limits<float>::quiet_NaN());
  const auto broken = box.row(1);
  const auto rows = batch_of(1);
  const auto done = train_group(box.all(), {&rows, 1});
  for (const auto& x : train_group(sound.all(), {&rows, 1}))
    REQUIRE(x);
  CHECK(done[0]);
  CHECK(done[2]);
  REQUIRE_FALSE(done[1]);
  CHECK(done[1].error().code == errc::non_finite);
  CHECK(done[1].error().message == "loss is NaN at step 1");
  CHECK(box.all()[1].entry.steps == 0);
  CHECK(at::equal(box.row(1).view(at::kInt), broken.view(at::kInt)));
  for (const auto i : {0U, 2U})
    CHECK(at::equal(box.row(i), sound.row(i)));
}

TEST_CASE("what is large, or lies elsewhere, is computed one by one",
          "[runtime][compute][fuse]") {
  const c10::Device cpu{c10::kCPU};
  auto spec = small_recipe().model;
  CHECK(can_group(spec, cpu));
  CHECK_FALSE(can_group(spec, c10::Device{c10::kCUDA, 0}));
  spec.hidden = {100'000};
  CHECK_FALSE(can_group(spec, cpu)); // too large to gain from it
}
