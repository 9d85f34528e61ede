#include "runtime/model/network.hpp"
#include "runtime/posterior/swag.hpp"
#include "test/runtime/compute/particles.hpp"
#include "test/runtime/model/normalized_network.hpp"

#include <ATen/ATen.h>

#include <algorithm>

using namespace posse;
using namespace posse::test;
using Catch::Matchers::ContainsSubstring;

namespace {

constexpr particle_id first{0};
constexpr particle_id second{1};

particle_recipe swag_recipe(std::int64_t draws) {
  auto out = small_recipe();
  out.posterior.kind = "swag";
  out.posterior.draws = draws;
  out.posterior.seed = 11;
  out.posterior.rank = 3;
  return out;
}

particle_recipe dropout_recipe(std::int64_t draws) {
  auto out = small_recipe();
  out.model.dropout = 0.3;
  out.posterior.kind = "dropout";
  out.posterior.draws = draws;
  out.posterior.seed = 11;
  return out;
}

void step_on(particle_box& box, particle_id pid, std::uint64_t seed) {
  const auto done = box.with(pid, [&](seated_particle p) {
    const auto [x, y] = small_batch(seed);
    return train_step(p, x, y);
  });
  REQUIRE(done);
}

/// `steps` steps, each of which is collected.
void collect_steps(particle_box& box, particle_id pid, std::uint64_t steps) {
  for (std::uint64_t i = 0; i < steps; ++i) {
    step_on(box, pid, i);
    REQUIRE(box.with(pid, [](seated_particle p) { return collect(p); })
            == static_cast<std::int64_t>(i + 1));
  }
}

expected<at::Tensor> draw_outputs(particle_box& box, particle_id pid,
                                  const at::Tensor& x) {
  return box.with(pid,
                  [&](seated_particle p) { return predict_posterior(p, x); });
}

value state_of(particle_box& box, particle_id pid) {
  return box.with(pid, [](seated_particle p) {
    auto state = snapshot(p.entry, p.seat.row());
    REQUIRE(state);
    return to_value(*state);
  });
}

std::vector<at::Tensor> posterior_rows(seated_particle p) {
  std::vector<at::Tensor> out;
  for (const auto& section : p.recipe().layout.sections())
    if (section.role == section_role::posterior)
      out.push_back(section_view(p.seat.row(), section));
  return out;
}

at::Tensor rows_to_predict() {
  return small_batch(99).first;
}

/// Rows of training and none else.
data_set training_rows(const at::Tensor& x, const at::Tensor& y) {
  data_set out;
  out.encoding.task = task_kind::regression;
  out.encoding.input_shape = {4};
  out.encoding.inputs = {scaling{}};
  out.train.inputs = x;
  out.train.targets = y;
  return out;
}

} // namespace

TEST_CASE("D4: a particle is what it was when its posterior has predicted",
          "[runtime][posterior]") {
  const auto recipe = GENERATE(swag_recipe(4), dropout_recipe(4));
  particle_box box{recipe, 1};
  box.create(first);
  if (recipe.posterior.kind == "swag")
    collect_steps(box, first, 5);
  const auto before = state_of(box, first);
  const auto outputs = draw_outputs(box, first, rows_to_predict());
  REQUIRE(outputs);
  CHECK(outputs->sizes() == at::IntArrayRef{4, 16, 1});
  CHECK(state_of(box, first) == before);
}

TEST_CASE("a chain predicts with its last samples, the oldest first",
          "[runtime][posterior][sampler]") {
  auto recipe = small_recipe();
  recipe.posterior.kind = "samples";
  recipe.posterior.draws = 3;
  particle_box box{recipe, 1};
  box.create(first);
  const auto x = rows_to_predict();
  CHECK_THAT(draw_outputs(box, first, x).error().message,
             ContainsSubstring("no parameters were collected"));
  std::vector<at::Tensor> each;
  for (std::uint64_t i = 0; i < 5; ++i) {
    step_on(box, first, i);
    each.push_back(
        *box.with(first, [&](seated_particle p) { return predict(p, x); }));
    REQUIRE(box.with(first, [](seated_particle p) { return collect(p); }));
    step_on(box, first, 100 + i); // what is not collected does not predict
    const auto outputs = draw_outputs(box, first, x);
    REQUIRE(outputs);
    const auto kept = std::min<std::size_t>(i + 1, 3);
    REQUIRE(outputs->size(0) == static_cast<std::int64_t>(kept));
    const auto oldest = each.end() - static_cast<std::ptrdiff_t>(kept);
    CHECK(at::equal(*outputs, at::stack(std::vector(oldest, each.end()))));
  }
}

