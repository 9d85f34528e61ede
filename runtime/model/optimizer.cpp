#include "runtime/model/optimizer.hpp"

#include "runtime/core/guarded.hpp"
#include "runtime/model/sampling_rules.hpp"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/_fused_adagrad.h>
#include <ATen/ops/_fused_adam.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/_fused_sgd.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace posse {

namespace {

using moment_lists = std::span<const std::vector<at::Tensor>>;

at::TensorList list(std::span<const at::Tensor> tensors) {
  return {tensors.data(), tensors.size()};
}

/// The step count as ATen's fused kernels take it: a float scalar for each
/// parameter, here the same one for all.
class step_counts {
public:
  /// Valid until the thread's next call.
  static at::TensorList of(at::TensorList params, std::int64_t step) {
    auto device = params.front().device();
    auto count = static_cast<float>(step);
    if (!device.is_cpu()) {
      thread_local std::vector<at::Tensor> elsewhere;
      elsewhere.assign(
          params.size(),
          at::full({}, count, at::dtype(at::kFloat).device(device)));
      return elsewhere;
    }
    // Written in place: making a tensor would cost as much as the update.
    thread_local std::vector<at::Tensor> counts{at::empty({}, at::kFloat)};
    counts.resize(params.size(), counts.front());
    *counts.front().mutable_data_ptr<float>() = count;
    return counts;
  }
};

/// A tensor like each of `params`, for what is computed on the way.
std::vector<at::Tensor> space_like(at::TensorList params) {
  std::vector<at::Tensor> out;
  out.reserve(params.size());
  for (const auto& p : params)
    out.push_back(at::empty_like(p));
  return out;
}

class sgd final : public optimizer_rule {
public:
  explicit sgd(const optimizer_spec& spec)
      : momentum_{spec.momentum}, weight_decay_{spec.weight_decay} {}

  std::span<const std::string_view> moments() const noexcept override {
    static constexpr std::array<std::string_view, 1> names{"momentum_buffer"};
    return std::span{names}.first(momentum_ == 0 ? 0 : 1);
  }

protected:
  void update(at::TensorList params, at::TensorList grads, moment_lists moments,
              const optimizer_step& now) const override {
    constexpr double dampening = 0;
    constexpr bool nesterov = false, maximize = false;
    // Buffers start at 0 and nothing is dampened: no step is a special one.
    constexpr bool is_first_step = false;
    at::_fused_sgd_(params, grads,
                    momentum_ == 0 ? at::TensorList{} : list(moments[0]),
                    weight_decay_, momentum_, now.learning_rate, dampening,
                    nesterov, maximize, is_first_step);
  }

private:
  double momentum_;
  double weight_decay_;
};

/// adam, and adamw, which differs in what weight_decay does.
class adam final : public optimizer_rule {
public:
  adam(const optimizer_spec& spec, bool decoupled)
      : beta1_{spec.beta1}, beta2_{spec.beta2.value_or(0.999)},
        eps_{spec.eps.value_or(1e-8)}, weight_decay_{spec.weight_decay},
        decoupled_{decoupled} {}

  std::span<const std::string_view> moments() const noexcept override {
    static constexpr std::array<std::string_view, 2> names{"exp_avg",
                                                           "exp_avg_sq"};
    return names;
  }

protected:
  void update(at::TensorList params, at::TensorList grads, moment_lists moments,
              const optimizer_step& now) const override {
    constexpr bool amsgrad = false, maximize = false;
    auto steps = step_counts::of(params, now.number);
    if (decoupled_)
      at::_fused_adamw_(params, grads, moments[0], moments[1], {}, steps,
                        now.learning_rate, beta1_, beta2_, weight_decay_, eps_,
                        amsgrad, maximize);
    else
      at::_fused_adam_(params, grads, moments[0], moments[1], {}, steps,
                       now.learning_rate, beta1_, beta2_, weight_decay_, eps_,
                       amsgrad, maximize);
  }

private:
  double beta1_;
  double beta2_;
  double eps_;
  double weight_decay_;
  bool decoupled_;
};

class adagrad final : public optimizer_rule {
public:
  explicit adagrad(const optimizer_spec& spec)
      : eps_{spec.eps.value_or(1e-10)}, weight_decay_{spec.weight_decay} {}

