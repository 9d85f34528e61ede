#include "runtime/compute/hmc.hpp"
#include "runtime/device/compute_thread.hpp"
#include "test/runtime/compute/linear_regression.hpp"
#include "test/runtime/compute/particles.hpp"

#include <ATen/ATen.h>

#include <cmath>

using namespace posse;
using namespace posse::test;
using Catch::Approx;
using Catch::Matchers::ContainsSubstring;

namespace {

void check_moments(const at::Tensor& draws, const at::Tensor& mean,
                   const at::Tensor& covariance, double close) {
  const auto own_mean = draws.mean(0);
  const auto apart = draws - own_mean;
  const auto own = apart.t().mm(apart) / static_cast<double>(draws.size(0));
  const auto sd = covariance.diagonal().sqrt();
  CAPTURE(own_mean, mean, own, covariance);
  CHECK(((own_mean - mean) / sd).abs().max().item<double>() < close);
  const auto scale = sd.unsqueeze(1) * sd.unsqueeze(0);
  CHECK(((own - covariance) / scale).abs().max().item<double>() < close);
}

} // namespace

TEST_CASE("HMC samples the posterior of a linear regression",
          "[runtime][compute][sampler]") {
  prepare_compute_thread();
  const auto data = linear_data();
  auto recipe = linear_recipe();
  recipe.temperature = GENERATE(1.0, 0.25);
  CAPTURE(recipe.temperature);
  constexpr std::int64_t burn_in = 300, kept = 4000;
  particle_box box{recipe, 1, linear_rows};
  box.create({0});
  std::vector<at::Tensor> draws;
  double accepted = 0;
  for (std::int64_t i = 0; i < burn_in + kept; ++i)
    box.with({0}, [&](seated_particle p) {
      const auto done = hmc_transition(p, data, {8, 0.8, burn_in});
      REQUIRE(done);
      CHECK(done->step == i + 1);
      if (i < burn_in)
        return 0;
      draws.push_back(weights_of(p));
      accepted += done->accepted / double{kept};
      return 0;
    });
  const auto exact = posterior_of(data);
  // About as many independent draws as transitions: their mean is known to
  // 1 / sqrt(4000) = 1.6 % of the deviation, a covariance to twice that.
  check_moments(at::stack(draws), exact.mean,
                at::linalg_inv(exact.precision) * recipe.temperature, 0.1);
  // The average of the adapted steps errs on the side of the smaller ones.
  CHECK(accepted == Approx(0.85).margin(0.1));
}

TEST_CASE("SGLD on all rows has the covariance of its discretised chain",
          "[runtime][compute][sampler]") {
  prepare_compute_thread();
  const auto data = linear_data();
  auto recipe = linear_recipe();
  recipe.optimizer = {.kind = "sgld", .learning_rate = 0.2};
  particle_box box{recipe, 1, linear_rows};
  box.create({0});
  std::vector<at::Tensor> draws;
  box.with({0}, [&](seated_particle p) {
    for (int i = 0; i < 60'000; ++i) {
      REQUIRE(train_step(p, data.train.inputs, data.train.targets));
      if (i >= 100)
        draws.push_back(weights_of(p));
    }
    return 0;
  });
  const auto exact = posterior_of(data);
  // eps = 2 lr / N; the correction is up to a third of the variance here.
  const double eps = 2 * recipe.optimizer.learning_rate / double{linear_rows};
  const auto chain = at::linalg_inv(
      exact.precision - exact.precision.mm(exact.precision) * (eps / 4));
  const auto wrong = at::linalg_inv(exact.precision);
  CHECK(((chain - wrong) / wrong).diagonal().max().item<double>() > 0.1);
  check_moments(at::stack(draws), exact.mean, chain, 0.05);
}

TEST_CASE("a chain of HMC goes on from a snapshot as it would have",
          "[runtime][compute][sampler]") {
  prepare_compute_thread();
  const auto data = linear_data();
  const auto recipe = linear_recipe();
  const auto run = [&](particle_box& box, int transitions) {
    box.with({0}, [&](seated_particle p) {
      for (int i = 0; i < transitions; ++i)
        REQUIRE(hmc_transition(p, data, {4, 0.8, 30}));
      return 0;
    });
  };
  particle_box unbroken{recipe, 1, linear_rows};
  unbroken.create({0});
  run(unbroken, 40);
  particle_box first{recipe, 1, linear_rows};
  first.create({0});
  run(first, 17);
  const auto saved = first.with({0}, [](seated_particle p) {
    return snapshot(p.entry, p.seat.row()).value();
  });
  particle_box second{recipe, 1, linear_rows};
  second.create({0});
  second.with({0}, [&](seated_particle p) {
    REQUIRE(restore(p.entry, p.seat.row(), saved));
    return 0;
  });
  run(second, 23);
  CHECK(at::equal(second.parameters_of({0}), unbroken.parameters_of({0})));
}

TEST_CASE("HMC refuses networks whose potential is random",
          "[runtime][compute][sampler]") {
  const auto data = linear_data();
  auto recipe = linear_recipe();
  recipe.model.hidden = {4};
  recipe.model.dropout = 0.2;
  particle_box box{recipe, 1, linear_rows};
  box.create({0});
  const auto before = box.parameters_of({0});
  const auto done = box.with({0}, [&](seated_particle p) {
    return hmc_transition(p, data, {8, 0.8, 0});
  });
  REQUIRE_FALSE(done);
  CHECK_THAT(done.error().message, ContainsSubstring("without dropout"));
  CHECK(at::equal(box.parameters_of({0}), before));
}

TEST_CASE("HMC rejects a trajectory that leaves the energy's level",
          "[runtime][compute][sampler]") {
  const auto data = linear_data();
  auto recipe = linear_recipe();
  recipe.optimizer.learning_rate = 1e6;
  particle_box box{recipe, 1, linear_rows};
  box.create({0});
  const auto before = box.parameters_of({0});
  const auto done = box.with({0}, [&](seated_particle p) {
    return hmc_transition(p, data, {8, 0.8, 0});
  });
  REQUIRE(done);
  CHECK(done->diverged);
  CHECK(done->accepted == 0);
  CHECK(at::equal(box.parameters_of({0}), before));
}
