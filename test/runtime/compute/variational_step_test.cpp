#include "runtime/compute/remembered_rows.hpp"
#include "runtime/compute/variational_step.hpp"
#include "runtime/device/compute_thread.hpp"
#include "runtime/model/network.hpp"
#include "test/runtime/compute/linear_regression.hpp"
#include "test/runtime/compute/particles.hpp"

#include <ATen/ATen.h>
#include <torch/nn/modules/linear.h>

#include <cmath>
#include <limits>

using namespace posse;
using namespace posse::test;
using Catch::Approx;

namespace {

/// A linear network that knows nothing of Gaussian weights.
class plain_linear final : public network {
public:
  explicit plain_linear(const model_spec& spec)
      : layer_{register_module(
          "layer", torch::nn::Linear{spec.inputs.front(), spec.targets})} {}
  at::Tensor forward(const at::Tensor& x) override { return layer_(x); }

private:
  torch::nn::Linear layer_;
};

std::string add_plain_linear() {
  const std::string name = "plain_linear";
  if (!networks().find(name))
    REQUIRE(add_network(name, [](const model_spec& spec) {
      return expected<std::shared_ptr<network>>{
          std::make_shared<plain_linear>(spec)};
    }));
  return name;
}

particle_recipe variational_recipe() {
  auto out = linear_recipe();
  out.posterior.kind = "variational";
  out.posterior.draws = 4;
  out.posterior.seed = 5;
  out.posterior.initial_std = 0.05;
  out.optimizer = {.kind = "adam", .learning_rate = 0.03};
  out.schedule = "cosine";
  out.total_steps = 6000;
  return out;
}

at::Tensor deviations_of(seated_particle p) {
  const auto logarithms = remembered_rows(p).front();
  std::vector<at::Tensor> out;
  for (const auto& place : p.recipe().layout.sections().front().tensors)
    out.push_back(
        logarithms.narrow(0, place.offset, place.numel).to(at::kDouble).exp());
  return at::cat(out);
}

} // namespace

TEST_CASE("mean-field VI of a linear regression has variances 1 / diag(A)",
          "[runtime][compute][vi]") {
  prepare_compute_thread();
  const auto data = linear_data();
  auto recipe = variational_recipe();
  recipe.model.kind = GENERATE(std::string{"mlp"}, add_plain_linear());
  recipe.temperature = GENERATE(1.0, 0.25);
  // One that hardly counts beside the rows, and one that does.
  recipe.weights_prior.std = GENERATE(2.0, 0.15);
  CAPTURE(recipe.model.kind, recipe.temperature, recipe.weights_prior.std);
  particle_box box{recipe, 1, linear_rows};
  box.create({0});
  box.with({0}, [&](seated_particle p) {
    REQUIRE(p.seat.net().knows_gaussian_weights()
            == (recipe.model.kind == "mlp"));
    for (int i = 0; i < recipe.total_steps; ++i)
      REQUIRE(train_step(p, data.train.inputs, data.train.targets));
    const auto exact =
        posterior_of(data, recipe.temperature, 0.5, recipe.weights_prior.std);
    const auto variance = exact.precision.diagonal().reciprocal();
    const auto own = deviations_of(p).square();
    CAPTURE(own, variance, weights_of(p), exact.mean);
    // The last steps of a cosine are small: what is left of their noise is
    // some percent of a deviation, more where all rows share a draw.
    const double close = recipe.model.kind == "mlp" ? 0.1 : 0.25;
    CHECK(((weights_of(p) - exact.mean) / variance.sqrt())
              .abs()
              .max()
              .item<double>()
          < close);
    // A prior that counts leaves the slopes little to average out the noise of:
    // so close, a likelihood tempered without its prior is off by a half.
    CHECK((own / variance - 1).abs().max().item<double>()
          < (recipe.weights_prior.std > 1 ? 0.06 : 0.15));
    // The posterior's own variances are larger: these are not found by chance.
    CHECK((at::linalg_inv(exact.precision).diagonal() / variance)
              .max()
              .item<double>()
          > (recipe.weights_prior.std > 1 ? 1.08 : 1));
    return 0;
  });
}

TEST_CASE("deviations start as the recipe says and move",
          "[runtime][compute][vi]") {
  particle_box box{variational_recipe(), 1, linear_rows};
  box.create({0});
  const auto data = linear_data();
  box.with({0}, [&](seated_particle p) {
    REQUIRE(is_variational(p.entry));
    // log_deviation, and Adam's two moments of it.
    REQUIRE(remembered_rows(p).size() == 3);
    CHECK(at::allclose(deviations_of(p), at::full({3}, 0.05, at::kDouble)));
    REQUIRE(train_step(p, data.train.inputs, data.train.targets));
    CHECK((deviations_of(p) - 0.05).abs().min().item<double>() > 1e-4);
    return 0;
  });
}

TEST_CASE("draws of a variational particle have its means and deviations",
          "[runtime][compute][vi]") {
  auto recipe = variational_recipe();
  recipe.posterior.draws = 4000;
  recipe.posterior.initial_std = 0.3;
  particle_box box{recipe, 1, linear_rows};
  box.create({0});
  box.with({0}, [&](seated_particle p) {
    // Inputs that read one parameter each; all share the bias.
    const auto x = at::cat({at::zeros({1, 2}), at::eye(2)});
    const auto outputs = predict_posterior(p, x);
    REQUIRE(outputs);
    REQUIRE(outputs->sizes() == at::IntArrayRef{4000, 3, 1});
    const auto own = predict(p, x);
    REQUIRE(own);
    const auto variance = at::tensor({0.09, 0.18, 0.18});
    const auto apart = outputs->squeeze(2) - own->squeeze(1);
    // 1 / sqrt(4000) is 1.6 %.
    CHECK((apart.mean(0) / variance.sqrt()).abs().max().item<double>() < 0.08);
    CHECK((apart.square().mean(0) / variance - 1).abs().max().item<double>()
          < 0.12);
    return 0;
  });
}

TEST_CASE("a variational step whose loss is no number changes nothing",
          "[runtime][compute][vi]") {
  auto recipe = variational_recipe();
  recipe.model.kind = GENERATE(std::string{"mlp"}, add_plain_linear());
  particle_box box{recipe, 1, linear_rows};
  box.create({0});
  const auto data = linear_data();
  box.with({0}, [&](seated_particle p) {
    const auto before = p.seat.row().clone();
    auto wrong = data.train.targets.clone();
    wrong[3][0] = std::numeric_limits<float>::quiet_NaN();
    auto done = train_step(p, data.train.inputs, wrong);
    REQUIRE_FALSE(done);
    CHECK(done.error().code == errc::non_finite);
    CHECK(at::equal(p.seat.row(), before));
    return 0;
  });
}

TEST_CASE("what deviations cannot be trained with is refused",
          "[runtime][compute][vi]") {
  const std::string what = GENERATE("noise", "flat prior", "dropout", "width");
  CAPTURE(what);
  auto recipe = variational_recipe();
  if (what == "noise")
    recipe.optimizer.kind = "sgld";
  if (what == "flat prior")
    recipe.weights_prior.kind = prior_kind::flat;
  if (what == "dropout")
    recipe.model.dropout = 0.1;
  if (what == "width")
    recipe.posterior.initial_std = 1e-9;
  auto compiled = compile(recipe, linear_rows);
  REQUIRE_FALSE(compiled);
  CHECK(compiled.error().code == errc::invalid_argument);
}
