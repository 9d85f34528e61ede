#include "runtime/core/random.hpp"
#include "runtime/model/module_kinds.hpp"
#include "runtime/model/shared_masks.hpp"
#include "test/runtime/model/normalized_network.hpp"
#include "test/support/catch.hpp"

#include <ATen/ATen.h>
#include <torch/nn/modules/dropout.h>
#include <torch/nn/modules/linear.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>

using namespace posse;

namespace {

constexpr double dropped = 0.4;

std::shared_ptr<network> made(const model_spec& spec) {
  const generator_scope numbers{make_generator(1)};
  auto out = make_network(spec).value();
  drop_units(*out);
  return out;
}

/// A layer, dropout, and what a test does to that.
class dropping_network final : public network {
public:
  using change = std::function<at::Tensor(const at::Tensor&)>;

  explicit dropping_network(change f)
      : layer{register_module("layer", torch::nn::Linear{4, 6})},
        dropout{register_module("dropout", torch::nn::Dropout{dropped})},
        change_{std::move(f)} {}

  at::Tensor forward(const at::Tensor& x) override {
    return change_(dropout(layer(x)));
  }

  torch::nn::Linear layer;
  torch::nn::Dropout dropout;

private:
  change change_;
};

/// Always the same layer.
std::shared_ptr<dropping_network> dropping(dropping_network::change f) {
  const generator_scope numbers{make_generator(1)};
  auto out = std::make_shared<dropping_network>(std::move(f));
  drop_units(*out);
  return out;
}

} // namespace

TEST_CASE("shared masks make one thinned network for all rows",
          "[runtime][model][mc_dropout]") {
  const at::NoGradGuard no_grad;
  const std::string head = GENERATE("point", "gaussian_shared");
  auto net = made({"mlp", {4}, 2, {30, 20}, "tanh", head, dropped});
  const auto x = at::randn({50, 4}, make_generator(2));
  const auto numbers = make_generator(3);
  const auto outputs = forward_with_shared_masks(*net, x, numbers);

  // By hand: units drawn once, layer by layer, as for a batch of one row.
  const auto own = numbers.clone();
  const auto mask = [&](std::int64_t units) {
    return at::empty({1, units}).bernoulli_(1 - dropped, own) / (1 - dropped);
  };
  auto w = net->named_parameters();
  const auto layer = [&](const char* name, const at::Tensor& y) {
    return at::linear(y, w[std::string{"layers."} + name + ".weight"],
                      w[std::string{"layers."} + name + ".bias"]);
  };
  const auto first = mask(30);
  const auto second = mask(20);
  REQUIRE((first == 0).any().item<bool>());
  auto wanted = layer("0", x).tanh() * first;
  wanted = layer("2", layer("1", wanted).tanh() * second);
  CHECK(at::allclose(outputs.narrow(1, 0, 2), wanted, 1e-5, 1e-6));
  CHECK(outputs.sizes() == net->forward(x).sizes());

  // Once more from the same state: it was left as it is.
  CHECK(at::equal(forward_with_shared_masks(*net, x, numbers), outputs));
  CHECK_FALSE(at::allclose(
      forward_with_shared_masks(*net, x, make_generator(4)), outputs));
}

TEST_CASE("shared masks do not depend on the rows that they are for",
          "[runtime][model][mc_dropout]") {
  const at::NoGradGuard no_grad;
  model_spec spec{"lenet", {1, 16, 16}, 3, {}, "relu", "categorical", dropped};
  if (GENERATE(false, true)) {
    spec.kind = test::add_normalized_network();
    spec.inputs = {4};
  }
  CAPTURE(spec.kind);
  const auto net = made(spec);
  auto sizes = spec.inputs;
  sizes.insert(sizes.begin(), 9);
  const auto x = at::randn(sizes, make_generator(2));
  const auto numbers = make_generator(3);
  const auto all = forward_with_shared_masks(*net, x, numbers);
  REQUIRE(all.sizes() == at::IntArrayRef{9, 3});
  // One row alone is what forward() computes: a batch of one row.
  for (std::int64_t n = 0; n < 9; ++n) {
    const generator_scope own{numbers.clone()};
    CHECK(at::allclose(net->forward(x.narrow(0, n, 1)), all.narrow(0, n, 1),
                       1e-4, 1e-5));
  }
  CHECK(
      at::allclose(forward_with_shared_masks(*net, x.narrow(0, 4, 5), numbers),
                   all.narrow(0, 4, 5), 1e-4, 1e-5));
  // Equal rows have equal outputs: nothing was drawn for each.
  const auto equal_rows =
      forward_with_shared_masks(*net, x.narrow(0, 0, 1).expand(sizes), numbers);
  CHECK(at::allclose(equal_rows, equal_rows.narrow(0, 0, 1).expand({9, 3}),
                     1e-5, 1e-6));
}

TEST_CASE("a network without a batched form has its masks shared, too",
          "[runtime][model][mc_dropout]") {
  const at::NoGradGuard no_grad;
  const auto plain = dropping([](const at::Tensor& y) { return y * 2; });
  const auto reads = dropping([](const at::Tensor& y) {
    return y * (y.sum().item<float>() < 1e9F ? 2 : 3);
  });
  const auto x = at::randn({7, 4}, make_generator(2));
  const auto numbers = make_generator(3);
  const auto wanted = forward_with_shared_masks(*plain, x, numbers);
  CHECK((wanted == 0).all(0).any().item<bool>());
  CHECK((wanted != 0).all(0).any().item<bool>());
  CHECK(at::allclose(forward_with_shared_masks(*reads, x, numbers), wanted,
                     1e-5, 1e-6));
}

TEST_CASE("other random numbers are the same for all rows as well",
          "[runtime][model][mc_dropout]") {
  const at::NoGradGuard no_grad;
  const auto noise =
      GENERATE(dropping_network::change{[](const at::Tensor& y) {
                 return y + at::randn_like(y);
               }},
               dropping_network::change{[](const at::Tensor& y) {
                 return y + at::randn({1, 6});
               }},
               dropping_network::change{[](const at::Tensor& y) {
                 return y + at::empty_like(y).normal_();
               }},
               dropping_network::change{[](const at::Tensor& y) {
                 return std::get<0>(at::native_dropout(y, 0.5, true));
               }});
  const auto net = dropping(noise);
  const auto x = at::randn({1, 4}, make_generator(2)).expand({7, 4});
  const auto outputs = forward_with_shared_masks(*net, x, make_generator(3));
  CHECK(at::allclose(outputs, outputs.narrow(0, 0, 1).expand({7, 6}), 1e-5,
                     1e-6));
  CHECK_FALSE(at::allclose(
      forward_with_shared_masks(*net, x, make_generator(4)), outputs));
}
