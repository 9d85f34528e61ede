#include "runtime/core/random.hpp"
#include "runtime/model/fisher.hpp"
#include "runtime/model/likelihood.hpp"
#include "test/support/catch.hpp"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>

#include <vector>

using namespace posse;

namespace {

at::Tensor some_outputs(std::int64_t columns) {
  auto numbers = make_generator(8);
  return at::randn({5, columns}, numbers, at::kDouble);
}

/// sum_c s_c s_c^T of each row, [B, K, K].
at::Tensor information(const at::Tensor& outputs, head_kind head) {
  auto out = at::zeros({outputs.size(0), outputs.size(1), outputs.size(1)},
                       at::kDouble);
  for (const auto& root : fisher_roots(outputs, head))
    out += root.unsqueeze(2) * root.unsqueeze(1);
  return out;
}

/// KL(p(. | fixed) || p(. | outputs)) of each row.
at::Tensor divergence(const at::Tensor& fixed, const at::Tensor& outputs,
                      head_kind head) {
  const auto p = interpret(fixed, head);
  const auto q = interpret(outputs, head);
  if (head == head_kind::categorical) {
    const auto own = p.logits.softmax(1);
    return (own * (p.logits.log_softmax(1) - q.logits.log_softmax(1))).sum(1);
  }
  return ((q.variance / p.variance).log()
          + (p.variance + (p.mean - q.mean).square()) / q.variance - 1)
      .div(2)
      .sum(1);
}

/// The second derivative of the divergence where both are the same: the Fisher
/// information by definition.
at::Tensor by_autograd(const at::Tensor& outputs, head_kind head) {
  const at::AutoGradMode with_graph{true};
  const auto moved = outputs.clone().requires_grad_();
  const auto slopes = torch::autograd::grad(
      {divergence(outputs, moved, head).sum()}, {moved}, {}, std::nullopt,
      /*create_graph=*/true)[0];
  std::vector<at::Tensor> columns;
  for (std::int64_t k = 0; k < outputs.size(1); ++k)
    columns.push_back(torch::autograd::grad({slopes.select(1, k).sum()},
                                            {moved}, {}, true)[0]);
  return at::stack(columns, 1);
}

} // namespace

TEST_CASE("roots of the Fisher information make what its definition says",
          "[runtime][model][laplace]") {
  const auto head = GENERATE(head_kind::gaussian, head_kind::gaussian_shared,
                             head_kind::categorical);
  CAPTURE(to_string(head));
  const auto outputs = some_outputs(4);
  CHECK(at::allclose(information(outputs, head), by_autograd(outputs, head),
                     1e-9, 1e-12));
}

TEST_CASE("a head without a likelihood has no Fisher information",
          "[runtime][model][laplace]") {
  CHECK_THROWS_AS(fisher_roots(some_outputs(2), head_kind::point), c10::Error);
}
