#include "runtime/compute/curvature.hpp"
#include "runtime/compute/linearised.hpp"
#include "runtime/device/compute_thread.hpp"
#include "test/runtime/compute/curved_particles.hpp"

#include <torch/nn/modules/linear.h>

using namespace posse;
using namespace posse::test;
using Catch::Approx;

namespace {

/// A network that reads a number from its inputs, which no vmap can.
class reader final : public network {
public:
  explicit reader(const model_spec& spec)
      : layer_{register_module("layer",
                               torch::nn::Linear{spec.inputs.front(), 2})} {}
  at::Tensor forward(const at::Tensor& x) override {
    return layer_(x) * (x.max().item<double>() > 100 ? 2 : 1);
  }

private:
  torch::nn::Linear layer_;
};

} // namespace

TEST_CASE("the curvature of all rows is that of a slow loop",
          "[runtime][compute][laplace]") {
  prepare_compute_thread();
  const auto head =
      GENERATE(std::string{"gaussian"}, std::string{"categorical"},
               std::string{"gaussian_shared"});
  CAPTURE(head);
  const auto data = curved_data(head == "categorical");
  auto recipe = curved_recipe(head);
  particle_box box{recipe, 1, 40};
  box.create({0});
  box.with({0}, [&](seated_particle p) {
    const auto slow = slow_curvature(p, data);
    const auto diagonal = diagonal_curvature(p, data);
    REQUIRE(diagonal);
    CHECK(at::allclose(without_padding(p, diagonal->curvature), slow.diagonal(),
                       1e-4, 1e-6));
    // The last layer's: weights first, of each output with its bias.
    const auto last = last_layer_curvature(p, data);
    REQUIRE(last);
    const auto parameters = p.seat.parameters();
    const auto place = *p.seat.net().last_layer();
    std::int64_t first = 0;
    for (std::size_t i = 0; i < place.weight; ++i)
      first += parameters[i].numel();
    const auto outputs = parameters[place.weight].size(0);
    const auto inputs = parameters[place.weight].size(1);
    std::vector<std::int64_t> order;
    for (std::int64_t l = 0; l < outputs; ++l) {
      for (std::int64_t j = 0; j < inputs; ++j)
        order.push_back(first + l * inputs + j);
      order.push_back(first + outputs * inputs + l);
    }
    const auto at_order = at::tensor(order, at::kLong);
    CHECK(at::allclose(last->curvature,
                       slow.index_select(0, at_order).index_select(1, at_order),
                       1e-4, 1e-6));
    CHECK(last->log_likelihood == Approx(diagonal->log_likelihood));
    return 0;
  });
}

TEST_CASE("networks that do not help have their rows' own gradients",
          "[runtime][compute][laplace]") {
  prepare_compute_thread();
  const std::string kind = GENERATE("lenet", "reader");
  CAPTURE(kind);
  if (!networks().find("reader"))
    REQUIRE(add_network("reader", [](const model_spec& spec) {
      return expected<std::shared_ptr<network>>{std::make_shared<reader>(spec)};
    }));
  const bool images = kind == "lenet";
  auto data = curved_data(false);
  if (images) {
    const generator_scope numbers{make_generator(4)};
    data.encoding.input_shape = {1, 12, 12};
    data.train.inputs = at::randn({40, 1, 12, 12});
  }
  auto recipe = curved_recipe("gaussian");
  recipe.model.kind = kind;
  recipe.model.inputs = data.encoding.input_shape;
  recipe.posterior.curvature = "diagonal";
  particle_box box{recipe, 1, 40};
  box.create({0});
  box.with({0}, [&](seated_particle p) {
    const auto found = diagonal_curvature(p, data);
    REQUIRE(found);
    const auto all = without_padding(p, found->curvature);
    if (!images)
      CHECK(at::allclose(all, slow_curvature(p, data).diagonal(), 1e-4, 1e-6));
    // Of 61,706 parameters the whole matrix is too large: the last layer's.
    const auto last =
        images ? last_layer_curvature(p, data) : expected<curvature_of_rows>{};
    REQUIRE(last);
    if (images)
      CHECK(at::allclose(
          all.narrow(0, all.numel() - 2 * 85, 2 * 84).view({2, 84}),
          last->curvature.diagonal().view({2, 85}).narrow(1, 0, 84), 1e-4,
          1e-6));
    return 0;
  });
}

TEST_CASE("linearised outputs are the network's and its Jacobian's",
          "[runtime][compute][laplace]") {
  prepare_compute_thread();
  particle_box box{curved_recipe("gaussian"), 1, 40};
  box.create({0});
  box.with({0}, [&](seated_particle p) {
    p.seat.set_training(false);
    const generator_scope numbers{make_generator(3)};
    const auto x = at::randn({6, 4});
    std::vector<at::Tensor> moves;
    std::vector<at::Tensor> flat;
    for (const auto& parameter : p.seat.parameters()) {
      moves.push_back(at::randn(parameter.sizes()));
      flat.push_back(moves.back().flatten());
    }
    const auto all = at::cat(flat).to(at::kDouble);
    const auto got = linearised_outputs(p.seat, x, moves);
    const auto own = predict(p, x);
    REQUIRE(own);
    for (std::int64_t n = 0; n < 6; ++n)
      CHECK(at::allclose(got[n].to(at::kDouble),
                         (*own)[n].to(at::kDouble) + jacobian(p, x[n]).mv(all),
                         1e-4, 1e-5));
    return 0;
  });
}
