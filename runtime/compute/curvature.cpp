#include "runtime/compute/curvature.hpp"

#include "runtime/compute/evaluate.hpp"
#include "runtime/compute/placed.hpp"
#include "runtime/core/guarded.hpp"
#include "runtime/data/batch.hpp"
#include "runtime/model/fisher.hpp"
#include "runtime/model/network.hpp"
#include "runtime/model/vmapped.hpp"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>
#include <vector>

namespace posse {

namespace {

/// Calls `visit(inputs, outputs)` with the training rows, chunk by chunk:
/// inputs on the particle's device, outputs [rows, K] float64 on the host.
/// @returns the log likelihood of all.
expected<double> visit_rows(
    seated_particle p, const data_set& data, std::int64_t chunk_rows,
    const std::function<void(const at::Tensor&, const at::Tensor&)>& visit) {
  const auto& recipe = p.recipe();
  p.seat.set_training(false);
  const chunks all{data, data_part::train, chunk_rows};
  double log_likelihood = 0;
  for (std::int64_t i = 0; i < all.size(); ++i) {
    auto chunk = all.at(i);
    if (!chunk)
      return fail(std::move(chunk));
    const auto outputs = outputs_of(p.seat, chunk->inputs).to(at::kDouble);
    const auto targets = exact_targets(chunk->targets);
    log_likelihood -=
        recipe.scoring_rule(outputs, targets, recipe.head).item<double>()
        * static_cast<double>(outputs.size(0));
    visit(placed_on(p.seat.row().device(), chunk->inputs), outputs);
  }
  if (!std::isfinite(log_likelihood))
    return fail(errc::non_finite,
                "the log likelihood of the training rows is no number");
  return log_likelihood;
}

/// Sums of the squares of each row's gradients of sum(outputs * root): by the
/// network, or by a vmap of as many networks of the same parameters, or row by
/// row.
class squared_gradients {
public:
  explicit squared_gradients(seated_particle p) : p_{p} {
    for (const auto& parameter : p.seat.parameters())
      sums_.push_back(at::zeros(parameter.sizes(), at::kDouble));
  }

  void add(const at::Tensor& inputs, const std::vector<at::Tensor>& roots) {
    std::vector<at::Tensor> slopes;
    for (const auto& root : roots)
      slopes.push_back(placed_on(inputs.device(), root.to(at::kFloat)));
    if (p_.seat.net().add_squared_gradients(inputs, slopes, sums_))
      return;
    for (const auto& each : slopes)
      if (!batched_ || !add_batched(inputs, each))
        for (std::int64_t n = 0; n < inputs.size(0); ++n)
          add_row(inputs.narrow(0, n, 1), each.narrow(0, n, 1));
  }

  /// Flat, as the parameters lie in their row.
  at::Tensor row() const {
    const auto& section = p_.recipe().layout.sections().front();
    auto out = at::zeros({section.width}, at::kDouble);
    for (std::size_t i = 0; i < sums_.size(); ++i)
      out.narrow(0, section.tensors[i].offset, section.tensors[i].numel)
          .copy_(sums_[i].flatten());
    return out;
  }

private:
  /// @returns false if the network has no batched form.
  bool add_batched(const at::Tensor& inputs, const at::Tensor& slopes) {
    const auto rows = inputs.size(0);
    std::vector<at::Tensor> stacked;
    std::vector<at::Tensor> gradients;
    for (const auto& parameter : p_.seat.parameters()) {
      const auto own = parameter.detach().unsqueeze(0);
      auto sizes = own.sizes().vec();
      sizes[0] = rows;
      stacked.push_back(own.expand(sizes));
      gradients.push_back(at::empty(sizes, own.options()));
    }
    std::vector<at::Tensor> buffers;
    for (const auto& buffer : p_.seat.net().buffers()) {
      const auto own = buffer.detach().unsqueeze(0);
      auto sizes = own.sizes().vec();
      sizes[0] = rows;
      buffers.push_back(own.expand(sizes));
    }
    // In evaluation mode nothing is drawn.
    const std::vector<at::Generator> numbers{p_.entry.generator.clone()};
    try {
      vmapped_gradients(
          p_.seat.net(), stacked, buffers, inputs.unsqueeze(1), numbers,
          [&](const at::Tensor&) { return slopes.unsqueeze(1); }, gradients);
    } catch (const c10::Error&) {
      if (current_failure("vmap").code == errc::out_of_memory)
        throw; // there may be room when it is tried again
      batched_ = false;
      return false;
    }
    for (std::size_t i = 0; i < sums_.size(); ++i)
      sums_[i].add_(on_host(gradients[i].square().sum(0, false, at::kDouble)));
    return true;
  }

