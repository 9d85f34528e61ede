#include "runtime/core/random.hpp"
#include "runtime/model/activation.hpp"
#include "runtime/model/loss.hpp"
#include "runtime/model/network.hpp"
#include "test/support/catch.hpp"

#include <catch2/generators/catch_generators_range.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

using namespace posse;
using Catch::Matchers::ContainsSubstring;

namespace {

constexpr std::int64_t rows = 6;
constexpr std::int64_t targets = 3;

std::shared_ptr<network> made(const model_spec& spec) {
  const generator_scope scope{make_generator(1)};
  return make_network(spec).value();
}

at::Tensor targets_of(head_kind head) {
  return head == head_kind::categorical
             ? at::randint(targets, {rows}, make_generator(3), at::kLong)
             : at::randn({rows, targets}, make_generator(3));
}

struct gradients_and_loss {
  std::vector<at::Tensor> gradients;
  double loss{0};
  bool own{true};
};

gradients_and_loss by_network(network& net, const at::Tensor& x,
                              const at::Tensor& y, const loss_entry& loss,
                              head_kind head) {
  const generator_scope same_masks{make_generator(4)};
  gradients_and_loss out;
  out.own = net.gradients(
      x,
      [&](const at::Tensor& outputs) {
        auto done = loss.with_slopes(outputs, y, head);
        out.loss = done.loss;
        return done.slopes;
      },
      out.gradients);
  return out;
}

gradients_and_loss by_autograd(network& net, const at::Tensor& x,
                               const at::Tensor& y, const loss_entry& loss,
                               head_kind head) {
  const generator_scope same_masks{make_generator(4)};
  auto value = loss.function(net.forward(x), y, head);
  value.backward();
  gradients_and_loss out;
  out.loss = value.item<double>();
  for (const auto& parameter : net.parameters())
    out.gradients.push_back(parameter.grad());
  return out;
}

} // namespace

TEST_CASE("an mlp's own gradients are autograd's", "[runtime][model]") {
  const auto [head_name, loss_name] = GENERATE(
      table<std::string, std::string>({{"point", "mse"},
                                       {"gaussian", "nll"},
                                       {"gaussian", "beta_nll"},
                                       {"gaussian_shared", "nll"},
                                       {"categorical", "nll"},
                                       {"categorical", "cross_entropy"}}));
  const auto activation =
      GENERATE(Catch::Generators::from_range(activations().names()));
  const auto hidden =
      GENERATE(std::vector<std::int64_t>{}, std::vector<std::int64_t>{8},
               std::vector<std::int64_t>{8, 5});
  const auto dropout = GENERATE(0.0, 0.5);
  CAPTURE(head_name, loss_name, activation, hidden, dropout);
  const auto head = parse_head(head_name).value();
  const auto loss = find_loss(loss_name, head).value();
  auto net =
      made({"mlp", {2, 2}, targets, hidden, activation, head_name, dropout});
  const auto x = at::randn({rows, 2, 2}, make_generator(2));
  const auto y = targets_of(head);

  const auto own = by_network(*net, x, y, loss, head);
  const auto graph = by_autograd(*net, x, y, loss, head);
  REQUIRE(own.own);
  // Float sums of a few dozen terms in another order.
  CHECK_THAT(own.loss, Catch::Matchers::WithinRel(graph.loss, 1e-6));
  REQUIRE(own.gradients.size() == graph.gradients.size());
  for (std::size_t i = 0; i < own.gradients.size(); ++i)
    CHECK(at::allclose(own.gradients[i], graph.gradients[i], 1e-5, 1e-6));
}

TEST_CASE("a loss without slopes of its own has autograd's",
          "[runtime][model]") {
  const loss_entry cubes{
      [](const at::Tensor& outputs, const at::Tensor& wanted, head_kind) {
        return (outputs - wanted).pow(3).sum();
      },
      {head_kind::point}};
  auto net = made({"mlp", {4}, targets, {5}, "tanh", "point", 0});
  const auto x = at::randn({rows, 4}, make_generator(2));
  const auto y = targets_of(head_kind::point);
  const auto own = by_network(*net, x, y, cubes, head_kind::point);
  const auto graph = by_autograd(*net, x, y, cubes, head_kind::point);
  REQUIRE(own.own);
  CHECK(own.loss == graph.loss);
  for (std::size_t i = 0; i < own.gradients.size(); ++i)
    CHECK(at::allclose(own.gradients[i], graph.gradients[i], 1e-5, 1e-6));
}

TEST_CASE("what is not a chain of layers is left to autograd",
          "[runtime][model]") {
  std::vector<at::Tensor> untouched;
  auto lenet = made(*benchmark_model("lenet"));
  CHECK_FALSE(lenet->gradients(
      at::zeros({2, 1, 28, 28}), [](const at::Tensor& y) { return y; },
      untouched));
  CHECK(untouched.empty());
}

TEST_CASE("slopes refuse what their loss refuses", "[runtime][model]") {
  const auto ce = find_loss("cross_entropy", head_kind::categorical).value();
  const auto outputs = at::zeros({2, 3});
  CHECK_THROWS_WITH(
      ce.with_slopes(outputs, at::tensor({0L, 3L}), head_kind::categorical),
      ContainsSubstring("expected a label in [0, 3), got 3"));
  const auto mse = find_loss("mse", head_kind::point).value();
  CHECK_THROWS_WITH(mse.with_slopes(outputs, at::zeros({2}), head_kind::point),
                    ContainsSubstring("expected targets"));
  const auto nll = find_loss("nll", head_kind::gaussian).value();
  CHECK_THROWS_WITH(
      nll.with_slopes(outputs, at::zeros({2, 3}), head_kind::gaussian),
      ContainsSubstring("[B, 2 T]"));
}
