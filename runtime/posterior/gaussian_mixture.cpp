#include "runtime/posterior/gaussian_mixture.hpp"

#include "runtime/posterior/increasing_root.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>

namespace posse {

namespace {

double normal_density(double z) {
  return std::numbers::inv_sqrtpi / std::numbers::sqrt2
         * std::exp(-0.5 * z * z);
}

double normal_cdf(double z) {
  return 0.5 * std::erfc(-z / std::numbers::sqrt2);
}

double density(const gaussian_mixture& f, double x) {
  double sum = 0;
  for (std::size_t i = 0; i < f.means.size(); ++i)
    sum += normal_density((x - f.means[i]) / f.deviations[i]) / f.deviations[i];
  return sum / static_cast<double>(f.means.size());
}

/// The log density at y of the member for which it is largest.
double largest_of_members(const gaussian_mixture& f, double y) {
  auto largest = -std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < f.means.size(); ++i)
    largest = std::max(largest,
                       log_density_of_gaussian(f.means[i], f.deviations[i], y));
  return largest;
}

/// E|X| of X ~ N(mean, deviation^2).
double mean_magnitude(double mean, double deviation) {
  auto z = mean / deviation;
  return mean * std::erf(z / std::numbers::sqrt2)
         + 2 * deviation * normal_density(z);
}

} // namespace

double normal_quantile(double p) {
  assert(p > 0 && p < 1);
  // Beyond 39 deviations both tails are below the smallest double.
  return increasing_root([p](double z) { return normal_cdf(z) - p; },
                         normal_density, {-39, 39, 0}, 1e-14);
}

double cdf(const gaussian_mixture& f, double x) {
  double sum = 0;
  for (std::size_t i = 0; i < f.means.size(); ++i)
    sum += normal_cdf((x - f.means[i]) / f.deviations[i]);
  return sum / static_cast<double>(f.means.size());
}

double log_density_of_gaussian(double mean, double deviation, double y) {
  auto z = (y - mean) / deviation;
  return -0.5 * z * z - std::log(deviation)
         - 0.5 * std::log(2 * std::numbers::pi);
}

double log_density(const gaussian_mixture& f, double y) {
  const auto largest = largest_of_members(f, y);
  double sum = 0;
  for (std::size_t i = 0; i < f.means.size(); ++i)
    sum += std::exp(log_density_of_gaussian(f.means[i], f.deviations[i], y)
                    - largest);
  return largest + std::log(sum / static_cast<double>(f.means.size()));
}

log_density_slopes slopes_of_log_density(const gaussian_mixture& f, double y) {
  const auto largest = largest_of_members(f, y);
  double sum = 0;
  double first = 0;
  double second = 0;
  for (std::size_t i = 0; i < f.means.size(); ++i) {
    const auto deviation = f.deviations[i];
    const auto z = (y - f.means[i]) / deviation;
    const auto weight =
        std::exp(log_density_of_gaussian(f.means[i], deviation, y) - largest);
    sum += weight;
    first -= weight * z / deviation;
    second += weight * (z * z - 1) / (deviation * deviation);
  }
  first /= sum;
  return {first, second / sum - first * first};
}

double quantile(const gaussian_mixture& f, double p) {
  // The members' own quantiles enclose the mixture's.
  auto z = normal_quantile(p);
  auto low = std::numeric_limits<double>::infinity();
  auto high = -low;
  double centre = 0;
  for (std::size_t i = 0; i < f.means.size(); ++i) {
    auto own = f.means[i] + z * f.deviations[i];
    low = std::min(low, own);
    high = std::max(high, own);
    centre += own / static_cast<double>(f.means.size());
  }
  if (low == high)
    return low;
  auto finest = *std::min_element(f.deviations.begin(), f.deviations.end());
  return increasing_root([&](double x) { return cdf(f, x) - p; },
                         [&](double x) { return density(f, x); },
                         {low, high, std::clamp(centre, low, high)},
                         1e-12 * finest);
}

double crps(const gaussian_mixture& f, double y) {
  const auto m = f.means.size();
  double to_target = 0;
  double among_members = 0;
  for (std::size_t i = 0; i < m; ++i) {
    to_target += mean_magnitude(y - f.means[i], f.deviations[i]);
    auto own = f.deviations[i] * std::numbers::sqrt2;
    double others = 0;
    for (std::size_t j = 0; j < i; ++j)
      others += mean_magnitude(f.means[i] - f.means[j],
                               std::hypot(f.deviations[i], f.deviations[j]));
    among_members += mean_magnitude(0, own) + 2 * others;
  }
  auto count = static_cast<double>(m);
  return to_target / count - among_members / (2 * count * count);
}

double crps_of_gaussian(double mean, double deviation, double y) {
  return mean_magnitude(y - mean, deviation)
         - deviation * std::numbers::inv_sqrtpi;
}

} // namespace posse
