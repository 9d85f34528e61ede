#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace posse::figure {

/// 1, 2 or 5 times a power of ten, all multiples of it in [low, high].
/// @param low,high Finite, low < high.
/// @param wanted About how many; > 0. There are at most twice as many and one.
std::vector<double> linear_ticks(double low, double high, std::size_t wanted);

/// Powers of ten in [low, high], with 2 and 5 times them where that gives no
/// more than `wanted`, and of many powers every second, third, ...
/// @param low,high Finite, 0 < low < high.
std::vector<double> log_ticks(double low, double high, std::size_t wanted);

/// What stands at the ticks: all with the decimals that tell them apart, or in
/// scientific notation if that takes more than six digits.
std::vector<std::string> tick_labels(std::span<const double> ticks);

enum class spacing : std::uint8_t { linear, logarithmic };

/// From numbers to pixels.
class scale {
public:
  /// @param low,high Numbers that come to lie at the pixels `first` and `last`.
  ///   Where they are equal or no numbers, they are moved apart or replaced by
  ///   0 and 1; a logarithmic scale takes 1 and 10 for what is not above 0.
  ///   None is larger than 1e300.
  scale(spacing how, double low, double high, double first, double last);

  /// @returns the pixel, at most a thousand outside of the two; NaN for what
  ///   has no place: NaN, infinities, and on a logarithmic scale all up to 0.
  double operator()(double x) const;

  double low() const noexcept { return low_; }
  double high() const noexcept { return high_; }
  double first() const noexcept { return first_; }
  double last() const noexcept { return last_; }

  /// About `wanted` round numbers; at least one.
  std::vector<double> ticks(std::size_t wanted) const;

private:
  spacing how_;
  double low_, high_, first_, last_;
};

} // namespace posse::figure
