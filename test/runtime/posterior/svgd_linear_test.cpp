#include "runtime/posterior/svgd.hpp"
#include "test/runtime/posterior/reference.hpp"
#include "test/runtime/posterior/svgd_rows.hpp"
#include "test/support/catch.hpp"

#include <algorithm>
#include <limits>

using namespace posse;
using namespace posse::testing;
using Catch::Approx;
using Catch::Matchers::ContainsSubstring;

namespace {

svgd_kernel kernel_of(const at::Tensor& theta) {
  auto kernel = linear_kernel(theta.unbind(0));
  REQUIRE(kernel);
  return *kernel;
}

at::Tensor direction(const at::Tensor& theta, const at::Tensor& score,
                     double gamma = 1) {
  auto phi = at::empty_like(theta);
  auto largest = apply_direction(kernel_of(theta), theta.unbind(0),
                                 score.unbind(0), phi.unbind(0), gamma);
  REQUIRE(largest);
  CHECK(*largest == phi.abs().max().item<double>());
  return phi;
}

/// 1/N sum_j [gamma (x_j . x_i + 1) s_j + x_i], pair by pair, in double.
at::Tensor direction_by_loops(const at::Tensor& theta, const at::Tensor& score,
                              double gamma) {
  const auto x = theta.to(at::kDouble);
  const auto s = score.to(at::kDouble);
  auto phi = at::zeros_like(x);
  for (std::int64_t i = 0; i < x.size(0); ++i) {
    for (std::int64_t j = 0; j < x.size(0); ++j)
      phi[i] += gamma * (x[j].dot(x[i]) + 1) * s[j] + x[i];
    phi[i] /= static_cast<double>(x.size(0));
  }
  return phi;
}

} // namespace

TEST_CASE("SVGD with the linear kernel equals the equation as loops",
          "[runtime][svgd][linear]") {
  // One particle, more particles than segments, several blocks of columns.
  for (auto [n, p] :
       {std::pair{1, 5}, {2, 1}, {7, 33}, {33, 300}, {70, 1100}, {3, 9000}}) {
    INFO(n << " particles of " << p);
    const auto theta = draws({n, p}, 1) + 0.5;
    const auto score = draws({n, p}, 2);
    check_close_to_scale(direction(theta, score),
                         direction_by_loops(theta, score, 1), 1e-12);
    check_close_to_scale(direction(theta, score, 0.25),
                         direction_by_loops(theta, score, 0.25), 1e-12);
    const auto theta32 = theta.to(at::kFloat);
    const auto score32 = score.to(at::kFloat);
    // 1e-5: sums of n products of float32, each rounded at 6e-8.
    check_close_to_scale(direction(theta32, score32),
                         direction_by_loops(theta32, score32, 1), 1e-5);
  }
}

TEST_CASE("a weight of the scores leaves the repulsion as it is",
          "[runtime][svgd][annealing]") {
  const auto theta = draws({9, 70}, 3);
  const auto score = draws({9, 70}, 4);
  auto kernel = kernel_matrix(*squared_distances(theta.unbind(0)),
                              median_pairs_bandwidth{});
  REQUIRE(kernel);
  const auto phi = [&](const at::Tensor& s, double gamma) {
    auto out = at::empty_like(theta);
    REQUIRE(apply_direction(*kernel, theta.unbind(0), s.unbind(0),
                            out.unbind(0), gamma));
    return out;
  };
  const auto repulsion = phi(at::zeros_like(score), 1);
  const auto drive = phi(score, 1) - repulsion;
  check_close_to_scale(phi(score, 0.3), 0.3 * drive + repulsion, 1e-12);
  for (double gamma : {0.0, -1.0, 1.5, std::nan("")}) {
    auto out = at::empty_like(theta);
    auto refused = apply_direction(*kernel, theta.unbind(0), score.unbind(0),
                                   out.unbind(0), gamma);
    REQUIRE_FALSE(refused);
    CHECK_THAT(refused.error().message, ContainsSubstring("gamma"));
  }
}

TEST_CASE("with a zero score the linear kernel scales the particles",
          "[runtime][svgd][linear][defect]") {
  const auto theta = draws({6, 4}, 5);
  check_close_to_scale(direction(theta, at::zeros_like(theta)), theta, 1e-15);
}

