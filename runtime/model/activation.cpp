#include "runtime/model/activation.hpp"

#include <ATen/ops/gelu.h>
#include <ATen/ops/gelu_backward.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/sigmoid_backward.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/silu_backward.h>
#include <ATen/ops/tanh.h>
#include <ATen/ops/tanh_backward.h>
#include <ATen/ops/threshold_backward.h>

namespace posse {

namespace {

using tensor = at::Tensor;

constexpr activation gelu{
    [](const tensor& x) { return at::gelu(x); },
    [](const tensor& slopes, const tensor& x, const tensor&) {
      return at::gelu_backward(slopes, x);
    }};
constexpr activation relu{
    [](const tensor& x) { return at::relu(x); },
    [](const tensor& slopes, const tensor&, const tensor& y) {
      return at::threshold_backward(slopes, y, 0);
    }};
constexpr activation sigmoid{
    [](const tensor& x) { return at::sigmoid(x); },
    [](const tensor& slopes, const tensor&, const tensor& y) {
      return at::sigmoid_backward(slopes, y);
    }};
constexpr activation silu{
    [](const tensor& x) { return at::silu(x); },
    [](const tensor& slopes, const tensor& x, const tensor&) {
      return at::silu_backward(slopes, x);
    }};
constexpr activation tanh{
    [](const tensor& x) { return at::tanh(x); },
    [](const tensor& slopes, const tensor&, const tensor& y) {
      return at::tanh_backward(slopes, y);
    }};

} // namespace

const registry<activation>& activations() {
  static const registry<activation> all{"activation",
                                        {
                                            {"gelu", gelu},
                                            {"relu", relu},
                                            {"sigmoid", sigmoid},
                                            {"silu", silu},
                                            {"tanh", tanh},
                                        }};
  return all;
}

} // namespace posse
