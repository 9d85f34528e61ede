#include "runtime/posterior/svgd_kernel.hpp"

#include "runtime/core/guarded.hpp"

#include <ATen/ATen.h>
#include <c10/util/StringUtil.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>
#include <variant>
#include <vector>

namespace posse {

namespace {

/// The mean of the two middle values of an even count, the middle one of an
/// odd. Reorders `values`, which must not be empty.
double median(std::vector<double>& values) {
  auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1)
    return *middle;
  return (*std::max_element(values.begin(), middle) + *middle) / 2;
}

double mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0)
         / static_cast<double>(values.size());
}

/// Distances of the distinct pairs of N > 1 particles, in units of parameters.
std::vector<double> pair_distances_of(const at::Tensor& distances_squared) {
  const auto n = distances_squared.size(0);
  const auto* row = distances_squared.const_data_ptr<double>();
  std::vector<double> result(static_cast<std::size_t>(n * (n - 1) / 2));
  auto to = result.begin();
  for (std::int64_t i = 0; i < n; ++i, row += n)
    for (std::int64_t j = i + 1; j < n; ++j)
      *to++ = std::sqrt(row[j]);
  return result;
}

/// The same from products [N, N] of rows.
std::vector<double> pair_distances_in(const at::Tensor& gram) {
  const auto n = gram.size(0);
  const auto* g = gram.const_data_ptr<double>();
  std::vector<double> result;
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = i + 1; j < n; ++j)
      result.push_back(std::sqrt(
          std::max(g[i * n + i] + g[j * n + j] - 2 * g[i * n + j], 0.0)));
  return result;
}

bool all_finite(const at::Tensor& x) {
  const auto* from = x.const_data_ptr<double>();
  double poison = 0; // then NaN
  for (std::int64_t i = 0; i < x.numel(); ++i)
    poison += from[i] - from[i];
  return poison == 0;
}

/// `h`, or what `otherwise` gives if h is too small to divide by, or 1.
template <class F>
double usable(double h, F&& otherwise) {
  if (std::isnormal(h))
    return h;
  h = otherwise();
  return std::isnormal(h) ? h : 1.0;
}

struct bandwidth_of {
  const at::Tensor& distances_squared;
  /// Of the distinct pairs.
  double median_distance;

  double count() const {
    return static_cast<double>(distances_squared.size(0));
  }
  double operator()(fixed_bandwidth rule) const { return rule.h; }
  double operator()(median_pairs_bandwidth) const {
    return usable(median_distance * median_distance / std::log(count()), [&] {
      auto pairs = count() * (count() - 1);
      return distances_squared.sum().item<double>() / pairs / std::log(count());
    });
  }
  double operator()(median_all_bandwidth) const {
    auto flat = distances_squared.contiguous();
    const auto* all = flat.const_data_ptr<double>();
    std::vector<double> values(all, all + flat.numel());
    return usable(median(values) / std::log(count() + 1),
                  [&] { return mean(values) / std::log(count() + 1); });
  }
};

expected<svgd_kernel> kernel_of(const pair_distances& distances,
                                const bandwidth_rule& rule) {
  if (const auto* fixed = std::get_if<fixed_bandwidth>(&rule);
      fixed && !(std::isnormal(fixed->h) && fixed->h > 0))
    return fail(
        errc::invalid_argument,
        c10::str("svgd: bandwidth: expected a number > 0, got ", fixed->h));
  const auto& squared = distances.squared;
  svgd_kernel result;
  result.close = distances.close;
  if (squared.size(0) == 1) {
    if (const auto* fixed = std::get_if<fixed_bandwidth>(&rule))
      result.bandwidth = fixed->h;
    result.matrix = at::ones({1, 1}, at::kDouble);
    return result;
  }
  auto pairs = pair_distances_of(squared);
  result.mean_distance = mean(pairs);
  auto median_distance = median(pairs);
  result.collapsed = median_distance == 0;
  result.bandwidth = std::visit(bandwidth_of{squared, median_distance}, rule);
  result.matrix = squared.div(-result.bandwidth).exp_();
  return result;
}

} // namespace

expected<kernel_kind> parse_kernel_kind(std::string_view name) {
  if (name == "rbf")
    return kernel_kind::rbf;
  if (name == "linear")
    return kernel_kind::linear;
  return fail(errc::invalid_argument,
              c10::str("kernel: expected rbf or linear, got \"", name, '"'));
}

expected<svgd_kernel> kernel_matrix(const pair_distances& distances,
                                    const bandwidth_rule& rule) {
  return guarded("svgd: kernel", [&]() -> expected<svgd_kernel> {
    const auto& d = distances.squared;
    if (!d.defined() || d.dim() != 2 || d.size(0) != d.size(1) || d.size(0) == 0
        || d.scalar_type() != at::kDouble || !d.device().is_cpu()
        || !d.is_contiguous())
      return fail(errc::invalid_argument, "svgd: expected contiguous squared "
                                          "distances [N, N] in float64 on the "
                                          "CPU, N > 0");
    if (!all_finite(d))
      return fail(errc::non_finite,
                  "svgd: squared distances hold NaN or infinity");
    return kernel_of(distances, rule);
  });
}

expected<svgd_kernel> linear_kernel_of_products(const at::Tensor& products) {
  return guarded("svgd: kernel", [&]() -> expected<svgd_kernel> {
    auto gram = gram_of_products(products);
    if (!gram)
      return fail(std::move(gram));
    if (!all_finite(*gram))
      return fail(errc::non_finite, "svgd: products of rows overflow");
    svgd_kernel result;
    result.kind = kernel_kind::linear;
    if (gram->size(0) > 1) {
      auto pairs = pair_distances_in(*gram);
      result.mean_distance = mean(pairs);
      result.collapsed = median(pairs) == 0;
    }
    result.matrix = gram->add_(1);
    return result;
  });
}

expected<svgd_kernel> linear_kernel(std::span<const at::Tensor> rows) {
  return guarded("svgd: kernel", [&]() -> expected<svgd_kernel> {
    auto checked = particle_rows::of("theta", rows);
    if (!checked)
      return fail(std::move(checked));
    std::vector<std::int64_t> widths;
    for (const auto& segment :
         svgd_segments(checked->count(), checked->length()))
      widths.push_back(segment.width);
    auto products = segment_products(rows, widths, row_origin::zero);
    if (!products)
      return fail(std::move(products));
    auto kernel = linear_kernel_of_products(*products);
    if (!kernel && kernel.error().code == errc::non_finite)
      return tl::unexpected{non_finite_rows("theta", *checked)};
    return kernel;
  });
}

} // namespace posse
