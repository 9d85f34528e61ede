#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace posse {

/// Finite numbers in rows and named columns, as a file gives them.
struct table {
  std::vector<std::string> columns; ///< at least one; unique and not empty
  std::vector<double> values;       ///< row by row, rows * columns of them
  std::size_t rows{0};              ///< at least one once it is read

  double at(std::size_t row, std::size_t column) const {
    return values[row * columns.size() + column];
  }

  /// The number of the column called `name`, if there is one.
  std::optional<std::size_t> find(std::string_view name) const {
    auto found = std::find(columns.begin(), columns.end(), name);
    if (found == columns.end())
      return std::nullopt;
    return static_cast<std::size_t>(found - columns.begin());
  }
};

} // namespace posse
