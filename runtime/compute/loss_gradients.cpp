#include "runtime/compute/loss_gradients.hpp"

#include "runtime/compute/placed.hpp"
#include "runtime/core/random.hpp"
#include "runtime/device/helping_threads.hpp"
#include "runtime/model/network.hpp"

#include <ATen/ATen.h>
#include <c10/util/ScopeExit.h>
#include <torch/csrc/autograd/autograd.h>

#include <utility>

namespace posse {

namespace {

/// By the network's own chain rule; none if it leaves that to autograd.
std::optional<double> loss_by_network(seated_particle p,
                                      const at::Tensor& inputs,
                                      const at::Tensor& y,
                                      std::vector<at::Tensor>& gradients) {
  const auto& recipe = p.recipe();
  double value = 0;
  // The loss is computed on the host: a few numbers a row, of which the value
  // has to come here anyway, and the same bits on every device.
  auto slopes = [&](const at::Tensor& outputs) {
    auto done = recipe.loss.with_slopes(on_host(outputs), y, recipe.head);
    value = done.loss;
    return placed_on(inputs.device(), done.slopes);
  };
  if (!p.seat.net().gradients(inputs, slopes, gradients))
    return std::nullopt;
  return value;
}

at::Tensor loss_graph(seated_particle p, const at::Tensor& inputs,
                      const at::Tensor& y) {
  return p.recipe().loss.function(on_host(p.seat.net().forward(inputs)), y,
                                  p.recipe().head);
}

double loss_of_whole(seated_particle p, const at::Tensor& inputs,
                     const at::Tensor& y, std::vector<at::Tensor>& gradients) {
  if (const auto loss = loss_by_network(p, inputs, y, gradients))
    return *loss;
  // Autograd owns them while it works, cheaper than adding into rows; none stay
  // if it throws.
  const auto taken = c10::make_scope_exit([&] {
    gradients.clear();
    for (const auto& parameter : p.seat.parameters())
      gradients.push_back(std::exchange(parameter.mutable_grad(), {}));
  });
  auto graph = loss_graph(p, inputs, y);
  graph.backward();
  return graph.item<double>();
}

/// Rows [first, first + count) of a batch.
struct batch_part {
  std::int64_t first;
  std::int64_t count;
  double loss{0};
  std::vector<at::Tensor> gradients{};

  /// Leaves the parameters' own gradients alone: other threads are at work.
  void compute(seated_particle p, const at::Tensor& x, const at::Tensor& y) {
    const auto inputs = x.narrow(0, first, count);
    const auto targets = y.narrow(0, first, count);
    if (const auto own = loss_by_network(p, inputs, targets, gradients)) {
      loss = *own;
      return;
    }
    const at::AutoGradMode with_graph{true}; // each thread has its own
    auto graph = loss_graph(p, inputs, targets);
    gradients = torch::autograd::grad({graph}, p.seat.parameters(), {},
                                      std::nullopt, false,
                                      /*allow_unused=*/true);
    loss = graph.item<double>();
  }
};

/// target += share * x, where they are defined.
void add_share(at::Tensor& target, const at::Tensor& x, double share) {
  if (!x.defined())
    return;
  if (target.defined())
    target.add_(x, share);
  else
    target = x.mul(share);
}

double loss_of_parts(seated_particle p, const at::Tensor& x,
                     const at::Tensor& y, std::vector<at::Tensor>& gradients) {
  const auto rows = x.size(0);
  const auto count =
      std::min<std::int64_t>(p.recipe().source.batch_parts, rows);
  std::vector<batch_part> parts;
  for (std::int64_t k = 0; k < count; ++k) {
    const auto first = rows * k / count;
    parts.push_back({first, rows * (k + 1) / count - first});
  }
  share_work(parts.size(), [&](std::size_t k) { parts[k].compute(p, x, y); });
  const at::NoGradGuard no_grad;
  double loss = 0;
  gradients.assign(p.seat.parameters().size(), {});
  for (const auto& part : parts) {
    const auto share =
        static_cast<double>(part.count) / static_cast<double>(rows);
    loss += share * part.loss;
    for (std::size_t i = 0; i < gradients.size(); ++i)
      add_share(gradients[i], part.gradients[i], share);
  }
  return loss;
}

} // namespace

double loss_with_gradients(seated_particle p, const at::Tensor& x,
                           const at::Tensor& y,
                           std::vector<at::Tensor>& gradients) {
  p.seat.set_training(true);
  const generator_scope own_numbers{p.entry.generator};
  const auto device = p.seat.row().device();
  if (device.is_cpu() && p.recipe().source.batch_parts > 1)
    return loss_of_parts(p, x, y, gradients);
  return loss_of_whole(p, placed_on(device, x), y, gradients);
}

} // namespace posse
