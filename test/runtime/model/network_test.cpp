#include "runtime/core/random.hpp"
#include "runtime/model/likelihood.hpp"
#include "runtime/model/network.hpp"
#include "test/support/catch.hpp"

using namespace posse;
using Catch::Matchers::ContainsSubstring;
namespace nn = torch::nn;

namespace {

std::shared_ptr<network> made(const model_spec& spec, std::uint64_t seed = 1) {
  generator_scope scope{make_generator(seed)};
  return make_network(spec).value();
}

std::int64_t parameter_count(const network& net) {
  std::int64_t count = 0;
  for (const auto& p : net.parameters())
    count += p.numel();
  return count;
}

std::vector<std::string> parameter_names(const network& net) {
  return net.named_parameters().keys();
}

} // namespace

TEST_CASE("an mlp is what torch::nn would build from the same numbers",
          "[runtime][model]") {
  auto mlp = made({"mlp", {13}, 1, {50, 20}, "tanh", "point", 0});
  generator_scope scope{make_generator(1)};
  nn::Sequential reference{nn::Linear{13, 50}, nn::Tanh{}, nn::Linear{50, 20},
                           nn::Tanh{}, nn::Linear{20, 1}};
  auto x = at::randn({4, 13});
  CHECK(at::equal(mlp->forward(x), reference->forward(x)));
  CHECK(parameter_names(*mlp)
        == std::vector<std::string>{"layers.0.weight", "layers.0.bias",
                                    "layers.1.weight", "layers.1.bias",
                                    "layers.2.weight", "layers.2.bias"});
}

TEST_CASE("an mlp without hidden layers is linear, and flattens its inputs",
          "[runtime][model]") {
  auto net = made({"mlp", {2, 3}, 4, {}, "relu", "categorical", 0});
  auto x = at::randn({5, 2, 3}, make_generator(2));
  auto parameters = net->parameters();
  CHECK(at::equal(net->forward(x),
                  at::linear(x.reshape({5, 6}), parameters[0], parameters[1])));
}

