#include "runtime/posterior/svgd_distances.hpp"

#include "runtime/core/guarded.hpp"
#include "runtime/device/helping_threads.hpp"

#include <ATen/ATen.h>
#include <c10/util/StringUtil.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

namespace posse {

namespace {

/// The fewest columns that are worth a segment of their own.
constexpr std::int64_t least_columns = 128;

/// Products of a segment are summed by themselves: more of them would let more
/// devices share the work, and cost an [N, N] each.
constexpr std::int64_t most_segments = 16;

/// At or below this share of |x|^2 + |y|^2, |x - y|^2 has lost five bits of
/// what products in float32 have, or, in double, all but eight digits.
constexpr double close_in_float = 1.0 / 32;
constexpr double close_in_double = 1e-8;

using index_pair = std::pair<std::int64_t, std::int64_t>;

column_range all_columns(const particle_rows& rows) {
  return {0, rows.length()};
}

/// Replaces the distances of `pairs` by sums of squared differences.
void recompute(const std::vector<index_pair>& pairs, const particle_rows& rows,
               at::TensorAccessor<double, 2> distances) {
  std::vector<double> sums(pairs.size());
  row_block<double> block{rows.count()};
  for_each_block(rows.count(), all_columns(rows), [&](column_range columns) {
    block.gather(rows, columns);
    for (std::size_t p = 0; p < pairs.size(); ++p) {
      const auto* x = block.row(pairs[p].first);
      const auto* y = block.row(pairs[p].second);
      double sum = 0;
      for (std::int64_t c = 0; c < columns.width; ++c)
        sum += (x[c] - y[c]) * (x[c] - y[c]);
      sums[p] += sum;
    }
  });
  for (std::size_t p = 0; p < pairs.size(); ++p) {
    auto [i, j] = pairs[p];
    distances[i][j] = distances[j][i] = sums[p];
  }
}

/// sums [N, N] += the products of the rows over `columns`, on and right of the
/// diagonal.
template <class Real>
void add_products(const particle_rows& rows, column_range columns,
                  row_origin origin, double* sums) {
  row_block<Real> block{rows.count()};
  for_each_block(rows.count(), columns, [&](column_range part) {
    block.gather(rows, part);
    if (origin == row_origin::mean)
      block.centre();
    row_kernels_here<Real>().add_products(block.data(), block.stride(),
                                          rows.count(), block.padded(), sums);
  });
}

template <class Real>
at::Tensor products_of(const particle_rows& rows,
                       std::span<const column_range> segments,
                       row_origin origin) {
  const auto n = rows.count();
  auto result = at::zeros({static_cast<std::int64_t>(segments.size()), n, n},
                          at::kDouble);
  auto* sums = result.mutable_data_ptr<double>();
  share_work(segments.size(), [&](std::size_t k) {
    add_products<Real>(rows, segments[k], origin,
                       sums + static_cast<std::int64_t>(k) * n * n);
  });
  return result;
}

bool are_products(const at::Tensor& p) {
  return p.defined() && p.dim() == 3 && p.size(1) == p.size(2) && p.size(0) > 0
         && p.size(1) > 0 && p.scalar_type() == at::kDouble
         && p.device().is_cpu();
}

failure no_products() {
  return {errc::invalid_argument,
          "svgd: expected products [segments, N, N] in float64 on the CPU"};
}

/// In the order of the segments, whoever computed them.
std::vector<double> summed(const at::Tensor& products) {
  const auto n = products.size(1);
  const auto all = static_cast<std::size_t>(n * n);
  const auto* segment = products.const_data_ptr<double>();
  std::vector<double> gram(segment, segment + all);
  for (std::int64_t k = 1; k < products.size(0); ++k) {
    segment += all;
    for (std::size_t i = 0; i < all; ++i)
      gram[i] += segment[i];
  }
  return gram;
}

/// By products of all segments; and the pairs that are too close for them, or
/// whose products are no numbers.
at::Tensor distances_by_products(const at::Tensor& products, double close,
                                 std::vector<index_pair>& close_pairs) {
  const auto n = products.size(1);
  const auto gram = summed(products);
  auto result = at::empty({n, n}, at::kDouble);
  auto* distances = result.mutable_data_ptr<double>();
  const auto at = [&](std::int64_t i, std::int64_t j) {
    return gram[static_cast<std::size_t>(i * n + j)];
  };
  for (std::int64_t i = 0; i < n; ++i) {
    distances[i * n + i] = 0;
    for (std::int64_t j = i + 1; j < n; ++j) {
      const auto size = at(i, i) + at(j, j);
      const auto distance = size - 2 * at(i, j);
      distances[i * n + j] = distances[j * n + i] = distance;
      if (!(distance > close * size))
        close_pairs.emplace_back(i, j);
    }
  }
  return result;
}

expected<pair_distances> distances_in_double(const particle_rows& rows,
                                             bool close) {
  const auto products = products_of<double>(
      rows, svgd_segments(rows.count(), rows.length()), row_origin::mean);
  if (!products.isfinite().all().item<bool>())
    return tl::unexpected{non_finite_rows("theta", rows)};
  std::vector<index_pair> pairs;
  auto squared = distances_by_products(products, close_in_double, pairs);
  if (!pairs.empty())
    recompute(pairs, rows, squared.accessor<double, 2>());
  return pair_distances{std::move(squared), close};
}

} // namespace

expected<pair_distances> distances_of_rows(const particle_rows& rows) {
  if (rows.type() == at::kDouble)
    return distances_in_double(rows, false);
  std::vector<index_pair> pairs;
  auto squared = distances_by_products(
      products_of<float>(rows, svgd_segments(rows.count(), rows.length()),
                         row_origin::mean),
      close_in_float, pairs);
  if (!pairs.empty())
    return distances_in_double(rows, true);
  return pair_distances{std::move(squared), false};
}

std::vector<column_range> svgd_segments(std::int64_t count,
                                        std::int64_t length) {
  // Where rows are short beside their number, [N, N] would be most of it all.
  const auto worth = std::min(length / count, length / least_columns);
  const auto segments = std::clamp<std::int64_t>(worth, 1, most_segments);
  // Whole blocks, or whole vectors if there are no blocks to fill.
  const auto step = length / segments >= 2 * block_width(count)
                        ? block_width(count)
                        : least_columns / 2;
  std::vector<column_range> result;
  for (std::int64_t i = 0; i < segments; ++i) {
    const auto border = [&](std::int64_t k) {
      return k == segments ? length : length * k / segments / step * step;
    };
    result.push_back({border(i), border(i + 1) - border(i)});
  }
  return result;
}

expected<at::Tensor> segment_products(std::span<const at::Tensor> rows,
                                      std::span<const std::int64_t> widths,
                                      row_origin origin) {
  return guarded("svgd: products", [&]() -> expected<at::Tensor> {
    auto checked = particle_rows::of("theta", rows);
    if (!checked)
      return fail(std::move(checked));
    std::vector<column_range> segments;
    std::int64_t first = 0;
    for (auto width : widths) {
      segments.push_back({first, width});
      first += width;
    }
    if (first != checked->length()
        || std::ranges::any_of(widths, [](auto width) { return width <= 0; }))
      return fail(errc::invalid_argument,
                  c10::str("svgd: segments: expected ", checked->length(),
                           " columns in all, got ", first));
    return checked->type() == at::kDouble
               ? products_of<double>(*checked, segments, origin)
               : products_of<float>(*checked, segments, origin);
  });
}

expected<pair_distances> distances_of_products(const at::Tensor& products) {
  return guarded("svgd: distances", [&]() -> expected<pair_distances> {
    if (!are_products(products))
      return tl::unexpected{no_products()};
    std::vector<index_pair> pairs;
    auto squared =
        distances_by_products(products.contiguous(), close_in_float, pairs);
    return pair_distances{std::move(squared), !pairs.empty()};
  });
}

expected<at::Tensor> gram_of_products(const at::Tensor& products) {
  return guarded("svgd: products", [&]() -> expected<at::Tensor> {
    if (!are_products(products))
      return tl::unexpected{no_products()};
    const auto n = products.size(1);
    const auto sums = summed(products.contiguous());
    auto result = at::empty({n, n}, at::kDouble);
    auto* gram = result.mutable_data_ptr<double>();
    for (std::int64_t i = 0; i < n; ++i)
      for (std::int64_t j = i; j < n; ++j)
        gram[i * n + j] = gram[j * n + i] =
            sums[static_cast<std::size_t>(i * n + j)];
    return result;
  });
}

expected<pair_distances> squared_distances(std::span<const at::Tensor> rows) {
  return guarded("svgd: distances", [&]() -> expected<pair_distances> {
    auto checked = particle_rows::of("theta", rows);
    if (!checked)
      return fail(std::move(checked));
    return distances_of_rows(*checked);
  });
}

} // namespace posse
