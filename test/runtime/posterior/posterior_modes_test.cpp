#include "runtime/posterior/classification_predictive.hpp"
#include "runtime/posterior/posterior_modes.hpp"
#include "test/runtime/posterior/reference.hpp"
#include "test/support/catch.hpp"

using namespace posse;
using namespace posse::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

at::Tensor regression(std::string_view name, const at::Tensor& x) {
  auto mode = find_regression_mode(name);
  REQUIRE(mode);
  auto result = (*mode)(x);
  REQUIRE(result);
  return *result;
}

at::Tensor classification(std::string_view name, const at::Tensor& x) {
  auto mode = find_classification_mode(name);
  REQUIRE(mode);
  auto result = (*mode)(x);
  REQUIRE(result);
  return *result;
}

at::Tensor doubles(std::vector<double> x, at::IntArrayRef shape) {
  return at::tensor(x, at::kDouble).view(shape);
}

} // namespace

TEST_CASE("regression modes reduce over members, axis 1", "[runtime][modes]") {
  // Two points, four members.
  auto x = doubles({1, 5, 2, 4, -1, -1, -1, 3}, {2, 4});
  check_close(regression("mean", x), doubles({3, 0}, {2}), 0);
  check_close(regression("median", x), doubles({3, -1}, {2}), 0);
  check_close(regression("min", x), doubles({1, -1}, {2}), 0);
  check_close(regression("max", x), doubles({5, 3}, {2}), 0);
  check_close(regression("std", x), doubles({std::sqrt(10.0 / 3), 2}, {2}),
              1e-15);
  CHECK(regression("pred", x).equal(x));
  // More axes stay; float32 comes back in double.
  auto wide = x.to(at::kFloat).view({1, 4, 2, 1});
  CHECK(regression("median", wide).sizes() == at::IntArrayRef{1, 2, 1});
  CHECK(regression("mean", wide).scalar_type() == at::kDouble);
  CHECK(regression("pred", wide).scalar_type() == at::kFloat);
}

TEST_CASE("PusH's six regression modes have its names, order and shapes",
          "[runtime][modes]") {
  const auto modes = all_regression_modes();
  std::vector<std::string_view> names;
  for (const auto& mode : modes)
    names.push_back(mode.name);
  CHECK(names
        == std::vector<std::string_view>{"mean", "median", "min", "max", "std",
                                         "pred"});
  // Seven points, three members, rows of numbers: [B, M, ...].
  for (const auto& x : {at::rand({7, 3}), at::rand({7, 3, 2})})
    for (const auto& mode : modes) {
      INFO(mode.name);
      const auto result = mode.apply(x);
      REQUIRE(result);
      const auto shaped_as = mode.name == "pred" ? x : x.select(1, 0);
      CHECK(result->sizes() == shaped_as.sizes());
    }
}

TEST_CASE("PusH's five classification modes have its names, order and shapes",
          "[runtime][modes]") {
  const auto modes = all_classification_modes();
  std::vector<std::string_view> names;
  for (const auto& mode : modes)
    names.push_back(mode.name);
  CHECK(names
        == std::vector<std::string_view>{"logits", "prob", "mean_prob", "mode",
                                         "std"});
  const auto logits = at::rand({7, 3, 4}); // [B, M, C]
  const auto shape = [&](std::string_view name) {
    return classification(name, logits).sizes().vec();
  };
  using sizes = std::vector<std::int64_t>;
  CHECK(shape("logits") == sizes{7, 3, 4});
  CHECK(shape("prob") == sizes{7, 3, 4});
  CHECK(shape("mean_prob") == sizes{7, 4});
  CHECK(shape("mode") == sizes{7});
  CHECK(shape("std") == sizes{7, 4});
  CHECK(classification("mode", logits).scalar_type() == at::kLong);
}

TEST_CASE("the spread over members is the reference's, divided by M - 1",
          "[runtime][modes]") {
  for (const auto& c : reference_cases("regression.json")) {
    if (!c.outputs.contains("member_variance_unbiased"))
      continue; // of one member
    INFO(c.name);
    const auto x = tensor_of(c.inputs["means"]).t();
    check_close(regression("std", x).square(),
                tensor_of(c.outputs["member_variance_unbiased"]), 1e-10);
    check_close(regression("mean", x), tensor_of(c.outputs["mean"]), 1e-12);
  }
}

