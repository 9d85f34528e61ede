#include "runtime/posterior/stein_discrepancy.hpp"

#include "runtime/core/guarded.hpp"
#include "runtime/device/helping_threads.hpp"

#include <ATen/ATen.h>
#include <c10/util/StringUtil.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

namespace posse {

namespace {

/// What pairs of particles are to each other.
class pair_products {
public:
  /// @param rows Theta's N rows, then score's. @param centred Theta less its
  /// mean.
  pair_products(const particle_rows& rows, bool centred)
      : n_{rows.count() / 2} {
    const auto segments = svgd_segments(rows.count(), rows.length());
    const auto all = static_cast<std::size_t>(rows.count() * rows.count());
    std::vector<std::vector<double>> parts(segments.size());
    share_work(segments.size(), [&](std::size_t k) {
      parts[k].resize(all);
      row_block<double> block{rows.count()};
      for_each_block(rows.count(), segments[k], [&](column_range part) {
        block.gather(rows, part);
        if (centred)
          block.centre_first(n_);
        row_kernels_here<double>().add_products(block.data(), block.stride(),
                                                rows.count(), block.padded(),
                                                parts[k].data());
      });
    });
    sums_ = std::move(parts.front());
    for (std::size_t k = 1; k < parts.size(); ++k)
      for (std::size_t i = 0; i < all; ++i)
        sums_[i] += parts[k][i];
  }

  double theta_theta(std::int64_t i, std::int64_t j) const {
    return at(std::min(i, j), std::max(i, j));
  }
  double theta_score(std::int64_t i, std::int64_t j) const {
    return at(i, n_ + j);
  }
  double score_score(std::int64_t i, std::int64_t j) const {
    return at(n_ + std::min(i, j), n_ + std::max(i, j));
  }

private:
  double at(std::int64_t i, std::int64_t j) const {
    return sums_[static_cast<std::size_t>(i * 2 * n_ + j)];
  }

  std::int64_t n_;
  std::vector<double> sums_; ///< [2N, 2N], on and right of the diagonal
};

/// u of particles i and j of P parameters, with k = exp(-|x - y|^2 / h).
double u_of_rbf(const pair_products& of, std::int64_t i, std::int64_t j,
                double length, double h) {
  const auto r2 = i == j ? 0
                         : std::max(of.theta_theta(i, i) + of.theta_theta(j, j)
                                        - 2 * of.theta_theta(i, j),
                                    0.0);
  const auto towards = of.theta_score(i, i) - of.theta_score(j, i)
                       - of.theta_score(i, j) + of.theta_score(j, j);
  return std::exp(-r2 / h)
         * (of.score_score(i, j) + 2 / h * towards + 2 * length / h
            - 4 * r2 / (h * h));
}

/// The same, with k = x . y + 1.
double u_of_linear(const pair_products& of, std::int64_t i, std::int64_t j,
                   double length) {
  return (of.theta_theta(i, j) + 1) * of.score_score(i, j)
         + of.theta_score(i, i) + of.theta_score(j, j) + length;
}

expected<particle_rows> joined(std::span<const at::Tensor> theta,
                               std::span<const at::Tensor> score) {
  if (theta.size() != score.size())
    return fail(errc::invalid_argument,
                c10::str("stein discrepancy: expected a score for each of ",
                         theta.size(), " particles, got ", score.size()));
  std::vector<at::Tensor> all{theta.begin(), theta.end()};
  all.insert(all.end(), score.begin(), score.end());
  return particle_rows::of("theta and score", all);
}

/// The sum over all pairs; u is symmetric.
template <class F>
double sum_over_pairs(std::int64_t n, F&& u) {
  double sum = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    sum += u(i, i);
    for (std::int64_t j = i + 1; j < n; ++j)
      sum += 2 * u(i, j);
  }
  return sum;
}

failure why_not_finite(std::span<const at::Tensor> theta,
                       std::span<const at::Tensor> score) {
  // They fitted together before, and so do each by themselves.
  const auto of_theta = particle_rows::of("theta", theta);
  if (first_non_finite_row(*of_theta) != of_theta->count())
    return non_finite_rows("theta", *of_theta);
  return non_finite_rows("score", *particle_rows::of("score", score));
}

} // namespace

expected<double> squared_stein_discrepancy(std::span<const at::Tensor> theta,
                                           std::span<const at::Tensor> score,
                                           kernel_kind kernel, double h) {
  return guarded("stein discrepancy", [&]() -> expected<double> {
    const bool rbf = kernel == kernel_kind::rbf;
    if (rbf && !(std::isnormal(h) && h > 0))
      return fail(
          errc::invalid_argument,
          c10::str("stein discrepancy: h: expected a number > 0, got ", h));
    auto rows = joined(theta, score);
    if (!rows)
      return fail(std::move(rows));
    const pair_products products{*rows, rbf};
    const auto length = static_cast<double>(rows->length());
    const auto n = rows->count() / 2;
    const auto sum = sum_over_pairs(n, [&](std::int64_t i, std::int64_t j) {
      return rbf ? u_of_rbf(products, i, j, length, h)
                 : u_of_linear(products, i, j, length);
    });
    if (!std::isfinite(sum))
      return tl::unexpected{why_not_finite(theta, score)};
    // Rounding alone makes a sum of squares negative.
    return std::max(sum, 0.0) / static_cast<double>(n * n);
  });
}

} // namespace posse
