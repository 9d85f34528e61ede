#include "runtime/model/activation.hpp"

#include <ATen/ops/gelu.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/tanh.h>

namespace posse {

const registry<activation_fn>& activations() {
  static const registry<activation_fn> all{
      "activation",
      {
          {"gelu", [](const at::Tensor& x) { return at::gelu(x); }},
          {"relu", [](const at::Tensor& x) { return at::relu(x); }},
          {"sigmoid", [](const at::Tensor& x) { return at::sigmoid(x); }},
          {"silu", [](const at::Tensor& x) { return at::silu(x); }},
          {"tanh", [](const at::Tensor& x) { return at::tanh(x); }},
      }};
  return all;
}

} // namespace posse
