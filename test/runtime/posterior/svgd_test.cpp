#include "runtime/device/helping_threads.hpp"
#include "runtime/posterior/svgd.hpp"
#include "test/runtime/posterior/reference.hpp"
#include "test/runtime/posterior/svgd_rows.hpp"
#include "test/support/catch.hpp"

#include <algorithm>
#include <limits>
#include <tuple>

using namespace posse;
using namespace posse::testing;
using Catch::Approx;
using Catch::Matchers::ContainsSubstring;

namespace {

struct outcome {
  at::Tensor phi;
  svgd_result result;
};

/// The direction of stacked particles [N, P], each row a tensor of its own.
outcome direction(const at::Tensor& theta, const at::Tensor& score,
                  const bandwidth_rule& rule) {
  auto phi = at::empty_like(theta);
  auto result =
      svgd_direction(theta.unbind(0), score.unbind(0), rule, phi.unbind(0));
  REQUIRE(result);
  return {phi, *result};
}

pair_distances distances(const at::Tensor& theta) {
  auto result = squared_distances(theta.unbind(0));
  REQUIRE(result);
  return *result;
}

/// Eq. 8 as it is written, pair by pair, in double.
at::Tensor direction_by_loops(const at::Tensor& theta, const at::Tensor& score,
                              double h) {
  auto x = theta.to(at::kDouble);
  auto s = score.to(at::kDouble);
  auto phi = at::zeros_like(x);
  for (std::int64_t i = 0; i < x.size(0); ++i) {
    for (std::int64_t j = 0; j < x.size(0); ++j) {
      auto k = (-(x[j] - x[i]).square().sum() / h).exp();
      phi[i] += k * s[j] + 2 / h * k * (x[i] - x[j]);
    }
    phi[i] /= static_cast<double>(x.size(0));
  }
  return phi;
}

bandwidth_rule rule_of(const nlohmann::json& inputs) {
  auto name = inputs.at("bandwidth_rule").get<std::string>();
  if (name == "median_pairs")
    return median_pairs_bandwidth{};
  if (name == "median_all")
    return median_all_bandwidth{};
  return fixed_bandwidth{inputs.at("h").get<double>()};
}

} // namespace

TEST_CASE("SVGD gives the reference's distances, kernel and direction",
          "[runtime][svgd]") {
  for (const auto& c : reference_cases("svgd.json")) {
    INFO(c.name);
    auto theta = tensor_of(c.inputs["theta"]);
    auto score = tensor_of(c.inputs["score"]);
    auto d = distances(theta);
    check_close_to_scale(d.squared, tensor_of(c.outputs["squared_distances"]),
                         1e-12);
    auto kernel = kernel_matrix(d, rule_of(c.inputs));
    REQUIRE(kernel);
    CHECK(kernel->bandwidth
          == Approx(c.outputs["h"].get<double>()).epsilon(1e-12));
    check_close_to_scale(kernel->matrix, tensor_of(c.outputs["K"]), 1e-12);
    auto [phi, result] = direction(theta, score, rule_of(c.inputs));
    auto expected = tensor_of(c.outputs["phi"]);
    check_close_to_scale(phi, expected, 1e-12);
    // With no score the repulsion is left. It is exactly 0 for one particle.
    auto repulsion =
        direction(theta, at::zeros_like(score), rule_of(c.inputs)).phi;
    check_close_to_scale(repulsion, tensor_of(c.outputs["repulsion"]), 1e-12);
    auto largest = expected.abs().max().item<double>();
    auto drive_error = phi - repulsion - tensor_of(c.outputs["drive"]);
    CHECK(drive_error.abs().max().item<double>() <= 1e-12 * largest);
    CHECK(result.max_direction == phi.abs().max().item<double>());
    check_close_to_scale(theta + c.inputs["lr"].get<double>() * phi,
                         tensor_of(c.outputs["theta_next"]), 1e-12);
    auto [phi32, result32] = direction(theta.to(at::kFloat),
                                       score.to(at::kFloat), rule_of(c.inputs));
    check_close_to_scale(phi32, expected, 1e-5);
  }
}

TEST_CASE("SVGD equals the equation written as loops over pairs",
          "[runtime][svgd]") {
  // One tile and several; one block of columns and several, the last narrower.
  for (auto [n, p] : {std::pair{2, 1}, {7, 33}, {33, 300}, {70, 1100}}) {
    INFO(n << " particles of " << p);
    auto theta = draws({n, p}, 1) + 5;
    auto score = draws({n, p}, 2);
    auto [phi, result] = direction(theta, score, median_pairs_bandwidth{});
    // 1e-12: sums of 1100 products in another order.
    check_close_to_scale(
        phi, direction_by_loops(theta, score, result.bandwidth), 1e-12);
  }
}

