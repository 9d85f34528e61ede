#include "runtime/compute/group_rules.hpp"

#include "runtime/model/tensor_value.hpp"
#include "runtime/posterior/stein_discrepancy.hpp"

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

expected<svgd_kernel> kernel_of(std::span<const at::Tensor> parameters,
                                kernel_kind kind, const value& args) {
  if (kind == kernel_kind::linear)
    return linear_kernel(parameters);
  auto rule = bandwidth_of(args);
  if (!rule)
    return fail(std::move(rule));
  auto distances = squared_distances(parameters);
  if (!distances)
    return fail(std::move(distances));
  return kernel_matrix(*distances, *rule);
}

value_dict report(const svgd_kernel& kernel) {
  value_dict out{{"mean_distance", kernel.mean_distance},
                 {"collapsed", kernel.collapsed}};
  if (kernel.kind == kernel_kind::rbf)
    out["bandwidth"] = kernel.bandwidth;
  return out;
}

expected<value_dict> svgd(std::span<const at::Tensor> parameters,
                          std::span<const at::Tensor> scores, kernel_kind kind,
                          const value& args) {
  auto gamma = args.at_or<double>("gamma", 1);
  if (!gamma)
    return fail(std::move(gamma));
  auto wants_discrepancy = args.at_or<bool>("discrepancy", false);
  if (!wants_discrepancy)
    return fail(std::move(wants_discrepancy));
  auto kernel = kernel_of(parameters, kind, args);
  if (!kernel)
    return fail(std::move(kernel));
  auto out = report(*kernel);
  if (*wants_discrepancy) {
    auto squared =
        squared_stein_discrepancy(parameters, scores, kind, kernel->bandwidth);
    if (!squared)
      return fail(std::move(squared));
    out["ksd_squared"] = *squared;
  }
  auto largest = apply_direction(*kernel, parameters, scores, scores, *gamma);
  if (!largest)
    return fail(std::move(largest));
  out["max_direction"] = *largest;
  return out;
}

/// @returns no kernel where it has to be made of whole rows.
expected<std::optional<svgd_kernel>>
kernel_of_products(const at::Tensor& partials, kernel_kind kind,
                   const value& args) {
  if (kind == kernel_kind::linear) {
    auto kernel = linear_kernel_of_products(partials);
    if (!kernel && kernel.error().code == errc::non_finite)
      return std::optional<svgd_kernel>{};
    if (!kernel)
      return fail(std::move(kernel));
    return std::move(*kernel);
  }
  auto rule = bandwidth_of(args);
  if (!rule)
    return fail(std::move(rule));
  auto distances = distances_of_products(partials);
  if (!distances)
    return fail(std::move(distances));
  if (distances->close)
    return std::optional<svgd_kernel>{};
  auto kernel = kernel_matrix(*distances, *rule);
  if (!kernel)
    return fail(std::move(kernel));
  return std::move(*kernel);
}

expected<sliced_rule::combined>
combine_svgd(const at::Tensor& partials, kernel_kind kind, const value& args) {
  auto gamma = args.at_or<double>("gamma", 1);
  if (!gamma)
    return fail(std::move(gamma));
  // The discrepancy is made of whole rows: so rarely that it is not shared.
  auto whole = args.at_or<bool>("discrepancy", false);
  if (!whole)
    return fail(std::move(whole));
  sliced_rule::combined out;
  out.needs_whole = *whole;
  if (*whole)
    return out;
  auto kernel = kernel_of_products(partials, kind, args);
  if (!kernel)
    return fail(std::move(kernel));
  out.needs_whole = !*kernel;
  if (!*kernel)
    return out;
  auto matrix = to_blob((*kernel)->matrix);
  if (!matrix)
    return fail(std::move(matrix));
  out.plan = value_dict{{"kernel", std::move(*matrix)},
                        {"bandwidth", (*kernel)->bandwidth},
                        {"gamma", *gamma}};
  out.diagnostics = report(**kernel);
  return out;
}

expected<double> svgd_slices(const value& plan, kernel_kind kind,
                             sliced_rule::rows parameters,
                             sliced_rule::rows scores,
                             sliced_rule::rows directions) {
  auto matrix = plan.at<tensor_blob>("kernel");
  if (!matrix)
    return fail(std::move(matrix));
  auto bandwidth = plan.at<double>("bandwidth");
  if (!bandwidth)
    return fail(std::move(bandwidth));
  auto gamma = plan.at<double>("gamma");
  if (!gamma)
    return fail(std::move(gamma));
  auto blob = to_tensor(*matrix);
  if (!blob)
    return fail(std::move(blob));
  svgd_kernel kernel;
  // A copy of its own: sums may depend on where what they read starts.
  kernel.matrix = blob->clone();
  kernel.bandwidth = *bandwidth;
  kernel.kind = kind;
  return apply_direction(kernel, parameters, scores, directions, *gamma);
}

group_rule svgd_rule(kernel_kind kind) {
  using rows = sliced_rule::rows;
  const auto origin =
      kind == kernel_kind::rbf ? row_origin::mean : row_origin::zero;
  return {[kind](rows parameters, rows scores, const value& args) {
            return svgd(parameters, scores, kind, args);
          },
          sliced_rule{svgd_segments,
                      [origin](rows parameters, rows,
                               std::span<const std::int64_t> widths) {
                        return segment_products(parameters, widths, origin);
                      },
                      [kind](const at::Tensor& partials, const value& args) {
                        return combine_svgd(partials, kind, args);
                      },
                      [kind](const value& plan, rows parameters, rows scores,
                             rows directions) {
                        return svgd_slices(plan, kind, parameters, scores,
                                           directions);
                      }}};
}

} // namespace

registry<group_rule>& group_rules() {
  static registry<group_rule> known{
      "group rule",
      {{"svgd", svgd_rule(kernel_kind::rbf)},
       {"svgd_linear", svgd_rule(kernel_kind::linear)}}};
  return known;
}

} // namespace posse
