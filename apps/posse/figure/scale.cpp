#include "apps/posse/figure/scale.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace posse::figure {

namespace {

/// The least of 1, 2, 5, 10 times a power of ten that is not below `x`.
double round_up(double x) {
  const double power = std::pow(10, std::floor(std::log10(x)));
  for (const double digit : {1.0, 2.0, 5.0})
    if (digit * power >= x * (1 - 1e-9))
      return digit * power;
  return 10 * power;
}

/// Ends of a scale beyond it would overflow in its arithmetic.
constexpr double largest = 1e300;
/// Numbers below are as good as 0 to a linear scale.
constexpr double smallest = 1e-290;

/// A whole power of ten or that times a digit, without the error of repeated
/// products.
double decimal(double digit, int power) {
  return power < 0 ? digit / std::pow(10, -power) : digit * std::pow(10, power);
}

} // namespace

std::vector<double> linear_ticks(double low, double high, std::size_t wanted) {
  const double step = round_up(
      (high - low) / static_cast<double>(std::max<std::size_t>(wanted, 1)));
  std::vector<double> out;
  const double slack = 1e-9 * step; // low may be a multiple but for rounding
  const double first = std::ceil((low - slack) / step);
  const double last = std::floor((high + slack) / step);
  if (!std::isfinite(first) || !std::isfinite(last))
    return out;
  // Counted: beside a number whose last bit is above the step, adding the step
  // would not go on.
  const auto count = static_cast<std::size_t>(std::max(last - first + 1, 0.0));
  for (std::size_t i = 0; i < std::min(count, 2 * wanted + 1); ++i)
    out.push_back((first + static_cast<double>(i)) * step + 0.0); // no -0
  return out;
}

std::vector<double> log_ticks(double low, double high, std::size_t wanted) {
  const int first = static_cast<int>(std::floor(std::log10(low)));
  const int last = static_cast<int>(std::ceil(std::log10(high)));
  auto every = [&](std::span<const double> digits, int stride) {
    std::vector<double> out;
    for (int power = first; power <= last; power += stride)
      for (const double digit : digits)
        if (const double x = decimal(digit, power);
            x >= low * (1 - 1e-9) && x <= high * (1 + 1e-9))
          out.push_back(x);
    return out;
  };
  constexpr double fine[]{1, 2, 5};
  constexpr double coarse[]{1};
  auto out = every(fine, 1);
  for (int stride = 1; out.size() > std::max<std::size_t>(wanted, 1)
                       && stride <= last - first + 1;
       ++stride)
    out = every(coarse, stride);
  return out;
}

std::vector<std::string> tick_labels(std::span<const double> ticks) {
  double largest = 0;
  double gap = std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < ticks.size(); ++i) {
    largest = std::max(largest, std::abs(ticks[i]));
    if (i > 0)
      gap = std::min(gap, std::abs(ticks[i] - ticks[i - 1]));
  }
  if (!std::isfinite(gap))
    gap = largest;
  const int decimals =
      gap > 0
          ? std::max(0, -static_cast<int>(std::floor(std::log10(gap) + 1e-9)))
          : 0;
  const bool plain = largest < 1e6 && decimals <= 4;
  std::vector<std::string> out;
  for (const double x : ticks) {
    // Of a logarithmic axis each tick has the decimals it needs.
    auto text =
        plain ? fmt::format("{:.{}f}", x, decimals) : fmt::format("{:.4g}", x);
    out.push_back(std::move(text));
  }
  const bool uneven = ticks.size() > 2
                      && std::abs((ticks[2] - ticks[1]) - (ticks[1] - ticks[0]))
                             > 1e-6 * largest;
  if (uneven)
    std::ranges::transform(ticks, out.begin(),
                           [](double x) { return fmt::format("{:g}", x); });
  return out;
}

scale::scale(spacing how, double low, double high, double first, double last)
    : how_{how}, low_{low}, high_{high}, first_{first}, last_{last} {
  const bool logarithmic = how == spacing::logarithmic;
  if (!std::isfinite(low_) || (logarithmic && low_ <= 0))
    low_ = logarithmic ? 1 : 0;
  if (!std::isfinite(high_) || high_ < low_)
    high_ = logarithmic ? 10 * low_ : low_ + 1;
  low_ = std::clamp(low_, logarithmic ? 1 / largest : -largest, largest);
  high_ = std::clamp(high_, low_, largest);
  // Apart by more than their last bits, or all would lie in one place.
  const double size = std::max(std::abs(low_), std::abs(high_));
  if (high_ - low_ > size * 1e-9 && size > smallest)
    return;
  if (logarithmic) {
    low_ /= 2;
    high_ *= 2;
  } else {
    const double room = size > smallest ? 0.05 * size : 0.5;
    low_ -= room;
    high_ += room;
  }
}

double scale::operator()(double x) const {
  if (!std::isfinite(x) || (how_ == spacing::logarithmic && x <= 0))
    return std::numeric_limits<double>::quiet_NaN();
  const auto share =
      how_ == spacing::logarithmic
          ? (std::log(x) - std::log(low_)) / (std::log(high_) - std::log(low_))
          : (x - low_) / (high_ - low_);
  constexpr double outside = 1000;
  const auto [left, right] = std::minmax(first_, last_);
  return std::clamp(first_ + share * (last_ - first_), left - outside,
                    right + outside);
}

std::vector<double> scale::ticks(std::size_t wanted) const {
  std::vector<double> out = how_ == spacing::logarithmic
                                ? log_ticks(low_, high_, wanted)
                                : linear_ticks(low_, high_, wanted);
  // A logarithmic stretch of less than a factor of two may hold no round one.
  if (out.size() < 2 && how_ == spacing::logarithmic)
    out = linear_ticks(low_, high_, wanted);
  return out.empty() ? std::vector<double>{low_, high_} : out;
}

} // namespace posse::figure
