#include "runtime/core/random.hpp"
#include "runtime/model/head.hpp"
#include "runtime/model/loss.hpp"
#include "runtime/model/module_kinds.hpp"
#include "runtime/model/network.hpp"
#include "runtime/model/vmapped.hpp"
#include "test/runtime/model/normalized_network.hpp"
#include "test/support/catch.hpp"

#include <limits>

using namespace posse;
using namespace posse::test;

namespace {

constexpr double scale = 3;
constexpr std::int64_t targets = 2;

model_spec without_prior(model_spec spec) {
  spec.prior_scale = 0;
  return spec;
}

std::shared_ptr<network> made(const model_spec& spec) {
  const generator_scope numbers{make_generator(1)};
  return make_network(spec).value();
}

/// f and p, as made() draws them for a network with a prior.
struct both_networks {
  explicit both_networks(const model_spec& spec) {
    const generator_scope numbers{make_generator(1)};
    trained = make_network(without_prior(spec)).value();
    fixed = make_network(without_prior(spec)).value();
    fixed->eval();
  }

  std::shared_ptr<network> trained;
  std::shared_ptr<network> fixed;
};

model_spec mlp_with(const std::string& head, double dropout = 0) {
  return {"mlp", {4}, targets, {8, 5}, "tanh", head, dropout, scale};
}

at::Tensor some_inputs(const model_spec& spec) {
  auto sizes = spec.inputs;
  sizes.insert(sizes.begin(), 6);
  return at::randn(sizes, make_generator(2));
}

} // namespace

TEST_CASE("a random prior is added to what predicts",
          "[runtime][model][random_prior]") {
  const std::string head =
      GENERATE("point", "gaussian", "gaussian_shared", "categorical");
  const bool images = GENERATE(false, true);
  const auto dropout = GENERATE(0.0, 0.5);
  CAPTURE(head, images, dropout);
  auto spec = mlp_with(head, dropout);
  if (images) {
    spec.kind = "lenet";
    spec.inputs = {1, 12, 12};
  }
  const auto net = made(spec);
  const both_networks by_hand{spec};
  const auto x = some_inputs(spec);
  const at::NoGradGuard no_grad;
  const auto p = by_hand.fixed->forward(x);
  for (const bool training : {true, false}) {
    net->train(training);
    by_hand.trained->train(training);
    const auto [sum, f] = [&] {
      const auto of = [&](network& each) {
        const generator_scope same_masks{make_generator(4)};
        return each.forward(x);
      };
      return std::pair{of(*net), of(*by_hand.trained)};
    }();
    REQUIRE(sum.sizes() == f.sizes());
    // One rounding more or less.
    CHECK(at::allclose(
        sum.narrow(1, 0, targets),
        f.narrow(1, 0, targets) + scale * p.narrow(1, 0, targets), 1e-5, 1e-6));
    const auto others = sum.size(1) - targets;
    CHECK(others == (is_gaussian(*parse_head(head)) ? targets : 0));
    CHECK(at::equal(sum.narrow(1, targets, others),
                    f.narrow(1, targets, others)));
  }
}

TEST_CASE("parameters are those of the network without a prior, whose own are "
          "buffers",
          "[runtime][model][random_prior]") {
  auto spec = mlp_with("gaussian_shared", 0.3);
  const bool normalized = GENERATE(false, true);
  if (normalized) {
    spec.kind = add_normalized_network();
    spec.head = "point";
  }
  const auto net = made(spec);
  const both_networks by_hand{spec};
  const auto parameters = net->named_parameters();
  const auto wanted = by_hand.trained->named_parameters();
  REQUIRE(parameters.keys() == wanted.keys());
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    CHECK(at::equal(parameters[i].value(), wanted[i].value()));
    CHECK(parameters[i].value().requires_grad());
    CHECK(at::equal(net->parameters()[i], wanted[i].value()));
  }

  const auto buffers = net->named_buffers();
  std::size_t of_prior = 0;
  const auto check = [&](const auto& tensors) {
    for (const auto& each : tensors) {
      const auto* found = buffers.find("prior." + each.key());
      REQUIRE(found != nullptr);
      CHECK(at::equal(*found, each.value()));
      CHECK_FALSE(found->requires_grad());
      ++of_prior;
    }
  };
  check(by_hand.fixed->named_parameters());
  check(by_hand.fixed->named_buffers());
  CHECK(buffers.size() == of_prior + by_hand.trained->named_buffers().size());
  CHECK(has_dropout(*net));
  CHECK(has_batch_statistics(*net) == normalized);
}

TEST_CASE("a fixed network computes with the tensors that its buffers become",
          "[runtime][model][random_prior]") {
  const auto spec = mlp_with("point");
  const auto net = made(spec);
  const auto x = some_inputs(spec);
  for (auto& buffer : net->buffers())
    buffer.set_data(at::zeros(buffer.sizes()));
  CHECK(at::equal(net->forward(x), made(without_prior(spec))->forward(x)));
}

