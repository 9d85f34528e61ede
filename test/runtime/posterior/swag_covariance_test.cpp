#include "test/runtime/posterior/reference.hpp"
#include "test/runtime/posterior/svgd_rows.hpp"
#include "test/runtime/posterior/swag_collection.hpp"
#include "test/support/catch.hpp"

#include <cmath>

/// A draw is linear in its normal numbers, so that its covariance is known
/// without a single random one: draw - mean = A (z1, z2) has A A^T.

using namespace posse;
using namespace posse::testing;

namespace {

constexpr double paper_scale = 0.5;

/// What the draw makes of each unit vector: A's columns for the diagonal part,
/// [P, P], and for the deviations, [P, columns].
struct draw_map {
  at::Tensor diagonal;
  at::Tensor low_rank;

  draw_map(const swag_collection& x, double scale) {
    const auto size = x.moments().mean.size(0);
    const auto held = static_cast<std::int64_t>(x.columns().size());
    const auto deviation = [&](const at::Tensor& z1, const at::Tensor& z2) {
      return at::Tensor{x.draw(scale, 0, z1, z2) - x.moments().mean};
    };
    std::vector<at::Tensor> first, second;
    for (const auto& unit : at::eye(size, at::kDouble).unbind(0))
      first.push_back(deviation(unit, at::zeros({held}, at::kDouble)));
    for (const auto& unit : at::eye(held, at::kDouble).unbind(0))
      second.push_back(deviation(at::zeros({size}, at::kDouble), unit));
    diagonal = at::stack(first, 1);
    low_rank = at::stack(second, 1);
  }

  at::Tensor covariance() const { return squared(diagonal) + low_part(); }
  at::Tensor low_part() const { return squared(low_rank); }

private:
  static at::Tensor squared(const at::Tensor& a) { return a.mm(a.t()); }
};

/// Row i: iterate i less the mean of those up to it.
at::Tensor deviations_of(const at::Tensor& iterates) {
  std::vector<at::Tensor> out;
  for (std::int64_t i = 0; i < iterates.size(0); ++i)
    out.push_back(iterates[i] - iterates.narrow(0, 0, i + 1).mean(0));
  return at::stack(out);
}

swag_collection collected(const at::Tensor& iterates, std::int64_t rank) {
  swag_collection out{iterates.size(1), rank, at::kDouble};
  for (const auto& w : iterates.unbind(0))
    out.add(w);
  return out;
}

} // namespace

TEST_CASE("a SWAG draw has half the diagonal's covariance and half the low "
          "rank's",
          "[runtime][swag]") {
  const auto rank = GENERATE(2, 4, 9); // 9: more than there are iterates
  const auto iterates = draws({7, 6}, 31) + 3;
  const auto x = collected(iterates, rank);
  const auto held = std::min(rank, 7);
  const auto d = deviations_of(iterates).narrow(0, 7 - held, held);
  const auto variance = iterates.var(0, /*unbiased=*/false);
  // Maddox et al. 2019, section 3.2: 1/2 (Sigma_diag + D D^T / (K - 1)), each
  // part divided by sqrt 2 in the draw; K is the limit, not what is held.
  const auto low = d.t().mm(d) / (rank - 1);
  const draw_map map{x, paper_scale};
  check_close_to_scale(map.diagonal, (variance / 2).sqrt().diag(), 1e-12);
  check_close_to_scale(map.low_part(), low / 2, 1e-12);
  check_close_to_scale(map.covariance(), (variance.diag() + low) / 2, 1e-12);
  // Of as many directions as columns, but the first iterate's, which is 0.
  const auto directions = std::min(held, 6);
  CHECK(at::linalg_matrix_rank(map.low_part(), 1e-10).item<std::int64_t>()
        == directions);
  // Scale 1 leaves both factors out; scale 0 leaves the mean.
  check_close_to_scale(draw_map(x, 1).covariance(), variance.diag() + low,
                       1e-12);
  CHECK(draw_map(x, 0).covariance().abs().max().item<double>() == 0);
}

TEST_CASE("SWAG's low rank is the reference's, over K - 1 even where fewer "
          "columns are held",
          "[runtime][swag]") {
  bool has_fewer = false;
  for (const auto& c : reference_cases("swag.json")) {
    INFO(c.name);
    swag_collection x{c.inputs["P"].get<std::int64_t>(),
                      c.inputs["K"].get<std::int64_t>(), at::kDouble};
    if (c.inputs.contains("start"))
      x.add(tensor_of(c.inputs["start"]));
    const auto iterates = tensor_of(c.inputs["iterates"]);
    for (const auto& w : iterates.unbind(0))
      x.add(w);
    // 1e-10: draws are rounded beside a mean that is larger than they differ.
    check_close_to_scale(draw_map(x, 1).low_part(),
                         tensor_of(c.outputs["low_rank_covariance"]), 1e-10);
    const auto& mean = x.moments().mean;
    const auto clamp = c.inputs["variance_clamp"].get<double>();
    check_close_to_scale(x.moments().variance + mean.square(),
                         tensor_of(c.outputs["second_moment"]), 1e-12);
    const auto z1 = tensor_of(c.inputs["z1"]);
    const auto z2 = tensor_of(c.inputs["z2"]);
    const auto scale = c.inputs["scale"].get<double>();
    const auto diagonal = tensor_of(c.outputs["samples_diagonal"]);
    for (std::int64_t s = 0; s < diagonal.size(0); ++s)
      check_close_to_scale(x.draw(scale, clamp, z1[s], at::zeros_like(z2[s])),
                           diagonal[s], 1e-10);
    if (!c.outputs.contains("samples_divided_by_held_columns"))
      continue;
    has_fewer = true;
    const auto columns = x.columns();
    const auto held = static_cast<std::int64_t>(columns.size());
    const auto other = tensor_of(c.outputs["samples_divided_by_held_columns"]);
    for (std::int64_t s = 0; s < other.size(0); ++s) {
      auto out = at::empty_like(mean);
      swag_draw(x.moments(), columns, held, scale, clamp, z1[s], z2[s], out);
      check_close_to_scale(out, other[s], 1e-10);
      CHECK_FALSE(at::allclose(x.draw(scale, clamp, z1[s], z2[s]), other[s],
                               1e-6, 1e-6));
    }
  }
  CHECK(has_fewer);
}