TEST_CASE("the median of an odd number of members is the middle one",
          "[runtime][modes]") {
  check_close(regression("median", doubles({9, 1, 4}, {1, 3})),
              doubles({4}, {1}), 0);
}

TEST_CASE("the spread of one member is not a number", "[runtime][modes]") {
  CHECK(regression("std", doubles({1, 2}, {2, 1})).isnan().all().item<bool>());
  CHECK(classification("std", doubles({1, 2}, {1, 1, 2}))
            .isnan()
            .all()
            .item<bool>());
}

TEST_CASE("MC dropout: probabilities are averaged over draws, and the class is "
          "an argmax over classes, never over draws",
          "[runtime][modes][defect]") {
  // PusH's takes softmax and argmax over the axis of draws, and so answers a
  // draw's number. At the first point three of five draws vote, barely, for
  // class 0, and two are sure of class 1.
  const auto vote = doubles({.40, .35, .25}, {3});
  const auto sure = doubles({.05, .90, .05}, {3});
  const auto alike = doubles({.1, .2, .7}, {3});
  const auto p = at::stack({at::stack({vote, vote, vote, sure, sure}),
                            alike.expand({5, 3})}); // [2, 5, 3]
  const auto average = doubles({.26, .57, .17, .1, .2, .7}, {2, 3});
  check_close(classification("mean_prob", p.log()), average, 1e-14);
  const auto predictive = predict_classification(p.log().transpose(0, 1));
  REQUIRE(predictive);
  check_close(predictive->probabilities, average, 1e-14);
  CHECK(predictive->predicted.equal(at::tensor({1, 2}, at::kLong)));
  CHECK(classification("mode", p.log()).equal(at::tensor({0, 2}, at::kLong)));
}

TEST_CASE("classification modes reduce over members, not over samples",
          "[runtime][modes][defect]") {
  auto c = reference_cases("classification.json").at(0);
  auto logits = tensor_of(c.inputs["logits"]).transpose(0, 1); // [B, M, C]
  check_close(classification("mean_prob", logits),
              tensor_of(c.outputs["probabilities"]), 1e-12);
  CHECK(classification("logits", logits).equal(logits));
  auto prob = classification("prob", logits);
  CHECK(prob.sizes() == logits.sizes());
  check_close(prob.sum(-1), at::ones({60, 4}, at::kDouble), 1e-14);
  check_close(classification("std", logits), prob.std(1), 1e-12);
  auto votes = classification("mode", logits);
  CHECK(votes.sizes() == at::IntArrayRef{60});
  CHECK(votes.equal(std::get<0>(logits.argmax(-1).mode(1))));
}

TEST_CASE("a vote that ties goes to the lowest class", "[runtime][modes]") {
  // Votes 2, 1, 1, 2: the average probability would say 2.
  auto logits = doubles({0, 0, 9, 0, 1, 0, 0, 1, 0, 0, 0, 9}, {1, 4, 3});
  CHECK(classification("mode", logits).item<std::int64_t>() == 1);
  CHECK(classification("mean_prob", logits).argmax(-1).item<std::int64_t>()
        == 2);
}

TEST_CASE("an unknown mode lists those there are", "[runtime][modes]") {
  auto mode = find_regression_mode("average");
  REQUIRE_FALSE(mode);
  CHECK(mode.error().code == errc::unknown_name);
  CHECK_THAT(mode.error().message,
             ContainsSubstring("mean, median, min, max, std, pred")
                 && ContainsSubstring("\"average\""));
  mode = find_classification_mode("mean");
  REQUIRE_FALSE(mode);
  CHECK_THAT(mode.error().message,
             ContainsSubstring("logits, prob, mean_prob, mode, std"));
}

TEST_CASE("modes refuse shapes that have no members", "[runtime][modes]") {
  for (const auto& mode : all_regression_modes())
    for (const auto& x : {at::zeros({3}), at::zeros({3, 0}),
                          at::zeros({3, 2}, at::kLong), at::Tensor{}}) {
      auto result = mode.apply(x);
      REQUIRE_FALSE(result);
      CHECK(result.error().code == errc::invalid_argument);
    }
  for (const auto& mode : all_classification_modes())
    for (const auto& x : {at::zeros({3, 2}), at::zeros({3, 0, 2})}) {
      auto result = mode.apply(x);
      REQUIRE_FALSE(result);
      CHECK(result.error().code == errc::invalid_argument);
    }
}
