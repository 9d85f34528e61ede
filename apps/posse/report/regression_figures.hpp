#pragma once

#include "apps/posse/report/block.hpp"
#include "runtime/checkpoint/prediction_file.hpp"

#include <vector>

namespace posse::report {

/// Test rows that are drawn one by one, at most.
inline constexpr std::size_t most_rows_drawn = 120;

/// Coverage against nominal level, predictive intervals, error against
/// predicted deviation, and how much of the variance is epistemic. A point
/// head, or a single particle, has not all of them.
/// @param x At least one row, with targets.
std::vector<block> regression_figures(const regression_predictions& x);

} // namespace posse::report