  std::span<const std::string_view> moments() const noexcept override {
    static constexpr std::array<std::string_view, 1> names{"sum"};
    return names;
  }

protected:
  void update(at::TensorList params, at::TensorList grads, moment_lists moments,
              const optimizer_step& now) const override {
    constexpr double learning_rate_decay = 0;
    constexpr bool maximize = false;
    at::_fused_adagrad_(params, grads, moments[0],
                        step_counts::of(params, now.number), now.learning_rate,
                        learning_rate_decay, weight_decay_, eps_, maximize);
  }

private:
  double eps_;
  double weight_decay_;
};

class rmsprop final : public optimizer_rule {
public:
  explicit rmsprop(const optimizer_spec& spec)
      : momentum_{spec.momentum}, decay_{spec.beta2.value_or(0.99)},
        eps_{spec.eps.value_or(1e-8)}, weight_decay_{spec.weight_decay} {}

  std::span<const std::string_view> moments() const noexcept override {
    static constexpr std::array<std::string_view, 2> names{"square_avg",
                                                           "momentum_buffer"};
    return std::span{names}.first(momentum_ == 0 ? 1 : 2);
  }

protected:
  void update(at::TensorList params, at::TensorList grads, moment_lists moments,
              const optimizer_step& now) const override {
    const auto scales = space_like(params);
    const auto decayed =
        weight_decay_ == 0 ? std::vector<at::Tensor>{} : space_like(params);
    for (std::size_t i = 0; i < params.size(); ++i) {
      auto gradient = grads[i];
      if (weight_decay_ != 0) {
        gradient = decayed[i];
        at::add_out(gradient, grads[i], params[i], weight_decay_);
      }
      const auto& square_avg = moments[0][i];
      square_avg.mul_(decay_).addcmul_(gradient, gradient, 1 - decay_);
      auto scale = scales[i];
      at::sqrt_out(scale, square_avg).add_(eps_);
      if (momentum_ == 0) {
        params[i].addcdiv_(gradient, scale, -now.learning_rate);
        continue;
      }
      const auto& buffer = moments[1][i];
      buffer.mul_(momentum_).addcdiv_(gradient, scale);
      params[i].add_(buffer, -now.learning_rate);
    }
  }

private:
  double momentum_;
  double decay_;
  double eps_;
  double weight_decay_;
};

class svgd_adagrad final : public optimizer_rule {
public:
  explicit svgd_adagrad(const optimizer_spec& spec)
      : decay_{spec.beta2.value_or(0.9)}, fudge_{spec.eps.value_or(1e-6)} {}

  std::span<const std::string_view> moments() const noexcept override {
    static constexpr std::array<std::string_view, 1> names{"history"};
    return names;
  }

protected:
  void update(at::TensorList params, at::TensorList grads, moment_lists moments,
              const optimizer_step& now) const override {
    const auto scales = space_like(params);
    for (std::size_t i = 0; i < params.size(); ++i) {
      const auto& history = moments[0][i];
      if (now.number > 1)
        history.mul_(decay_);
      history.addcmul_(grads[i], grads[i], now.number > 1 ? 1 - decay_ : 1);
      auto scale = scales[i];
      at::sqrt_out(scale, history).add_(fudge_);
      params[i].addcdiv_(grads[i], scale, -now.learning_rate);
    }
  }

private:
  double decay_;
  double fudge_;
};

template <class Rule, auto... Arguments>
expected<std::unique_ptr<optimizer_rule>> make(const optimizer_spec& spec) {
  return std::make_unique<Rule>(spec, Arguments...);
}

registry<optimizer_factory>& mutable_optimizers() {
  static registry<optimizer_factory> all{
      "optimizer",
      {
          {"adagrad", make<adagrad>},
          {"adam", make<adam, false>},
          {"adamw", make<adam, true>},
          {"psgld", make_psgld},
          {"rmsprop", make<rmsprop>},
          {"sgd", make<sgd>},
          {"sghmc", make_sghmc},
          {"sgld", make_sgld},
          {"svgd_adagrad", make<svgd_adagrad>},
      }};
  return all;
}

expected<void> check(const optimizer_spec& spec) {
  auto refuse = [&](std::string_view key, std::string_view wanted, double got) {
    return fail(errc::invalid_argument,
                spec.kind + ": " + std::string{key} + ": expected "
                    + std::string{wanted} + ", got " + to_string(value{got}));
  };
  auto is_rate = [](double x) { return x >= 0 && x < 1; };
  auto is_scale = [](double x) { return x >= 0 && std::isfinite(x); };
  constexpr auto rate = "a number in [0, 1)";
  constexpr auto scale = "a number >= 0";
  if (!(is_scale(spec.learning_rate) && spec.learning_rate > 0))
    return refuse("learning_rate", "a number > 0", spec.learning_rate);
  if (!is_rate(spec.momentum))
    return refuse("momentum", rate, spec.momentum);
  if (!is_rate(spec.beta1))
    return refuse("beta1", rate, spec.beta1);
  if (spec.beta2 && !is_rate(*spec.beta2))
    return refuse("beta2", rate, *spec.beta2);
  if (spec.eps && !is_scale(*spec.eps))
    return refuse("eps", scale, *spec.eps);
  if (!is_scale(spec.weight_decay))
    return refuse("weight_decay", scale, spec.weight_decay);
  constexpr std::array<std::string_view, 6> without_momentum{
      "adagrad", "adam", "adamw", "psgld", "sgld", "svgd_adagrad"};
  if (spec.momentum != 0
      && std::ranges::find(without_momentum, spec.kind)
             != without_momentum.end())
    return refuse("momentum", "0, since it has none", spec.momentum);
  if (spec.weight_decay != 0 && spec.kind == "svgd_adagrad")
    return refuse("weight_decay", "0, since the prior is part of the direction",
                  spec.weight_decay);
  return {};
}

} // namespace

