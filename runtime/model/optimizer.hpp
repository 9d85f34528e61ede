#pragma once

#include "runtime/core/registry.hpp"
#include "runtime/model/optimizer_spec.hpp"

#include <ATen/core/Tensor.h>

#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace posse {

/// Where a particle is in its training, and what this step adds to it.
struct optimizer_step {
  std::int64_t number{1}; ///< 1 for a particle's first step
  /// Of this step: the spec's times the schedule's factor.
  double learning_rate{};
  /// For rules that draw_noise(): T / N, the temperature over the rows of the
  /// training part, since gradients are those of a mean over rows. 0: no noise.
  double noise_variance{0};
  /// Standard normal numbers, one tensor like each parameter; empty where
  /// noise_variance is 0, and for the rules that draw none.
  std::span<const at::Tensor> noise{};
};

/// How gradients change parameters. Holds constants only and may be shared by
/// threads: what a particle remembers between steps (its moments and the count
/// of its steps) is given to each call, so that it can live in rows of a bank
/// and travel with the particle.
///
/// Equal inputs give equal bits wherever the tensors lie.
class optimizer_rule {
public:
  virtual ~optimizer_rule() = default;

  /// Names of the tensors kept for each parameter, of its shape and dtype, as
  /// in PyTorch's state dict: {"exp_avg", "exp_avg_sq"} for adam. The moments
  /// of a particle that has not stepped yet are 0.
  virtual std::span<const std::string_view> moments() const noexcept = 0;

  /// Whether steps are random: the rule simulates a diffusion whose stationary
  /// distribution is the posterior, and wants optimizer_step's noise.
  virtual bool draws_noise() const noexcept { return false; }

  /// Updates parameters and moments in place; autograd does not see it.
  ///
  /// @param params Contiguous, of one floating dtype and device; may require
  ///   gradients.
  /// @param grads One for each parameter, of its shape; a parameter whose
  ///   gradient is undefined stays as it is, its moments too.
  /// @param moments moments()[k] has one tensor for each parameter, contiguous.
  /// @throws c10::Error for tensors that do not fit: the step that calls it is
  ///   guarded.
  void step(std::span<const at::Tensor> params,
            std::span<const at::Tensor> grads,
            std::span<const std::vector<at::Tensor>> moments,
            const optimizer_step& now) const;

protected:
  /// step() with all gradients defined and contiguous, autograd off. A rule
  /// allocates all that it needs before it changes anything: where a device has
  /// no memory left, the step is tried again.
  virtual void update(at::TensorList params, at::TensorList grads,
                      std::span<const std::vector<at::Tensor>> moments,
                      const optimizer_step& now) const = 0;
};

using optimizer_factory =
    std::function<expected<std::unique_ptr<optimizer_rule>>(
        const optimizer_spec& spec)>;

/// The built-in ones and what plugins added. These follow PyTorch's
/// documentation of the class of that name:
/// - sgd, with momentum; adam; adamw; adagrad (without lr_decay); rmsprop (not
///   centered), with momentum;
/// - svgd_adagrad: Liu & Wang's own code for SVGD (NeurIPS 2016; svgd.py),
///   AdaGrad with decay. With phi = -gradient: hist = phi^2 at the first step,
///   then beta2 hist + (1 - beta2) phi^2; theta += lr phi / (eps + sqrt(hist)).
/// Those that draw noise are in sampling_rules.hpp: sgld, psgld, sghmc.
const registry<optimizer_factory>& optimizers();

/// Adds an optimizer of a plugin, before the first run; errc::invalid_argument
/// if the name is taken.
expected<void> add_optimizer(std::string name, optimizer_factory factory);

/// @returns the rule; errc::unknown_name for the kind; errc::invalid_argument
///   for a constant out of its range or one that the kind does not have.
[[nodiscard]] expected<std::unique_ptr<optimizer_rule>>
make_optimizer(const optimizer_spec& spec);

} // namespace posse
