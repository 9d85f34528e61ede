#include "runtime/compute/curvature.hpp"
#include "runtime/compute/fit_laplace.hpp"
#include "runtime/compute/linearised.hpp"
#include "runtime/compute/remembered_rows.hpp"
#include "runtime/device/compute_thread.hpp"
#include "runtime/model/fisher.hpp"
#include "runtime/model/likelihood.hpp"
#include "runtime/model/network.hpp"
#include "runtime/posterior/laplace.hpp"
#include "test/runtime/compute/linear_regression.hpp"
#include "test/runtime/compute/particles.hpp"
#include "test/runtime/model/normalized_network.hpp"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/nn/modules/linear.h>

#include <algorithm>
#include <cmath>
#include <numbers>

using namespace posse;
using namespace posse::test;
using Catch::Approx;
using Catch::Matchers::ContainsSubstring;

namespace {

/// A linear regression with a noise variance of its own.
particle_recipe laplace_recipe() {
  auto out = linear_recipe();
  out.model.head = "gaussian_shared";
  out.loss = "nll";
  out.optimizer = {.kind = "adam", .learning_rate = 0.05};
  out.schedule = "cosine";
  out.total_steps = 2000;
  out.posterior.kind = "laplace";
  out.posterior.draws = 4000;
  out.posterior.seed = 5;
  out.posterior.prior_precision = "prior";
  return out;
}

void train(seated_particle p, const data_set& data) {
  for (std::int64_t i = 0; i < p.recipe().source.total_steps; ++i)
    REQUIRE(train_step(p, data.train.inputs, data.train.targets));
}

double noise_variance(seated_particle p) {
  // log_noise is the first parameter.
  return std::exp(p.seat.parameters()[0].item<double>()) + variance_floor;
}

/// Data of a network with a hidden layer: 40 rows to train on, 15 to validate.
data_set curved_data(bool classes) {
  const generator_scope numbers{make_generator(31)};
  data_set out;
  out.encoding.task =
      classes ? task_kind::classification : task_kind::regression;
  out.encoding.input_shape = {4};
  out.encoding.inputs = {scaling{}};
  const auto fill = [&](data_rows& part, std::int64_t count) {
    part.inputs = at::randn({count, 4});
    const auto signal = part.inputs.sum(1, true).sin();
    part.targets = classes ? (signal.squeeze(1) > 0).to(at::kLong)
                           : signal + at::randn({count, 1}).mul_(0.3);
    for (std::uint32_t i = 0; i < count; ++i)
      part.numbers.push_back(i);
  };
  fill(out.train, 40);
  fill(out.validation, 15);
  return out;
}

particle_recipe curved_recipe(const std::string& head) {
  auto out = small_recipe();
  out.model.head = head;
  out.model.activation = "tanh";
  out.model.targets = head == "categorical" ? 2 : 1;
  out.loss = head == "categorical" ? "cross_entropy" : "nll";
  out.weights_prior = {prior_kind::normal, 1};
  out.posterior.kind = "laplace";
  out.posterior.draws = 20;
  out.posterior.seed = 5;
  return out;
}

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

/// The Jacobian [K, P] of one row's outputs, by autograd, flat without padding.
at::Tensor jacobian(seated_particle p, const at::Tensor& x) {
  const at::AutoGradMode with_graph{true};
  const auto outputs = p.seat.net().forward(x.unsqueeze(0)).squeeze(0);
  std::vector<at::Tensor> rows;
  for (std::int64_t k = 0; k < outputs.size(0); ++k) {
    const auto found = torch::autograd::grad({outputs[k]}, p.seat.parameters(),
                                             {}, true, false, true);
    std::vector<at::Tensor> row;
    for (std::size_t i = 0; i < found.size(); ++i)
      row.push_back(found[i].defined()
                        ? found[i].flatten()
                        : at::zeros({p.seat.parameters()[i].numel()}));
    rows.push_back(at::cat(row));
  }
  return at::stack(rows).detach().to(at::kDouble);
}

/// sum_n J_n^T F_n J_n, row by row: [P, P].
at::Tensor slow_curvature(seated_particle p, const data_set& data) {
  p.seat.set_training(false);
  at::Tensor out;
  for (std::int64_t n = 0; n < data.train.size(); ++n) {
    const auto j = jacobian(p, data.train.inputs[n]);
    const auto outputs =
        predict(p, data.train.inputs.narrow(0, n, 1))->to(at::kDouble);
    for (const auto& root : fisher_roots(outputs, p.recipe().head)) {
      const auto slope = root.mm(j); // [1, P]
      const auto add = slope.t().mm(slope);
      out = out.defined() ? out + add : add;
    }
  }
  return out;
}

at::Tensor without_padding(seated_particle p, const at::Tensor& row) {
  std::vector<at::Tensor> out;
  for (const auto& place : p.recipe().layout.sections().front().tensors)
    out.push_back(row.narrow(0, place.offset, place.numel));
  return at::cat(out);
}

} // namespace