TEST_CASE(
    "D1: particles with a zero score spread instead of attracting each other",
    "[runtime][svgd][defect]") {
  // PusH's kernel gradient has the wrong sign: its spread falls to nothing.
  auto theta = draws({6, 4}, 3);
  auto zero = at::zeros_like(theta);
  auto before = 0.0;
  for (int step = 0; step < 80; ++step) {
    auto [phi, result] = direction(theta, zero, fixed_bandwidth{2});
    INFO("step " << step);
    CHECK(result.mean_distance > before);
    before = result.mean_distance;
    theta += 0.1 * phi;
  }
}

TEST_CASE("permuting particles permutes their SVGD directions",
          "[runtime][svgd]") {
  auto theta = draws({40, 500}, 4);
  auto score = draws({40, 500}, 5);
  auto order =
      at::randperm(40, at::make_generator<at::CPUGeneratorImpl>(6), at::kLong);
  auto phi = direction(theta, score, median_all_bandwidth{}).phi;
  auto permuted =
      direction(theta.index_select(0, order), score.index_select(0, order),
                median_all_bandwidth{})
          .phi;
  check_close_to_scale(permuted, phi.index_select(0, order), 1e-12);
}

TEST_CASE("distances of nearly equal float32 rows keep their digits",
          "[runtime][svgd]") {
  // Far from 0, and apart by the last bit of one element: |x|^2 + |y|^2 is
  // 1e15 times their squared distance, so that the Gram form alone knows none
  // of it.
  auto theta = draws({4, 3000}, 7, at::kFloat) + 100;
  theta[1].copy_(theta[0]);
  theta[2].copy_(theta[0]);
  theta[2][17] = std::nextafter(theta[0][17].item<float>(), 1e9F);
  auto [d, close] = distances(theta);
  CHECK(close);
  CHECK(d[0][1].item<double>() == 0);
  auto gap = theta[2][17].item<double>() - theta[0][17].item<double>();
  CHECK(d[0][2].item<double>() == Approx(gap * gap).epsilon(1e-14));
  CHECK(d[1][2].item<double>() == d[0][2].item<double>());
  auto far = (theta[3].to(at::kDouble) - theta[0].to(at::kDouble))
                 .square()
                 .sum()
                 .item<double>();
  CHECK(d[0][3].item<double>() == Approx(far).epsilon(1e-12));
}

TEST_CASE("SVGD has the same bits wherever the rows lie", "[runtime][svgd]") {
  auto type = GENERATE(at::kFloat, at::kDouble);
  const std::int64_t n = 37;
  const std::int64_t p = 1001;
  auto theta = draws({n, p}, 8, type);
  auto score = draws({n, p}, 9, type);
  auto packed = direction(theta, score, median_pairs_bandwidth{}).phi;

  // Rows of wider banks, at an odd offset, in reverse order in memory.
  auto bank_theta = at::full({n, p + 27}, 7.0, type);
  auto bank_score = at::full({n, p + 27}, 7.0, type);
  std::vector<at::Tensor> theta_rows, score_rows;
  for (std::int64_t i = 0; i < n; ++i) {
    theta_rows.push_back(bank_theta[n - 1 - i].narrow(0, 1 + i % 3, p));
    theta_rows.back().copy_(theta[i]);
    score_rows.push_back(bank_score[i].narrow(0, 3, p));
    score_rows.back().copy_(score[i]);
  }
  // In place: the direction takes the score's room.
  REQUIRE(svgd_direction(theta_rows, score_rows, median_pairs_bandwidth{},
                         score_rows));
  CHECK(equal_bits(at::stack(score_rows), packed));
  CHECK(bank_score.narrow(1, 0, 3).eq(7).all().item<bool>());
  CHECK(bank_score.narrow(1, p + 3, 24).eq(7).all().item<bool>());
}

TEST_CASE("SVGD has the same bits whoever helps", "[runtime][svgd]") {
  auto [n, p] =
      GENERATE(std::pair{5, 20'000}, std::pair{64, 802}, std::pair{75, 10'001});
  auto type = GENERATE(at::kFloat, at::kDouble);
  auto theta = draws({n, p}, 10, type);
  auto score = draws({n, p}, 11, type);
  auto alone = direction(theta, score, median_pairs_bandwidth{});
  for (std::size_t count : {1, 3}) {
    helping_threads help{count};
    const help_scope scope{help};
    auto helped = direction(theta, score, median_pairs_bandwidth{});
    INFO(n << " particles, " << count << " helpers");
    CHECK(equal_bits(helped.phi, alone.phi));
    CHECK(helped.result.bandwidth == alone.result.bandwidth);
    CHECK(helped.result.max_direction == alone.result.max_direction);
  }
}

