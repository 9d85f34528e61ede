#include "runtime/model/module_kinds.hpp"

#include "runtime/model/network.hpp"

#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/dropout.h>

#include <algorithm>
#include <optional>
#include <vector>

namespace posse {

namespace {

bool drops(const torch::nn::Module& module) {
  return module.as<torch::nn::Dropout>() != nullptr
         || module.as<torch::nn::Dropout2d>() != nullptr
         || module.as<torch::nn::Dropout3d>() != nullptr
         || module.as<torch::nn::AlphaDropout>() != nullptr
         || module.as<torch::nn::FeatureAlphaDropout>() != nullptr;
}

/// Calls `f` with each BatchNorm that keeps running statistics.
template <class F>
void for_each_batch_norm(const network& net, F f) {
  const auto visit = [&f](auto* norm) {
    if (norm != nullptr && norm->options.track_running_stats())
      f(*norm);
  };
  for (const auto& module : net.modules()) {
    visit(module->as<torch::nn::BatchNorm1d>());
    visit(module->as<torch::nn::BatchNorm2d>());
    visit(module->as<torch::nn::BatchNorm3d>());
  }
}

/// Puts the momenta of running statistics back.
class kept_momenta {
public:
  explicit kept_momenta(network& net) : net_{net} {
    for_each_batch_norm(net_, [this](auto& norm) {
      momenta_.push_back(norm.options.momentum());
    });
  }
  kept_momenta(const kept_momenta&) = delete;
  kept_momenta& operator=(const kept_momenta&) = delete;
  ~kept_momenta() {
    auto momentum = momenta_.begin();
    for_each_batch_norm(
        net_, [&momentum](auto& norm) { norm.options.momentum(*momentum++); });
  }

private:
  network& net_;
  std::vector<std::optional<double>> momenta_;
};

} // namespace

bool has_dropout(const network& net) {
  return std::ranges::any_of(net.modules(),
                             [](const auto& module) { return drops(*module); });
}

bool has_batch_statistics(const network& net) {
  bool out = false;
  for_each_batch_norm(net, [&out](auto&) { out = true; });
  return out;
}

void drop_units(network& net) {
  net.eval();
  for (const auto& module : net.modules())
    if (drops(*module))
      module->train();
}

void estimate_batch_statistics(
    network& net,
    c10::function_ref<void(c10::function_ref<void(const at::Tensor&)>)> visit) {
  const kept_momenta scope{net};
  for_each_batch_norm(net, [](auto& norm) { norm.reset_running_stats(); });
  net.train();
  double seen = 0;
  visit([&](const at::Tensor& x) {
    const auto rows = static_cast<double>(x.size(0));
    if (rows < 2)
      return;
    seen += rows;
    for_each_batch_norm(net, [share = rows / seen](auto& norm) {
      norm.options.momentum(share);
    });
    (void)net.forward(x);
  });
}

} // namespace posse
