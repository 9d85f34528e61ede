#include "runtime/core/random.hpp"
#include "runtime/model/gaussian_weights.hpp"
#include "runtime/model/network.hpp"
#include "test/support/catch.hpp"

#include <ATen/ATen.h>

#include <vector>

using namespace posse;

namespace {

at::Tensor some(at::IntArrayRef sizes, std::uint64_t seed) {
  auto numbers = make_generator(seed);
  return at::randn(sizes, numbers, at::kDouble);
}

/// Of many rows that are the same, against the weights' own draws.
void check_moments(const at::Tensor& outputs, const at::Tensor& by_weights) {
  const auto mean = by_weights.mean(0);
  const auto deviation = by_weights.std(0);
  // 20,000 draws each: a mean is known to 1 % of the deviation, a deviation
  // to 0.7 %; five times that.
  CHECK(((outputs.mean(0) - mean) / deviation).abs().max().item<double>()
        < 0.05);
  CHECK(((outputs.std(0) - deviation) / deviation).abs().max().item<double>()
        < 0.035);
}

constexpr std::int64_t draws = 20'000;

/// One of the two kinds, with one of three heads.
model_spec any_network() {
  model_spec out;
  out.kind = GENERATE("mlp", "lenet");
  out.head = GENERATE("gaussian", "gaussian_shared", "categorical");
  out.inputs = {5};
  if (out.kind == "lenet")
    out.inputs = {1, 12, 12};
  out.targets = 2;
  out.hidden = {7, 6};
  return out;
}

at::Tensor rows_for(const model_spec& spec) {
  auto sizes = spec.inputs;
  sizes.insert(sizes.begin(), 4);
  return at::randn(sizes);
}

} // namespace

TEST_CASE("sums of Gaussian weights are drawn with their mean and variance",
          "[runtime][model][vi]") {
  const auto x = some({3}, 1);
  const auto w = some({2, 3}, 2);
  const auto b = some({2}, 3);
  const auto w_deviation = some({2, 3}, 4).abs();
  const auto b_deviation = some({2}, 5).abs();
  const generator_scope numbers{make_generator(6)};
  const auto outputs =
      gaussian_linear(x.expand({draws, 3}), {w, b}, {w_deviation, b_deviation});
  const auto weights = w + w_deviation * some({draws, 2, 3}, 7);
  const auto biases = b + b_deviation * some({draws, 2}, 8);
  check_moments(outputs, at::matmul(weights, x) + biases);
}

TEST_CASE("deviations that vanish have finite slopes", "[runtime][model][vi]") {
  const at::AutoGradMode with_graph{true};
  const auto x = at::ones({2, 3});
  const auto tiny = at::full({2, 3}, 1e-25).requires_grad_();
  const auto tiny_bias = at::full({2}, 1e-25).requires_grad_();
  const generator_scope numbers{make_generator(6)};
  const auto outputs =
      gaussian_linear(x, {at::ones({2, 3}), at::ones({2})}, {tiny, tiny_bias});
  outputs.sum().backward();
  CHECK(tiny.grad().isfinite().all().item<bool>());
  CHECK(tiny_bias.grad().isfinite().all().item<bool>());
}

TEST_CASE("the weights of a convolution are the same for all rows and places",
          "[runtime][model][vi]") {
  model_spec spec{"lenet", {1, 12, 12}, 2, {}, "relu", "categorical", 0};
  const generator_scope numbers{make_generator(9)};
  auto net = make_network(spec);
  REQUIRE(net);
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> deviations;
  for (const auto& parameter : (*net)->parameters())
    deviations.push_back(at::full_like(parameter, 1e-9));
  deviations[0].fill_(1); // conv1's weights, and the bias of conv1
  deviations[1].fill_(1);
  const auto x = at::randn({1, 1, 12, 12}).expand({5, 1, 12, 12});
  const auto outputs = (*net)->forward_gaussian(x, deviations);
  CHECK(at::allclose(outputs, outputs.narrow(0, 0, 1).expand({5, 2}), 1e-5,
                     1e-6));
  CHECK_FALSE(at::allclose(outputs, (*net)->forward(x), 1e-2, 1e-2));
}

TEST_CASE("a network whose weights hardly vary gives what forward() gives",
          "[runtime][model][vi]") {
  auto spec = any_network();
  CAPTURE(spec.kind, spec.head);
  const generator_scope numbers{make_generator(9)};
  auto net = make_network(spec);
  REQUIRE(net);
  REQUIRE((*net)->knows_gaussian_weights());
  const at::NoGradGuard no_grad;
  const auto x = rows_for(spec);
  std::vector<at::Tensor> deviations;
  for (const auto& parameter : (*net)->parameters())
    deviations.push_back(at::full_like(parameter, 1e-9));
  const auto drawn = (*net)->forward_gaussian(x, deviations);
  // Deviations of a billionth vanish beside float32's rounding.
  CHECK(at::allclose(drawn, (*net)->forward(x), 1e-5, 1e-6));
  // Each parameter's own deviation is used: a large one shows.
  for (std::size_t i = 0; i < deviations.size(); ++i) {
    CAPTURE(i);
    auto wide = deviations;
    wide[i] = at::full_like(wide[i], 10);
    CHECK_FALSE(at::allclose((*net)->forward_gaussian(x, wide),
                             (*net)->forward(x), 1e-2, 1e-2));
  }
}

TEST_CASE("a network tells its last layer", "[runtime][model][laplace]") {
  auto spec = any_network();
  CAPTURE(spec.kind, spec.head);
  spec.dropout = 0.2;
  const generator_scope numbers{make_generator(9)};
  auto net = make_network(spec);
  REQUIRE(net);
  (*net)->eval();
  const at::NoGradGuard no_grad;
  const auto x = rows_for(spec);
  const auto last = (*net)->last_layer();
  REQUIRE(last);
  const auto weight = (*net)->parameters()[last->weight];
  const auto bias = (*net)->parameters()[last->bias];
  const auto by_hand = at::linear((*net)->features(x), weight, bias);
  CHECK(at::equal(by_hand, (*net)->forward(x).narrow(1, 0, weight.size(0))));
}
