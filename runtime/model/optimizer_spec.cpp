#include "runtime/model/optimizer_spec.hpp"

namespace posse {

value optimizer_spec::to_value() const {
  value_dict dict{
      {"kind", kind},
      {"learning_rate", learning_rate},
      {"momentum", momentum},
      {"beta1", beta1},
      {"weight_decay", weight_decay},
  };
  if (beta2)
    dict.emplace("beta2", *beta2);
  if (eps)
    dict.emplace("eps", *eps);
  return dict;
}

expected<optimizer_spec> optimizer_spec::from_value(const value& x) {
  optimizer_spec spec;
  auto kind = x.at_or<std::string>("kind", spec.kind);
  if (!kind)
    return fail(std::move(kind));
  spec.kind = std::move(*kind);
  for (auto [key, member] : {
           std::pair{"learning_rate", &spec.learning_rate},
           std::pair{"momentum", &spec.momentum},
           std::pair{"beta1", &spec.beta1},
           std::pair{"weight_decay", &spec.weight_decay},
       }) {
    auto number = x.at_or<double>(key, *member);
    if (!number)
      return fail(std::move(number));
    *member = *number;
  }
  for (auto [key, member] : {
           std::pair{"beta2", &spec.beta2},
           std::pair{"eps", &spec.eps},
       }) {
    const auto& dict = *x.get_if<value_dict>();
    if (!dict.contains(key))
      continue;
    auto number = x.at<double>(key);
    if (!number)
      return fail(std::move(number));
    *member = *number;
  }
  return spec;
}

} // namespace posse
