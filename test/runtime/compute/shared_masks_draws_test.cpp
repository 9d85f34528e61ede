#include "runtime/model/module_kinds.hpp"
#include "runtime/model/network.hpp"
#include "runtime/model/shared_masks.hpp"
#include "test/runtime/compute/particles.hpp"

#include <ATen/ATen.h>

using namespace posse;
using namespace posse::test;

namespace {

constexpr particle_id first{0};

particle_recipe dropout_recipe(bool shared_masks) {
  auto out = small_recipe();
  out.model.dropout = 0.3;
  out.posterior.kind = "dropout";
  out.posterior.draws = 3;
  out.posterior.seed = 11;
  out.posterior.shared_masks = shared_masks;
  return out;
}

at::Tensor inputs(std::int64_t rows) {
  return at::randn({rows, 4}, make_generator(5));
}

at::Tensor draws_of(particle_box& box, const at::Tensor& x) {
  const auto out = box.with(
      first, [&](seated_particle p) { return predict_posterior(p, x); });
  REQUIRE(out);
  return *out;
}

at::Generator numbers_of(std::int64_t draw) {
  return make_generator(derive_seed(11, first, "draw " + std::to_string(draw)));
}

} // namespace

TEST_CASE("a draw with shared masks is one network for all rows",
          "[runtime][posterior][mc_dropout]") {
  particle_box box{dropout_recipe(true), 1};
  box.create(first);
  const auto x = inputs(40);
  const auto draws = draws_of(box, x);
  REQUIRE(draws.sizes() == at::IntArrayRef{3, 40, 1});
  CHECK(at::equal(draws_of(box, x), draws));
  box.with(first, [&](seated_particle p) {
    const at::NoGradGuard no_grad;
    const auto w = p.seat.net().named_parameters();
    for (std::int64_t s = 0; s < 3; ++s) {
      const auto mask =
          at::empty({1, 8}).bernoulli_(0.7, numbers_of(s)).div_(0.7);
      const auto hidden =
          at::linear(x, w["layers.0.weight"], w["layers.0.bias"]).relu() * mask;
      CHECK(at::allclose(
          draws[s],
          at::linear(hidden, w["layers.1.weight"], w["layers.1.bias"]), 1e-5,
          1e-6));
    }
    return true;
  });
  CHECK_FALSE(at::allclose(draws[0], draws[1]));
  CHECK_FALSE(at::allclose(draws[1], draws[2]));
  // The same row twice: one function value.
  const auto twice = draws_of(box, at::cat({x, x}));
  CHECK(at::allclose(twice.narrow(1, 0, 40), twice.narrow(1, 40, 40), 1e-5,
                     1e-6));
}

TEST_CASE("shared masks hold beyond the rows of one chunk",
          "[runtime][posterior][mc_dropout]") {
  particle_box box{dropout_recipe(true), 1};
  box.create(first);
  const auto x = inputs(1500);
  const auto all = draws_of(box, x);
  const auto halves = at::cat({draws_of(box, x.narrow(0, 0, 750)),
                               draws_of(box, x.narrow(0, 750, 750))},
                              1);
  CHECK(at::allclose(all, halves, 1e-5, 1e-6));

  data_set data;
  data.encoding.task = task_kind::regression;
  data.encoding.input_shape = {4};
  data.encoding.inputs = {scaling{}};
  data.train.inputs = x;
  data.train.targets = x.sum(1, true);
  const auto part = box.with(first, [&](seated_particle p) {
    return predict_part(p, data, data_part::train);
  });
  REQUIRE(part);
  CHECK(at::equal(*part, all));
}

TEST_CASE("masks of each row are what forward() draws",
          "[runtime][posterior][mc_dropout]") {
  particle_box box{dropout_recipe(false), 1};
  box.create(first);
  const auto x = inputs(40);
  const auto draws = draws_of(box, x);
  const auto by_hand = box.with(first, [&](seated_particle p) {
    const at::NoGradGuard no_grad;
    drop_units(p.seat.net());
    std::vector<at::Tensor> out;
    for (std::int64_t s = 0; s < 3; ++s) {
      const generator_scope own{numbers_of(s)};
      out.push_back(p.seat.net().forward(x));
    }
    p.seat.net().eval();
    return at::stack(out);
  });
  CHECK(at::equal(draws, by_hand));
  particle_box shared{dropout_recipe(true), 1};
  shared.create(first);
  CHECK_FALSE(at::allclose(draws_of(shared, x), draws));
}