TEST_CASE("SVGD of float32 rows equals the equation in double",
          "[runtime][svgd]") {
  for (auto [n, p] : {std::pair{2, 5}, {7, 33}, {33, 300}, {70, 1100}}) {
    INFO(n << " particles of " << p);
    // Far from 0, beside which they differ by little: centring takes care.
    auto theta = draws({n, p}, 1, at::kFloat) + 50;
    auto score = draws({n, p}, 2, at::kFloat) * 100;
    auto [phi, result] = direction(theta, score, median_pairs_bandwidth{});
    check_close_to_scale(
        phi, direction_by_loops(theta, score, result.bandwidth), 1e-6);
  }
}

TEST_CASE("SVGD of close float32 rows keeps the digits of double",
          "[runtime][svgd]") {
  // From far apart to nearly equal beside a cloud of others; the factor is of
  // what is between the first two, beside their size.
  auto apart = GENERATE(1.0, 0.3, 0.1, 1e-2, 1e-4);
  auto theta = draws({6, 400}, 20, at::kFloat);
  theta[1] = theta[0] + apart * theta[1];
  auto score = draws({6, 400}, 21, at::kFloat);
  CHECK(distances(theta).close == (apart < 0.2));
  // Little enough for the first two to push each other more than others do.
  const fixed_bandwidth h{2 * 400 * apart * apart};
  auto phi = direction(theta, score, h).phi;
  check_close_to_scale(phi, direction_by_loops(theta, score, h.h), 1e-5);
}

TEST_CASE("particles out of each other's reach climb their own scores",
          "[runtime][svgd]") {
  auto theta = draws({9, 50}, 22, at::kFloat) * 1e3;
  auto score = draws({9, 50}, 23, at::kFloat);
  // 2/h is 2e4 here: a particle's own share of the repulsion, kept beside the
  // score, would take five of its digits.
  auto phi = direction(theta, score, fixed_bandwidth{1e-4}).phi;
  check_close_to_scale(phi, score / 9, 1e-7);
}

TEST_CASE("one particle climbs its own score", "[runtime][svgd]") {
  auto theta = draws({1, 20}, 12);
  auto score = draws({1, 20}, 13);
  for (const bandwidth_rule& rule : {bandwidth_rule{median_pairs_bandwidth{}},
                                     bandwidth_rule{median_all_bandwidth{}},
                                     bandwidth_rule{fixed_bandwidth{0.5}}}) {
    auto [phi, result] = direction(theta, score, rule);
    CHECK(equal_bits(phi, score));
    CHECK(result.mean_distance == 0);
    CHECK_FALSE(result.collapsed);
  }
}

TEST_CASE("coincident particles are reported and move by their mean score",
          "[runtime][svgd]") {
  auto theta = draws({1, 9}, 14).expand({5, 9}).contiguous();
  auto score = draws({5, 9}, 15);
  for (const bandwidth_rule& rule : {bandwidth_rule{median_pairs_bandwidth{}},
                                     bandwidth_rule{median_all_bandwidth{}},
                                     bandwidth_rule{fixed_bandwidth{2}}}) {
    auto [phi, result] = direction(theta, score, rule);
    CHECK(result.collapsed);
    CHECK(result.mean_distance == 0);
    check_close_to_scale(phi, score.mean(0).expand({5, 9}), 1e-14);
  }
}

TEST_CASE("a median of 0 gives way to the mean of the squared distances",
          "[runtime][svgd]") {
  // Four of five on one spot: six of ten pairs have no distance, four have 1.
  auto theta = at::zeros({5, 3});
  theta[4][0] = 1;
  auto kernel = kernel_matrix(distances(theta), median_pairs_bandwidth{});
  REQUIRE(kernel);
  CHECK(kernel->collapsed);
  CHECK(kernel->bandwidth == Approx(0.4 / std::log(5.0)));
  kernel = kernel_matrix(distances(theta), median_all_bandwidth{});
  CHECK(kernel->bandwidth == Approx(8.0 / 25 / std::log(6.0)));
}

