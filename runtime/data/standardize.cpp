#include "runtime/data/standardize.hpp"

#include <algorithm>
#include <cmath>

namespace posse {

scaling standardizing(const table& data, std::size_t column,
                      std::span<const std::uint32_t> rows) {
  const auto n = static_cast<double>(rows.size());
  double sum = 0;
  double largest = 0;
  for (auto row : rows) {
    sum += data.at(row, column);
    largest = std::max(largest, std::abs(data.at(row, column)));
  }
  const double mean = sum / n;
  // Two passes: the difference of moments would lose all digits of a column
  // whose mean is large against its deviation.
  double squares = 0;
  for (auto row : rows) {
    const double d = data.at(row, column) - mean;
    squares += d * d;
  }
  const double sd = std::sqrt(squares / n);
  return {mean, sd <= 1e-12 * largest ? 1.0 : sd};
}

} // namespace posse
