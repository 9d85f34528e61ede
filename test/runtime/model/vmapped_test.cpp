#include "runtime/core/random.hpp"
#include "runtime/model/vmapped.hpp"
#include "test/runtime/model/normalized_network.hpp"

#include <ATen/ATen.h>

#include <functional>
#include <memory>
#include <string>

using namespace posse;
using namespace posse::test;

namespace {

/// A linear layer, and what a test does to its outputs.
class odd_network final : public network {
public:
  using change = std::function<at::Tensor(odd_network&, const at::Tensor&)>;

  odd_network(const model_spec& spec, change f)
      : layer{register_module(
          "layer", torch::nn::Linear{spec.inputs.front(), spec.targets})},
        spare{register_parameter("spare", at::rand({1}))},
        seen{register_buffer("seen", at::zeros({2}))}, change_{std::move(f)} {}

  at::Tensor forward(const at::Tensor& x) override {
    return change_(*this, layer(x));
  }

  torch::nn::Linear layer;
  at::Tensor spare;
  at::Tensor seen;

private:
  change change_;
};

bool can_vmap(const model_spec& model) {
  return vmap_unit(model, 100).has_value();
}

/// Makes it known, once a process, and asks for it.
bool can_vmap_odd(const std::string& name, const odd_network::change& f) {
  if (!networks().find(name))
    REQUIRE(add_network(name, [f](const model_spec& spec) {
      return expected<std::shared_ptr<network>>{
          std::make_shared<odd_network>(spec, f)};
    }));
  return can_vmap({.kind = name, .inputs = {4}, .hidden = {}, .head = "point"});
}

} // namespace

TEST_CASE("batch statistics and dropout can be computed for several networks",
          "[runtime][model][vmap]") {
  CHECK(can_vmap(
      {.kind = add_normalized_network(), .inputs = {4}, .hidden = {}}));
  CHECK(can_vmap({.kind = "mlp", .inputs = {4}, .hidden = {3, 5}}));
  CHECK(can_vmap({.kind = "mlp",
                  .inputs = {4},
                  .hidden = {8},
                  .head = "gaussian_shared",
                  .dropout = 0.3}));
}

TEST_CASE("what a network does decides whether several can be computed at once",
          "[runtime][model][vmap]") {
  CHECK(can_vmap_odd("plain", [](odd_network& net, const at::Tensor& y) {
    return y * net.spare;
  }));
  CHECK(can_vmap_odd("lists", [](odd_network& net, const at::Tensor& y) {
    return y * at::cat({net.spare, net.spare}).sum();
  }));
  CHECK(can_vmap_odd("counts", [](odd_network& net, const at::Tensor& y) {
    net.seen += y.detach().sum();
    return y * net.spare;
  }));
  CHECK(can_vmap_odd("noise", [](odd_network& net, const at::Tensor& y) {
    return y + net.spare * at::randn({y.size(0), 1});
  }));

  // Control flow by a number, a parameter without a gradient, numbers written
  // to what all share, what is computed beside LibTorch.
  CHECK_FALSE(can_vmap_odd("reads", [](odd_network& net, const at::Tensor& y) {
    return y.sum().item<float>() > 0 ? y * net.spare : y;
  }));
  CHECK_FALSE(can_vmap_odd(
      "spares", [](odd_network&, const at::Tensor& y) { return y; }));
  CHECK_FALSE(can_vmap_odd("shares", [](odd_network& net, const at::Tensor& y) {
    return y * net.spare + at::zeros({y.size(0), 1}).normal_();
  }));
  CHECK_FALSE(can_vmap_odd("own", [](odd_network& net, const at::Tensor& y) {
    return y * net.spare + *net.spare.const_data_ptr<float>();
  }));
}

TEST_CASE("models that differ at the end of a long list are two",
          "[runtime][model][vmap]") {
  if (!networks().find("reads if told"))
    REQUIRE(add_network("reads if told", [](const model_spec& spec) {
      const bool reads = spec.hidden.back() == 2;
      return expected<std::shared_ptr<network>>{std::make_shared<odd_network>(
          spec, [reads](odd_network& net, const at::Tensor& y) {
            return reads ? y * net.spare * y.sum().item<float>()
                         : y * net.spare;
          })};
    }));
  model_spec model{
      .kind = "reads if told", .inputs = {4}, .hidden = {}, .head = "point"};
  model.hidden.assign(300, 1);
  CHECK(can_vmap(model));
  model.hidden.back() = 2;
  CHECK_FALSE(can_vmap(model));
}