TEST_CASE("SVGD names the row that is not finite", "[runtime][svgd]") {
  auto bad = GENERATE(std::numeric_limits<float>::quiet_NaN(),
                      -std::numeric_limits<float>::infinity());
  auto theta = draws({6, 5000}, 16, at::kFloat);
  auto score = draws({6, 5000}, 17, at::kFloat);
  auto phi = at::empty_like(theta);
  auto run = [&] {
    return svgd_direction(theta.unbind(0), score.unbind(0),
                          median_pairs_bandwidth{}, phi.unbind(0));
  };
  score[3][4999] = bad;
  CHECK(run().error().code == errc::non_finite);
  CHECK_THAT(run().error().message, ContainsSubstring("score: row 3 "));
  theta[2][4500] = bad;
  CHECK(run().error().code == errc::non_finite);
  CHECK_THAT(run().error().message, ContainsSubstring("theta: row 2 "));
}

TEST_CASE("SVGD refuses rows that do not fit together", "[runtime][svgd]") {
  auto theta = draws({3, 8}, 18);
  auto refused = [](auto&& x) {
    REQUIRE_FALSE(x);
    CHECK(x.error().code == errc::invalid_argument);
    return x.error().message;
  };
  CHECK_THAT(refused(squared_distances({})), ContainsSubstring("at least one"));
  std::vector<at::Tensor> rows{theta[0], theta[1].narrow(0, 0, 7)};
  CHECK_THAT(refused(squared_distances(rows)), ContainsSubstring("row 1"));
  rows[1] = theta[1].to(at::kFloat);
  CHECK_THAT(refused(squared_distances(rows)), ContainsSubstring("row 1"));
  rows[1] = theta.t()[0];
  refused(squared_distances(rows));
  rows[1] = at::Tensor{};
  CHECK_THAT(refused(squared_distances(rows)), ContainsSubstring("undefined"));
  auto all = theta.unbind(0);
  auto two = theta.narrow(0, 0, 2).unbind(0);
  refused(svgd_direction(all, two, median_pairs_bandwidth{}, all));
  refused(svgd_direction(all, all, median_pairs_bandwidth{}, two));
  for (auto h : {0.0, -1.0, std::numeric_limits<double>::quiet_NaN(),
                 std::numeric_limits<double>::infinity()})
    refused(svgd_direction(all, all, fixed_bandwidth{h}, all));
  auto kernel = kernel_matrix(distances(theta), fixed_bandwidth{1});
  refused(apply_direction(*kernel, two, two, two));
}

TEST_CASE("SVGD finds the mean and variance of a Gaussian", "[runtime][svgd]") {
  auto mean = at::tensor({1.0, -2.0}, at::kDouble);
  auto variance = at::tensor({0.5, 2.0}, at::kDouble);
  auto theta = draws({50, 2}, 19) * 0.1 + 4;
  for (int step = 0; step < 500; ++step) {
    auto score = (mean - theta) / variance;
    theta += 0.2 * direction(theta, score, median_pairs_bandwidth{}).phi;
  }
  // At the fixed point the sum of phi over particles is the sum of kernel
  // weighted scores: symmetric about the mean but for the particles' own
  // asymmetry. SVGD's variance is low by O(D/N) (Ba et al., ICLR 2022).
  CHECK((theta.mean(0) - mean).abs().max().item<double>() < 0.05);
  auto ratio = theta.var(0, false) / variance;
  CHECK(ratio.min().item<double>() > 0.8);
  CHECK(ratio.max().item<double>() < 1.1);
}

TEST_CASE("bandwidth rules are read from their text", "[runtime][svgd]") {
  CHECK(std::holds_alternative<median_pairs_bandwidth>(
      *parse_bandwidth_rule("median")));
  CHECK(std::holds_alternative<median_all_bandwidth>(
      *parse_bandwidth_rule("median_all")));
  CHECK(std::get<fixed_bandwidth>(*parse_bandwidth_rule("2.5e-1")).h == 0.25);
  for (auto text : {"", "mean", "0", "-1", "nan", "inf", "1x", "1e999"}) {
    INFO(text);
    auto rule = parse_bandwidth_rule(text);
    REQUIRE_FALSE(rule);
    CHECK(rule.error().code == errc::invalid_argument);
    CHECK_THAT(rule.error().message, ContainsSubstring(text));
  }
}

namespace {

/// Columns [first, first + width) of each row, somewhere else in memory.
std::vector<at::Tensor> columns(const at::Tensor& stacked, column_range range) {
  auto all = stacked.narrow(1, range.first, range.width).contiguous();
  return all.unbind(0);
}

/// Neighbouring segments [first, end) as one range, with their widths.
struct share {
  column_range range;
  std::vector<std::int64_t> widths;
};
share join(const std::vector<column_range>& segments, std::size_t first,
           std::size_t end) {
  share out{{segments[first].first, 0}, {}};
  for (auto i = first; i < end; ++i) {
    out.range.width += segments[i].width;
    out.widths.push_back(segments[i].width);
  }
  return out;
}

} // namespace

