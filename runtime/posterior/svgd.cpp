#include "runtime/posterior/svgd.hpp"

#include "runtime/core/guarded.hpp"
#include "runtime/posterior/particle_rows.hpp"

#include <ATen/ATen.h>
#include <c10/util/StringUtil.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

namespace posse {

namespace {

/// Rows of phi computed by one product. All products of a call have this
/// height, so that a row's bits do not depend on how many rows are asked for:
/// GEMM picks its kernel by shape. 32 costs 8 % over 64 at N = 64, 16 costs 25.
constexpr std::int64_t tile_rows = 32;

/// Rows of the Gram matrix in one product, from the diagonal to the right: what
/// lies left of it is known by symmetry. 32 costs 15 % over 64 at N = 64.
constexpr std::int64_t band_rows = 64;

/// Below this share of |x|^2 + |y|^2 the Gram form of |x - y|^2 has fewer than
/// eight digits left, and the pair is recomputed from its difference.
constexpr double cancelled = 1e-8;

/// Columns of a block: N x width doubles fill a quarter of a 1 MiB L2 cache,
/// which three such blocks share. Narrower than 256 the product is starved.
std::int64_t full_block_width(std::int64_t count) {
  constexpr std::int64_t block_elements = 256 * 1024 / sizeof(double);
  return std::clamp<std::int64_t>(block_elements / count / 64 * 64, 256, 4096);
}

std::int64_t block_width(std::int64_t count, std::int64_t length) {
  return std::min(full_block_width(count), length);
}

/// Products of a segment are summed by themselves: more of them would let more
/// devices share the work, and cost an [N, N] each.
constexpr std::int64_t most_segments = 16;

at::Tensor buffer(std::int64_t rows, std::int64_t columns) {
  return at::empty({rows * columns}, at::kDouble);
}

/// The first rows * columns elements of `buffer` as a contiguous matrix.
at::Tensor matrix(const at::Tensor& buffer, std::int64_t rows,
                  std::int64_t columns) {
  return buffer.narrow(0, 0, rows * columns).view({rows, columns});
}

/// Calls f(first, width) for each block of columns, in order.
template <class F>
void for_each_block(const particle_rows& rows, F&& f) {
  auto step = block_width(rows.count(), rows.length());
  for (std::int64_t first = 0; first < rows.length(); first += step)
    f(first, std::min(step, rows.length() - first));
}

/// Takes its mean off every column: differences of rows stay what they are,
/// and products of rows become as small as they can be.
void centre(at::Tensor& block) {
  block.sub_(block.mean(0, true));
}

/// Names the first row that holds something other than finite numbers.
failure non_finite_rows(std::string_view what, const particle_rows& rows) {
  auto bad = rows.count();
  std::vector<double> block;
  for_each_block(rows, [&](std::int64_t first, std::int64_t width) {
    block.resize(static_cast<std::size_t>(rows.count() * width));
    rows.gather(first, width, block.data());
    bad =
        std::min(bad, first_non_finite_row(block.data(), rows.count(), width));
  });
  if (bad == rows.count())
    return {errc::non_finite,
            c10::str(what, ": numbers too large: their products overflow")};
  return {errc::non_finite,
          c10::str(what, ": row ", bad, " holds NaN or infinity")};
}

using index_pair = std::pair<std::int64_t, std::int64_t>;

/// Replaces the distances of `pairs` by sums of squared differences.
void recompute(const std::vector<index_pair>& pairs, const particle_rows& rows,
               at::TensorAccessor<double, 2> distances) {
  std::vector<double> sums(pairs.size());
  std::vector<double> block;
  for_each_block(rows, [&](std::int64_t first, std::int64_t width) {
    block.resize(static_cast<std::size_t>(rows.count() * width));
    rows.gather(first, width, block.data());
    for (std::size_t p = 0; p < pairs.size(); ++p) {
      const auto* x = block.data() + pairs[p].first * width;
      const auto* y = block.data() + pairs[p].second * width;
      double sum = 0;
      for (std::int64_t c = 0; c < width; ++c)
        sum += (x[c] - y[c]) * (x[c] - y[c]);
      sums[p] += sum;
    }
  });
  for (std::size_t p = 0; p < pairs.size(); ++p) {
    auto [i, j] = pairs[p];
    distances[i][j] = distances[j][i] = sums[p];
  }
}

/// products [N, N] += the products of the centred rows over `range`, on and
/// right of the diagonal.
void add_products(const particle_rows& rows, column_range range,
                  at::Tensor space, const at::Tensor& products) {
  const auto n = rows.count();
  const auto step = full_block_width(n);
  const auto end = range.first + range.width;
  for (auto first = range.first; first < end; first += step) {
    const auto width = std::min(step, end - first);
    auto block = matrix(space, n, width);
    rows.gather(first, width, block.mutable_data_ptr<double>());
    centre(block);
    for (std::int64_t top = 0; top < n; top += band_rows) {
      auto right = block.narrow(0, top, n - top).t();
      auto height = std::min(band_rows, n - top);
      products.narrow(0, top, height)
          .narrow(1, top, n - top)
          .addmm_(block.narrow(0, top, height), right);
    }
  }
}

at::Tensor products_of(const particle_rows& rows,
                       std::span<const column_range> segments) {
  const auto n = rows.count();
  auto result = at::zeros({static_cast<std::int64_t>(segments.size()), n, n},
                          at::kDouble);
  auto space = buffer(n, block_width(n, rows.length()));
  for (std::size_t i = 0; i < segments.size(); ++i)
    add_products(rows, segments[i], space,
                 result[static_cast<std::int64_t>(i)]);
  return result;
}

/// The distances by products of all segments, and the pairs that are too close
/// for them.
at::Tensor distances_by_products(const at::Tensor& gram,
                                 std::vector<index_pair>& close) {
  const auto n = gram.size(0);
  auto result = at::zeros({n, n}, at::kDouble);
  auto products = gram.accessor<double, 2>();
  auto distances = result.accessor<double, 2>();
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = i + 1; j < n; ++j) {
      auto size = products[i][i] + products[j][j];
      auto distance = size - 2 * products[i][j];
      distances[i][j] = distances[j][i] = distance;
      if (distance <= cancelled * size)
        close.emplace_back(i, j);
    }
  return result;
}

/// In the order of the segments, whoever computed them.
at::Tensor sum_of_segments(const at::Tensor& products) {
  auto sum = products[0].clone();
  for (std::int64_t i = 1; i < products.size(0); ++i)
    sum.add_(products[i]);
  return sum;
}

expected<at::Tensor> distances_of(const particle_rows& rows) {
  const auto segments = svgd_segments(rows.count(), rows.length());
  const auto gram = sum_of_segments(products_of(rows, segments));
  if (!gram.isfinite().all().item<bool>())
    return tl::unexpected{non_finite_rows("theta", rows)};
  std::vector<index_pair> close;
  auto result = distances_by_products(gram, close);
  if (!close.empty())
    recompute(close, rows, result.accessor<double, 2>());
  return result;
}

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
std::vector<double>
pair_distances(at::TensorAccessor<double, 2> distances_squared) {
  const auto n = distances_squared.size(0);
  std::vector<double> result;
  result.reserve(static_cast<std::size_t>(n * (n - 1) / 2));
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = i + 1; j < n; ++j)
      result.push_back(std::sqrt(distances_squared[i][j]));
  return result;
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

expected<svgd_kernel> kernel_of(const at::Tensor& distances_squared,
                                const bandwidth_rule& rule) {
  if (const auto* fixed = std::get_if<fixed_bandwidth>(&rule);
      fixed && !(std::isnormal(fixed->h) && fixed->h > 0))
    return fail(
        errc::invalid_argument,
        c10::str("svgd: bandwidth: expected a number > 0, got ", fixed->h));
  svgd_kernel result;
  if (distances_squared.size(0) == 1) {
    if (const auto* fixed = std::get_if<fixed_bandwidth>(&rule))
      result.bandwidth = fixed->h;
    result.matrix = at::ones({1, 1}, at::kDouble);
    return result;
  }
  auto pairs = pair_distances(distances_squared.accessor<double, 2>());
  result.mean_distance = mean(pairs);
  auto median_distance = median(pairs);
  result.collapsed = median_distance == 0;
  result.bandwidth =
      std::visit(bandwidth_of{distances_squared, median_distance}, rule);
  result.matrix = distances_squared.div(-result.bandwidth).exp_();
  return result;
}

/// Zero-padded rows of the kernel, one tile after the other:
/// [tiles, height, N].
at::Tensor kernel_tiles(const at::Tensor& kernel,
                        std::span<const std::int64_t> chosen) {
  const auto n = kernel.size(0);
  const auto height = std::min(n, tile_rows);
  const auto m = static_cast<std::int64_t>(chosen.size());
  const auto tiles = (m + height - 1) / height;
  auto result = at::zeros({tiles * height, n}, at::kDouble);
  auto rows = kernel.contiguous();
  const auto* from = rows.const_data_ptr<double>();
  auto* to = result.mutable_data_ptr<double>();
  for (auto i : chosen)
    to = std::copy_n(from + i * n, n, to);
  return result.view({tiles, height, n});
}

/// values <- scale * values + shift * theta, and the largest magnitude. NaN if
/// any value is not finite.
double finish(double* __restrict values, const double* __restrict theta,
              std::int64_t width, double scale, double shift) {
  // Eight independent sums and maxima: one alone waits for itself.
  constexpr std::int64_t lanes = 8;
  double largest[lanes] = {};
  double poison[lanes] = {}; // 0 while all values are finite, then NaN
  auto element = [&](std::int64_t c, std::int64_t lane) {
    auto x = scale * values[c] + shift * theta[c];
    values[c] = x;
    largest[lane] = std::max(largest[lane], std::abs(x));
    poison[lane] += x - x;
  };
  std::int64_t c = 0;
  for (; c + lanes <= width; c += lanes)
    for (std::int64_t lane = 0; lane < lanes; ++lane)
      element(c + lane, lane);
  for (; c < width; ++c)
    element(c, 0);
  return *std::max_element(largest, largest + lanes)
         + std::accumulate(poison, poison + lanes, 0.0);
}

expected<void> check_direction(const svgd_kernel& kernel,
                               const particle_rows& theta,
                               const particle_rows& score,
                               std::span<const std::int64_t> chosen,
                               const particle_rows& phi) {
  const auto n = theta.count();
  const auto& k = kernel.matrix;
  if (!k.defined() || k.dim() != 2 || k.size(0) != n || k.size(1) != n
      || k.scalar_type() != at::kDouble || !k.device().is_cpu())
    return fail(errc::invalid_argument,
                c10::str("svgd: expected a float64 kernel [", n, ", ", n,
                         "], one row a particle"));
  if (score.count() != n || score.length() != theta.length())
    return fail(errc::invalid_argument,
                c10::str("svgd: expected score [", n, ", ", theta.length(),
                         "] as theta is, got [", score.count(), ", ",
                         score.length(), "]"));
  if (phi.count() != static_cast<std::int64_t>(chosen.size())
      || phi.length() != theta.length())
    return fail(errc::invalid_argument,
                c10::str("svgd: expected phi [", chosen.size(), ", ",
                         theta.length(), "], got [", phi.count(), ", ",
                         phi.length(), "]"));
  for (auto i : chosen)
    if (i < 0 || i >= n)
      return fail(errc::invalid_argument,
                  c10::str("svgd: chosen: expected particles in [0, ", n,
                           "), got ", i));
  return {};
}

/// Why phi of particle `i` is not finite: theta's centred block is not, or the
/// score's share of the drive is not, or their product is too large.
failure why_not_finite(const at::Tensor& theta, const at::Tensor& drive,
                       std::int64_t i) {
  auto bad_row = [](const at::Tensor& x) {
    return first_non_finite_row(x.const_data_ptr<double>(), x.size(0),
                                x.size(1));
  };
  const auto n = theta.size(0);
  if (bad_row(theta) != n)
    return {errc::non_finite, "theta: a row holds NaN or infinity"};
  if (auto row = bad_row(drive); row != n)
    return {errc::non_finite,
            c10::str("score: row ", row, " holds NaN or infinity")};
  return {errc::non_finite,
          c10::str("svgd: phi of particle ", i, " overflows")};
}

expected<double> direction_of(const svgd_kernel& kernel,
                              const particle_rows& theta,
                              const particle_rows& score,
                              std::span<const std::int64_t> chosen,
                              const particle_rows& phi) {
  const auto n = theta.count();
  const auto pull = 2 / kernel.bandwidth;
  const auto scale = 1 / static_cast<double>(n);
  auto tiles = kernel_tiles(kernel.matrix, chosen);
  auto row_sums = kernel.matrix.sum(1);
  const auto* sums = row_sums.const_data_ptr<double>();
  const auto height = tiles.size(1);
  const auto width_max = block_width(n, theta.length());
  auto theta_space = buffer(n, width_max);
  auto drive_space = buffer(n, width_max);
  auto phi_space = buffer(height, width_max);

  double largest = 0;
  expected<double> result;
  for_each_block(theta, [&](std::int64_t first, std::int64_t width) {
    if (!result)
      return;
    auto x = matrix(theta_space, n, width);
    auto drive = matrix(drive_space, n, width);
    auto out = matrix(phi_space, height, width);
    theta.gather(first, width, x.mutable_data_ptr<double>());
    centre(x); // theta_i - theta_j stays, what cancels in it shrinks
    score.gather(first, width, drive.mutable_data_ptr<double>());
    drive.sub_(x, pull);
    for (std::int64_t k = 0; k < phi.count(); ++k) {
      if (k % height == 0)
        at::mm_out(out, tiles[k / height], drive);
      const auto i = chosen[static_cast<std::size_t>(k)];
      auto* values = out.mutable_data_ptr<double>() + k % height * width;
      auto peak = finish(values, x.const_data_ptr<double>() + i * width, width,
                         scale, scale * pull * sums[i]);
      largest = std::max(peak, largest);
      if (!(peak <= phi.largest())) {
        result = tl::unexpected{why_not_finite(x, drive, i)};
        return;
      }
      phi.scatter(k, first, width, values);
    }
  });
  if (result)
    result = largest;
  return result;
}

} // namespace

