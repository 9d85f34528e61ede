#include "runtime/model/model_spec.hpp"

#include "runtime/core/registry.hpp"

namespace posse {

namespace {

value to_list(const std::vector<std::int64_t>& numbers) {
  return value_list(numbers.begin(), numbers.end());
}

expected<std::vector<std::int64_t>> numbers_at(const value& dict,
                                               std::string_view key) {
  auto list = dict.at_or<value_list>(key, {});
  if (!list)
    return fail(std::move(list));
  std::vector<std::int64_t> numbers;
  numbers.reserve(list->size());
  for (const auto& entry : *list) {
    auto number = entry.to<std::int64_t>(key);
    if (!number)
      return fail(std::move(number));
    numbers.push_back(*number);
  }
  return numbers;
}

} // namespace

value model_spec::to_value() const {
  return value_dict{
      {"kind", kind},
      {"inputs", to_list(inputs)},
      {"targets", targets},
      {"hidden", to_list(hidden)},
      {"activation", activation},
      {"head", head},
      {"dropout", dropout},
      {"prior_scale", prior_scale},
  };
}

expected<model_spec> model_spec::from_value(const value& x) {
  const model_spec defaults;
  auto kind = x.at_or<std::string>("kind", defaults.kind);
  if (!kind)
    return fail(std::move(kind));
  auto inputs = numbers_at(x, "inputs");
  if (!inputs)
    return fail(std::move(inputs));
  auto targets = x.at_or<std::int64_t>("targets", defaults.targets);
  if (!targets)
    return fail(std::move(targets));
  auto hidden = numbers_at(x, "hidden");
  if (!hidden)
    return fail(std::move(hidden));
  auto activation = x.at_or<std::string>("activation", defaults.activation);
  if (!activation)
    return fail(std::move(activation));
  auto head = x.at_or<std::string>("head", defaults.head);
  if (!head)
    return fail(std::move(head));
  auto dropout = x.at_or<double>("dropout", defaults.dropout);
  if (!dropout)
    return fail(std::move(dropout));
  auto prior_scale = x.at_or<double>("prior_scale", defaults.prior_scale);
  if (!prior_scale)
    return fail(std::move(prior_scale));
  return model_spec{
      std::move(*kind),       std::move(*inputs), *targets, std::move(*hidden),
      std::move(*activation), std::move(*head),   *dropout, *prior_scale,
  };
}

expected<model_spec> benchmark_model(std::string_view name) {
  static const registry<model_spec> all{
      "benchmark model",
      {
          {"lenet", {"lenet", {1, 28, 28}, 10, {}, "relu", "categorical", 0}},
          {"mlp13", {"mlp", {13}, 1, {50}, "relu", "point", 0}},
          {"mlp784", {"mlp", {784}, 10, {256}, "relu", "categorical", 0}},
      }};
  auto found = all.find(name);
  if (!found)
    return fail(std::move(found));
  return **found;
}

} // namespace posse