void optimizer_rule::step(std::span<const at::Tensor> params,
                          std::span<const at::Tensor> grads,
                          std::span<const std::vector<at::Tensor>> moments,
                          const optimizer_step& now) const {
  auto count = params.size();
  const bool noisy = draws_noise() && now.noise_variance > 0;
  TORCH_CHECK(grads.size() == count && moments.size() == this->moments().size()
                  && now.number > 0 && now.noise.size() == (noisy ? count : 0),
              "optimizer: got ", count, " parameters, ", grads.size(),
              " gradients, ", moments.size(), " moments, ", now.noise.size(),
              " tensors of noise, step ", now.number);
  for (const auto& moment : moments)
    TORCH_CHECK(moment.size() == count, "optimizer: got ", count,
                " parameters, but ", moment.size(), " tensors of a moment");
  at::NoGradGuard no_grad;
  // The fused kernels walk over raw memory: a strided gradient (autograd may
  // give a transposed one) would be read in the wrong order, silently.
  auto plain = [](const at::Tensor& x) {
    return x.defined() && x.is_contiguous();
  };
  TORCH_CHECK(std::ranges::all_of(params, plain),
              "optimizer: expected contiguous parameters");
  if (std::ranges::all_of(grads, plain)) {
    if (count > 0)
      update(list(params), list(grads), moments, now);
    return;
  }
  std::vector<at::Tensor> used_params, used_grads, used_noise;
  std::vector<std::vector<at::Tensor>> used_moments(moments.size());
  for (std::size_t i = 0; i < count; ++i) {
    if (!grads[i].defined())
      continue;
    used_params.push_back(params[i]);
    used_grads.push_back(grads[i].contiguous());
    if (noisy)
      used_noise.push_back(now.noise[i]);
    for (std::size_t k = 0; k < moments.size(); ++k)
      used_moments[k].push_back(moments[k][i]);
  }
  auto used = now;
  used.noise = used_noise;
  if (!used_params.empty())
    update(used_params, used_grads, used_moments, used);
}

const registry<optimizer_factory>& optimizers() {
  return mutable_optimizers();
}

expected<void> add_optimizer(std::string name, optimizer_factory factory) {
  return mutable_optimizers().add(std::move(name), std::move(factory));
}

expected<std::unique_ptr<optimizer_rule>>
make_optimizer(const optimizer_spec& spec) {
  auto factory = optimizers().find(spec.kind);
  if (!factory)
    return fail(std::move(factory));
  if (auto ok = check(spec); !ok)
    return fail(std::move(ok));
  return guarded(spec.kind, [&] { return (**factory)(spec); });
}

} // namespace posse
