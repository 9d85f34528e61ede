#include "parts.hpp"

#include <ATen/ops/sin.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/modules/linear.h>

#include <functional>
#include <numeric>
#include <runtime/model/likelihood.hpp>
#include <utility>

namespace gossip {

namespace {

class sine_network final : public posse::network {
public:
  sine_network(const posse::model_spec& spec, posse::head_kind head) {
    auto list = register_module("layers", torch::nn::ModuleList{});
    auto width = std::accumulate(spec.inputs.begin(), spec.inputs.end(),
                                 std::int64_t{1}, std::multiplies{});
    for (auto units : spec.hidden)
      layers_.emplace_back(std::exchange(width, units), units);
    layers_.emplace_back(width, posse::linear_columns(head, spec.targets));
    for (const auto& layer : layers_)
      list->push_back(layer);
  }

  at::Tensor forward(const at::Tensor& x) override {
    auto features = x.flatten(1);
    for (std::size_t i = 0; i + 1 < layers_.size(); ++i)
      features = at::sin(layers_[i](features));
    return layers_.back()(features);
  }

private:
  std::vector<torch::nn::Linear> layers_;
};

} // namespace

posse::expected<std::shared_ptr<posse::network>>
make_sine_network(const posse::model_spec& spec) {
  const auto head = posse::parse_head(spec.head);
  if (!head)
    return tl::unexpected{head.error()};
  if (*head == posse::head_kind::gaussian_shared)
    return posse::fail(posse::errc::invalid_argument,
                       "sine: expected another head than gaussian_shared");
  return std::make_shared<sine_network>(spec, *head);
}

} // namespace gossip