std::vector<column_range> svgd_segments(std::int64_t count,
                                        std::int64_t length) {
  const auto step = full_block_width(count);
  const auto blocks = (length + step - 1) / step;
  // Where rows are short beside their number, [N, N] would be most of it all.
  const auto worth = std::max<std::int64_t>(length / count, 1);
  const auto segments = std::min({blocks, most_segments, worth});
  std::vector<column_range> result;
  for (std::int64_t i = 0; i < segments; ++i) {
    const auto first = blocks * i / segments * step;
    const auto end = std::min(blocks * (i + 1) / segments * step, length);
    result.push_back({first, end - first});
  }
  return result;
}

expected<at::Tensor> segment_products(std::span<const at::Tensor> rows,
                                      std::span<const std::int64_t> widths) {
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
    return products_of(*checked, segments);
  });
}

expected<segment_distances> distances_of_products(const at::Tensor& products) {
  return guarded("svgd: distances", [&]() -> expected<segment_distances> {
    const auto& p = products;
    if (!p.defined() || p.dim() != 3 || p.size(1) != p.size(2) || p.size(0) == 0
        || p.scalar_type() != at::kDouble || !p.device().is_cpu())
      return fail(errc::invalid_argument,
                  "svgd: expected products [segments, N, N] in float64 on the "
                  "CPU");
    const auto gram = sum_of_segments(p);
    if (!gram.isfinite().all().item<bool>())
      return fail(errc::non_finite,
                  "theta: a row holds NaN, infinity or numbers too large");
    std::vector<index_pair> close;
    auto squared = distances_by_products(gram, close);
    return segment_distances{std::move(squared), !close.empty()};
  });
}

