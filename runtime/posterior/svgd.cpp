#include "runtime/posterior/svgd.hpp"

#include "runtime/core/guarded.hpp"
#include "runtime/device/helping_threads.hpp"
#include "runtime/posterior/row_blocks.hpp"

#include <ATen/ATen.h>
#include <c10/util/StringUtil.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace posse {

namespace {

expected<void> check_direction(const svgd_kernel& kernel,
                               const particle_rows& theta,
                               const particle_rows& score,
                               const particle_rows& phi) {
  const auto n = theta.count();
  const auto& k = kernel.matrix;
  if (!k.defined() || k.dim() != 2 || k.size(0) != n || k.size(1) != n
      || k.scalar_type() != at::kDouble || !k.device().is_cpu()
      || !k.is_contiguous())
    return fail(errc::invalid_argument,
                c10::str("svgd: expected a contiguous float64 kernel [", n,
                         ", ", n, "], one row a particle"));
  const auto as_theta = [&](const particle_rows& rows, const char* what) {
    return rows.count() == n && rows.length() == theta.length()
               ? expected<void>{}
               : fail(errc::invalid_argument,
                      c10::str("svgd: expected ", what, " [", n, ", ",
                               theta.length(), "] as theta is, got [",
                               rows.count(), ", ", rows.length(), "]"));
  };
  if (auto fits = as_theta(score, "score"); !fits)
    return fits;
  return as_theta(phi, "phi");
}

/// What a particle gets of all, beside its own score, from the kernel [N, N].
template <class Real>
struct shares_of_others {
  /// The kernel less the unit matrix, in tiles, as the kernel that mixes rows
  /// wants it. Of the RBF kernel the diagonal is then 0.
  std::vector<Real> weights;
  std::vector<double> sums; ///< of its rows

  explicit shares_of_others(const at::Tensor& kernel) {
    const auto n = kernel.size(0);
    const auto height = row_kernels_here<Real>().rows;
    const auto* from = kernel.const_data_ptr<double>();
    weights.resize(
        static_cast<std::size_t>((n + height - 1) / height * height * n));
    for (std::int64_t i = 0; i < n; ++i) {
      auto* to = weights.data() + i / height * height * n + i % height;
      double sum = 0;
      for (std::int64_t j = 0; j < n; ++j) {
        const auto weight = from[i * n + j] - (i == j ? 1 : 0);
        sum += weight;
        to[j * height] = static_cast<Real>(weight);
      }
      sums.push_back(sum);
    }
  }
};

/// Why a direction is not finite: theta's block is not, or the score's
/// share of the drive is not, or their product is too large.
template <class Real>
failure why_not_finite(const row_block<Real>& theta,
                       const row_block<Real>& drive, std::int64_t count,
                       std::int64_t particle) {
  if (theta.first_non_finite_row() != count)
    return {errc::non_finite, "theta: a row holds NaN or infinity"};
  if (const auto row = drive.first_non_finite_row(); row != count)
    return {errc::non_finite,
            c10::str("score: row ", row, " holds NaN or infinity")};
  return {errc::non_finite,
          c10::str("svgd: phi of particle ", particle, " overflows")};
}

/// Eq. 8 with a share of 1 of each particle's own score apart:
/// phi_i = 1/N [s_i + sum_j (K_ij - I_ij) (s_j - pull x_j)] + shift_i x_i. As
/// the RBF kernel has K_ii = 1, what cancels in its repulsion is then no larger
/// than the repulsion of the others. A column's bits do not depend on the
/// columns beside it.
template <class Real>
class direction {
public:
  direction(const svgd_kernel& kernel, double gamma, const particle_rows& theta,
            const particle_rows& score, const particle_rows& phi)
      : theta_{theta}, score_{score}, phi_{phi}, gamma_{static_cast<Real>(
                                                     gamma)},
        scale_{1 / static_cast<Real>(theta.count())}, others_{kernel.matrix} {
    if (kernel.kind == kernel_kind::linear) {
      // grad_{x_j} k(x_j, x_i) = x_i, whatever j: there is nothing to cancel.
      centred_ = false;
      shifts_.assign(others_.sums.size(), 1);
      return;
    }
    pull_ = static_cast<Real>(2 / kernel.bandwidth);
    for (auto sum : others_.sums)
      shifts_.push_back(static_cast<Real>(sum * 2 / kernel.bandwidth) * scale_);
  }

