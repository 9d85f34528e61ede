#include "runtime/model/tensor_tree.hpp"
#include "runtime/model/tensor_value.hpp"
#include "test/support/catch.hpp"

using namespace posse;

namespace {

/// {"a": tensor, "b": [tensor, {"c": tensor}, 3]}, with a graph behind each.
tensor_tree nested() {
  auto leaf = at::ones({2}).requires_grad_() * 2;
  return tensor_tree::dict{
      {"a", leaf},
      {"b", tensor_tree::list{leaf, tensor_tree::dict{{"c", leaf}}, value{3}}},
  };
}

const at::Tensor& deepest(const tensor_tree& x) {
  const auto& dict = *x.get_if<tensor_tree::dict>();
  const auto& list = *dict.at("b").get_if<tensor_tree::list>();
  return *list[1].get_if<tensor_tree::dict>()->at("c").get_if<at::Tensor>();
}

} // namespace

TEST_CASE("a nested value comes back from its tree", "[runtime][tensor_tree]") {
  value x = value_dict{
      {"none", value{}},
      {"list", value_list{1, 2.5, "three", *to_blob(at::ones({2, 2}))}},
  };
  CHECK(to_value(to_tree(x).value()) == x);
}

TEST_CASE("to_device keeps the history and detach_to_device cuts it",
          "[runtime][tensor_tree]") {
  auto kept = to_device(nested(), at::kCPU).value();
  CHECK(deepest(kept).grad_fn() != nullptr);
  auto cut = detach_to_device(nested(), at::kCPU).value();
  CHECK_FALSE(deepest(cut).requires_grad());
  auto leaf = detach_to_device(nested(), at::kCPU, true).value();
  CHECK(deepest(leaf).requires_grad());
  CHECK(deepest(leaf).is_leaf());
  CHECK_FALSE(deepest(detach_to_cpu(nested()).value()).requires_grad());
}

TEST_CASE("detach_to_device leaves integers without gradients",
          "[runtime][tensor_tree]") {
  auto tree = detach_to_device(at::arange(3), at::kCPU, true).value();
  CHECK_FALSE(tree.get_if<at::Tensor>()->requires_grad());
}

TEST_CASE("what is no tensor passes through unchanged",
          "[runtime][tensor_tree]") {
  auto tree = detach_to_cpu(nested()).value();
  const auto& list =
      *tree.get_if<tensor_tree::dict>()->at("b").get_if<tensor_tree::list>();
  CHECK(*list[2].get_if<value>() == value{3});
}

TEST_CASE("moving to meta gives tensors without memory there",
          "[runtime][tensor_tree]") {
  // The one other device that every LibTorch has.
  auto moved = to_device(nested(), at::kMeta).value();
  CHECK(deepest(moved).is_meta());
  CHECK_FALSE(to_value(moved));
}