expected<at::Tensor> squared_distances(std::span<const at::Tensor> rows) {
  return guarded("svgd: distances", [&]() -> expected<at::Tensor> {
    auto checked = particle_rows::of("theta", rows);
    if (!checked)
      return fail(std::move(checked));
    return distances_of(*checked);
  });
}

expected<svgd_kernel> kernel_matrix(const at::Tensor& distances_squared,
                                    const bandwidth_rule& rule) {
  return guarded("svgd: kernel", [&]() -> expected<svgd_kernel> {
    const auto& d = distances_squared;
    if (!d.defined() || d.dim() != 2 || d.size(0) != d.size(1) || d.size(0) == 0
        || d.scalar_type() != at::kDouble || !d.device().is_cpu())
      return fail(errc::invalid_argument,
                  "svgd: expected squared distances [N, N] in float64 on the "
                  "CPU, N > 0");
    if (!d.isfinite().all().item<bool>())
      return fail(errc::non_finite,
                  "svgd: squared distances hold NaN or infinity");
    return kernel_of(d, rule);
  });
}

expected<double> apply_direction(const svgd_kernel& kernel,
                                 std::span<const at::Tensor> theta,
                                 std::span<const at::Tensor> score,
                                 std::span<const std::int64_t> chosen,
                                 std::span<const at::Tensor> phi) {
  if (chosen.empty() && phi.empty())
    return 0.0;
  return guarded("svgd: direction", [&]() -> expected<double> {
    auto theta_rows = particle_rows::of("theta", theta);
    if (!theta_rows)
      return fail(std::move(theta_rows));
    auto score_rows = particle_rows::of("score", score);
    if (!score_rows)
      return fail(std::move(score_rows));
    auto phi_rows = particle_rows::of("phi", phi);
    if (!phi_rows)
      return fail(std::move(phi_rows));
    if (auto fit = check_direction(kernel, *theta_rows, *score_rows, chosen,
                                   *phi_rows);
        !fit)
      return fail(std::move(fit));
    return direction_of(kernel, *theta_rows, *score_rows, chosen, *phi_rows);
  });
}

expected<svgd_result> svgd_direction(std::span<const at::Tensor> theta,
                                     std::span<const at::Tensor> score,
                                     const bandwidth_rule& rule,
                                     std::span<const at::Tensor> phi) {
  auto distances = squared_distances(theta);
  if (!distances)
    return fail(std::move(distances));
  auto kernel = kernel_matrix(*distances, rule);
  if (!kernel)
    return fail(std::move(kernel));
  std::vector<std::int64_t> all(theta.size());
  std::iota(all.begin(), all.end(), std::int64_t{0});
  auto largest = apply_direction(*kernel, theta, score, all, phi);
  if (!largest)
    return fail(std::move(largest));
  return svgd_result{kernel->bandwidth, kernel->mean_distance,
                     kernel->collapsed, *largest};
}

} // namespace posse
