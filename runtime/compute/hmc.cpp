#include "runtime/compute/hmc.hpp"

#include "runtime/compute/loss_gradients.hpp"
#include "runtime/compute/step_cursor.hpp"
#include "runtime/compute/step_noise.hpp"
#include "runtime/core/guarded.hpp"
#include "runtime/data/batch.hpp"
#include "runtime/model/module_kinds.hpp"
#include "runtime/model/network.hpp"
#include "runtime/posterior/dual_averaging.hpp"

#include <ATen/ATen.h>
#include <c10/util/ScopeExit.h>

#include <algorithm>
#include <cmath>

namespace posse {

namespace {

// Beyond which a trajectory is not on the energy's level any more (Stan's).
constexpr double most_energy_error = 1000;

/// U, and its gradient like the parameters' row, 0 between tensors.
class potential {
public:
  potential(seated_particle p, batch rows)
      : p_{p}, rows_{std::move(rows)}, theta_{parameter_row(p.entry,
                                                            p.seat.row())},
        gradient_{at::zeros_like(theta_)} {
    const auto& recipe = p.recipe();
    const auto n = static_cast<double>(recipe.train_rows);
    scale_ = n / recipe.source.temperature;
    decay_ = weight_decay(recipe.source.weights_prior, recipe.train_rows)
             + recipe.source.optimizer.weight_decay;
    for (const auto& place : recipe.layout.sections().front().tensors)
      views_.push_back(
          gradient_.narrow(0, place.offset, place.numel).view(place.shape));
  }

  /// Of the particle's parameters as they are.
  double operator()() {
    std::vector<at::Tensor> gradients;
    double loss = 0;
    {
      const at::AutoGradMode with_graph{true};
      loss = loss_with_gradients(p_, rows_.inputs, rows_.targets, gradients);
    }
    for (std::size_t i = 0; i < views_.size(); ++i)
      if (gradients[i].defined())
        views_[i].copy_(gradients[i]);
      else
        views_[i].zero_();
    gradient_.add_(theta_, decay_).mul_(scale_);
    return scale_ * (loss + decay_ * squares(theta_) / 2);
  }

  const at::Tensor& theta() const noexcept { return theta_; }
  const at::Tensor& gradient() const noexcept { return gradient_; }

  /// |x|^2 in double.
  static double squares(const at::Tensor& x) {
    const auto exact = x.to(at::kDouble);
    return exact.dot(exact).item<double>();
  }

private:
  seated_particle p_;
  batch rows_;
  at::Tensor theta_;
  at::Tensor gradient_;
  std::vector<at::Tensor> views_;
  double scale_{1};
  double decay_{0};
};

double draw_uniform(at::Generator& numbers) {
  return at::rand({}, numbers, at::dtype(at::kDouble)).item<double>();
}

struct proposal {
  double potential;
  double energy_error;
};

/// Moves the particle along a trajectory; `momentum` is used up.
proposal follow(potential& u, double start, at::Tensor momentum,
                std::int64_t leapfrogs, double step_size) {
  const auto energy = start + potential::squares(momentum) / 2;
  double end = start;
  momentum.sub_(u.gradient(), step_size / 2);
  for (std::int64_t i = 1; i <= leapfrogs; ++i) {
    u.theta().add_(momentum, step_size);
    end = u();
    if (!std::isfinite(end))
      return {end, end};
    momentum.sub_(u.gradient(), i < leapfrogs ? step_size : step_size / 2);
  }
  return {end, end + potential::squares(momentum) / 2 - energy};
}

expected<batch> all_rows(const data_set& data) {
  return chunks{data, data_part::train,
                std::max<std::int64_t>(data.train.size(), 1)}
      .at(0);
}

} // namespace

expected<hmc_report> hmc_transition(seated_particle p, const data_set& data,
                                    const hmc_settings& settings) {
  const auto& net = p.seat.net();
  if (has_dropout(net) || has_batch_statistics(net))
    return fail(errc::invalid_argument,
                "hmc: expected a network without dropout and statistics of "
                "batches: its potential has to follow from its parameters");
  return guarded("hmc", [&]() -> expected<hmc_report> {
    auto rows = all_rows(data);
    if (!rows)
      return fail(std::move(rows));
    note_change(p.entry, false);
    const at::NoGradGuard no_grad;
    auto& adaptation = p.entry.adaptation;
    if (p.entry.steps == 0)
      adaptation =
          start_dual_averaging(p.recipe().source.optimizer.learning_rate);
    const bool adapting = p.entry.steps < settings.adaptation;
    const auto step_size =
        std::exp(adapting ? adaptation.log_step : adaptation.log_average);

    potential u{p, std::move(*rows)};
    const auto before = u();
    if (!std::isfinite(before))
      return tl::unexpected{diverged(p.entry, "potential", before)};
    const auto own = u.theta().clone();
    auto put_back = c10::make_scope_exit([&] { u.theta().copy_(own); });
    auto momentum = draw_normal_row(p);
    const auto most = static_cast<double>(2 * settings.leapfrogs - 1);
    const auto leapfrogs =
        1 + static_cast<std::int64_t>(draw_uniform(p.entry.generator) * most);
    const auto threshold = draw_uniform(p.entry.generator);
    const auto end =
        follow(u, before, std::move(momentum), leapfrogs, step_size);

    hmc_report out;
    out.step_size = step_size;
    out.diverged = !(end.energy_error <= most_energy_error);
    out.accepted =
        out.diverged ? 0 : std::min(1.0, std::exp(-end.energy_error));
    const bool moves = threshold < out.accepted;
    if (moves)
      put_back.release();
    out.potential = moves ? end.potential : before;
    if (adapting)
      adapt(adaptation, out.accepted, settings.wanted);
    count_step(p.entry);
    out.step = p.entry.steps;
    return out;
  });
}

} // namespace posse
