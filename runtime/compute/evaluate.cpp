#include "runtime/compute/evaluate.hpp"

#include "runtime/compute/particle_work.hpp"
#include "runtime/compute/placed.hpp"
#include "runtime/core/guarded.hpp"
#include "runtime/data/batch.hpp"
#include "runtime/model/network.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

namespace posse {

namespace {

void copy_sections(const particle_layout& layout, const at::Tensor& row,
                   section_role from, section_role to) {
  const auto& all = layout.sections();
  auto source = all.begin();
  for (const auto& target : all) {
    if (target.role != to)
      continue;
    source = std::find_if(source, all.end(), [&](const row_section& s) {
      return s.role == from && s.type == target.type;
    });
    section_view(row, target).copy_(section_view(row, *source));
    if (++source == all.end())
      return;
  }
}

} // namespace

at::Tensor outputs_of(const slot& seat, const at::Tensor& x) {
  return on_host(evaluate(seat.net(), placed_on(seat.row().device(), x)));
}

at::Tensor evaluate(network& net, const at::Tensor& x) {
  const at::NoGradGuard no_grad;
  const auto rows = x.size(0);
  if (rows <= evaluation_rows)
    return net.forward(x);
  std::vector<at::Tensor> parts;
  for (std::int64_t from = 0; from < rows; from += evaluation_rows)
    parts.push_back(
        net.forward(x.narrow(0, from, std::min(evaluation_rows, rows - from))));
  return at::cat(parts);
}

at::Tensor exact_targets(const at::Tensor& targets) {
  return targets.is_floating_point() ? targets.to(at::kDouble) : targets;
}

expected<at::Tensor> predict(seated_particle p, const at::Tensor& x) {
  return guarded("predict", [&] {
    p.seat.set_training(false);
    return outputs_of(p.seat, x);
  });
}

expected<validation_report> validate(seated_particle p, const data_set& data) {
  if (p.recipe().layout.find(section_role::best) == nullptr)
    return fail(errc::invalid_argument, "the particle's recipe keeps no best");
  return guarded("validate", [&]() -> expected<validation_report> {
    const at::NoGradGuard no_grad;
    p.seat.set_training(false);
    const chunks all{data, data_part::validation, evaluation_rows};
    double sum = 0;
    std::int64_t rows = 0;
    for (std::int64_t i = 0; i < all.size(); ++i) {
      auto chunk = all.at(i);
      if (!chunk)
        return fail(std::move(chunk));
      const auto outputs = outputs_of(p.seat, chunk->inputs).to(at::kDouble);
      const auto targets = exact_targets(chunk->targets);
      const auto n = chunk->inputs.size(0);
      sum += p.recipe()
                 .scoring_rule(outputs, targets, p.recipe().head)
                 .item<double>()
             * static_cast<double>(n);
      rows += n;
    }
    if (rows == 0)
      return fail(errc::invalid_argument,
                  "the data set has no validation rows");
    validation_report out{sum / static_cast<double>(rows), false};
    // A NaN score is never the best.
    if (out.score < p.entry.best_score) {
      const auto& layout = p.recipe().layout;
      copy_sections(layout, p.seat.row(), section_role::parameters,
                    section_role::best);
      copy_sections(layout, p.seat.row(), section_role::buffers,
                    section_role::best_buffers);
      p.entry.best_score = out.score;
      p.entry.best_step = p.entry.steps;
      out.improved = true;
    }
    return out;
  });
}

expected<void> restore_best(seated_particle p) {
  if (!std::isfinite(p.entry.best_score))
    return {};
  return guarded("restore best", [&] {
    const at::NoGradGuard no_grad;
    const auto& layout = p.recipe().layout;
    note_change(p.entry, true);
    copy_sections(layout, p.seat.row(), section_role::best,
                  section_role::parameters);
    copy_sections(layout, p.seat.row(), section_role::best_buffers,
                  section_role::buffers);
  });
}

} // namespace posse