TEST_CASE("lenet has its 61,706 parameters under their usual names",
          "[runtime][model]") {
  auto lenet = made(*benchmark_model("lenet"));
  CHECK(parameter_count(*lenet) == 61'706);
  CHECK(parameter_names(*lenet)
        == std::vector<std::string>{"conv1.weight", "conv1.bias",
                                    "conv2.weight", "conv2.bias", "fc1.weight",
                                    "fc1.bias", "fc2.weight", "fc2.bias",
                                    "fc3.weight", "fc3.bias"});
}

TEST_CASE("lenet is what torch::nn would build from the same numbers",
          "[runtime][model]") {
  auto lenet = made(*benchmark_model("lenet"));
  generator_scope scope{make_generator(1)};
  nn::Sequential reference{
      nn::Conv2d{nn::Conv2dOptions{1, 6, 5}.padding(2)},
      nn::ReLU{},
      nn::MaxPool2d{2},
      nn::Conv2d{6, 16, 5},
      nn::ReLU{},
      nn::MaxPool2d{2},
      nn::Flatten{},
      nn::Linear{400, 120},
      nn::ReLU{},
      nn::Linear{120, 84},
      nn::ReLU{},
      nn::Linear{84, 10},
  };
  auto x = at::randn({3, 1, 28, 28});
  CHECK(at::equal(lenet->forward(x), reference->forward(x)));
  auto smallest = made({"lenet", {3, 12, 13}, 2, {}, "silu", "gaussian", 0});
  CHECK(smallest->forward(at::zeros({2, 3, 12, 13})).sizes()
        == at::IntArrayRef{2, 4});
}

TEST_CASE("the benchmark models have the sizes of their names",
          "[runtime][model]") {
  CHECK(parameter_count(*made(*benchmark_model("mlp13"))) == 13 * 50 + 101);
  CHECK(parameter_count(*made(*benchmark_model("mlp784")))
        == 784 * 256 + 256 + 2560 + 10);
}

TEST_CASE("a network's columns follow from its head", "[runtime][model]") {
  for (const auto* kind : {"mlp", "lenet"}) {
    INFO(kind);
    auto columns = [&](const char* head) {
      auto net = made({kind, {1, 16, 16}, 3, {}, "relu", head, 0});
      return net->forward(at::zeros({2, 1, 16, 16})).size(1);
    };
    CHECK(columns("point") == 3);
    CHECK(columns("categorical") == 3);
    CHECK(columns("gaussian") == 6);
    CHECK(columns("gaussian_shared") == 6);
  }
}

TEST_CASE("gaussian_shared learns one noise for all rows and targets",
          "[runtime][model]") {
  auto net = made({"mlp", {4}, 2, {5}, "relu", "gaussian_shared", 0});
  auto noise = net->named_parameters()["log_noise"];
  CHECK(noise.sizes() == at::IntArrayRef{1});
  {
    torch::NoGradGuard no_grad;
    noise.fill_(-1.5);
  }
  auto outputs = net->forward(at::randn({3, 4}, make_generator(1)));
  CHECK(at::equal(outputs.slice(1, 2), at::full({3, 2}, -1.5)));
  outputs.slice(1, 2).sum().backward();
  CHECK(noise.grad().item<float>() == 6);
}

TEST_CASE("equal seeds make equal networks and others do not",
          "[runtime][model]") {
  auto spec = *benchmark_model("mlp13");
  auto a = made(spec, 5)->parameters();
  auto b = made(spec, 5)->parameters();
  auto c = made(spec, 6)->parameters();
  for (std::size_t i = 0; i < a.size(); ++i) {
    CHECK(at::equal(a[i], b[i]));
    CHECK_FALSE(at::equal(a[i], c[i]));
  }
}

TEST_CASE("dropout acts in training and not in evaluation",
          "[runtime][model]") {
  for (const auto* kind : {"mlp", "lenet"}) {
    INFO(kind);
    auto net = made({kind, {1, 16, 16}, 2, {200}, "relu", "point", 0.5});
    generator_scope scope{make_generator(3)};
    auto x = at::randn({4, 1, 16, 16});
    CHECK_FALSE(at::equal(net->forward(x), net->forward(x)));
    net->eval();
    CHECK(at::equal(net->forward(x), net->forward(x)));
  }
}

TEST_CASE("a network that cannot be is refused with the reason",
          "[runtime][model]") {
  auto why = [](const model_spec& spec) { return make_network(spec).error(); };
  auto good = *benchmark_model("mlp13");
  auto bad = good;
  bad.kind = "mpl";
  CHECK(why(bad).code == errc::unknown_name);
  CHECK_THAT(why(bad).message, ContainsSubstring("did you mean \"mlp\"?"));
  bad = good;
  bad.activation = "rellu";
  CHECK_THAT(why(bad).message, ContainsSubstring("did you mean \"relu\"?"));
  bad = good;
  bad.head = "gausian";
  CHECK_THAT(why(bad).message, ContainsSubstring("did you mean \"gaussian\"?"));
  bad = good;
  bad.inputs = {13, 0};
  CHECK(why(bad).code == errc::invalid_argument);
  CHECK(why(bad).message == "mlp: inputs: expected sizes > 0, got [13, 0]");
  bad = good;
  bad.hidden = {-1};
  CHECK_THAT(why(bad).message, ContainsSubstring("hidden"));
  bad = good;
  bad.targets = 0;
  CHECK_THAT(why(bad).message, ContainsSubstring("targets"));
  bad.targets = 1;
  bad.head = "categorical";
  CHECK_THAT(why(bad).message, ContainsSubstring("2 classes"));
  for (auto dropout : {-0.1, 1.0, std::nan("")}) {
    bad = good;
    bad.dropout = dropout;
    CHECK_THAT(why(bad).message, ContainsSubstring("dropout"));
  }
  bad = *benchmark_model("lenet");
  bad.inputs = {784};
  CHECK_THAT(why(bad).message, ContainsSubstring("{channels, height, width}"));
  bad.inputs = {1, 28, 11};
  CHECK_THAT(why(bad).message, ContainsSubstring("got 28x11"));
}

TEST_CASE("a size that no memory holds is an error, not an end",
          "[runtime][model]") {
  model_spec huge{"mlp",  {1'000'000'000}, 1, {1'000'000'000},
                  "relu", "point",         0};
  CHECK_FALSE(make_network(huge));
}