TEST_CASE("permuting particles permutes their linear SVGD directions",
          "[runtime][svgd][linear]") {
  const auto theta = draws({40, 500}, 6);
  const auto score = draws({40, 500}, 7);
  const auto order =
      at::randperm(40, at::make_generator<at::CPUGeneratorImpl>(8), at::kLong);
  // 1e-12 and not the same bits: sums over particles are in their order.
  check_close_to_scale(
      direction(theta.index_select(0, order), score.index_select(0, order)),
      direction(theta, score).index_select(0, order), 1e-12);
}

TEST_CASE("the linear kernel says how far particles are apart",
          "[runtime][svgd][linear]") {
  const auto theta = draws({5, 30}, 9);
  const auto kernel = kernel_of(theta);
  CHECK(kernel.kind == kernel_kind::linear);
  check_close_to_scale(kernel.matrix, theta.matmul(theta.t()) + 1, 1e-13);
  const auto distances = squared_distances(theta.unbind(0))->squared.sqrt();
  CHECK(kernel.mean_distance
        == Approx(distances.sum().item<double>() / 20).epsilon(1e-12));
  CHECK_FALSE(kernel.collapsed);
  // Equal rows have equal products, to the last bit.
  const auto same =
      draws({1, 3000}, 10, at::kFloat).expand({4, 3000}).contiguous();
  CHECK(kernel_of(same).collapsed);
  CHECK(kernel_of(same).mean_distance == 0);
  CHECK_FALSE(kernel_of(same.narrow(0, 0, 1)).collapsed);
}

TEST_CASE("devices that share the columns get the linear kernel's bits",
          "[runtime][svgd][linear][same_bits]") {
  const auto theta = draws({16, 30'000}, 11, at::kFloat) + 1;
  const auto score = draws({16, 30'000}, 12, at::kFloat);
  const auto whole = direction(theta, score, 0.5);

  const auto segments = svgd_segments(16, 30'000);
  REQUIRE(segments.size() > 3);
  std::vector<at::Tensor> products;
  std::vector<column_range> ranges;
  for (auto [first, end] :
       {std::pair<std::size_t, std::size_t>{0, 3}, {3, segments.size()}}) {
    column_range range{segments[first].first, 0};
    std::vector<std::int64_t> widths;
    for (auto k = first; k < end; ++k) {
      range.width += segments[k].width;
      widths.push_back(segments[k].width);
    }
    const auto mine = theta.narrow(1, range.first, range.width).contiguous();
    auto part = segment_products(mine.unbind(0), widths, row_origin::zero);
    REQUIRE(part);
    products.push_back(*part);
    ranges.push_back(range);
  }
  auto kernel = linear_kernel_of_products(at::cat(products));
  REQUIRE(kernel);
  std::vector<at::Tensor> phi;
  for (const auto& range : ranges) {
    const auto x = theta.narrow(1, range.first, range.width).contiguous();
    const auto s = score.narrow(1, range.first, range.width).contiguous();
    auto slice = at::empty_like(x);
    REQUIRE(apply_direction(*kernel, x.unbind(0), s.unbind(0), slice.unbind(0),
                            0.5));
    phi.push_back(slice);
  }
  CHECK(equal_bits(at::cat(phi, 1), whole));
}

TEST_CASE("the linear kernel names the row that is not finite",
          "[runtime][svgd][linear]") {
  auto theta = draws({6, 5000}, 13, at::kFloat);
  theta[2][4500] = std::numeric_limits<float>::quiet_NaN();
  auto kernel = linear_kernel(theta.unbind(0));
  REQUIRE_FALSE(kernel);
  CHECK(kernel.error().code == errc::non_finite);
  CHECK_THAT(kernel.error().message, ContainsSubstring("theta: row 2 "));
  theta.fill_(1e30);
  kernel = linear_kernel(theta.unbind(0));
  REQUIRE_FALSE(kernel);
  CHECK(kernel.error().code == errc::non_finite);
  CHECK_THAT(kernel.error().message, ContainsSubstring("overflow"));
  CHECK(linear_kernel({}).error().code == errc::invalid_argument);
  CHECK(
      linear_kernel_of_products(at::zeros({2, 3, 4}, at::kDouble)).error().code
      == errc::invalid_argument);
}

TEST_CASE("kernels are read from their names", "[runtime][svgd]") {
  CHECK(*parse_kernel_kind("rbf") == kernel_kind::rbf);
  CHECK(*parse_kernel_kind("linear") == kernel_kind::linear);
  const auto refused = parse_kernel_kind("imq");
  REQUIRE_FALSE(refused);
  CHECK_THAT(refused.error().message, ContainsSubstring("\"imq\""));
}
