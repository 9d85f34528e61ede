#include "runtime/compute/linearised.hpp"

#include "runtime/compute/evaluate.hpp"
#include "runtime/compute/placed.hpp"
#include "runtime/model/network.hpp"
#include "runtime/store/bank.hpp"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <vector>

namespace posse {

namespace {

at::Tensor of_chunk(const slot& seat, const at::Tensor& x,
                    std::span<const at::Tensor> moves) {
  const at::AutoGradMode with_graph{true};
  const auto outputs = seat.net().forward(x);
  const auto v = at::zeros_like(outputs.detach()).requires_grad_();
  const auto by_parameters =
      torch::autograd::grad({outputs}, seat.parameters(), {v}, std::nullopt,
                            /*create_graph=*/true, /*allow_unused=*/true);
  std::vector<at::Tensor> used;
  std::vector<at::Tensor> used_moves;
  for (std::size_t i = 0; i < by_parameters.size(); ++i)
    if (by_parameters[i].defined()) {
      used.push_back(by_parameters[i]);
      used_moves.push_back(moves[i]);
    }
  const auto moved = torch::autograd::grad(used, {v}, used_moves);
  return outputs.detach() + moved[0];
}

} // namespace

at::Tensor linearised_outputs(const slot& seat, const at::Tensor& x,
                              std::span<const at::Tensor> moves) {
  const auto device = seat.row().device();
  std::vector<at::Tensor> parts;
  for (std::int64_t from = 0; from < x.size(0); from += evaluation_rows)
    parts.push_back(on_host(of_chunk(
        seat,
        placed_on(
            device,
            x.narrow(0, from, std::min(evaluation_rows, x.size(0) - from))),
        moves)));
  return at::cat(parts);
}

} // namespace posse
