#include "runtime/model/mlp.hpp"

#include "runtime/model/activation.hpp"
#include "runtime/model/likelihood.hpp"

#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/baddbmm.h>
#include <ATen/ops/bmm.h>
#include <ATen/ops/sum.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/modules/dropout.h>
#include <torch/nn/modules/linear.h>

#include <functional>
#include <numeric>

namespace posse {

namespace {

class mlp final : public network {
public:
  mlp(const model_spec& spec, head_kind head, const activation& between)
      : activation_{between}, is_exact_{spec.activation == "relu"} {
    auto list = register_module("layers", torch::nn::ModuleList{});
    auto add_layer = [&](std::int64_t in, std::int64_t out) {
      layers_.emplace_back(in, out);
      list->push_back(layers_.back());
    };
    auto width = std::accumulate(spec.inputs.begin(), spec.inputs.end(),
                                 std::int64_t{1}, std::multiplies{});
    for (auto units : spec.hidden)
      add_layer(std::exchange(width, units), units);
    add_layer(width, linear_columns(head, spec.targets));
    if (spec.dropout > 0)
      dropout_ = register_module("dropout", torch::nn::Dropout{spec.dropout});
    if (head == head_kind::gaussian_shared)
      log_noise_ = register_parameter("log_noise", initial_log_noise());
  }

  at::Tensor forward(const at::Tensor& x) override {
    auto features = x.dim() == 2 ? x : x.flatten(1);
    for (std::size_t i = 0; i + 1 < layers_.size(); ++i) {
      features = activation_.apply(layers_[i](features));
      if (dropout_)
        features = dropout_(features);
    }
    auto outputs = layers_.back()(features);
    return log_noise_.defined() ? with_shared_noise(outputs, log_noise_)
                                : outputs;
  }

  bool gradients(const at::Tensor& x, output_slopes slopes,
                 std::vector<at::Tensor>& gradients) override {
    if (dropout_ || log_noise_.defined())
      return false;
    // Layer i reads inputs[i]; before[i] is what its activation is given.
    std::vector<at::Tensor> inputs, before;
    inputs.reserve(layers_.size());
    before.reserve(layers_.size());
    {
      const at::AutoDispatchBelowADInplaceOrView no_graph;
      inputs.push_back(x.dim() == 2 ? x : x.flatten(1));
      for (std::size_t i = 0; i < layers_.size(); ++i) {
        before.push_back(
            at::addmm(layers_[i]->bias, inputs[i], layers_[i]->weight.t()));
        if (i + 1 < layers_.size())
          inputs.push_back(activation_.apply(before[i]));
      }
    }
    auto slope = slopes(before.back()); // may need a graph of its own
    const at::AutoDispatchBelowADInplaceOrView no_graph;
    gradients.resize(2 * layers_.size());
    for (std::size_t i = layers_.size(); i-- > 0;) {
      gradients[2 * i] = slope.t().mm(inputs[i]);
      gradients[2 * i + 1] = slope.sum(0);
      if (i > 0)
        slope = activation_.slopes_before(slope.mm(layers_[i]->weight),
                                          before[i - 1], inputs[i]);
    }
    return true;
  }

  // ATen computes most elements by vectors and the last few one by one, by
  // another formula: which they are depends on the group. relu rounds nothing.
  bool knows_group_gradients() const override {
    return is_exact_ && !dropout_ && !log_noise_.defined();
  }

  void group_gradients(std::span<const at::Tensor> parameters,
                       const at::Tensor& x, output_slopes slopes,
                       std::span<const at::Tensor> gradients) const override {
    std::vector<at::Tensor> inputs, before;
    inputs.reserve(layers_.size());
    before.reserve(layers_.size());
    const auto weight = [&](std::size_t i) { return parameters[2 * i]; };
    {
      const at::AutoDispatchBelowADInplaceOrView no_graph;
      inputs.push_back(x.dim() == 3 ? x : x.flatten(2));
      for (std::size_t i = 0; i < layers_.size(); ++i) {
        before.push_back(at::baddbmm(parameters[2 * i + 1].unsqueeze(1),
                                     inputs[i], weight(i).transpose(1, 2)));
        if (i + 1 < layers_.size())
          inputs.push_back(activation_.apply(before[i]));
      }
    }
    auto slope = slopes(before.back());
    const at::AutoDispatchBelowADInplaceOrView no_graph;
    for (std::size_t i = layers_.size(); i-- > 0;) {
      // Written in place they would take another and slower way.
      gradients[2 * i].copy_(slope.transpose(1, 2).bmm(inputs[i]));
      gradients[2 * i + 1].copy_(slope.sum(1));
      if (i > 0)
        slope = activation_.slopes_before(slope.bmm(weight(i)), before[i - 1],
                                          inputs[i]);
    }
  }

private:
  activation activation_;
  bool is_exact_; ///< the activation
  std::vector<torch::nn::Linear> layers_;
  torch::nn::Dropout dropout_{nullptr};
  at::Tensor log_noise_;
};

} // namespace

expected<std::shared_ptr<network>> make_mlp(const model_spec& spec) {
  auto head = parse_head(spec.head);
  if (!head)
    return fail(std::move(head));
  auto activation = activations().find(spec.activation);
  if (!activation)
    return fail(std::move(activation));
  return std::make_shared<mlp>(spec, *head, **activation);
}

} // namespace posse