TEST_CASE("Laplace of a linear regression's last layer is its posterior",
          "[runtime][compute][laplace]") {
  prepare_compute_thread();
  const auto data = linear_data();
  particle_box box{laplace_recipe(), 1, linear_rows};
  box.create({0});
  box.with({0}, [&](seated_particle p) {
    train(p, data);
    const auto fitted = fit_laplace(p, data);
    REQUIRE(fitted);
    CHECK(fitted->prior_precision
          == Approx(1 / (linear_prior_std * linear_prior_std)));
    const auto noise = noise_variance(p);
    const auto exact = posterior_of(data, 1, noise);
    const auto covariance = at::linalg_inv(exact.precision);
    const auto root = remembered_rows(p).front().to(at::kDouble);
    // [w, b] is the order of both; the root is kept in float32.
    CHECK(at::allclose(root.mm(root.t()), covariance, 1e-5, 1e-8));
    // Its mean is the mode that training found, without log_noise.
    const auto mode = weights_of(p).narrow(0, 1, 3);
    CHECK(((mode - exact.mean) / covariance.diagonal().sqrt())
              .abs()
              .max()
              .item<double>()
          < 0.01);

    // What it predicts: x^T covariance x beside the noise.
    const auto x =
        at::tensor({0.0f, 0.0f, 1.0f, -1.0f, 2.0f, 3.0f}).view({3, 2});
    const auto drawn = predict_posterior(p, x);
    REQUIRE(drawn);
    const auto ones = at::cat({x, at::ones({3, 1})}, 1).to(at::kDouble);
    const auto mean = ones.mv(mode);
    const auto variance = (ones.mm(covariance) * ones).sum(1);
    const auto means = drawn->select(2, 0).to(at::kDouble);
    // 4000 draws: 1.6 % of a deviation, 2.2 % of a variance.
    CHECK(((means.mean(0) - mean) / variance.sqrt()).abs().max().item<double>()
          < 0.08);
    CHECK((means.var(0) / variance - 1).abs().max().item<double>() < 0.11);

    // log N(y; 0, X X^T / precision + noise I): exact where all is linear.
    const auto inputs =
        at::cat({data.train.inputs, at::ones({linear_rows, 1})}, 1)
            .to(at::kDouble);
    const auto y = data.train.targets.squeeze(1).to(at::kDouble);
    const auto of_rows =
        inputs.mm(inputs.t()) * (linear_prior_std * linear_prior_std)
        + at::eye(linear_rows, at::kDouble) * noise;
    const auto evidence = -(y.dot(at::linalg_solve(of_rows, y)).item<double>()
                            + at::logdet(of_rows).item<double>()
                            + linear_rows * std::log(2 * std::numbers::pi))
                          / 2;
    // As exact as the mode is.
    CHECK(fitted->log_evidence == Approx(evidence).margin(1e-3));
    return 0;
  });
}

TEST_CASE("diagonal Laplace of a linear regression has variances 1 / diag(A)",
          "[runtime][compute][laplace]") {
  prepare_compute_thread();
  const auto data = linear_data();
  auto recipe = laplace_recipe();
  recipe.posterior.curvature = "diagonal";
  particle_box box{recipe, 1, linear_rows};
  box.create({0});
  box.with({0}, [&](seated_particle p) {
    train(p, data);
    REQUIRE(fit_laplace(p, data));
    const auto exact = posterior_of(data, 1, noise_variance(p));
    const auto own =
        without_padding(p, remembered_rows(p).front()).to(at::kDouble);
    CHECK(at::allclose(own.narrow(0, 1, 3), exact.precision.diagonal().rsqrt(),
                       1e-5));
    return 0;
  });
}

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