TEST_CASE("the gradients with a random prior are autograd's",
          "[runtime][model][random_prior]") {
  const auto [head_name, loss_name] =
      GENERATE(table<std::string, std::string>({{"point", "mse"},
                                                {"gaussian", "nll"},
                                                {"gaussian_shared", "nll"},
                                                {"categorical", "nll"}}));
  const auto dropout = GENERATE(0.0, 0.5);
  CAPTURE(head_name, loss_name, dropout);
  const auto head = *parse_head(head_name);
  const auto loss = find_loss(loss_name, head).value();
  auto spec = mlp_with(head_name, dropout);
  spec.hidden = {64, 70}; // wide enough to be cut
  const auto net = made(spec);
  const auto x = some_inputs(spec);
  const auto y = head == head_kind::categorical
                     ? at::randint(targets, {6}, make_generator(3), at::kLong)
                     : at::randn({6, targets}, make_generator(3));

  double own_loss = 0;
  const auto slopes = [&](const at::Tensor& outputs) {
    auto done = loss.with_slopes(outputs, y, head);
    own_loss = done.loss;
    return done.slopes;
  };
  const auto in_parts = GENERATE(false, true);
  REQUIRE(net->knows_parts());
  std::vector<at::Tensor> own;
  {
    const generator_scope same_masks{make_generator(4)};
    REQUIRE((in_parts ? net->gradients_by_units(x, slopes, 2, own)
                      : net->gradients(x, slopes, own)));
  }
  const generator_scope same_masks{make_generator(4)};
  auto value = loss.function(net->forward(x), y, head);
  value.backward();
  CHECK(own_loss == Catch::Approx(value.item<double>()).epsilon(1e-5));
  const auto parameters = net->parameters();
  REQUIRE(own.size() == parameters.size());
  for (std::size_t i = 0; i < own.size(); ++i)
    CHECK(at::allclose(own[i], parameters[i].grad(), 1e-4, 1e-5));
  for (const auto& buffer : net->buffers())
    CHECK_FALSE(buffer.grad().defined());
}

TEST_CASE("networks with a random prior know what they knew, if it holds",
          "[runtime][model][random_prior]") {
  const auto mlp = made(mlp_with("point"));
  const auto plain = made(without_prior(mlp_with("point")));
  CHECK(mlp->treats_rows_apart() == plain->treats_rows_apart());
  CHECK_FALSE(mlp->knows_group_gradients());
  CHECK_FALSE(mlp->knows_gaussian_weights());
  CHECK_FALSE(mlp->last_layer());
  auto images = *benchmark_model("lenet");
  images.prior_scale = scale;
  CHECK(made(images)->treats_rows_apart());
  std::vector<at::Tensor> untouched;
  CHECK_FALSE(made(images)->gradients(
      at::zeros({2, 1, 28, 28}), [](const at::Tensor& y) { return y; },
      untouched));
}

TEST_CASE("several networks with priors of their own are computed at once",
          "[runtime][model][random_prior][vmap]") {
  auto spec = mlp_with("gaussian_shared", 0.3);
  if (GENERATE(false, true)) {
    spec.kind = add_normalized_network();
    spec.head = "point";
  }
  CAPTURE(spec.kind);
  CHECK(vmap_unit(spec, 100));
}

TEST_CASE("a scale that cannot be is refused",
          "[runtime][model][random_prior]") {
  for (const auto wrong :
       {-0.5, std::nan(""), std::numeric_limits<double>::infinity()}) {
    auto spec = mlp_with("point");
    spec.prior_scale = wrong;
    const auto refused = make_network(spec);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == errc::invalid_argument);
    CHECK_THAT(refused.error().message,
               Catch::Matchers::StartsWith(
                   "mlp: prior_scale: expected a finite number >= 0, got "));
  }
}

TEST_CASE("a network with a module prior of its own is refused",
          "[runtime][model][random_prior]") {
  class named_so final : public network {
  public:
    named_so() { register_module("prior", torch::nn::Linear{4, targets}); }
    at::Tensor forward(const at::Tensor& x) override { return x; }
  };
  const std::string name = "with a prior";
  if (!networks().find(name))
    REQUIRE(add_network(name, [](const model_spec&) {
      return expected<std::shared_ptr<network>>{std::make_shared<named_so>()};
    }));
  auto spec = mlp_with("point");
  spec.kind = name;
  CHECK(make_network(without_prior(spec)));
  const auto refused = make_network(spec);
  REQUIRE_FALSE(refused);
  CHECK_THAT(refused.error().message,
             Catch::Matchers::ContainsSubstring("prior"));
}