TEST_CASE("a draw follows from the seed, the particle and its number",
          "[runtime][posterior]") {
  const auto make = GENERATE(swag_recipe, dropout_recipe);
  particle_box box{make(3), 2};
  particle_box fewer{make(1), 1};
  const auto x = rows_to_predict();
  const auto prepare = [&](particle_box& b, particle_id pid) {
    b.create(pid);
    if (make(1).posterior.kind == "swag")
      collect_steps(b, pid, 4);
  };
  prepare(box, first);
  prepare(box, second);
  prepare(fewer, first);
  const auto all = draw_outputs(box, first, x);
  REQUIRE(all);
  CHECK(at::equal(*draw_outputs(box, first, x), *all));
  CHECK(at::equal((*draw_outputs(fewer, first, x))[0], (*all)[0]));
  CHECK_FALSE(at::equal((*all)[0], (*all)[1]));
  CHECK_FALSE(at::equal((*all)[1], (*all)[2]));
  CHECK_FALSE(at::equal(*draw_outputs(box, second, x), *all));
}

TEST_CASE("D3: particles count what they have collected themselves",
          "[runtime][posterior]") {
  particle_box box{swag_recipe(1), 1}; // one slot: they change places
  box.create(first);
  box.create(second);
  std::vector<at::Tensor> iterates;
  for (std::uint64_t i = 0; i < 4; ++i)
    for (const auto pid : {first, second}) {
      step_on(box, pid, i);
      if (pid == first)
        iterates.push_back(box.parameters_of(pid));
      REQUIRE(box.with(pid, [](seated_particle p) { return collect(p); })
              == static_cast<std::int64_t>(i + 1));
    }
  box.with(first, [&](seated_particle p) {
    const auto& section = *p.recipe().layout.find(section_role::posterior);
    CHECK(section.prefix == "posterior.mean.");
    CHECK(at::allclose(section_view(p.seat.row(), section),
                       at::stack(iterates).mean(0), 1e-5, 1e-6));
    return true;
  });
}

TEST_CASE("swag's draws are those of the formula", "[runtime][posterior]") {
  particle_box box{swag_recipe(1), 1};
  box.create(first);
  collect_steps(box, first, 5);
  const auto x = rows_to_predict();
  const auto outputs = draw_outputs(box, first, x);
  REQUIRE(outputs);
  box.with(first, [&](seated_particle p) {
    const auto rows = posterior_rows(p);
    REQUIRE(rows.size() == 2 + 3);
    auto numbers = make_generator(derive_seed(11, first, "draw 0"));
    const auto own = parameter_row(p.entry, p.seat.row());
    const auto z1 = at::randn(own.sizes(), numbers, own.options());
    const auto z2 = at::randn({3}, numbers, own.options());
    const auto kept = own.clone();
    swag_draw({rows[0], rows[1]}, std::span{rows}.subspan(2), 3, 0.5, 1e-30, z1,
              z2, own);
    const auto expected = predict(p, x);
    REQUIRE(expected);
    CHECK(at::equal(*expected, (*outputs)[0]));
    own.copy_(kept);
    return true;
  });
}

TEST_CASE("a posterior of nothing says so", "[runtime][posterior]") {
  particle_box box{swag_recipe(2), 1};
  box.create(first);
  const auto none = draw_outputs(box, first, rows_to_predict());
  REQUIRE_FALSE(none);
  CHECK_THAT(none.error().message, ContainsSubstring("collected"));
  particle_box plain{small_recipe(), 1};
  plain.create(first);
  const auto refused =
      plain.with(first, [](seated_particle p) { return collect(p); });
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == errc::invalid_argument);
}

