#pragma once

#include "runtime/model/network.hpp"
#include "test/support/catch.hpp"

#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/dropout.h>
#include <torch/nn/modules/linear.h>

#include <memory>
#include <string>

/// Networks that posse does not bring along.
namespace posse::test {

/// One hidden layer with batch statistics and dropout: a network with buffers,
/// float and integer, and random numbers in every step.
class normalized_network final : public network {
public:
  explicit normalized_network(const model_spec& spec)
      : first_{register_module("first",
                               torch::nn::Linear{spec.inputs.front(), units})},
        statistics_{
            register_module("statistics", torch::nn::BatchNorm1d{units})},
        dropout_{register_module("dropout", torch::nn::Dropout{0.2})},
        last_{register_module("last", torch::nn::Linear{units, spec.targets})} {
  }

  at::Tensor forward(const at::Tensor& x) override {
    return last_(dropout_(statistics_(first_(x)).relu()));
  }

private:
  static constexpr std::int64_t units = 8;

  torch::nn::Linear first_;
  torch::nn::BatchNorm1d statistics_;
  torch::nn::Dropout dropout_;
  torch::nn::Linear last_;
};

/// Makes it known under the name that it returns, once a process.
inline std::string add_normalized_network() {
  const std::string name = "normalized";
  if (!networks().find(name))
    REQUIRE(add_network(name, [](const model_spec& spec) {
      return expected<std::shared_ptr<network>>{
          std::make_shared<normalized_network>(spec)};
    }));
  return name;
}

} // namespace posse::test
