#pragma once

#include "messages/failure.hpp"

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace posse::bench {

/// One measurement: what a system needs for one unit of work, in microseconds
/// (a particle's step, an iteration of all particles, a round trip).
struct row {
  std::string bench;  ///< step | svgd | swap | scale | message
  std::string system; ///< "bare", "posse", ...
  std::string model;  ///< empty where there is none
  std::int64_t particles{0};
  std::int64_t lanes{1}; ///< threads that compute
  double us_min{0};
  double us_median{0};
  std::size_t repetitions{0};
  std::int64_t steps{0}; ///< units of work a repetition (a particle)
  /// What else was measured, by its name with its unit.
  std::vector<std::pair<std::string, double>> more{};
};

/// Sets us_min and us_median of `target`. @param us One a repetition; not
/// empty.
void summarise(std::vector<double> us, row& target);

/// One line a row, under a heading; times relative to those of the first row
/// with the same bench, model and particles.
std::string to_table(std::span<const row> rows);

/// Writes the rows as one JSON array. @returns errc::io_error.
expected<void> write_json(std::span<const row> rows,
                          const std::filesystem::path& file);

/// Draws best times against numbers of particles, a panel a model.
/// @param rows At least one; each has a model and particles.
/// @returns errc::io_error.
expected<void> write_plot(std::span<const row> rows,
                          const std::filesystem::path& file);

} // namespace posse::bench
