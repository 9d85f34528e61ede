#include "runtime/model/sampling_rules.hpp"

#include <ATen/ops/add.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/sqrt.h>

#include <array>
#include <cmath>

namespace posse {

namespace {

using moment_lists = std::span<const std::vector<at::Tensor>>;

/// The gradients of the potential's mean, the prior's part included.
class mean_gradients {
public:
  mean_gradients(at::TensorList params, at::TensorList grads,
                 double weight_decay)
      : params_{params}, grads_{grads}, weight_decay_{weight_decay} {
    if (weight_decay_ != 0)
      for (const auto& p : params)
        sums_.push_back(at::empty_like(p));
  }

  const at::Tensor& of(std::size_t i) {
    if (weight_decay_ == 0)
      return grads_[i];
    at::add_out(sums_[i], grads_[i], params_[i], weight_decay_);
    return sums_[i];
  }

private:
  at::TensorList params_;
  at::TensorList grads_;
  double weight_decay_;
  std::vector<at::Tensor> sums_;
};

class sgld final : public optimizer_rule {
public:
  explicit sgld(const optimizer_spec& spec)
      : weight_decay_{spec.weight_decay} {}

  std::span<const std::string_view> moments() const noexcept override {
    return {};
  }
  bool draws_noise() const noexcept override { return true; }

protected:
  void update(at::TensorList params, at::TensorList grads, moment_lists,
              const optimizer_step& now) const override {
    const auto spread = std::sqrt(2 * now.learning_rate * now.noise_variance);
    mean_gradients gradients{params, grads, weight_decay_};
    for (std::size_t i = 0; i < params.size(); ++i) {
      params[i].add_(gradients.of(i), -now.learning_rate);
      if (spread > 0)
        params[i].add_(now.noise[i], spread);
    }
  }

private:
  double weight_decay_;
};

class psgld final : public optimizer_rule {
public:
  explicit psgld(const optimizer_spec& spec)
      : decay_{spec.beta2.value_or(0.99)}, lambda_{spec.eps.value_or(1e-5)},
        weight_decay_{spec.weight_decay} {}

  std::span<const std::string_view> moments() const noexcept override {
    static constexpr std::array<std::string_view, 1> names{"square_avg"};
    return names;
  }
  bool draws_noise() const noexcept override { return true; }

protected:
  void update(at::TensorList params, at::TensorList grads, moment_lists moments,
              const optimizer_step& now) const override {
    const auto spread = std::sqrt(2 * now.learning_rate * now.noise_variance);
    mean_gradients gradients{params, grads, weight_decay_};
    std::vector<at::Tensor> scales;
    for (const auto& p : params)
      scales.push_back(at::empty_like(p));
    const bool first = now.number == 1;
    for (std::size_t i = 0; i < params.size(); ++i) {
      const auto& gradient = gradients.of(i);
      const auto& square_avg = moments[0][i];
      square_avg.mul_(first ? 0 : decay_)
          .addcmul_(gradient, gradient, first ? 1 : 1 - decay_);
      auto scale = scales[i]; // 1 / G
      at::sqrt_out(scale, square_avg).add_(lambda_);
      params[i].addcdiv_(gradient, scale, -now.learning_rate);
      if (spread > 0)
        params[i].addcdiv_(now.noise[i], scale.sqrt_(), spread);
    }
  }

private:
  double decay_;
  double lambda_;
  double weight_decay_;
};

class sghmc final : public optimizer_rule {
public:
  explicit sghmc(const optimizer_spec& spec)
      : kept_{spec.momentum}, weight_decay_{spec.weight_decay} {}

  std::span<const std::string_view> moments() const noexcept override {
    static constexpr std::array<std::string_view, 1> names{"velocity"};
    return names;
  }
  bool draws_noise() const noexcept override { return true; }

protected:
  void update(at::TensorList params, at::TensorList grads, moment_lists moments,
              const optimizer_step& now) const override {
    const auto spread =
        std::sqrt(2 * (1 - kept_) * now.learning_rate * now.noise_variance);
    mean_gradients gradients{params, grads, weight_decay_};
    for (std::size_t i = 0; i < params.size(); ++i) {
      const auto& velocity = moments[0][i];
      velocity.mul_(kept_).add_(gradients.of(i), -now.learning_rate);
      if (spread > 0)
        velocity.add_(now.noise[i], spread);
      params[i].add_(velocity);
    }
  }

private:
  double kept_; ///< of the velocity, 1 - alpha
  double weight_decay_;
};

} // namespace

expected<std::unique_ptr<optimizer_rule>>
make_sgld(const optimizer_spec& spec) {
  return std::make_unique<sgld>(spec);
}

expected<std::unique_ptr<optimizer_rule>>
make_psgld(const optimizer_spec& spec) {
  return std::make_unique<psgld>(spec);
}

expected<std::unique_ptr<optimizer_rule>>
make_sghmc(const optimizer_spec& spec) {
  return std::make_unique<sghmc>(spec);
}

} // namespace posse
