#include "runtime/compute/group_rules.hpp"

#include "runtime/model/tensor_value.hpp"

#include <ATen/ATen.h>

#include <utility>

namespace posse {

namespace {

expected<bandwidth_rule> bandwidth_of(const value& args) {
  auto name = args.at_or<std::string>("bandwidth", "median");
  if (!name)
    return fail(std::move(name));
  return parse_bandwidth_rule(*name);
}

value_dict report(double bandwidth, double mean_distance, bool collapsed) {
  return {{"bandwidth", bandwidth},
          {"mean_distance", mean_distance},
          {"collapsed", collapsed}};
}

expected<value_dict> svgd(std::span<const at::Tensor> parameters,
                          std::span<const at::Tensor> scores,
                          const value& args) {
  auto rule = bandwidth_of(args);
  if (!rule)
    return fail(std::move(rule));
  auto moved = svgd_direction(parameters, scores, *rule, scores);
  if (!moved)
    return fail(std::move(moved));
  auto out = report(moved->bandwidth, moved->mean_distance, moved->collapsed);
  out["max_direction"] = moved->max_direction;
  return out;
}

expected<sliced_rule::combined> combine_svgd(const at::Tensor& partials,
                                             const value& args) {
  auto rule = bandwidth_of(args);
  if (!rule)
    return fail(std::move(rule));
  auto distances = distances_of_products(partials);
  if (!distances)
    return fail(std::move(distances));
  sliced_rule::combined out;
  if (distances->close) {
    out.needs_whole = true;
    return out;
  }
  auto kernel = kernel_matrix(*distances, *rule);
  if (!kernel)
    return fail(std::move(kernel));
  auto matrix = to_blob(kernel->matrix);
  if (!matrix)
    return fail(std::move(matrix));
  out.plan = value_dict{{"kernel", std::move(*matrix)},
                        {"bandwidth", kernel->bandwidth}};
  out.diagnostics =
      report(kernel->bandwidth, kernel->mean_distance, kernel->collapsed);
  return out;
}

expected<double> svgd_slices(const value& plan, sliced_rule::rows parameters,
                             sliced_rule::rows scores,
                             sliced_rule::rows directions) {
  auto matrix = plan.at<tensor_blob>("kernel");
  if (!matrix)
    return fail(std::move(matrix));
  auto bandwidth = plan.at<double>("bandwidth");
  if (!bandwidth)
    return fail(std::move(bandwidth));
  auto kernel = to_tensor(*matrix);
  if (!kernel)
    return fail(std::move(kernel));
  // A copy of its own: sums may depend on where what they read starts.
  return apply_direction({kernel->clone(), *bandwidth}, parameters, scores,
                         directions);
}

group_rule svgd_rule() {
  return {svgd, sliced_rule{svgd_segments,
                            [](sliced_rule::rows parameters, sliced_rule::rows,
                               std::span<const std::int64_t> widths) {
                              return segment_products(parameters, widths);
                            },
                            combine_svgd, svgd_slices}};
}

} // namespace

registry<group_rule>& group_rules() {
  static registry<group_rule> known{"group rule", {{"svgd", svgd_rule()}}};
  return known;
}

} // namespace posse
