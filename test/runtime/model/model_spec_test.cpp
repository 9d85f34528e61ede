#include "runtime/model/model_spec.hpp"
#include "runtime/model/optimizer_spec.hpp"
#include "test/support/catch.hpp"

using namespace posse;

TEST_CASE("a model spec comes back from its value", "[runtime][model]") {
  model_spec spec{"lenet", {1, 28, 28},   10,   {120, 84},
                  "tanh",  "categorical", 0.25, 1.5};
  CHECK(model_spec::from_value(spec.to_value()) == spec);
  CHECK(model_spec::from_value(value_dict{}) == model_spec{});
}

TEST_CASE("a model spec names the entry of a wrong type", "[runtime][model]") {
  auto wrong =
      model_spec::from_value(value_dict{{"inputs", value_list{1, "28"}}});
  REQUIRE_FALSE(wrong);
  CHECK(wrong.error().code == errc::invalid_argument);
  CHECK_THAT(wrong.error().message,
             Catch::Matchers::ContainsSubstring("inputs"));
  CHECK_FALSE(model_spec::from_value(value{3}));
}

TEST_CASE("the benchmark models are known by name", "[runtime][model]") {
  CHECK(benchmark_model("mlp13")->hidden == std::vector<std::int64_t>{50});
  CHECK(benchmark_model("mlp").error().code == errc::unknown_name);
}

TEST_CASE("an optimizer spec comes back from its value", "[runtime][model]") {
  optimizer_spec spec{.kind = "rmsprop",
                      .learning_rate = 0.3,
                      .momentum = 0.5,
                      .beta1 = 0.8,
                      .beta2 = 0.7,
                      .eps = 1e-3,
                      .weight_decay = 0.1};
  CHECK(optimizer_spec::from_value(spec.to_value()) == spec);
  optimizer_spec defaults;
  CHECK(optimizer_spec::from_value(defaults.to_value()) == defaults);
  CHECK_FALSE(optimizer_spec::from_value(value_dict{{"eps", "small"}}));
  CHECK_FALSE(optimizer_spec::from_value(value{}));
}