TEST_CASE("segments cut all columns into neighbours", "[runtime][svgd]") {
  for (auto [n, p] : {std::pair{1, 1},
                      {2, 5000},
                      {16, 203'536},
                      {33, 20'000},
                      {1000, 700},
                      {1000, 50'000},
                      {3, 4097}}) {
    INFO(n << " particles of " << p);
    const auto segments = svgd_segments(n, p);
    REQUIRE_FALSE(segments.empty());
    CHECK(segments.size() <= 16);
    std::int64_t next = 0;
    for (const auto& segment : segments) {
      CHECK(segment.first == next);
      CHECK(segment.width > 0);
      next += segment.width;
    }
    CHECK(next == p);
  }
  CHECK(svgd_segments(16, 203'536).size() == 16);
  // [N, N] a segment would be more than the rows themselves.
  CHECK(svgd_segments(1000, 700).size() == 1);
}

TEST_CASE("devices that share the columns get the bits of one that does not",
          "[runtime][svgd][same_bits]") {
  for (auto [n, p, parts] : {std::tuple{2, 5000, 2},
                             {7, 33, 1},
                             {16, 30'000, 3},
                             {33, 20'000, 5},
                             {70, 5000, 4}}) {
    INFO(n << " particles of " << p << " on " << parts << " devices");
    const auto theta = draws({n, p}, 1, at::kFloat) + 3;
    const auto score = draws({n, p}, 2, at::kFloat);
    const auto [whole, result] =
        direction(theta, score, median_pairs_bandwidth{});

    const auto segments = svgd_segments(n, p);
    const auto count = std::min<std::size_t>(parts, segments.size());
    std::vector<share> shares;
    for (std::size_t k = 0; k < count; ++k)
      shares.push_back(join(segments, segments.size() * k / count,
                            segments.size() * (k + 1) / count));
    std::vector<at::Tensor> products;
    for (const auto& mine : shares) {
      auto part = segment_products(columns(theta, mine.range), mine.widths);
      REQUIRE(part);
      products.push_back(*part);
    }
    auto distances = distances_of_products(at::cat(products));
    REQUIRE(distances);
    CHECK_FALSE(distances->close);
    auto kernel = kernel_matrix(*distances, median_pairs_bandwidth{});
    REQUIRE(kernel);
    CHECK(kernel->bandwidth == result.bandwidth);

    std::vector<at::Tensor> phi;
    double largest = 0;
    for (const auto& mine : shares) {
      auto slice = at::empty({n, mine.range.width}, at::kFloat);
      auto peak = apply_direction(*kernel, columns(theta, mine.range),
                                  columns(score, mine.range), slice.unbind(0));
      REQUIRE(peak);
      largest = std::max(largest, *peak);
      phi.push_back(slice);
    }
    CHECK(equal_bits(at::cat(phi, 1), whole));
    CHECK(largest == result.max_direction);
  }
}

TEST_CASE("products say when pairs are too close for them", "[runtime][svgd]") {
  auto theta = draws({4, 100}, 1);
  theta[2].copy_(theta[0]);
  const auto range = svgd_segments(4, 100);
  REQUIRE(range.size() == 1);
  auto products =
      segment_products(theta.unbind(0), std::vector{range[0].width});
  REQUIRE(products);
  auto distances = distances_of_products(*products);
  REQUIRE(distances);
  CHECK(distances->close);
}

TEST_CASE("products of rows that do not fit the segments are an error",
          "[runtime][svgd]") {
  const auto theta = draws({4, 100}, 1);
  CHECK(segment_products(theta.unbind(0), std::vector<std::int64_t>{60, 39})
            .error()
            .code
        == errc::invalid_argument);
  CHECK(distances_of_products(at::zeros({2, 3, 4}, at::kDouble)).error().code
        == errc::invalid_argument);
  auto bad = draws({4, 100}, 1);
  bad[1][7] = std::numeric_limits<double>::quiet_NaN();
  auto products =
      segment_products(bad.unbind(0), std::vector<std::int64_t>{100});
  REQUIRE(products);
  // The rows themselves have to be looked at for what is wrong.
  auto distances = distances_of_products(*products);
  REQUIRE(distances);
  CHECK(distances->close);
  CHECK_THAT(squared_distances(bad.unbind(0)).error().message,
             ContainsSubstring("row 1 "));
}
