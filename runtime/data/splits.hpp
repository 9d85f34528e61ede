#pragma once

#include "messages/failure.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <vector>

namespace posse {

/// Reads the test rows of split `split` from a file that holds one split a
/// line, as 0-based row numbers separated by commas.
///
/// @param split Number of the line, from 0.
/// @param rows Rows of the data; every number must be below it.
/// @returns the row numbers in the file's order: unique, at least one, and
///   fewer than `rows`; or errc::invalid_data, as `FILE:LINE: ...`, for a file
///   that cannot be read, too few lines, something else than a whole number, a
///   row out of range or named twice, or no row left to train on.
[[nodiscard]] expected<std::vector<std::uint32_t>>
read_split(const std::filesystem::path& path, std::int64_t split,
           std::size_t rows);

/// Draws round(fraction * rows) test rows, at least one and at most
/// rows - 1, by (seed, split).
///
/// @param rows In [2, 2^32).
/// @param fraction In (0, 1).
/// @returns the rows in ascending order.
[[nodiscard]] std::vector<std::uint32_t> draw_split(std::size_t rows,
                                                    double fraction,
                                                    std::uint64_t seed,
                                                    std::int64_t split);

/// Moves round(fraction * rows) of `training_rows`, drawn by `seed`, to a
/// validation part; at least one row stays.
///
/// @param training_rows Not empty. Keeps its order.
/// @param fraction In [0, 1).
/// @returns the rows taken out, in their order in `training_rows`.
[[nodiscard]] std::vector<std::uint32_t>
take_validation_rows(std::vector<std::uint32_t>& training_rows, double fraction,
                     std::uint64_t seed);

/// The numbers 0, ..., rows - 1 without `taken`, in ascending order.
[[nodiscard]] std::vector<std::uint32_t>
other_rows(std::size_t rows, const std::vector<std::uint32_t>& taken);

} // namespace posse
