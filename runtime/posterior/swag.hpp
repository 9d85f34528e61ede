#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>

/// The arithmetic of stochastic weight averaging, Gaussian (SWAG; Maddox et
/// al., NeurIPS 2019, algorithm 1): a Gaussian around the mean of a
/// trajectory's iterates, with the diagonal of their covariance and the last K
/// deviations as its low-rank part.
namespace posse {

/// What is remembered of the iterates, all [P], of one dtype and device.
///
/// The paper keeps the mean of the squares; here it is the variance itself,
/// updated as Welford's (Technometrics 1962). The two are the same numbers, but
/// a difference of squares has no digits left in float32 where an iterate moves
/// by a thousandth of its size.
struct swag_moments {
  at::Tensor mean;
  at::Tensor variance; ///< of the iterates so far, divided by their number
};

/// Takes iterate `w` [P] in.
///
/// @param count Iterates taken in before, >= 0; with 0 nothing of `moments` and
///   `column` is read.
/// @param column [P]; becomes the deviation from the new mean: it is 0 for the
///   first iterate.
void swag_collect(const swag_moments& moments, const at::Tensor& column,
                  const at::Tensor& w, std::int64_t count);

/// One draw: mean + sqrt(scale) (sqrt(variance) z1 + D z2 / sqrt(K - 1)). With
/// scale 1/2 it is the paper's.
///
/// @param columns The deviations that there are, at most `rank`.
/// @param rank K > 1: the limit, not the number of columns held.
/// @param scale >= 0.
/// @param least_variance Below which no element's variance counts, >= 0.
/// @param z1 [P] and
/// @param z2 [columns], standard normal.
/// @param out [P]; may be none of the others.
void swag_draw(const swag_moments& moments, std::span<const at::Tensor> columns,
               std::int64_t rank, double scale, double least_variance,
               const at::Tensor& z1, const at::Tensor& z2,
               const at::Tensor& out);

} // namespace posse