  /// Writes some columns. @returns the largest magnitude among them.
  expected<double> write(column_range columns) const {
    const auto& kernels = row_kernels_here<Real>();
    const auto n = theta_.count();
    row_block<Real> x{n};
    row_block<Real> score{n};
    row_block<Real> drive{n};
    row_block<Real> phi{n};
    expected<double> result{0.0};
    for_each_block(n, columns, [&](column_range part) {
      if (!result)
        return;
      x.gather(theta_, part);
      if (centred_)
        x.centre();
      score.gather(score_, part);
      if (gamma_ != 1)
        score.scale(gamma_);
      drive.resize(part.width);
      for (std::int64_t i = 0; i < n; ++i)
        kernels.drive(score.row(i), x.row(i), pull_, x.padded(), drive.row(i));
      kernels.mix(others_.weights.data(), drive.data(), drive.stride(), n,
                  x.padded(), phi.data());
      for (std::int64_t i = 0; i < n; ++i) {
        const auto peak = static_cast<double>(
            kernels.finish(phi.row(i), score.row(i), x.row(i), x.padded(),
                           scale_, shifts_[static_cast<std::size_t>(i)]));
        if (!(peak <= phi_.largest())) {
          result = tl::unexpected{why_not_finite(x, drive, n, i)};
          return;
        }
        result = std::max(*result, peak);
        phi_.scatter(i, part.first, part.width, phi.row(i));
      }
    });
    return result;
  }

private:
  const particle_rows& theta_;
  const particle_rows& score_;
  const particle_rows& phi_;
  Real gamma_;
  bool centred_{true};
  Real pull_{0};
  Real scale_;
  shares_of_others<Real> others_;
  std::vector<Real> shifts_; ///< [N], by which a particle's own theta counts
};

template <class Real>
expected<double> write_all(const direction<Real>& phi,
                           const particle_rows& theta) {
  const auto parts = svgd_segments(theta.count(), theta.length());
  std::vector<expected<double>> found(parts.size());
  share_work(parts.size(),
             [&](std::size_t k) { found[k] = phi.write(parts[k]); });
  double largest = 0;
  for (const auto& one : found) {
    if (!one)
      return one;
    largest = std::max(largest, *one);
  }
  return largest;
}

bool float_is_enough(const svgd_kernel& kernel, const particle_rows& theta,
                     const particle_rows& score) {
  // Below, 2/h times a parameter may be more than a float can hold.
  constexpr double least_bandwidth = 1e-25;
  return !kernel.close && kernel.bandwidth > least_bandwidth
         && theta.type() == at::kFloat && score.type() == at::kFloat;
}

expected<double> apply(const svgd_kernel& kernel, const particle_rows& theta,
                       std::span<const at::Tensor> score,
                       std::span<const at::Tensor> phi, double gamma) {
  if (!(gamma > 0 && gamma <= 1))
    return fail(
        errc::invalid_argument,
        c10::str("svgd: gamma: expected a number in (0, 1], got ", gamma));
  auto score_rows = particle_rows::of("score", score);
  if (!score_rows)
    return fail(std::move(score_rows));
  auto phi_rows = particle_rows::of("phi", phi);
  if (!phi_rows)
    return fail(std::move(phi_rows));
  if (auto fit = check_direction(kernel, theta, *score_rows, *phi_rows); !fit)
    return fail(std::move(fit));
  if (float_is_enough(kernel, theta, *score_rows))
    return write_all(
        direction<float>{kernel, gamma, theta, *score_rows, *phi_rows}, theta);
  return write_all(
      direction<double>{kernel, gamma, theta, *score_rows, *phi_rows}, theta);
}

} // namespace

expected<double> apply_direction(const svgd_kernel& kernel,
                                 std::span<const at::Tensor> theta,
                                 std::span<const at::Tensor> score,
                                 std::span<const at::Tensor> phi,
                                 double gamma) {
  return guarded("svgd: direction", [&]() -> expected<double> {
    auto rows = particle_rows::of("theta", theta);
    if (!rows)
      return fail(std::move(rows));
    return apply(kernel, *rows, score, phi, gamma);
  });
}

expected<svgd_result> svgd_direction(std::span<const at::Tensor> theta,
                                     std::span<const at::Tensor> score,
                                     const bandwidth_rule& rule,
                                     std::span<const at::Tensor> phi) {
  return guarded("svgd", [&]() -> expected<svgd_result> {
    auto rows = particle_rows::of("theta", theta);
    if (!rows)
      return fail(std::move(rows));
    auto distances = distances_of_rows(*rows);
    if (!distances)
      return fail(std::move(distances));
    auto kernel = kernel_matrix(*distances, rule);
    if (!kernel)
      return fail(std::move(kernel));
    auto largest = apply(*kernel, *rows, score, phi, 1);
    if (!largest)
      return fail(std::move(largest));
    return svgd_result{kernel->bandwidth, kernel->mean_distance,
                       kernel->collapsed, *largest};
  });
}

} // namespace posse
