#include "runtime/compute/group_rules.hpp"

#include "runtime/posterior/svgd.hpp"

namespace posse {

namespace {

expected<value_dict> svgd(std::span<const at::Tensor> parameters,
                          std::span<const at::Tensor> scores,
                          const value& args) {
  auto name = args.at_or<std::string>("bandwidth", "median");
  if (!name)
    return fail(std::move(name));
  auto rule = parse_bandwidth_rule(*name);
  if (!rule)
    return fail(std::move(rule));
  auto moved = svgd_direction(parameters, scores, *rule, scores);
  if (!moved)
    return fail(std::move(moved));
  return value_dict{{"bandwidth", moved->bandwidth},
                    {"mean_distance", moved->mean_distance},
                    {"max_direction", moved->max_direction},
                    {"collapsed", moved->collapsed}};
}

} // namespace

registry<group_rule>& group_rules() {
  static registry<group_rule> known{"group rule", {{"svgd", svgd}}};
  return known;
}

} // namespace posse