TEST_CASE("a network with statistics of batches has a diagonal curvature, too",
          "[runtime][compute][laplace]") {
  prepare_compute_thread();
  auto recipe = curved_recipe("gaussian");
  recipe.model.kind = add_normalized_network();
  recipe.model.targets = 2; // mean and raw variance of one
  recipe.posterior.curvature = "diagonal";
  const auto data = curved_data(false);
  particle_box box{recipe, 1, 40};
  box.create({0});
  box.with({0}, [&](seated_particle p) {
    for (int i = 0; i < 5; ++i)
      REQUIRE(train_step(p, data.train.inputs, data.train.targets));
    const auto found = diagonal_curvature(p, data);
    REQUIRE(found);
    CHECK(at::allclose(without_padding(p, found->curvature),
                       slow_curvature(p, data).diagonal(), 1e-4, 1e-6));
    // It predicts with no rows at hand: draws have the same statistics.
    REQUIRE(fit_laplace(p, data));
    CHECK(predict_posterior(p, data.validation.inputs));
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

TEST_CASE("draws of diagonal Laplace are linear around the particle",
          "[runtime][compute][laplace]") {
  prepare_compute_thread();
  auto recipe = curved_recipe("gaussian");
  recipe.posterior.curvature = "diagonal";
  recipe.posterior.draws = 4000;
  const auto data = curved_data(false);
  particle_box box{recipe, 1, 40};
  box.create({0});
  box.with({0}, [&](seated_particle p) {
    REQUIRE(fit_laplace(p, data));
    const auto before = p.seat.row().clone();
    const auto x = data.validation.inputs.narrow(0, 0, 3);
    const auto drawn = predict_posterior(p, x);
    REQUIRE(drawn);
    CHECK(at::equal(p.seat.row(), before));
    const auto own = predict(p, x);
    REQUIRE(own);
    const auto deviation =
        without_padding(p, remembered_rows(p).front()).to(at::kDouble);
    for (std::int64_t n = 0; n < 3; ++n) {
      const auto variance = jacobian(p, x[n]).square().mv(deviation.square());
      const auto outputs = drawn->select(1, n).to(at::kDouble);
      // 4000 draws: 1.6 % of a deviation, 2.2 % of a variance.
      CHECK(((outputs.mean(0) - (*own)[n]) / variance.sqrt())
                .abs()
                .max()
                .item<double>()
            < 0.08);
      CHECK((outputs.var(0) / variance - 1).abs().max().item<double>() < 0.11);
    }
    return 0;
  });
}

TEST_CASE("validation rows choose the precision under which they score best",
          "[runtime][compute][laplace]") {
  prepare_compute_thread();
  const auto head =
      GENERATE(std::string{"gaussian"}, std::string{"categorical"});
  const auto curvature =
      GENERATE(std::string{"last_layer"}, std::string{"diagonal"});
  CAPTURE(head, curvature);
  const auto data = curved_data(head == "categorical");
  auto recipe = curved_recipe(head);
  recipe.posterior.curvature = curvature;
  const auto nll_of = [&](const std::string& rule, double std) {
    recipe.posterior.prior_precision = rule;
    // Of the fit alone: training would follow it.
    recipe.weights_prior = {prior_kind::normal, std};
    particle_box box{recipe, 1, 40};
    box.create({0});
    return box.with({0}, [&](seated_particle p) {
      const auto fitted = fit_laplace(p, data);
      REQUIRE(fitted);
      const auto draws = predict_part(p, data, data_part::validation);
      REQUIRE(draws);
      const auto targets = head == "categorical"
                               ? data.validation.targets
                               : data.validation.targets.to(at::kDouble);
      auto likelihood = at::zeros({15}, at::kDouble);
      for (const auto& draw : draws->to(at::kDouble).unbind())
        likelihood += log_likelihood(draw, targets, p.recipe().head).exp();
      const auto nll =
          -(likelihood / double(draws->size(0))).log().mean().item<double>();
      return std::pair{fitted->prior_precision, nll};
    });
  };
  const auto [precision, nll] = nll_of("validation", 1);
  const auto all = precisions_to_try();
  CHECK(std::ranges::count_if(
            all, [&](double each) { return precision == Approx(each); })
        == 1);
  double lowest = 1e300;
  for (auto each : all)
    lowest = std::min(lowest, nll_of("prior", 1 / std::sqrt(each)).second);
  CHECK(nll == Approx(lowest));
}

TEST_CASE("a posterior is fitted once, and travels with its particle",
          "[runtime][compute][laplace]") {
  prepare_compute_thread();
  auto recipe = curved_recipe("gaussian");
  recipe.posterior.curvature =
      GENERATE(std::string{"last_layer"}, std::string{"diagonal"});
  recipe.posterior.prior_precision = "evidence";
  const auto data = curved_data(false);
  particle_box box{recipe, 2, 40};
  box.create({0});
  const auto [state, outputs, fitted] = box.with({0}, [&](seated_particle p) {
    CHECK_FALSE(predict_posterior(p, data.validation.inputs));
    const auto once = fit_laplace(p, data);
    REQUIRE(once);
    const auto drawn = predict_posterior(p, data.validation.inputs);
    REQUIRE(drawn);
    auto snap = snapshot(p.entry, p.seat.row());
    REQUIRE(snap);
    return std::tuple{std::move(*snap), *drawn, *once};
  });
  box.create({1});
  box.with({1}, [&](seated_particle p) {
    // The draws follow from the pid, too: so the same one.
    p.entry.pid = {0};
    REQUIRE(restore(p.entry, p.seat.row(), state));
    const auto drawn = predict_posterior(p, data.validation.inputs);
    REQUIRE(drawn);
    CHECK(at::equal(*drawn, outputs));
    // Asked again it tells what it knows, whatever the rows: float32's digits.
    const auto again = fit_laplace(p, data_set{});
    REQUIRE(again);
    CHECK(again->prior_precision == Approx(fitted.prior_precision));
    CHECK(again->log_evidence == Approx(fitted.log_evidence));
    p.entry.pid = {1};
    return 0;
  });
}

TEST_CASE("what cannot be fitted is said", "[runtime][compute][laplace]") {
  const std::string wanted = GENERATE(
      "not fitted", "a normal prior, got a flat one", "no validation rows");
  auto recipe = curved_recipe("gaussian");
  auto data = curved_data(false);
  if (wanted == "not fitted")
    recipe.posterior.kind = "none";
  if (wanted == "no validation rows") {
    recipe.posterior.prior_precision = "validation";
    data.validation = {};
  }
  if (wanted.starts_with("a normal")) {
    recipe.weights_prior = {prior_kind::flat, 1};
    recipe.posterior.prior_precision = "prior";
  }
  particle_box box{recipe, 1, 40};
  box.create({0});
  box.with({0}, [&](seated_particle p) {
    const auto fitted = fit_laplace(p, data);
    REQUIRE_FALSE(fitted);
    CHECK(fitted.error().code == errc::invalid_argument);
    CHECK_THAT(fitted.error().message, ContainsSubstring(wanted));
    CHECK(p.entry.collected == 0);
    return 0;
  });
}

TEST_CASE("a curvature that is no number is named with the particle's fit",
          "[runtime][compute][laplace]") {
  auto recipe = curved_recipe("gaussian");
  recipe.posterior.curvature =
      GENERATE(std::string{"last_layer"}, std::string{"diagonal"});
  particle_box box{recipe, 1, 40};
  box.create({0});
  box.with({0}, [&](seated_particle p) {
    p.seat.parameters()[1].detach().fill_(
        std::numeric_limits<float>::quiet_NaN());
    const auto fitted = fit_laplace(p, curved_data(false));
    REQUIRE_FALSE(fitted);
    CHECK(fitted.error().code == errc::non_finite);
    return 0;
  });
}

TEST_CASE("a network that does not tell its last layer is refused with a hint",
          "[runtime][compute][laplace]") {
  auto recipe = curved_recipe("gaussian");
  recipe.model.kind = add_normalized_network();
  auto compiled = compile(recipe, 40);
  REQUIRE_FALSE(compiled);
  CHECK(compiled.error().code == errc::invalid_argument);
  CHECK_THAT(compiled.error().message,
             ContainsSubstring("infer.curvature = \"diagonal\""));
}
