#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

/// Curves that show whether a posterior's uncertainty can be believed, from the
/// predictions of B points. All spans are of one length, B >= 0.
namespace posse {

/// What Gaussians predict about B points, and what is true.
struct gaussian_predictions {
  std::span<const double> targets;
  std::span<const double> means;
  std::span<const double> deviations; ///< standard deviations, >= 0
};

/// For each level the share of targets in the central interval of that
/// probability, bounds included (Kuleshov et al., ICML 2018, section 3.4, with
/// central intervals): the level itself where calibrated. A target at the mean
/// of a Gaussian without width is inside, any other is outside. Of B = 0: 0.
///
/// @param levels Each in (0, 1).
std::vector<double> coverage_at(const gaussian_predictions& predictions,
                                std::span<const double> levels);

/// Points whose predicted deviation is alike.
struct uncertainty_bin {
  std::size_t count{0}; ///< > 0
  double deviation{0};  ///< root of the mean predicted variance
  double rmse{0};       ///< of their errors: as large where calibrated
};

/// Errors by predicted deviation, in bins of equal counts but for one, by
/// rising deviation (Levi et al., Sensors 2022, eqs. 7 and 8). Points of one
/// deviation stay together, so that there may be fewer bins.
///
/// @param bins At most so many; > 0.
std::vector<uncertainty_bin>
error_by_uncertainty(const gaussian_predictions& predictions, std::size_t bins);

/// The accuracy of the points that are kept.
struct retention_point {
  double kept{0}; ///< share, in (0, 1]
  double accuracy{0};
};

/// Accuracy when the most uncertain points are set aside: an
/// accuracy-rejection curve (Nadeem et al., PMLR 8, 2009). Of points of one
/// uncertainty some are kept at random: the curve has the mean.
///
/// @param right Nonzero where the prediction is right.
/// @param points Shares at which it is told: 1/points, ..., 1; > 0.
std::vector<retention_point>
accuracy_by_retention(std::span<const double> uncertainty,
                      std::span<const std::uint8_t> right, std::size_t points);

/// Counts in bins of equal width over [low, high], low < high; a number at an
/// edge is in the bin above it, `high` in the last, those outside and NaN in
/// none. @param bins > 0.
std::vector<std::size_t> histogram(std::span<const double> values, double low,
                                   double high, std::size_t bins);

} // namespace posse
