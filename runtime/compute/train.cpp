#include "runtime/compute/loss_gradients.hpp"
#include "runtime/compute/particle_work.hpp"
#include "runtime/compute/step_cursor.hpp"
#include "runtime/compute/variational_step.hpp"
#include "runtime/core/guarded.hpp"
#include "runtime/core/random.hpp"
#include "runtime/model/network.hpp"

#include <ATen/ATen.h>

#include <cmath>
#include <utility>
#include <vector>

namespace posse {

expected<void> initialize(seated_particle p, std::uint64_t train_key) {
  p.entry.generator = make_generator(train_key);
  note_change(p.entry, false);
  auto fresh = [&] {
    const generator_scope own_numbers{p.entry.generator};
    return make_network(p.recipe().source.model);
  }();
  if (!fresh)
    return fail(std::move(fresh));
  return guarded("initial parameters", [&] {
    const at::NoGradGuard no_grad;
    p.seat.row().zero_();
    auto copy = [](const std::vector<named_tensor>& from,
                   const std::vector<named_tensor>& to) {
      for (std::size_t i = 0; i < from.size(); ++i)
        to[i].tensor.detach().copy_(from[i].tensor);
    };
    copy(parameters_of(**fresh), parameters_of(p.seat.net()));
    copy(buffers_of(**fresh), buffers_of(p.seat.net()));
    if (is_variational(p.entry))
      start_deviations(p);
  });
}

expected<step_report> train_step(seated_particle p, const at::Tensor& x,
                                 const at::Tensor& y) {
  return guarded("step", [&]() -> expected<step_report> {
    note_change(p.entry, false); // buffers change even if the loss is no number
    const auto loss = is_variational(p.entry) ? variational_step(p, x, y)
                                              : loss_with_step(p, x, y);
    if (!std::isfinite(loss))
      return tl::unexpected{diverged(p.entry, "loss", loss)};
    count_step(p.entry);
    return step_report{loss, p.entry.steps};
  });
}

expected<double> score(seated_particle p, const at::Tensor& x,
                       const at::Tensor& y) {
  const auto* section = p.recipe().layout.find(section_role::gradient);
  if (section == nullptr)
    return fail(errc::invalid_argument,
                "score: the particle's recipe has no gradient row");
  note_change(p.entry, false);
  return guarded("score", [&]() -> expected<double> {
    std::vector<at::Tensor> gradients;
    const auto loss = loss_with_gradients(p, x, y, gradients);
    if (!std::isfinite(loss))
      return tl::unexpected{diverged(p.entry, "loss", loss)};
    const at::NoGradGuard no_grad;
    const auto& recipe = p.recipe();
    // The loss is a mean over the batch: N times it is the sum over the data.
    const auto rows = static_cast<double>(recipe.train_rows);
    const auto shrink =
        weight_decay(recipe.source.weights_prior, recipe.train_rows) * rows;
    for (std::size_t i = 0; i < section->tensors.size(); ++i) {
      const auto& parameter = p.seat.parameters()[i];
      auto out = tensor_view(p.seat.row(), *section, section->tensors[i]);
      if (const auto& gradient = gradients[i]; gradient.defined())
        at::mul_out(out, gradient, at::scalar_tensor(-rows));
      else
        out.zero_();
      if (shrink != 0)
        out.sub_(parameter, shrink);
    }
    return loss;
  });
}

void zero_grad(seated_particle p) {
  note_change(p.entry, false);
  if (auto row = gradient_row(p.entry, p.seat.row()); row.defined())
    row.zero_();
}

double step_schedule(particle_entry& entry) {
  ++entry.schedule_steps;
  return learning_rate(entry);
}

at::Tensor parameter_row(const particle_entry& entry, const at::Tensor& row) {
  return section_view(row, entry.family->recipe->layout.sections().front());
}

at::Tensor gradient_row(const particle_entry& entry, const at::Tensor& row) {
  const auto* section =
      entry.family->recipe->layout.find(section_role::gradient);
  return section == nullptr ? at::Tensor{} : section_view(row, *section);
}

} // namespace posse
