#pragma once

#include "runtime/data/data_set.hpp"
#include "runtime/model/fisher.hpp"
#include "runtime/model/network.hpp"
#include "test/runtime/compute/particles.hpp"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>

#include <string>
#include <vector>

/// Particles whose networks are not linear, for tests of curvatures.
namespace posse::test {

/// Data of a network with a hidden layer: 40 rows to train on, 15 to validate.
inline data_set curved_data(bool classes) {
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

inline particle_recipe curved_recipe(const std::string& head) {
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

/// The Jacobian [K, P] of one row's outputs, by autograd, flat without padding.
inline at::Tensor jacobian(seated_particle p, const at::Tensor& x) {
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
inline at::Tensor slow_curvature(seated_particle p, const data_set& data) {
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

inline at::Tensor without_padding(seated_particle p, const at::Tensor& row) {
  std::vector<at::Tensor> out;
  for (const auto& place : p.recipe().layout.sections().front().tensors)
    out.push_back(row.narrow(0, place.offset, place.numel));
  return at::cat(out);
}

} // namespace posse::test