  void add_row(const at::Tensor& x, const at::Tensor& slopes) {
    const at::AutoGradMode with_graph{true};
    const auto found = torch::autograd::grad(
        {p_.seat.net().forward(x)}, p_.seat.parameters(), {slopes},
        std::nullopt, false, /*allow_unused=*/true);
    const at::NoGradGuard no_grad;
    for (std::size_t i = 0; i < sums_.size(); ++i)
      if (found[i].defined())
        sums_[i].add_(on_host(found[i]).to(at::kDouble).square_());
  }

  seated_particle p_;
  std::vector<at::Tensor> sums_;
  bool batched_{true};
};

} // namespace

expected<curvature_of_rows> diagonal_curvature(seated_particle p,
                                               const data_set& data) {
  return guarded("curvature", [&]() -> expected<curvature_of_rows> {
    // As many rows as have gradients of some 64 MiB.
    const auto width = p.recipe().layout.parameter_width();
    const auto rows = std::clamp<std::int64_t>((std::int64_t{1} << 24) / width,
                                               1, evaluation_rows);
    squared_gradients sums{p};
    auto log_likelihood = visit_rows(
        p, data, rows, [&](const at::Tensor& x, const at::Tensor& outputs) {
          sums.add(x, fisher_roots(outputs, p.recipe().head));
        });
    if (!log_likelihood)
      return fail(std::move(log_likelihood));
    return curvature_of_rows{sums.row(), *log_likelihood};
  });
}

expected<curvature_of_rows> last_layer_curvature(seated_particle p,
                                                 const data_set& data) {
  return guarded("curvature", [&]() -> expected<curvature_of_rows> {
    const at::NoGradGuard no_grad;
    auto& net = p.seat.net();
    const auto weight = p.seat.parameters()[net.last_layer()->weight];
    const auto outputs_of_layer = weight.size(0);
    const auto inputs_of_layer = weight.size(1) + 1; // and one for the bias
    auto blocks = at::zeros(
        {outputs_of_layer, inputs_of_layer, outputs_of_layer, inputs_of_layer},
        at::kDouble);
    auto log_likelihood = visit_rows(
        p, data, evaluation_rows,
        [&](const at::Tensor& x, const at::Tensor& outputs) {
          const auto read = on_host(net.features(x)).to(at::kDouble);
          const auto features =
              at::cat({read, at::ones({read.size(0), 1}, at::kDouble)}, 1);
          const auto roots = at::stack(fisher_roots(outputs, p.recipe().head))
                                 .narrow(2, 0, outputs_of_layer);
          for (std::int64_t l = 0; l < outputs_of_layer; ++l)
            for (std::int64_t m = 0; m <= l; ++m) {
              const auto weights =
                  (roots.select(2, l) * roots.select(2, m)).sum(0);
              const auto block =
                  features.t().mm(features * weights.unsqueeze(1));
              blocks.select(0, l).select(1, m).add_(block);
              if (m < l)
                blocks.select(0, m).select(1, l).add_(block);
            }
        });
    if (!log_likelihood)
      return fail(std::move(log_likelihood));
    const auto size = outputs_of_layer * inputs_of_layer;
    return curvature_of_rows{blocks.view({size, size}), *log_likelihood};
  });
}

} // namespace posse
