#pragma once

#include <span>

namespace posse {

/// A view of M equally weighted Gaussians on the line: what an ensemble says
/// about one point. Both spans have M > 0 elements; deviations are > 0; all are
/// finite. What is given in the units of `means` comes back in them.
struct gaussian_mixture {
  std::span<const double> means;
  std::span<const double> deviations; ///< standard deviations
};

/// P(X <= x), accurate in relative terms in the lower tail too.
double cdf(const gaussian_mixture& f, double x);

/// log f(y), finite however far `y` lies from every mean.
double log_density(const gaussian_mixture& f, double y);

/// The first and the second derivative of log f in y, finite as it is.
struct log_density_slopes {
  double first;
  double second;
};
log_density_slopes slopes_of_log_density(const gaussian_mixture& f, double y);

/// The x with P(X <= x) = p, to 1e-12 of the smallest deviation or to the last
/// bits of x. Where the cdf is flat at p (members far apart) it is one of the
/// points of that stretch.
/// @param p In (0, 1).
double quantile(const gaussian_mixture& f, double p);

/// Continuous ranked probability score, the integral of (F(x) - [x >= y])^2:
/// lower is better, in the units of y. Closed form: Grimit et al. (QJRMS 2006),
/// eq. 5; it looks at every pair of members: O(M^2).
double crps(const gaussian_mixture& f, double y);

/// The same of one Gaussian: Gneiting & Raftery (JASA 2007), eq. 21.
double crps_of_gaussian(double mean, double deviation, double y);

/// log N(y; mean, deviation^2).
double log_density_of_gaussian(double mean, double deviation, double y);

/// The standard normal's quantile, p in (0, 1).
double normal_quantile(double p);

} // namespace posse
