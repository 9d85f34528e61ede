#pragma once

#include "messages/failure.hpp"
#include "runtime/posterior/regression_predictive.hpp"

#include <ATen/core/Tensor.h>

namespace posse {

/// Factors that fit_deviation_scale() gives: where every target is at the
/// predicted mean, the best one is 0.
inline constexpr double lowest_deviation_scale = 0.01;
inline constexpr double highest_deviation_scale = 100;

/// The factor s by which an ensemble's standard deviations are multiplied so
/// that the negative log likelihood is least (Levi et al., Sensors 2022,
/// "std scaling"): for regression what a temperature is for classes.
/// The mixture f of a point is stretched about its mean m as a whole, to
/// f(m + (y - m) / s) / s, so that its shape and the epistemic share of its
/// variance stay, as after pooling they should (Rahaman and Thiery, NeurIPS
/// 2021). Of one Gaussian s^2 is the mean of the squared z-scores. A mixture
/// may have several optima: the lowest of a grid of 161 factors, as evenly
/// spaced as their logarithms, is refined.
///
/// @param members Of B points that none has trained on; with variances.
/// @param targets [B], any float dtype, in the units of `members`.
/// @returns s in [lowest_deviation_scale, highest_deviation_scale], to 1e-13 of
///   itself. errc::invalid_argument for tensors that do not fit together, a
///   variance that is not > 0, or a point head; errc::non_finite for a NaN or
///   infinity among them, or targets so far off that no factor has a finite
///   likelihood.
expected<double> fit_deviation_scale(const regression_members& members,
                                     const at::Tensor& targets);

/// The members of the stretched mixture: each one's distance to the mean of all
/// and its standard deviation times `scale`.
/// @param scale > 0, finite.
/// @returns errc::invalid_argument for another; errors as above.
expected<regression_members>
at_deviation_scale(const regression_members& members, double scale);

} // namespace posse
