#include "runtime/model/fisher.hpp"

#include "runtime/model/likelihood.hpp"

#include <ATen/ATen.h>

#include <cmath>

namespace posse {

namespace {

/// d variance / d raw variance.
at::Tensor variance_slopes(const at::Tensor& raw, head_kind head) {
  return head == head_kind::gaussian ? raw.sigmoid() : raw.exp();
}

at::Tensor in_column(const at::Tensor& outputs, std::int64_t column,
                     const at::Tensor& numbers) {
  auto out = at::zeros_like(outputs);
  out.select(1, column).copy_(numbers);
  return out;
}

std::vector<at::Tensor> gaussian_roots(const at::Tensor& outputs,
                                       const at::Tensor& variance,
                                       head_kind head) {
  const auto targets = variance.size(1);
  const auto of_means = variance.rsqrt();
  const auto of_variances =
      variance_slopes(outputs.narrow(1, targets, targets), head)
          .div(variance)
          .mul(std::sqrt(0.5));
  std::vector<at::Tensor> out;
  for (std::int64_t t = 0; t < targets; ++t) {
    out.push_back(in_column(outputs, t, of_means.select(1, t)));
    out.push_back(in_column(outputs, targets + t, of_variances.select(1, t)));
  }
  return out;
}

std::vector<at::Tensor> categorical_roots(const at::Tensor& logits) {
  const auto p = logits.softmax(1);
  std::vector<at::Tensor> out;
  for (std::int64_t c = 0; c < p.size(1); ++c) {
    auto root = p.neg();
    root.select(1, c).add_(1);
    out.push_back(root.mul_(p.select(1, c).sqrt().unsqueeze(1)));
  }
  return out;
}

} // namespace

std::vector<at::Tensor> fisher_roots(const at::Tensor& outputs,
                                     head_kind head) {
  TORCH_CHECK(head != head_kind::point, "the head point has no likelihood");
  const auto parts = interpret(outputs, head);
  return head == head_kind::categorical
             ? categorical_roots(parts.logits)
             : gaussian_roots(outputs, parts.variance, head);
}

} // namespace posse
