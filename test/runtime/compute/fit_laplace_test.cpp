#include "runtime/compute/curvature.hpp"
#include "runtime/compute/fit_laplace.hpp"
#include "runtime/compute/remembered_rows.hpp"
#include "runtime/device/compute_thread.hpp"
#include "runtime/model/likelihood.hpp"
#include "runtime/model/network.hpp"
#include "runtime/posterior/laplace.hpp"
#include "test/runtime/compute/curved_particles.hpp"
#include "test/runtime/compute/linear_regression.hpp"
#include "test/runtime/compute/particles.hpp"
#include "test/runtime/model/normalized_network.hpp"

#include <ATen/ATen.h>

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
