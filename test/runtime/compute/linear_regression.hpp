#pragma once

#include "runtime/compute/particle_work.hpp"
#include "runtime/core/random.hpp"
#include "runtime/data/data_set.hpp"
#include "test/runtime/compute/particles.hpp"

#include <ATen/ATen.h>

#include <vector>

/// A linear regression, whose posterior has a closed form.
namespace posse::test {

inline constexpr std::int64_t linear_rows = 30;
inline constexpr std::int64_t linear_inputs = 2;
inline constexpr double linear_prior_std = 2;

inline data_set linear_data() {
  const generator_scope numbers{make_generator(21)};
  data_set out;
  out.encoding.task = task_kind::regression;
  out.encoding.input_shape = {linear_inputs};
  out.encoding.inputs = {scaling{}};
  out.train.inputs = at::randn({linear_rows, linear_inputs});
  out.train.targets =
      out.train.inputs.sum(1, true).add_(0.5).add_(at::randn({linear_rows, 1}));
  for (std::uint32_t i = 0; i < linear_rows; ++i)
    out.train.numbers.push_back(i);
  return out;
}

/// y = w x + b with the sum of squared errors as minus the log likelihood: a
/// Gaussian of variance 1/2.
inline particle_recipe linear_recipe() {
  auto out = small_recipe();
  out.model.inputs = {linear_inputs};
  out.model.hidden = {};
  out.optimizer = {.kind = "sgd", .learning_rate = 0.01};
  out.weights_prior = {prior_kind::normal, linear_prior_std};
  out.total_steps = 1'000'000;
  return out;
}

struct gaussian {
  at::Tensor mean;
  at::Tensor precision;
};

/// The exact posterior of (w, b) for a noise of that variance, in double.
/// @param temperature Of likelihood and prior: the precision over it.
inline gaussian posterior_of(const data_set& data, double temperature = 1,
                             double noise_variance = 0.5,
                             double prior_std = linear_prior_std) {
  const auto x = at::cat({data.train.inputs, at::ones({linear_rows, 1})}, 1)
                     .to(at::kDouble);
  const auto y = data.train.targets.to(at::kDouble);
  const auto precision =
      x.t().mm(x) / noise_variance
      + at::eye(linear_inputs + 1, at::kDouble) / (prior_std * prior_std);
  return {at::linalg_solve(precision, x.t().mm(y) / noise_variance).squeeze(1),
          precision / temperature};
}

/// (w, b) of a particle in double.
inline at::Tensor weights_of(seated_particle p) {
  std::vector<at::Tensor> out;
  for (const auto& parameter : p.seat.parameters())
    out.push_back(parameter.detach().flatten().to(at::kDouble));
  return at::cat(out);
}

} // namespace posse::test