TEST_CASE("descending a quadratic gives SWAG's covariance in closed form",
          "[runtime][swag]") {
  // Without noise w_t = r^t w_0, r = 1 - eps a: all sums are geometric.
  const auto a = at::tensor({0.5, 1.0, 4.0}, at::kDouble);
  const auto start = at::tensor({1.0, -2.0, 3.0}, at::kDouble);
  constexpr double eps = 0.1;
  constexpr std::int64_t steps = 12;
  constexpr std::int64_t rank = 5;
  swag_collection x{3, rank, at::kDouble};
  auto w = start.clone();
  for (std::int64_t t = 0; t < steps; ++t) {
    x.add(w);
    w = w - eps * a * w;
  }
  const auto r = 1 - eps * a;
  const auto mean_of_first = [&](std::int64_t n) {
    return at::Tensor{start * (1 - r.pow(n)) / (n * (1 - r))};
  };
  const auto mean = mean_of_first(steps);
  const auto square =
      start.square() * (1 - r.pow(2 * steps)) / (steps * (1 - r.square()));
  std::vector<at::Tensor> columns;
  for (auto t = steps - rank; t < steps; ++t)
    columns.push_back(start * r.pow(t) - mean_of_first(t + 1));
  const auto d = at::stack(columns, 1);
  check_close(x.moments().mean, mean, 1e-12);
  check_close_to_scale(at::stack(x.columns(), 1), d, 1e-12);
  const auto expected =
      ((square - mean.square()).diag() + d.mm(d.t()) / (rank - 1)) / 2;
  check_close_to_scale(draw_map(x, paper_scale).covariance(), expected, 1e-12);
}

TEST_CASE("on a quadratic SWAG's draws have the variances of SGD's stationary "
          "Gaussian, and half its covariances",
          "[runtime][swag]") {
  // w <- w - eps (Q w + s z), Q = (2 1; 1 2): the eigenvalue q has the variance
  // eps s^2 / (q (2 - eps q)), so that the covariance is s^2 / 105 (11 -4; -4
  // 11) for eps = 1/4. The diagonal part has its variances, the low rank all of
  // it; of each a draw takes half.
  constexpr double eps = 0.25;
  constexpr double s = 0.3;
  constexpr std::int64_t runs = 200;
  constexpr std::int64_t iterates = 60;
  constexpr std::int64_t rank = 20;
  constexpr std::int64_t thinning = 16; // 0.75^16: neighbours are alike by 1 %
  const auto noise = s * draws({runs * iterates * thinning, 2}, 6);
  const auto* z = noise.const_data_ptr<double>();
  double first = 0;
  double second = 0;
  auto got = at::zeros({2, 2}, at::kDouble);
  for (std::int64_t run = 0; run < runs; ++run) {
    swag_collection x{2, rank, at::kDouble};
    for (std::int64_t i = 0; i < iterates; ++i) {
      for (std::int64_t k = 0; k < thinning; ++k, z += 2) {
        const auto slope = 2 * first + second + z[0];
        second -= eps * (first + 2 * second + z[1]);
        first -= eps * slope;
      }
      x.add(at::tensor({first, second}, at::kDouble));
    }
    got += draw_map(x, paper_scale).covariance() / runs;
  }
  // Of n independent iterates the variance about their own mean is (n - 1) / n
  // of the true one, a deviation from the mean so far n / (n + 1).
  double share = 0;
  for (auto n = iterates - rank; n < iterates; ++n)
    share += static_cast<double>(n) / static_cast<double>(n + 1) / (rank - 1);
  const auto variance = s * s * 11 / 105;
  const auto on = (1 - 1.0 / iterates + share) / 2 * variance;
  const auto off = share / 2 * variance * -4 / 11;
  // Five standard errors, from 12,000 iterates for the diagonal part and the
  // 4,000 among them that have columns: (sqrt(2 / 12,000) + sqrt(2 / 4,000)) /
  // 2 of a variance, sqrt((1 + (4/11)^2) / 4,000) / 2 of it for a covariance.
  for (auto i : {0, 1})
    CHECK(std::abs(got[i][i].item<double>() - on) < 0.089 * variance);
  CHECK(std::abs(got[0][1].item<double>() - off) < 0.042 * variance);
  CHECK(std::abs(got[1][0].item<double>() - off) < 0.042 * variance);
}
