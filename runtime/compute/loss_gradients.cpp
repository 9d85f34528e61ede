#include "runtime/compute/loss_gradients.hpp"

#include "runtime/compute/placed.hpp"
#include "runtime/compute/step_cursor.hpp"
#include "runtime/compute/step_noise.hpp"
#include "runtime/core/random.hpp"
#include "runtime/device/helping_threads.hpp"
#include "runtime/model/network.hpp"

#include <ATen/ATen.h>
#include <c10/util/ScopeExit.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

namespace posse {

namespace {

/// Loss and slopes by outputs, for a network's own chain rule. The slopes are
/// `share` times those of the loss.
struct loss_by_outputs {
  const compiled_recipe& recipe;
  c10::Device device;
  const at::Tensor& targets;
  double share{1};
  double loss{0};

  // The loss is computed on the host: a few numbers a row, of which the value
  // has to come here anyway, and the same bits on every device.
  at::Tensor operator()(const at::Tensor& outputs) {
    auto done = recipe.loss.with_slopes(on_host(outputs), targets, recipe.head);
    loss = done.loss;
    return placed_on(device, share == 1 ? done.slopes : done.slopes.mul(share));
  }
};

/// By the network's own chain rule; none if it leaves that to autograd. The
/// gradients are `share` times those of the loss.
std::optional<double> loss_by_network(seated_particle p,
                                      const at::Tensor& inputs,
                                      const at::Tensor& y, double share,
                                      std::vector<at::Tensor>& gradients) {
  loss_by_outputs slopes{p.recipe(), inputs.device(), y, share};
  if (!p.seat.net().gradients(inputs, slopes, gradients))
    return std::nullopt;
  return slopes.loss;
}

/// Likewise, with its layers cut in parts; none if it does not cut them.
std::optional<double> loss_by_units(seated_particle p, const at::Tensor& inputs,
                                    const at::Tensor& y,
                                    std::vector<at::Tensor>& gradients) {
  loss_by_outputs slopes{p.recipe(), inputs.device(), y};
  if (!p.seat.net().gradients_by_units(
          inputs, slopes, p.recipe().source.batch_parts, gradients))
    return std::nullopt;
  return slopes.loss;
}

at::Tensor loss_graph(seated_particle p, const at::Tensor& inputs,
                      const at::Tensor& y) {
  return p.recipe().loss.function(on_host(p.seat.net().forward(inputs)), y,
                                  p.recipe().head);
}

double loss_of_whole(seated_particle p, const at::Tensor& inputs,
                     const at::Tensor& y, std::vector<at::Tensor>& gradients) {
  if (const auto loss = loss_by_network(p, inputs, y, 1, gradients))
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

/// Rows [first, first + count) of a batch, and what they add to its mean loss
/// and the gradients.
struct batch_part {
  std::int64_t first;
  std::int64_t count;
  double share; ///< of the batch
  double loss{0};
  std::vector<at::Tensor> gradients{};

  /// Leaves the parameters' own gradients alone: other threads are at work.
  void compute(seated_particle p, const at::Tensor& x, const at::Tensor& y) {
    const auto inputs = x.narrow(0, first, count);
    const auto targets = y.narrow(0, first, count);
    if (const auto own =
            loss_by_network(p, inputs, targets, share, gradients)) {
      loss = share * *own;
      return;
    }
    const at::AutoGradMode with_graph{true}; // each thread has its own
    auto graph = loss_graph(p, inputs, targets).mul(share);
    gradients = torch::autograd::grad({graph}, p.seat.parameters(), {},
                                      std::nullopt, false,
                                      /*allow_unused=*/true);
    loss = graph.item<double>();
  }
};

std::vector<batch_part> parts_of(seated_particle p, const at::Tensor& x,
                                 const at::Tensor& y) {
  const auto rows = x.size(0);
  const auto count = std::min(p.recipe().source.batch_parts, rows);
  std::vector<batch_part> out;
  for (std::int64_t k = 0; k < count; ++k) {
    const auto first = rows * k / count;
    const auto height = rows * (k + 1) / count - first;
    out.push_back({first, height,
                   static_cast<double>(height) / static_cast<double>(rows)});
  }
  share_work(out.size(), [&](std::size_t k) { out[k].compute(p, x, y); });
  return out;
}

double loss_of(const std::vector<batch_part>& parts) {
  double out = 0;
  for (const auto& part : parts)
    out += part.loss;
  return out;
}

/// Elements of a parameter, as a flat view.
struct element_range {
  std::size_t parameter;
  std::int64_t first;
  std::int64_t count;

  at::Tensor of(const at::Tensor& whole) const {
    return whole.view(-1).narrow(0, first, count);
  }
};

/// Cuts all parameters into lists of about equal size, always in the same way.
std::vector<std::vector<element_range>>
equal_lists(const std::vector<at::Tensor>& parameters, std::size_t lists) {
  constexpr std::int64_t whole_vectors = 64;
  std::int64_t all = 0;
  for (const auto& parameter : parameters)
    all += parameter.numel();
  const auto share = all / static_cast<std::int64_t>(lists) + 1;
  std::vector<std::vector<element_range>> out(lists);
  std::int64_t passed = 0;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const auto numel = parameters[i].numel();
    for (std::int64_t first = 0; first < numel;) {
      const auto list = (passed + first) / share;
      const auto border = ((list + 1) * share - passed + whole_vectors - 1)
                          / whole_vectors * whole_vectors;
      const auto end = std::min(border, numel);
      out[static_cast<std::size_t>(list)].push_back({i, first, end - first});
      first = end;
    }
    passed += numel;
  }
  return out;
}

/// The gradients of all parts in those of the first. A part may have none for a
/// parameter; then all have none.
void add_range(std::vector<batch_part>& parts, const element_range& range) {
  auto& sum = parts.front().gradients[range.parameter];
  if (!sum.defined())
    return;
  auto target = range.of(sum);
  for (std::size_t k = 1; k < parts.size(); ++k)
    target.add_(range.of(parts[k].gradients[range.parameter]));
}

/// Of a particle's next step. @param noise Its tensors, or none.
optimizer_step next_step(const particle_entry& entry,
                         const std::vector<at::Tensor>& noise) {
  return {entry.steps + 1, learning_rate(entry), noise_variance(entry), noise};
}

/// Moves the parameters of a list.
void step_list(seated_particle p, const std::vector<at::Tensor>& all,
               const std::vector<element_range>& list,
               const step_noise& noise) {
  std::vector<at::Tensor> parameters;
  std::vector<at::Tensor> gradients;
  std::vector<at::Tensor> own_noise;
  std::vector<std::vector<at::Tensor>> moments(p.seat.moments().size());
  for (const auto& range : list) {
    parameters.push_back(range.of(p.seat.parameters()[range.parameter]));
    const auto& gradient = all[range.parameter];
    gradients.push_back(gradient.defined() ? range.of(gradient) : gradient);
    if (noise.row.defined())
      own_noise.push_back(range.of(noise.tensors[range.parameter]));
    for (std::size_t k = 0; k < moments.size(); ++k)
      moments[k].push_back(range.of(p.seat.moments()[k][range.parameter]));
  }
  p.recipe().optimizer->step(parameters, gradients, moments,
                             next_step(p.entry, own_noise));
}

void make_contiguous(std::vector<batch_part>& parts) {
  for (auto& part : parts)
    for (auto& gradient : part.gradients)
      if (gradient.defined())
        gradient = gradient.contiguous();
}

} // namespace

bool in_parts(seated_particle p) {
  return p.recipe().source.batch_parts > 1 && p.seat.row().device().is_cpu();
}

double loss_with_gradients(seated_particle p, const at::Tensor& x,
                           const at::Tensor& y,
                           std::vector<at::Tensor>& gradients) {
  p.seat.set_training(true);
  const generator_scope own_numbers{p.entry.generator};
  if (!in_parts(p))
    return loss_of_whole(p, placed_on(p.seat.row().device(), x), y, gradients);
  if (const auto loss = loss_by_units(p, x, y, gradients))
    return *loss;
  auto parts = parts_of(p, x, y);
  make_contiguous(parts);
  const at::NoGradGuard no_grad;
  for (std::size_t i = 0; i < p.seat.parameters().size(); ++i)
    add_range(parts, {i, 0, p.seat.parameters()[i].numel()});
  gradients = std::move(parts.front().gradients);
  return loss_of(parts);
}

double loss_with_step(seated_particle p, const at::Tensor& x,
                      const at::Tensor& y) {
  if (!in_parts(p)) {
    // Lanes are long-lived threads: the list keeps its memory between steps.
    thread_local std::vector<at::Tensor> gradients;
    const auto emptied = c10::make_scope_exit([] { gradients.clear(); });
    const auto loss = loss_with_gradients(p, x, y, gradients);
    const at::NoGradGuard no_grad;
    if (!std::isfinite(loss))
      return loss;
    const auto noise = draw_noise(p);
    p.recipe().optimizer->step(p.seat.parameters(), gradients, p.seat.moments(),
                               next_step(p.entry, noise.tensors));
    return loss;
  }
  p.seat.set_training(true);
  const generator_scope own_numbers{p.entry.generator};
  std::vector<at::Tensor> gradients;
  std::vector<batch_part> parts; // none if layers are cut
  auto loss = loss_by_units(p, x, y, gradients);
  if (!loss) {
    parts = parts_of(p, x, y);
    loss = loss_of(parts);
  }
  if (!std::isfinite(*loss))
    return *loss;
  make_contiguous(parts);
  const auto noise = draw_noise(p);
  const auto lists =
      equal_lists(p.seat.parameters(),
                  static_cast<std::size_t>(p.recipe().source.batch_parts));
  share_work(lists.size(), [&](std::size_t k) {
    const at::NoGradGuard no_grad; // each thread has its own
    if (!parts.empty())
      for (const auto& range : lists[k])
        add_range(parts, range);
    step_list(p, parts.empty() ? gradients : parts.front().gradients, lists[k],
              noise);
  });
  return *loss;
}

} // namespace posse
