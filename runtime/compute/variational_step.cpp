#include "runtime/compute/variational_step.hpp"

#include "runtime/compute/loss_gradients.hpp"
#include "runtime/compute/placed.hpp"
#include "runtime/compute/remembered_rows.hpp"
#include "runtime/compute/step_cursor.hpp"
#include "runtime/compute/step_noise.hpp"
#include "runtime/core/random.hpp"
#include "runtime/model/network.hpp"

#include <ATen/ATen.h>
#include <c10/util/ScopeExit.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>
#include <utility>
#include <vector>

namespace posse {

namespace {

/// The slopes of the mean loss; undefined where it does not depend on them.
struct expected_slopes {
  double loss{0};
  std::vector<at::Tensor> means;      ///< one a parameter
  std::vector<at::Tensor> deviations; ///< likewise
};

std::vector<at::Tensor> like_parameters(seated_particle p,
                                        const at::Tensor& row) {
  std::vector<at::Tensor> out;
  for (const auto& place : p.recipe().layout.sections().front().tensors)
    out.push_back(row.narrow(0, place.offset, place.numel).view(place.shape));
  return out;
}

expected_slopes by_sums(seated_particle p, const at::Tensor& x,
                        const at::Tensor& y, const at::Tensor& deviations) {
  const at::AutoGradMode with_graph{true};
  auto leaves = like_parameters(p, deviations);
  for (auto& leaf : leaves)
    leaf = leaf.detach().requires_grad_();
  auto loss = p.recipe().loss.function(
      on_host(p.seat.net().forward_gaussian(placed_on(p.seat.row().device(), x),
                                            leaves)),
      y, p.recipe().head);
  std::vector<at::Tensor> wanted{p.seat.parameters().begin(),
                                 p.seat.parameters().end()};
  const auto count = static_cast<std::ptrdiff_t>(wanted.size());
  wanted.insert(wanted.end(), leaves.begin(), leaves.end());
  auto found = torch::autograd::grad({loss}, wanted, {}, std::nullopt, false,
                                     /*allow_unused=*/true);
  return {loss.item<double>(),
          {found.begin(), found.begin() + count},
          {found.begin() + count, found.end()}};
}

expected_slopes by_weights(seated_particle p, const at::Tensor& x,
                           const at::Tensor& y, const at::Tensor& deviations) {
  const auto own = parameter_row(p.entry, p.seat.row());
  const auto numbers = draw_normal_row(p);
  const auto means = own.clone();
  expected_slopes out;
  {
    const auto put_back = c10::make_scope_exit([&] { own.copy_(means); });
    own.addcmul_(deviations, numbers);
    const at::AutoGradMode with_graph{true};
    out.loss = loss_with_gradients(p, x, y, out.means);
  }
  const auto drawn = like_parameters(p, numbers);
  for (std::size_t i = 0; i < drawn.size(); ++i)
    out.deviations.push_back(out.means[i].defined() ? out.means[i] * drawn[i]
                                                    : at::Tensor{});
  return out;
}

at::Tensor or_zeros(const at::Tensor& slopes, const at::Tensor& like) {
  return slopes.defined() ? slopes : at::zeros_like(like);
}

} // namespace

bool is_variational(const particle_entry& entry) {
  const auto& rule = entry.family->recipe->posterior;
  return rule && rule->origin() == posterior_origin::training;
}

void start_deviations(seated_particle p) {
  const auto initial = p.recipe().source.posterior.initial_std;
  remembered_rows(p).front().fill_(std::log(initial));
}

double variational_step(seated_particle p, const at::Tensor& x,
                        const at::Tensor& y) {
  const auto& recipe = p.recipe();
  p.seat.set_training(true);
  const generator_scope own_numbers{p.entry.generator};
  const at::NoGradGuard no_grad;
  const auto rows = remembered_rows(p);
  const auto& logarithms = rows.front();
  const auto deviations = logarithms.exp();
  const auto slopes = p.seat.net().knows_gaussian_weights()
                          ? by_sums(p, x, y, deviations)
                          : by_weights(p, x, y, deviations);
  if (!std::isfinite(slopes.loss))
    return slopes.loss;
  // By a mean: mean / (s^2 N); by a deviation's logarithm:
  // (deviation^2 / s^2 - T) / N.
  const auto of_prior =
      weight_decay(recipe.source.weights_prior, recipe.train_rows);
  const auto of_entropy =
      recipe.source.temperature / static_cast<double>(recipe.train_rows);
  auto parameters = p.seat.parameters();
  auto moments = p.seat.moments();
  std::vector<at::Tensor> gradients;
  for (std::size_t i = 0; i < parameters.size(); ++i)
    gradients.push_back(
        or_zeros(slopes.means[i], parameters[i]).add(parameters[i], of_prior));
  auto by_logarithm = at::zeros_like(logarithms);
  const auto parts = like_parameters(p, by_logarithm);
  for (std::size_t i = 0; i < parts.size(); ++i)
    if (slopes.deviations[i].defined())
      parts[i].copy_(slopes.deviations[i]);
  by_logarithm.add_(deviations, of_prior).mul_(deviations).sub_(of_entropy);
  parameters.push_back(logarithms);
  gradients.push_back(std::move(by_logarithm));
  for (std::size_t k = 0; k < moments.size(); ++k)
    moments[k].push_back(rows[k + 1]);
  // One step of all: where memory runs out, nothing has moved.
  recipe.optimizer->step(parameters, gradients, moments,
                         {p.entry.steps + 1, learning_rate(p.entry)});
  return slopes.loss;
}

} // namespace posse
