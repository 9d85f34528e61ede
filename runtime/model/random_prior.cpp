#include "runtime/model/random_prior.hpp"

#include <ATen/ops/cat.h>

#include <string>
#include <utility>

namespace posse {

namespace {

/// A tree of modules as `net`'s, in which parameters are buffers, too. The
/// tensors are its own: tied to a row, both are.
std::shared_ptr<torch::nn::Module>
frozen_tensors_of(const torch::nn::Module& net) {
  auto out = std::make_shared<torch::nn::Module>("frozen");
  for (const auto& each : net.named_parameters(/*recurse=*/false))
    out->register_buffer(each.key(), each.value().requires_grad_(false));
  for (const auto& each : net.named_buffers(/*recurse=*/false))
    out->register_buffer(each.key(), each.value());
  for (const auto& each : net.named_children())
    out->register_module(each.key(), frozen_tensors_of(*each.value()));
  return out;
}

class network_with_prior final : public network {
public:
  network_with_prior(std::shared_ptr<network> trained,
                     std::shared_ptr<network> fixed, const model_spec& spec)
      : trained_{std::move(trained)}, fixed_{std::move(fixed)},
        targets_{spec.targets}, scale_{spec.prior_scale} {
    // As if this were the trained network: names and order are its own.
    for (const auto& each : trained_->named_parameters(/*recurse=*/false))
      register_parameter(each.key(), each.value(),
                         each.value().requires_grad());
    for (const auto& each : trained_->named_buffers(/*recurse=*/false))
      register_buffer(each.key(), each.value());
    for (const auto& each : trained_->named_children())
      register_module(each.key(), each.value());
    fixed_->eval();
    register_module("prior", frozen_tensors_of(*fixed_));
  }

  void train(bool on) override {
    network::train(on);
    trained_->train(on);
  }

  at::Tensor forward(const at::Tensor& x) override {
    return with_prior(trained_->forward(x), x);
  }

  bool gradients(const at::Tensor& x, output_slopes slopes,
                 std::vector<at::Tensor>& gradients) override {
    // What is added does not depend on parameters: the slopes by the trained
    // network's outputs are those by the sum.
    return trained_->gradients(
        x,
        [&](const at::Tensor& outputs) {
          return slopes(with_prior(outputs, x));
        },
        gradients);
  }

  bool knows_parts() const override { return trained_->knows_parts(); }

  bool gradients_by_units(const at::Tensor& x, output_slopes slopes,
                          std::int64_t parts,
                          std::vector<at::Tensor>& gradients) override {
    return trained_->gradients_by_units(
        x,
        [&](const at::Tensor& outputs) {
          return slopes(with_prior(outputs, x));
        },
        parts, gradients);
  }

  bool treats_rows_apart() const override {
    return trained_->treats_rows_apart();
  }

private:
  /// Raw outputs [B, K], with the prior's in the columns that predict.
  at::Tensor with_prior(const at::Tensor& outputs, const at::Tensor& x) const {
    const auto others = outputs.size(1) - targets_;
    const auto prior = fixed_->forward(x).narrow(1, 0, targets_);
    const auto sum = outputs.narrow(1, 0, targets_).add(prior, scale_);
    return others == 0 ? sum
                       : at::cat({sum, outputs.narrow(1, targets_, others)}, 1);
  }

  std::shared_ptr<network> trained_;
  std::shared_ptr<network> fixed_;
  std::int64_t targets_;
  double scale_;
};

} // namespace

expected<std::shared_ptr<network>>
make_with_random_prior(const model_spec& spec, const network_factory& factory) {
  auto plain = spec;
  plain.prior_scale = 0;
  auto trained = factory(plain);
  if (!trained)
    return trained;
  auto fixed = factory(plain);
  if (!fixed)
    return fixed;
  return std::make_shared<network_with_prior>(std::move(*trained),
                                              std::move(*fixed), spec);
}

} // namespace posse