TEST_CASE("statistics of batches are those of the draw",
          "[runtime][posterior]") {
  auto recipe = swag_recipe(2);
  recipe.model.kind = add_normalized_network();
  particle_box box{recipe, 1};
  particle_box twin{recipe, 1};
  for (auto* each : {&box, &twin}) {
    each->create(first);
    collect_steps(*each, first, 5);
  }
  // Batches of 1024 rows: one, one and a smaller one, and one of a single row.
  const auto count = GENERATE(16, 1500, 1025);
  const auto x = [&] {
    const generator_scope numbers{make_generator(50)};
    return at::randn({count, 4});
  }();
  const auto data = training_rows(x, x.sum(1, true));
  const auto outputs = box.with(first, [&](seated_particle p) {
    return predict_part(p, data, data_part::train);
  });
  REQUIRE(outputs);
  // By hand: the first layer's outputs, whose statistics these are, and those
  // of their batches weighed by rows. Dropout is off where it predicts.
  box.with(first, [&](seated_particle p) {
    const auto rows = posterior_rows(p);
    const at::NoGradGuard no_grad;
    const auto own = parameter_row(p.entry, p.seat.row());
    const auto kept = own.clone();
    auto numbers = make_generator(derive_seed(11, first, "draw 1"));
    p.recipe().posterior->draw(p.seat.net(), own, rows, p.entry.collected, 1,
                               numbers);
    auto w = p.seat.net().named_parameters();
    const auto hidden = x.mm(w["first.weight"].t()) + w["first.bias"];
    auto mean = at::zeros({8});
    auto variance = at::zeros({8});
    double seen = 0;
    for (const auto& batch : hidden.split(1024)) {
      const auto n = static_cast<double>(batch.size(0));
      if (n < 2)
        continue;
      mean += n * batch.mean(0);
      variance += n * batch.var(0, /*unbiased=*/true);
      seen += n;
    }
    const auto normal =
        (hidden - mean / seen) / (variance / seen + 1e-5).sqrt();
    const auto features =
        (normal * w["statistics.weight"] + w["statistics.bias"]).relu();
    const auto expected = features.mm(w["last.weight"].t()) + w["last.bias"];
    CHECK(at::allclose((*outputs)[1], expected, 1e-4, 1e-5));
    own.copy_(kept);
    return true;
  });
  // And the particle trains on as one that never predicted.
  step_on(box, first, 70);
  step_on(twin, first, 70);
  CHECK(state_of(box, first) == state_of(twin, first));

  const auto without = draw_outputs(box, first, x);
  REQUIRE_FALSE(without);
  CHECK_THAT(without.error().message, ContainsSubstring("statistics"));
}

TEST_CASE("dropout draws drop units and nothing else", "[runtime][posterior]") {
  auto recipe = dropout_recipe(200);
  recipe.model.kind = add_normalized_network();
  particle_box box{recipe, 1};
  box.create(first);
  step_on(box, first, 1);
  const auto x = rows_to_predict();
  const auto before = state_of(box, first);
  const auto all = draw_outputs(box, first, x);
  REQUIRE(all);
  CHECK(state_of(box, first) == before); // running statistics, too
  // The last layer is linear in what dropout keeps, whose mean is what is
  // there: so is the mean of the draws, by 200 of them.
  const auto whole =
      box.with(first, [&](seated_particle p) { return predict(p, x); });
  REQUIRE(whole);
  const auto error = (all->mean(0) - *whole).abs();
  const auto five = 5 * all->std(0, /*unbiased=*/true) / std::sqrt(200.0);
  CHECK(error.le(five).all().item<bool>());
  CHECK(all->std(0, /*unbiased=*/true).min().item<double>() > 0);
}

TEST_CASE("a network that drops nothing has no dropout posterior",
          "[runtime][posterior]") {
  auto recipe = dropout_recipe(2);
  recipe.model.dropout = 0;
  const auto refused = compile(recipe, 16);
  REQUIRE_FALSE(refused);
  CHECK_THAT(refused.error().message, ContainsSubstring("model.dropout"));
}
