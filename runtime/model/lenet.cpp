#include "runtime/model/lenet.hpp"

#include "runtime/model/activation.hpp"
#include "runtime/model/gaussian_weights.hpp"
#include "runtime/model/likelihood.hpp"

#include <ATen/ops/conv2d.h>
#include <ATen/ops/max_pool2d.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/dropout.h>
#include <torch/nn/modules/linear.h>

#include <utility>

namespace posse {

namespace {

/// Height or width of the second pool's output.
std::int64_t pooled(std::int64_t pixels) {
  return (pixels / 2 - 4) / 2;
}

class lenet final : public network {
public:
  lenet(const model_spec& spec, head_kind head, const activation& between)
      : activation_{between} {
    using torch::nn::Conv2d, torch::nn::Conv2dOptions, torch::nn::Linear;
    auto features = 16 * pooled(spec.inputs[1]) * pooled(spec.inputs[2]);
    conv1_ = register_module(
        "conv1", Conv2d{Conv2dOptions{spec.inputs[0], 6, 5}.padding(2)});
    conv2_ = register_module("conv2", Conv2d{Conv2dOptions{6, 16, 5}});
    fc1_ = register_module("fc1", Linear{features, 120});
    fc2_ = register_module("fc2", Linear{120, 84});
    fc3_ =
        register_module("fc3", Linear{84, linear_columns(head, spec.targets)});
    if (spec.dropout > 0)
      dropout_ = register_module("dropout", torch::nn::Dropout{spec.dropout});
    if (head == head_kind::gaussian_shared)
      log_noise_ = register_parameter("log_noise", initial_log_noise());
  }

  at::Tensor forward(const at::Tensor& x) override {
    auto outputs = fc3_(features(x));
    return log_noise_.defined() ? with_shared_noise(outputs, log_noise_)
                                : outputs;
  }

  std::optional<output_layer> last_layer() const override {
    const std::size_t weight = log_noise_.defined() ? 9 : 8;
    return output_layer{weight, weight + 1};
  }

  at::Tensor features(const at::Tensor& x) override {
    auto image = at::max_pool2d(activation_.apply(conv1_(x)), 2);
    image = at::max_pool2d(activation_.apply(conv2_(image)), 2);
    return hidden(fc2_, hidden(fc1_, image.flatten(1)));
  }

  bool knows_gaussian_weights() const override { return !dropout_; }

  at::Tensor forward_gaussian(const at::Tensor& x,
                              std::span<const at::Tensor> deviations) override {
    std::size_t at = log_noise_.defined() ? 1 : 0;
    const auto next = [&] {
      return affine_of(deviations, std::exchange(at, at + 2));
    };
    // Places of an image share weights: their sums are not independent.
    const auto convolved = [&](const at::Tensor& image,
                               const torch::nn::Conv2d& layer,
                               std::int64_t padding) {
      const auto wide = next();
      const auto weight = gaussian_tensor(layer->weight, wide.weight);
      const auto bias = gaussian_tensor(layer->bias, wide.bias);
      return at::max_pool2d(
          activation_.apply(at::conv2d(image, weight, bias, 1, padding)), 2);
    };
    const auto connected = [&](const at::Tensor& y,
                               const torch::nn::Linear& layer) {
      return gaussian_linear(y, affine_of(*layer), next());
    };
    auto y = convolved(convolved(x, conv1_, 2), conv2_, 0).flatten(1);
    y = activation_.apply(connected(y, fc1_));
    y = activation_.apply(connected(y, fc2_));
    y = connected(y, fc3_);
    return log_noise_.defined() ? with_shared_noise(
               y, gaussian_tensor(log_noise_, deviations[0]))
                                : y;
  }

  bool treats_rows_apart() const override { return !dropout_; }

private:
  at::Tensor hidden(torch::nn::Linear& layer, const at::Tensor& x) {
    auto y = activation_.apply(layer(x));
    return dropout_ ? dropout_(y) : y;
  }

  activation activation_;
  torch::nn::Conv2d conv1_{nullptr}, conv2_{nullptr};
  torch::nn::Linear fc1_{nullptr}, fc2_{nullptr}, fc3_{nullptr};
  torch::nn::Dropout dropout_{nullptr};
  at::Tensor log_noise_;
};

} // namespace

expected<std::shared_ptr<network>> make_lenet(const model_spec& spec) {
  if (spec.inputs.size() != 3)
    return fail(errc::invalid_argument,
                "lenet: inputs: expected {channels, height, width}, got "
                    + std::to_string(spec.inputs.size()) + " sizes");
  if (pooled(spec.inputs[1]) < 1 || pooled(spec.inputs[2]) < 1)
    return fail(errc::invalid_argument,
                "lenet: inputs: expected at least 12x12 pixels, got "
                    + std::to_string(spec.inputs[1]) + "x"
                    + std::to_string(spec.inputs[2]));
  auto head = parse_head(spec.head);
  if (!head)
    return fail(std::move(head));
  auto activation = activations().find(spec.activation);
  if (!activation)
    return fail(std::move(activation));
  return std::make_shared<lenet>(spec, *head, **activation);
}

} // namespace posse
