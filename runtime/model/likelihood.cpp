#include "runtime/model/likelihood.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/mse_loss.h>
#include <ATen/ops/softplus.h>
#include <ATen/ops/zeros.h>
#include <c10/util/Exception.h>

#include <numbers>

namespace posse {

predictive_parts interpret(const at::Tensor& outputs, head_kind head) {
  switch (head) {
  case head_kind::point:
    return {.mean = outputs, .variance = {}, .logits = {}};
  case head_kind::categorical:
    return {.mean = {}, .variance = {}, .logits = outputs};
  case head_kind::gaussian:
  case head_kind::gaussian_shared:
    break;
  }
  TORCH_CHECK(outputs.dim() == 2 && outputs.size(1) % 2 == 0,
              "Gaussian outputs: expected [B, 2 T], got ", outputs.sizes());
  // One split has one backward node; two slices would have two, and a sum.
  auto halves = outputs.split(outputs.size(1) / 2, 1);
  auto spread =
      head == head_kind::gaussian ? at::softplus(halves[1]) : halves[1].exp();
  return {
      .mean = halves[0], .variance = spread.add(variance_floor), .logits = {}};
}

at::Tensor log_likelihood(const at::Tensor& outputs, const at::Tensor& targets,
                          head_kind head) {
  TORCH_CHECK(head != head_kind::point, "the head point has no likelihood");
  if (head == head_kind::categorical)
    return at::log_softmax(outputs, 1)
        .gather(1, targets.unsqueeze(1))
        .squeeze(1);
  auto [mean, variance, logits] = interpret(outputs, head);
  // Without it [B] targets would broadcast against [B, 1] means to [B, B].
  TORCH_CHECK(mean.sizes() == targets.sizes(), "targets: expected ",
              mean.sizes(), ", got ", targets.sizes());
  auto squares = at::mse_loss(mean, targets, at::Reduction::None);
  return (squares.div(variance) + (2 * std::numbers::pi * variance).log())
      .sum(1)
      .mul(-0.5);
}

at::Tensor initial_log_noise() {
  return at::zeros({1});
}

at::Tensor with_shared_noise(const at::Tensor& means,
                             const at::Tensor& log_noise) {
  return at::cat({means, log_noise.expand_as(means)}, 1);
}

} // namespace posse
